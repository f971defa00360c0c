"""Words of trade papers in Chinese and English, and the codes that they stand for.

Sources: UNECE Recommendation 20 (units), Recommendation 21 (packages), ISO 4217 (currencies).
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

_UNIT_WORDS = {
    "H87": "pcs pc pce pieces piece ea each nos unit units stk stück 件 个 個 只 块 支 台 把 根 枚 张 片 h87",
    "C62": "c62 one",
    "SET": "set sets 套 组 副 satz",
    "PR": "pair pairs prs pr 双 对",
    "DZN": "doz dozen dzn 打",
    "KGM": "kg kgs kilogram kilograms kilo kgm 千克 公斤",
    "GRM": "g gram grams grm 克",
    "TNE": "t ton tons tonne tonnes mt tne 吨",
    "MTR": "m mtr mtrs meter meters metre metres 米",
    "CMT": "cm cmt 厘米",
    "LTR": "l ltr litre litres liter liters 升",
    "MLT": "ml mlt 毫升",
    "MTK": "m2 m² sqm mtk 平方米",
    "MTQ": "m3 m³ cbm mtq 立方米",
}
UNITS = {word: code for code, words in _UNIT_WORDS.items() for word in words.split()}

# Only conversions that are exact by definition; a set is no number of pieces.
_IN_BASE = {
    "H87": ("piece", 1),
    "C62": ("piece", 1),
    "EA": ("piece", 1),
    "PCE": ("piece", 1),
    "PR": ("piece", 2),
    "DZN": ("piece", 12),
    "GRM": ("gram", 1),
    "KGM": ("gram", 1000),
    "TNE": ("gram", 1_000_000),
    "CMT": ("centimetre", 1),
    "MTR": ("centimetre", 100),
    "MLT": ("millilitre", 1),
    "LTR": ("millilitre", 1000),
}

_PACKAGE_WORDS = {
    "CT": "ctn ctns carton cartons karton kartong 箱 纸箱 ct",
    "CS": "case cases cs 木箱",
    "PX": "plt plts pallet pallets palle palette 托 托盘 板 栈板 px",
    "BX": "box boxes bx 盒",
    "CR": "crate crates cr 板条箱",
    "BG": "bag bags bg 袋",
    "DR": "drum drums dr 桶",
    "RO": "roll rolls ro 卷",
    "PK": "pkg pkgs package packages colli coli pk 件 包",
}
PACKAGES = {word: code for code, words in _PACKAGE_WORDS.items() for word in words.split()}
ANY_PACKAGE = "PK"

CURRENCIES = [
    "CHF",
    "EUR",
    "NOK",
    "USD",
    "CNY",
    "RMB",
    "GBP",
    "JPY",
    "CAD",
    "SEK",
    "DKK",
    "KRW",
    "HKD",
    "AUD",
    "NZD",
    "SGD",
    "PLN",
    "CZK",
    "ISK",
    "TWD",
    "MOP",
    "THB",
    "INR",
    "RUB",
]
_SAME_CURRENCY = {
    "RMB": "CNY",
    "人民币": "CNY",
    "美元": "USD",
    "欧元": "EUR",
    "瑞士法郎": "CHF",
    "挪威克朗": "NOK",
}
CURRENCY = re.compile(
    rf"(?<![A-Za-z])({'|'.join(CURRENCIES)})(?![A-Za-z])|(人民币|美元|欧元|瑞士法郎|挪威克朗)"
)


def unit_code(word: str) -> str:
    """Give the Rec 20 code of a unit's word; an unknown word comes back in capitals."""
    plain = word.strip(" .()（）/").casefold()
    for part in (plain, *re.split(r"[\s/]+", plain)):
        if part in UNITS:
            return UNITS[part]
    return plain.upper()


def package_code(word: str) -> str:
    """Give the Rec 21 code of a package's word; an unknown word comes back in capitals."""
    plain = word.strip(" .()（）/").casefold()
    for part in (plain, *re.split(r"[\s/]+", plain)):
        if part in PACKAGES:
            return PACKAGES[part]
    return plain.upper()


def currency_code(text: str) -> str | None:
    """Give the first currency named in a text."""
    match = CURRENCY.search(text)
    return _SAME_CURRENCY.get(match.group(), match.group()) if match else None


def same_quantity(quantity: Decimal, unit: str, other_unit: str) -> Decimal | None:
    """Express a quantity in another unit, where that is exact and has an end; None where it is not possible."""
    if unit == other_unit:
        return quantity
    here, there = _IN_BASE.get(unit), _IN_BASE.get(other_unit)
    if here is None or there is None or here[0] != there[0]:
        return None
    exact = Fraction(quantity) * here[1] / there[1]
    result = Decimal(exact.numerator) / Decimal(exact.denominator)
    return result if Fraction(result) == exact else None


