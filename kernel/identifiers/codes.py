"""Code lists: countries, currencies, tariff codes, units of measure, kinds of packages."""

from __future__ import annotations

import csv
import gettext
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files

import pycountry

from kernel.errors import Fault, Text
from kernel.identifiers.findings import unknown_code, wrong_format
from kernel.identifiers.headings import nearest_headings, tariff
from kernel.identifiers.nearness import NearCodes

COUNTRY = Text("Country code", "国家（地区）代码")
PLACE = Text("Place code", "地点代码")
CURRENCY = Text("Currency code", "货币代码")
TARIFF = Text("Commodity code", "商品编码")
UNIT = Text("Unit code", "计量单位代码")
PACKAGE = Text("Package code", "包装种类代码")

NATIONAL_CHAPTERS = ("98", "99")
"""Chapters that the Harmonized System leaves to each country."""

_TARIFF = re.compile(r"[0-9]{6}(?:[0-9]{2}){0,2}")
_PLACE = re.compile(r"[A-Z]{3}|[A-Z]{2}[A-Z2-9]{3}|[0-9]{4}")
_LENGTH_LOCODE = 5
_FINEST = 6
"""Decimals of a quantity: millionths."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit of measure of UNECE Recommendation 20."""

    code: str
    name: Text
    kind: str
    """What it measures, empty where the Recommendation gives no exact conversion."""
    factor: Fraction | None
    """How many base units of its kind it is."""


@dataclass(frozen=True, kw_only=True)
class PackageKind:
    """A kind of package of UNECE Recommendation 21."""

    code: str
    name: Text


def check_country(value: str, field: str) -> list[Fault]:
    """Check a country by its two letters (ISO 3166-1 alpha-2)."""
    if country_exists(value):
        return []
    listed_in = Text("ISO 3166-1 (two letters)", "ISO 3166-1（两位字母）")
    return unknown_code(COUNTRY, value, field, listed_in=listed_in, near=_near_countries().suggest(value))


def country_exists(code: str) -> bool:
    """Tell whether two letters are a country of ISO 3166-1."""
    return code in _countries()


def check_place(value: str, field: str) -> list[Fault]:
    """Check the build of a place of arrival: IATA airport, UN/LOCODE, or Chinese customs office.

    Places are opened and closed too often for a list of ours; the country of a UN/LOCODE must exist.
    """
    if _PLACE.fullmatch(value) and (len(value) != _LENGTH_LOCODE or country_exists(value[:2])):
        return []
    shape = Text(
        "Three letters (IATA airport), five of UN/LOCODE, or four digits (customs office).",
        "3位机场代码、5位UN/LOCODE或4位关区代码。",
    )
    return wrong_format(PLACE, value, field, shape=shape)


def check_currency(value: str, field: str) -> list[Fault]:
    """Check a currency by its three letters (ISO 4217)."""
    if value in _currencies():
        return []
    listed_in = Text("ISO 4217 (three letters)", "ISO 4217（三位字母）")
    return unknown_code(CURRENCY, value, field, listed_in=listed_in, near=_near_currencies().suggest(value))


def check_hs(value: str, field: str) -> list[Fault]:
    """Check a commodity code of 6, 8 or 10 digits: the first six must exist in the Harmonized System 2022.

    The chapters 98 and 99 belong to each country and are taken as they are.
    """
    if not _TARIFF.fullmatch(value):
        better = re.sub(r"[ .]", "", value)
        shape = Text("6, 8 or 10 digits without points.", "6、8或10位数字，不含小数点。")
        write_as = better if _TARIFF.fullmatch(better) else ""
        return wrong_format(TARIFF, value, field, shape=shape, write_as=write_as)
    if value[:6] in tariff() or value.startswith(NATIONAL_CHAPTERS):
        return []
    return unknown_code(
        TARIFF,
        value,
        field,
        listed_in=Text("the Harmonized System 2022", "《商品名称及编码协调制度》2022年版"),
        near=nearest_headings(value),
    )


def check_unit(value: str, field: str) -> list[Fault]:
    """Check a unit of measure by its common code (UNECE Recommendation 20)."""
    if value in units():
        return []
    listed_in = Text("UNECE Recommendation 20", "UNECE第20号建议书")
    return unknown_code(UNIT, value, field, listed_in=listed_in, near=_near_units().suggest(value))


def check_package(value: str, field: str) -> list[Fault]:
    """Check a kind of package by its code (UNECE Recommendation 21)."""
    if value in packages():
        return []
    listed_in = Text("UNECE Recommendation 21", "UNECE第21号建议书")
    return unknown_code(PACKAGE, value, field, listed_in=listed_in, near=_near_packages().suggest(value))


