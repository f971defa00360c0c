"""The content of a declaration."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import Invalid
from workflow.declarations.schemas import (
    UNDER_CERTIFICATE,
    DeclarationContent,
    SupervisionMode,
    content_document,
    faults,
    parse_declaration,
)


def line(**changes: object) -> dict[str, Any]:
    return {
        "line_no": 1,
        "hs_code": "91069000",
        "name_en": "Photocell timing sensor",
        "name_zh": "光电计时传感器",
        "quantity": "16",
        "unit": "H87",
        "packages": 4,
        "package_kind": "CT",
        "gross_kg": "58.0",
        "net_kg": "48.0",
        "value": "18880.00",
        "currency": "CHF",
        "origin": "CH",
        "certificate_number": "YQ2034-MC-0118",
        "certificate_line": 1,
        **changes,
    }


def content(**changes: object) -> dict[str, Any]:
    return {
        "reference": "XDT-2034-000118",
        "office": "0101",
        "direction": "import",
        "procedure": "53",
        "previous_procedure": "00",
        "supervision_mode": "2600",
        "event": "YQ2034",
        "venue": "Yanqing Sliding Centre",
        "declarant": "91110113MA7E4K21XF",
        "declarant_name": "北京雪道通报关有限公司",
        "holder": "91110119MA3R5W087A",
        "holder_name": "延庆雪车雪橇中心运营有限公司",
        "transport": {
            "mode": "air",
            "means": "LX196",
            "document": {"kind": "air_waybill", "number": "724-62819444"},
        },
        "arrival_date": "2026-01-20",
        "export_country": "CH",
        "destination_country": "CN",
        "trade_terms": "CIP",
        "lines": [
            line(),
            line(
                line_no=2,
                certificate_line=2,
                unit="SET",
                quantity="2",
                packages=2,
                gross_kg="62.4",
                net_kg="54",
                value="49300",
            ),
        ],
        "total_packages": 6,
        "gross_kg": "120.4",
        "currency": "CHF",
        "total_value": "68180.00",
        "documents": [{"kind": "invoice", "number": "CT-26-0417"}],
        **changes,
    }


def single(**changes: object) -> dict[str, Any]:
    """Give content of one line, with totals that fit it."""
    return content(lines=[line(**changes)], total_packages=4, gross_kg="58", total_value="18880")


def found(raw: object) -> list[tuple[str, str]]:
    return [(fault.field, fault.rule) for fault in faults(raw)]


def test_good_content_is_read() -> None:
    read = parse_declaration(content())
    assert read.entry_type == "M"
    assert [item.quantity for item in read.lines] == [Decimal(16), Decimal(2)]
    assert read.lines[0].description == "Photocell timing sensor 光电计时传感器"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (content(office="GB000060"), [("/office", "identifier.format")]),
        (content(direction="transit"), [("/direction", "field.choice")]),
        (content(procedure="99"), [("/procedure", "field.choice")]),
        (content(supervision_mode="0001"), [("/supervision_mode", "field.choice")]),
        (content(previous_procedure="0"), [("/previous_procedure", "field.format")]),
        (content(entry_type="P"), [("/entry_type", "field.choice")]),
        (content(declarant="9111"), [("/declarant", "identifier.length")]),
        (content(export_country="ZN"), [("/export_country", "identifier.unknown-code")]),
        (content(trade_terms="cip"), [("/trade_terms", "field.format")]),
        (content(lines=[]), [("/lines", "field.count")]),
        (content(documents=[{"kind": "poem"}]), [("/documents/0/kind", "field.choice")]),
        (content(channel="green"), [("/channel", "field.unknown")]),
        (single(hs_code="970200"), [("/lines/0/hs_code", "identifier.unknown-code")]),
        (single(net_kg="58.1"), [("/lines/0/net_kg", "mass.net-above-gross")]),
        (single(quantity="1.0000001"), [("/lines/0/quantity", "number.too-fine")]),
        (single(packages=4.5), [("/lines/0/packages", "field.number")]),
        (None, [("", "field.object")]),
    ],
)
def test_each_fault_is_named_at_its_field(raw: object, expected: list[tuple[str, str]]) -> None:
    assert found(raw) == expected


@pytest.mark.parametrize(
    ("transport", "expected"),
    [
        ({"mode": "road", "vehicle_plate": "京A·T3517"}, []),
        ({"mode": "road", "vehicle_plate": "京I12345"}, [("/transport/vehicle_plate", "identifier.format")]),
        ({"mode": "sea", "ship": "9319466", "containers": ["CSQU3054383"]}, []),
        ({"mode": "sea", "ship": "9319467"}, [("/transport/ship", "identifier.check-digit")]),
        (
            {"mode": "sea", "containers": ["CSQU3054383", "CSQU3054384"]},
            [("/transport/containers/1", "identifier.check-digit")],
        ),
        (
            {"mode": "sea", "containers": ["CSQU3054383", "TASU1170000", "CSQU3054383"]},
            [("/transport/containers/2", "field.repeated")],
        ),
        (
            {"mode": "air", "document": {"kind": "air_waybill", "number": "406-91102982"}},
            [("/transport/document/number", "identifier.check-digit")],
        ),
        ({"mode": "teleport"}, [("/transport/mode", "field.choice")]),
        ({}, [("/transport/mode", "field.missing")]),
    ],
)
def test_what_carries_the_goods_is_checked(transport: object, expected: list[tuple[str, str]]) -> None:
    assert found(content(transport=transport)) == expected


@pytest.mark.parametrize(
    ("direction", "procedure", "good"),
    [
        ("import", "40", True),
        ("import", "53", True),
        ("import", "71", True),
        ("import", "31", False),
        ("export", "31", True),
        ("export", "40", False),
        ("export", "53", False),
    ],
)
def test_a_procedure_goes_one_way(direction: str, procedure: str, *, good: bool) -> None:
    expected = [] if good else [("/procedure", "declaration.procedure")]
    assert found(content(direction=direction, procedure=procedure)) == expected


@pytest.mark.parametrize("mode", SupervisionMode)
def test_goods_under_a_certificate_quote_it(mode: SupervisionMode) -> None:
    raw = content(supervision_mode=mode.value)
    for item in raw["lines"]:
        del item["certificate_number"], item["certificate_line"]
    expected = [(f"/lines/{n}/certificate_number", "field.required") for n in (0, 1)]
    assert found(raw) == (expected if mode in UNDER_CERTIFICATE else [])


def test_a_certificate_is_quoted_with_its_line() -> None:
    assert found(single(certificate_line=None)) == [("/lines/0/certificate_line", "field.required")]
    raw = single(certificate_number=None)
    raw["supervision_mode"] = "0110"
    assert found(raw) == [("/lines/0/certificate_line", "declaration.certificate-reference")]
    assert found(single(certificate_number="MC:1")) == [("/lines/0/certificate_number", "identifier.format")]


def test_goods_are_named_in_one_language_at_least() -> None:
    assert found(single(name_en=None)) == []
    assert found(single(name_zh=None)) == []
    assert found(single(name_en=None, name_zh=None)) == [("/lines/0/name_en", "field.required")]
    assert found(single(name_en=None, name_zh="a\nb")) == [("/lines/0/name_zh", "field.control-character")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"total_packages": 5}, [("/total_packages", "declaration.total")]),
        ({"gross_kg": "120.41"}, [("/gross_kg", "declaration.total")]),
        ({"total_value": "68180.01"}, [("/total_value", "declaration.total")]),
        ({"currency": "EUR", "total_value": "70000"}, []),
    ],
)
def test_totals_are_the_sums_of_the_lines(
    changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    """A value in another currency cannot be added up and is taken as it is."""
    assert found(content(**changes)) == expected


def test_a_total_names_what_the_lines_add_up_to() -> None:
    [fault] = faults(content(total_packages=5))
    assert fault.message.en == "The total packages is given as 5; the lines add up to 6."
    assert fault.message.zh == "件数合计填写为5，各项之和为6。"


def test_totals_are_not_compared_with_lines_that_have_faults() -> None:
    raw = content(total_packages=5, lines=[line(unit="XYZ")])
    assert found(raw) == [("/lines/0/unit", "identifier.unknown-code")]


def test_line_numbers_are_unique() -> None:
    raw = content()
    raw["lines"][1]["line_no"] = 1
    raw["office"] = "x"
    assert found(raw) == [
        ("/office", "identifier.format"),
        ("/lines/0/line_no", "field.repeated"),
        ("/lines/1/line_no", "field.repeated"),
    ]
    raw["office"] = "0101"
    with pytest.raises(Invalid):
        parse_declaration(raw)


def test_the_sealed_object_is_json_and_can_be_read_again() -> None:
    document = content_document(parse_declaration(content()))
    assert json.loads(json.dumps(document)) == document
    assert document["lines"][1]["gross_kg"] == "62.4"
    assert document["total_value"] == "68180"
    assert "departure_date" not in document
    assert content_document(parse_declaration(document)) == document


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(DeclarationContent.model_fields)), json_values)
def test_nonsense_in_a_field_breaks_nothing(field: str, value: object) -> None:
    for fault in faults(content(**{field: value})):
        assert fault.field.startswith("/")
        assert fault.message.zh