# Labels of single fields. Longer words come first, so that they win over their own beginnings.
LABELS: dict[str, tuple[str, ...]] = {
    "certificate_no": (
        r"物资证明函(?:编号|号)",
        r"证明函(?:编号|号)",
        r"(?:material\s*)?certificate\s*(?:no|number|ref)",
        r"letter\s*of\s*evidence\s*(?:no|number)",
    ),
    "invoice_no": (
        r"发票(?:号码|编号|号)",
        r"(?:commercial\s*)?invoice\s*(?:no|number|nr)",
        r"inv\s*\.?\s*no",
    ),
    "packing_list_no": (r"装箱单(?:号码|编号|号)", r"packing\s*list\s*(?:no|number|nr)", r"p\s*/\s*l\s*no"),
    "number": (r"编号", r"文号", r"ref(?:erence)?\s*(?:no|number)", r"no(?=\s*[.:：])"),
    "date": (
        r"(?:开票|签发|制单|出具)?日期",
        r"(?:invoice|issue|issuing|document)\s*date",
        r"date\s*of\s*(?:issue|invoice)",
        r"date",
    ),
    "seller": (
        r"卖方",
        r"发货人",
        r"出口商",
        r"供应商",
        r"seller",
        r"shipper",
        r"exporter",
        r"supplier",
        r"consignor",
    ),
    "buyer": (
        r"买方",
        r"收货人",
        r"进口商",
        r"buyer",
        r"consignee",
        r"importer",
        r"sold\s*to",
        r"bill(?:ed)?\s*to",
        r"ship\s*to",
    ),
    "currency": (r"币制", r"币种", r"货币", r"currency"),
    "total_packages": (
        r"总件数",
        r"总箱数",
        r"件数合计",
        r"合计件数",
        r"total\s*(?:(?:no|number)\.?\s*of\s*)?(?:packages|pkgs|cartons|ctns|colli|pallets|cases)",
    ),
    "total_amount": (
        r"总金额",
        r"合计金额",
        r"发票总额",
        r"(?:grand\s*|invoice\s*)?total\s*(?:invoice\s*)?(?:amount|value)",
        r"(?:grand|invoice)\s*total",
    ),
    "gross_kg": (r"总?毛重", r"(?:total\s*)?gross\s*(?:weight|mass)", r"g\s*\.\s*w\s*\.?"),
    "net_kg": (r"总?净重", r"(?:total\s*)?net\s*(?:weight|mass)", r"n\s*\.\s*w\s*\.?"),
    "other": (
        r"成交方式",
        r"付款(?:方式|条件)",
        r"运输(?:单据|方式)",
        r"提单号",
        r"运单号",
        r"原产(?:国|地)",
        r"唛头",
        r"合同号",
        r"联系人",
        r"授权签字",
        r"装(?:运|货)港",
        r"目的港",
        r"terms\s*of\s*(?:delivery|payment)",
        r"(?:delivery|payment|trade)\s*terms",
        r"incoterms",
        r"transport\s*document",
        r"(?:air\s*waybill|awb|bill\s*of\s*lading|b\s*/\s*l)\s*(?:no)?",
        r"country\s*of\s*origin",
        r"shipping\s*marks",
        r"(?:contract|order|p\s*\.?\s*o\s*\.?|l\s*/\s*c)\s*no",
        r"contact",
        r"authori[sz]ed\s*signature",
        r"port\s*of\s*(?:loading|discharge|destination)",
        r"(?:vessel|flight)\s*(?:no)?",
        r"tel(?:ephone)?",
        r"fax",
        r"e-?mail",
        r"address",
        r"valid(?:ity)?\s*until",
        r"有效期至?",
    ),
}

# Headings of table columns: searched in this order, so that `unit price` is found before `unit`.
COLUMNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "other",
            r"型号|商品编码|税号|原产|体积|尺码|唛头|备注|品牌|model|hs\s*code|tariff|origin|volume|cbm|marks|measure|remark|brand|serial",
        ),
        ("unit_price", r"单价|unit\s*price|price\s*/\s*unit|price\s*per"),
        ("gross_kg", r"毛重|gross|g\s*\.?\s*w\s*\.?(?![a-z])"),
        ("net_kg", r"净重|net|n\s*\.?\s*w\s*\.?(?![a-z])"),
        ("packages", r"件数|箱数|包装|packages?|pkgs?|cartons?|ctns?|colli"),
        ("amount", r"金额|总价|总值|amount|total|value"),
        ("quantity", r"数量|quantity|q\s*'?\s*ty|ceiling"),
        ("description", r"名称|品名|货物|货名|description|goods|commodity|article|product"),
        ("unit", r"^\W*(?:计量)?单位|^\W*units?\W*$|^\W*uom\W*$"),
        (
            "line_no",
            r"序号|项号|^\W*(?:item|line|pos)?\s*(?:no|nr)?\W*$|^\W*(?:item|line|position|pos)\W*$|^\W*#\W*$",
        ),
    )
)
LONGEST_HEADING = 40

TOTAL_ROW = re.compile(
    r"^\W*(?:grand\s*|sub\s*)?(?:total|sum)\W*(?:合计|总计)?\W*$|^\W*(?:合\s*计|总\s*计|小\s*计)\W*(?:total)?\W*$",
    re.IGNORECASE,
)