def convert_exactly(quantity: Decimal, unit: str, into: str) -> Decimal | None:
    """Express a quantity in another unit, where that is exact.

    Args:
        quantity: How much, in `unit`.
        unit: Its code in Recommendation 20.
        into: The other unit's code.

    Returns:
        The quantity in the other unit; None where Recommendation 20 gives no exact conversion between the
        two, or where the result is finer than a millionth.

    Source: DOMAIN.md §2, rule 4.
    """
    if unit == into:
        return quantity
    here, there = units().get(unit), units().get(into)
    if (
        here is None
        or there is None
        or here.factor is None
        or there.factor is None
        or here.kind != there.kind
    ):
        return None
    exact = Fraction(quantity) * here.factor / there.factor * 10**_FINEST
    return Decimal(f"{exact.numerator}E-{_FINEST}") if exact.denominator == 1 else None


@cache
def units() -> dict[str, Unit]:
    """Give the units of measure by code."""
    return {
        row["code"]: Unit(
            code=row["code"],
            name=Text(row["en"], row["zh"]),
            kind=row["kind"],
            factor=Fraction(row["factor"]) if row["factor"] else None,
        )
        for row in _table("units.csv")
    }


@cache
def packages() -> dict[str, PackageKind]:
    """Give the kinds of packages by code."""
    return {
        row["code"]: PackageKind(code=row["code"], name=Text(row["en"], row["zh"]))
        for row in _table("packages.csv")
    }


def _table(name: str) -> list[dict[str, str]]:
    lines = files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


_USUAL_UNITS = {
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "公斤"), "KGM"),
    **dict.fromkeys(("g", "gr", "gram", "grams"), "GRM"),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes", "吨"), "TNE"),
    **dict.fromkeys(("pc", "pcs", "pce", "pieces", "unit", "units", "件"), "H87"),
    **dict.fromkeys(("l", "ltr", "liter", "liters", "litres"), "LTR"),
    **dict.fromkeys(("m", "meter", "meters", "metres"), "MTR"),
    **dict.fromkeys(("m2", "sqm", "m²"), "MTK"),
    **dict.fromkeys(("m3", "cbm", "m³"), "MTQ"),
    **dict.fromkeys(("pairs", "双", "prs"), "PR"),
    **dict.fromkeys(("sets", "套"), "SET"),
}
"""How units are written in invoices."""
_USUAL_PACKAGES = {
    **dict.fromkeys(("ctn", "ctns", "cartons", "纸箱"), "CT"),
    **dict.fromkeys(("plt", "plts", "pallets", "托盘"), "PX"),
    **dict.fromkeys(("boxes",), "BX"),
    **dict.fromkeys(("cases",), "CS"),
    **dict.fromkeys(("pkg", "pkgs", "packages"), "PK"),
    **dict.fromkeys(("bags",), "BG"),
}
_USUAL_COUNTRIES = {
    **dict.fromkeys(("UK", "England", "Scotland", "Great Britain"), "GB"),
    **dict.fromkeys(("USA", "America"), "US"),
    **dict.fromkeys(("Korea", "South Korea", "ROK", "韩国"), "KR"),
    **dict.fromkeys(("Russia", "俄罗斯"), "RU"),
    **dict.fromkeys(("Holland",), "NL"),
    **dict.fromkeys(("PRC", "P.R. China"), "CN"),
}
_USUAL_CURRENCIES = {
    **dict.fromkeys(("RMB", "CNH", "yuan", "人民币"), "CNY"),
    **dict.fromkeys(("€", "euros"), "EUR"),
    **dict.fromkeys(("$", "US$", "dollar", "dollars", "美元"), "USD"),
    **dict.fromkeys(("£", "sterling"), "GBP"),
    **dict.fromkeys(("Fr", "SFr", "francs"), "CHF"),
}


@cache
def _near_units() -> NearCodes:
    named = {code: unit.name for code, unit in units().items()}
    return NearCodes(named, {name: code for name, code in _USUAL_UNITS.items() if code in named})


@cache
def _near_packages() -> NearCodes:
    named = {code: kind.name for code, kind in packages().items()}
    return NearCodes(named, {name: code for name, code in _USUAL_PACKAGES.items() if code in named})


@cache
def _near_countries() -> NearCodes:
    chinese = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["zh_CN"])
    named = {one.alpha_2: Text(one.name, chinese.gettext(one.name)) for one in pycountry.countries}
    more = [
        (name, one.alpha_2)
        for one in pycountry.countries
        for name in (one.alpha_3, getattr(one, "common_name", ""), getattr(one, "official_name", ""))
    ]
    return NearCodes(named, _USUAL_COUNTRIES, more)


@cache
def _near_currencies() -> NearCodes:
    chinese = gettext.translation("iso4217", pycountry.LOCALES_DIR, languages=["zh_CN"])
    named = {one.alpha_3: Text(one.name, chinese.gettext(one.name)) for one in pycountry.currencies}
    return NearCodes(named, _USUAL_CURRENCIES)
