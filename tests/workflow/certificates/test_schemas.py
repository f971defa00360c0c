"""The content of a material certificate."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import MOST_FAULTS, Invalid
from kernel.particulars import MOST_LINES
from workflow.certificates.schemas import (
    TEMPORARY,
    Category,
    CertificateContent,
    content_document,
    faults,
    parse_certificate,
)


def line(**changes: object) -> dict[str, Any]:
    return {
        "line_no": 1,
        "hs_code": "910690",
        "name_zh": "光电计时传感器",
        "name_en": "Photocell timing sensor",
        "brand": "Chronalp",
        "model": "PTS-6",
        "serials": ["A1", "A2"],
        "quantity": "24",
        "unit": "H87",
        "packages": 6,
        "package_kind": "CT",
        "gross_kg": "87.0",
        "net_kg": "72.0",
        "value": "28320.00",
        "currency": "CHF",
        "origin": "CH",
        **changes,
    }


def content(**changes: object) -> dict[str, Any]:
    return {
        "number": "YQ2034-MC-0118",
        "event": "YQ2034",
        "issuing_team": "Customs and Freight Team",
        "holder": "91110119MA3R5W087A",
        "holder_name": "延庆雪车雪橇中心运营有限公司",
        "broker": "91110113MA7E4K21XF",
        "broker_name": "北京雪道通报关有限公司",
        "venue": "Yanqing Sliding Centre",
        "functional_area": "timing_and_scoring",
        "arrival_ports": ["PEK"],
        "transport_document": {"kind": "air_waybill", "number": "724-62819444"},
        "category": "special_need_temporary",
        "legal_basis": "Istanbul Convention, Annex B.5",
        "guarantee_reference": "YQG-2034-CGU-01",
        "valid_from": "2026-01-12",
        "valid_until": "2026-12-31",
        "re_export_due": "2026-07-12",
        "lines": [line()],
        "contacts": [{"name": "Qian Lei", "telephone": "+86 10 5550 0134", "email": "freight@games.example"}],
        "attachments": [{"kind": "goods_list", "sha256": "ab" * 32}],
        **changes,
    }


def found(raw: object) -> list[tuple[str, str]]:
    return [(fault.field, fault.rule) for fault in faults(raw)]


def without(field: str, **changes: object) -> dict[str, Any]:
    raw = content(**changes)
    del raw[field]
    return raw


CARNET = {"country": "CH", "number": "CH-24.0012"}


def test_good_content_is_read() -> None:
    read = parse_certificate(content())
    assert read.category is Category.SPECIAL_NEED_TEMPORARY
    assert read.lines[0].quantity == Decimal(24)
    assert read.lines[0].serials == ("A1", "A2")


@pytest.mark.parametrize("category", [c for c in Category if c not in TEMPORARY])
def test_other_categories_need_neither_guarantee_nor_due_date(category: Category) -> None:
    raw = content(category=category.value)
    del raw["guarantee_reference"], raw["re_export_due"]
    assert found(raw) == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (content(number="MC:1"), [("/number", "identifier.format")]),
        (content(holder="91110119MA3R5W087B"), [("/holder", "identifier.check-digit")]),
        (content(broker="ZZ:12"), [("/broker", "identifier.unknown-code")]),
        (content(arrival_ports=[]), [("/arrival_ports", "field.count")]),
        (content(arrival_ports=["PEK", "pek"]), [("/arrival_ports/1", "identifier.format")]),
        (
            content(transport_document={"kind": "air_waybill", "number": "724-62819445"}),
            [("/transport_document/number", "identifier.check-digit")],
        ),
        (content(category="gift"), [("/category", "field.choice")]),
        (without("venue"), [("/venue", "field.missing")]),
        (content(comment="x"), [("/comment", "field.unknown")]),
        (content(lines=[]), [("/lines", "field.count")]),
        (content(lines=[line(hs_code="970200")]), [("/lines/0/hs_code", "identifier.unknown-code")]),
        (content(lines=[line(unit="XYZ")]), [("/lines/0/unit", "identifier.unknown-code")]),
        (content(lines=[line(package_kind="QQQ")]), [("/lines/0/package_kind", "identifier.unknown-code")]),
        (content(lines=[line(currency="RMB")]), [("/lines/0/currency", "identifier.unknown-code")]),
        (content(lines=[line(origin="ZU")]), [("/lines/0/origin", "identifier.unknown-code")]),
        (content(lines=[line(quantity="0.0000001")]), [("/lines/0/quantity", "number.too-fine")]),
        (content(lines=[line(quantity="0")]), [("/lines/0/quantity", "number.range")]),
        (content(lines=[line(quantity=2.5)]), [("/lines/0/quantity", "number.not-a-text")]),
        (content(lines=[line(net_kg="87.1")]), [("/lines/0/net_kg", "mass.net-above-gross")]),
        (
            content(lines=[line(serials=["A", "B", "A"])]),
            [("/lines/0/serials", "certificate.serial-repeated")],
        ),
        (content(lines=[line(line_no="1")]), [("/lines/0/line_no", "field.number")]),
        (content(lines=[line(line_no=0)]), [("/lines/0/line_no", "field.range")]),
        (
            content(contacts=[{"name": "A", "telephone": "call me"}]),
            [("/contacts/0/telephone", "field.format")],
        ),
        (content(contacts=[{"name": "A", "email": "nobody"}]), [("/contacts/0/email", "field.format")]),
        (
            content(attachments=[{"kind": "goods_list", "sha256": "x"}]),
            [("/attachments/0/sha256", "field.format")],
        ),
        (None, [("", "field.object")]),
        ([content()], [("", "field.object")]),
    ],
)
def test_each_fault_is_named_at_its_field(raw: object, expected: list[tuple[str, str]]) -> None:
    assert found(raw) == expected


def test_a_carnet_belongs_to_its_category_and_to_no_other() -> None:
    raw = content(category="ata_carnet")
    del raw["guarantee_reference"]
    assert found(raw) == [("/ata_carnet", "field.required")]
    assert found({**raw, "ata_carnet": CARNET}) == []
    assert found(content(ata_carnet=CARNET)) == [("/ata_carnet", "certificate.category")]


def test_temporary_admission_is_guaranteed() -> None:
    assert found(without("guarantee_reference")) == [("/guarantee_reference", "field.required")]


@pytest.mark.parametrize("category", sorted(TEMPORARY))
def test_temporary_admission_ends(category: str) -> None:
    raw = without("re_export_due", category=category)
    if category == Category.ATA_CARNET:
        raw["ata_carnet"] = CARNET
    assert found(raw) == [("/re_export_due", "field.required")]


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("2026-01-12", []),
        ("2026-07-12", []),
        ("2026-07-13", [("/re_export_due", "certificate.re-export-due")]),
        ("2026-01-11", [("/re_export_due", "certificate.re-export-due")]),
        ("2026-02-30", [("/re_export_due", "field.date")]),
    ],
)
def test_goods_leave_within_six_months(due: str, expected: list[tuple[str, str]]) -> None:
    assert found(content(re_export_due=due)) == expected


def test_six_months_end_on_the_last_day_of_a_short_month() -> None:
    assert found(content(valid_from="2026-08-31", re_export_due="2027-02-28")) == []
    assert found(content(valid_from="2026-08-31", valid_until="2027-08-31", re_export_due="2027-03-01")) == [
        ("/re_export_due", "certificate.re-export-due")
    ]


def test_a_validity_does_not_end_before_it_begins() -> None:
    assert found(content(valid_until="2026-01-11")) == [("/valid_until", "certificate.validity")]
    assert found(content(valid_until="2026-01-12")) == []


def test_line_numbers_are_unique() -> None:
    raw = content(lines=[line(), line(line_no=2), line()])
    assert found(raw) == [("/lines/0/line_no", "field.repeated"), ("/lines/2/line_no", "field.repeated")]


def test_a_list_that_is_too_long_is_refused() -> None:
    raw = content(lines=[{"line_no": number} for number in range(MOST_LINES + 1)])
    assert found(raw)[0] == ("/lines", "field.count")


def test_a_long_list_of_nothing_is_answered_briefly() -> None:
    refused = faults(content(lines=[{}] * MOST_LINES))
    assert len(refused) == MOST_FAULTS + 1
    assert refused[-1].rule == "input.more-faults"
    assert refused[-1].message.en == f"There are {13 * MOST_LINES - MOST_FAULTS} more faults."


def test_everything_is_named_at_once() -> None:
    """Faults of fields, of identifiers, and between fields, even where other fields cannot be read."""
    raw = content(
        holder="91110119MA3R5W087B",
        category="ata_carnet",
        valid_until="2025-12-31",
        re_export_due="2027-01-01",
        lines=[line(net_kg="99", hs_code="000000"), line(quantity="x"), line(line_no=3, unit="XYZ")],
        extra=True,
    )
    del raw["venue"]
    assert set(found(raw)) == {
        ("/holder", "identifier.check-digit"),
        ("/venue", "field.missing"),
        ("/ata_carnet", "field.required"),
        ("/valid_until", "certificate.validity"),
        ("/re_export_due", "certificate.re-export-due"),
        ("/lines/0/net_kg", "mass.net-above-gross"),
        ("/lines/0/hs_code", "identifier.unknown-code"),
        ("/lines/0/line_no", "field.repeated"),
        ("/lines/1/line_no", "field.repeated"),
        ("/lines/1/quantity", "number.format"),
        ("/lines/2/unit", "identifier.unknown-code"),
        ("/extra", "field.unknown"),
    }
    with pytest.raises(Invalid) as refused:
        parse_certificate(raw)
    assert len(refused.value.found) == 12


def test_every_fault_speaks_both_languages_and_says_what_to_do() -> None:
    for fault in faults({**content(category="ata_carnet", lines=[{}]), "x": 1}):
        assert fault.message.en
        assert fault.message.zh
        assert fault.next_step.en
        assert fault.next_step.zh


def test_the_sealed_object_is_json_without_what_is_absent() -> None:
    document = content_document(parse_certificate(without("contacts")))
    assert json.loads(json.dumps(document)) == document
    assert document["lines"][0]["quantity"] == "24"
    assert document["lines"][0]["net_kg"] == "72"
    assert document["valid_from"] == "2026-01-12"
    assert "ata_carnet" not in document
    assert document["contacts"] == []


def test_equal_content_is_sealed_equally() -> None:
    one, other = content(), content(lines=[line(quantity="24.000", value="28320", gross_kg=" 87 ")])
    assert content_document(parse_certificate(one)) == content_document(parse_certificate(other))


def test_what_was_sealed_can_be_read_again() -> None:
    document = content_document(parse_certificate(content()))
    assert content_document(parse_certificate(document)) == document


def test_the_input_is_not_changed() -> None:
    raw = content()
    before = copy.deepcopy(raw)
    parse_certificate(raw)
    assert raw == before


def test_the_schema_is_described() -> None:
    schema = CertificateContent.model_json_schema()
    quantity = schema["$defs"]["GoodsLine"]["properties"]["quantity"]
    assert quantity["type"] == "string"
    assert quantity["examples"] == ["12.5"]


FIELDS = sorted(CertificateContent.model_fields)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(FIELDS), json_values)
def test_nonsense_in_a_field_is_named_there_and_breaks_nothing(field: str, value: object) -> None:
    for fault in faults(content(**{field: value})):
        top = fault.field.split("/")[1]
        # a category or a first day that changes moves what other fields must be
        assert top == field or field in {"category", "valid_from"}
