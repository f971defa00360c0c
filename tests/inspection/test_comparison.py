"""What follows from paper and declaration, by the weight of each deviation (DOMAIN.md §2 rule 4)."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.documents import wording
from inspection.documents.comparison import compare_document, likeness_of
from inspection.documents.schema import (
    Box,
    DeclaredGoods,
    DeclaredLine,
    DocumentKind,
    ExtractedDocument,
    ExtractedLine,
    Finding,
    ReadDocument,
    ReadingProvenance,
    ReadNumber,
    ReadText,
    Severity,
    heaviest,
)
from inspection.documents.vocabulary import package_code, same_quantity, unit_code

BOX = Box(10, 20, 110, 50)


def number(value: str, *others: str, confidence: float = 0.98) -> ReadNumber:
    return ReadNumber(Decimal(value), value, confidence, 1, BOX, tuple(Decimal(other) for other in others))


def text(value: str, confidence: float = 0.98) -> ReadText:
    return ReadText(value, value, confidence, 1, BOX)


def paper(kind: DocumentKind, *lines: ExtractedLine, **fields: ReadText | ReadNumber) -> ReadDocument:
    given: dict[str, Any] = dict(fields)
    extracted = ExtractedDocument(lines=lines, **given)
    return ReadDocument(kind, "image/jpeg", ReadingProvenance("", "", (), {}), (), extracted)


def row(
    count: str = "240",
    words: str = "竞赛雪蜡块 Racing ski wax block R8",
    **fields: ReadText | ReadNumber | None,
) -> ExtractedLine:
    usual: dict[str, Any] = {
        "line_no": number("1"),
        "description": text(words),
        "quantity": number(count),
        "unit": text("H87"),
    }
    return ExtractedLine(page=1, box=BOX, **(usual | fields))


WAX = DeclaredLine(
    line_no=1,
    certificate_line=1,
    description="Racing ski wax block 竞赛雪蜡块 R8, 180 g",
    quantity=Decimal(240),
    unit="H87",
    packages=2,
    package_kind="CT",
    gross_kg=Decimal("50.8"),
    net_kg=Decimal("43.2"),
    value=Decimal("44400.00"),
    currency="NOK",
)
DECLARED = DeclaredGoods(lines=(WAX,))


def found(read: ReadDocument, declared: DeclaredGoods = DECLARED) -> dict[str, Finding]:
    return {finding.field: finding for finding in compare_document(read, declared)}


@pytest.mark.parametrize(
    ("quantity", "unit", "code", "severity"),
    [
        ("240", "H87", "document.quantity-matches", Severity.MATCH),
        ("240", "C62", "document.quantity-matches", Severity.MATCH),
        ("20", "DZN", "document.quantity-matches", Severity.MATCH),
        ("120", "PR", "document.quantity-matches", Severity.MATCH),
        ("241", "H87", "document.quantity-excess", Severity.MISMATCH),
        ("21", "DZN", "document.quantity-excess", Severity.MISMATCH),
        ("239", "H87", "document.quantity-short", Severity.WARNING),
        ("240", "SET", "document.units-differ", Severity.NO_VERDICT),
        ("240", "KGM", "document.units-differ", Severity.NO_VERDICT),
    ],
)
def test_quantities_are_compared_in_one_unit(quantity: str, unit: str, code: str, severity: Severity) -> None:
    finding = found(paper(DocumentKind.INVOICE, row(quantity, unit=text(unit))))["quantity"]
    assert (finding.code, finding.severity) == (code, severity)
    assert (finding.line_no, finding.page, finding.box) == (1, 1, BOX)


def test_signs_that_may_mean_the_declared_quantity_match() -> None:
    big = DeclaredGoods(lines=(replace(WAX, quantity=Decimal(12500)),))
    for read, severity in ((number("12.500", "12500"), Severity.MATCH), (number("12.50"), Severity.WARNING)):
        assert found(paper(DocumentKind.INVOICE, row(quantity=read)), big)["quantity"].severity is severity


@pytest.mark.parametrize(
    ("packages", "code", "severity"),
    [
        ("2", "document.packages-match", Severity.MATCH),
        ("3", "document.packages-excess", Severity.MISMATCH),
        ("1", "document.packages-short", Severity.WARNING),
    ],
)
def test_packages_are_counted(packages: str, code: str, severity: Severity) -> None:
    finding = found(paper(DocumentKind.PACKING_LIST, row(packages=number(packages))))["packages"]
    assert (finding.code, finding.severity) == (code, severity)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [("CT", Severity.MATCH), ("PX", Severity.WARNING), ("PK", None)],
)
def test_kinds_of_packages_are_compared_where_one_is_named(kind: str, severity: Severity | None) -> None:
    findings = found(paper(DocumentKind.PACKING_LIST, row(packages=number("2"), package_kind=text(kind))))
    finding = findings.get("package_kind")
    assert (finding.severity if finding else None) is severity


@pytest.mark.parametrize(
    ("amount", "severity"),
    [
        ("44400.00", Severity.MATCH),
        ("44400.01", Severity.MATCH),
        ("44400.02", Severity.WARNING),
        ("90000", Severity.WARNING),
    ],
)
def test_a_value_that_deviates_is_a_warning(amount: str, severity: Severity) -> None:
    assert found(paper(DocumentKind.INVOICE, row(amount=number(amount))))["value"].severity is severity


@pytest.mark.parametrize(
    ("gross", "severity"),
    [
        ("50.8", Severity.MATCH),
        ("51.3", Severity.MATCH),
        ("51.4", Severity.WARNING),
        ("50.2", Severity.WARNING),
    ],
)
def test_weights_have_a_tolerance(gross: str, severity: Severity) -> None:
    findings = found(paper(DocumentKind.PACKING_LIST, row(gross_kg=number(gross))))
    assert findings["gross_kg"].severity is severity


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": number("240", confidence=0.6)},
        {"quantity": number("999", confidence=0.6)},
        {"quantity": None},
        {"unit": text("H87", confidence=0.5)},
    ],
)
def test_what_is_not_read_for_certain_gives_no_verdict(change: dict[str, Any]) -> None:
    finding = found(paper(DocumentKind.INVOICE, row(**change)))["quantity"]
    assert finding.severity is Severity.NO_VERDICT
    assert finding.code in {"document.unreadable", "document.not-found"}


def test_every_uncertain_field_gives_no_verdict() -> None:
    vague: dict[str, Any] = {
        "packages": number("2", confidence=0.3),
        "gross_kg": number("50.8", confidence=0.3),
        "description": text("Racing ski wax block", confidence=0.3),
        "package_kind": text("CT", confidence=0.3),
    }
    goods = replace(DECLARED, certificate_no="MC-0204", total_packages=2)
    read = paper(
        DocumentKind.PACKING_LIST,
        row(**vague),
        certificate_no=text("MC-0204", confidence=0.3),
        total_packages=number("2", confidence=0.3),
    )
    findings = found(read, goods)
    for field in (*vague, "certificate_no", "total_packages", "net_kg"):
        assert findings[field].severity is Severity.NO_VERDICT, field


def test_an_empty_paper_gives_no_verdict_on_anything() -> None:
    goods = replace(
        DECLARED, total_packages=2, gross_kg=Decimal("50.8"), net_kg=Decimal(43), total_value=Decimal(1)
    )
    for kind in DocumentKind:
        findings = compare_document(paper(kind), replace(goods, certificate_no="MC-1", currency="NOK"))
        assert findings
        assert {finding.severity for finding in findings} == {Severity.NO_VERDICT}
    assert heaviest(()) is Severity.NO_VERDICT


def test_goods_that_are_only_on_the_paper_are_a_mismatch() -> None:
    read = paper(DocumentKind.PACKING_LIST, row(), row(words="Fireworks 烟花", line_no=number("2")))
    (extra,) = [
        finding for finding in compare_document(read, DECLARED) if finding.code == "document.line-undeclared"
    ]
    assert (extra.severity, extra.line_no, extra.box) == (Severity.MISMATCH, None, BOX)
    assert "Fireworks" in extra.message.en


def test_a_declared_line_that_is_not_found_gives_no_verdict() -> None:
    stone = replace(WAX, line_no=2, description="Sharpening stone 磨石")
    findings = compare_document(paper(DocumentKind.INVOICE, row()), DeclaredGoods(lines=(WAX, stone)))
    (missing,) = [finding for finding in findings if finding.code == "document.line-not-found"]
    assert (missing.severity, missing.line_no) == (Severity.NO_VERDICT, 2)


def test_lines_are_paired_by_what_they_name_not_by_their_order() -> None:
    stone = replace(WAX, line_no=2, description="Diamond sharpening stone 金刚石磨石", quantity=Decimal(60))
    read = paper(
        DocumentKind.INVOICE,
        row("60", "金刚石磨石 Diamond sharpening stone", line_no=number("1")),
        row("240", line_no=number("2")),
    )
    findings = compare_document(read, DeclaredGoods(lines=(WAX, stone)))
    quantities = [finding for finding in findings if finding.field == "quantity"]
    assert [finding.severity for finding in quantities] == [Severity.MATCH, Severity.MATCH]


def test_descriptions_in_different_languages_are_left_to_a_person() -> None:
    english = replace(WAX, description="Racing ski wax block")
    findings = found(paper(DocumentKind.INVOICE, row(words="竞赛雪蜡块")), DeclaredGoods(lines=(english,)))
    assert findings["description"].severity is Severity.NO_VERDICT
    assert findings["quantity"].severity is Severity.MATCH


def test_another_description_is_a_warning() -> None:
    findings = found(paper(DocumentKind.INVOICE, row(words="Racing ski boots, red")))
    assert findings["description"].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("read", "severity"),
    [
        ("YQ2034-MC-0204", Severity.MATCH),
        ("YQ2034 MC 0204", Severity.MATCH),
        ("yq2034-mc-0204", Severity.MATCH),
        ("YQ2O34-MC-O2O4", Severity.NO_VERDICT),
        ("YQ2034-MC-0205", Severity.MISMATCH),
    ],
)
def test_the_certificate_named_is_the_one_declared(read: str, severity: Severity) -> None:
    goods = replace(DECLARED, certificate_no="YQ2034-MC-0204")
    findings = found(paper(DocumentKind.INVOICE, row(), certificate_no=text(read)), goods)
    assert findings["certificate_no"].severity is severity


def test_a_trade_paper_need_not_name_the_certificate_but_the_letter_must() -> None:
    goods = replace(DECLARED, certificate_no="MC-1")
    assert "certificate_no" not in found(paper(DocumentKind.INVOICE, row()), goods)
    letter = found(paper(DocumentKind.CERTIFICATE, row("600")), goods)
    assert letter["certificate_no"].severity is Severity.NO_VERDICT


@pytest.mark.parametrize(
    ("ceiling", "code", "severity"),
    [
        ("600", "document.ceiling-kept", Severity.MATCH),
        ("240", "document.quantity-matches", Severity.MATCH),
        ("239", "document.ceiling-exceeded", Severity.MISMATCH),
    ],
)
def test_a_certificate_is_a_ceiling(ceiling: str, code: str, severity: Severity) -> None:
    letter = paper(DocumentKind.CERTIFICATE, row(ceiling), row("5", "Horsehair brush", line_no=number("2")))
    findings = compare_document(letter, DECLARED)
    (quantity,) = [finding for finding in findings if finding.field == "quantity"]
    assert (quantity.code, quantity.severity) == (code, severity)
    assert all(finding.code != "document.line-undeclared" for finding in findings)


def test_currency_and_totals_of_an_invoice() -> None:
    goods = replace(DECLARED, currency="NOK", total_value=Decimal(44400), total_packages=2)
    read = paper(
        DocumentKind.INVOICE,
        row(),
        currency=text("SEK"),
        total_amount=number("44000"),
        total_packages=number("3"),
    )
    findings = found(read, goods)
    assert findings["currency"].severity is Severity.WARNING
    assert findings["total_value"].code == "document.value-deviates"
    assert findings["total_packages"].severity is Severity.MISMATCH


def test_a_paper_that_contradicts_itself_is_told() -> None:
    read = paper(
        DocumentKind.INVOICE,
        row(unit_price=number("185.00"), amount=number("44000.00")),
        total_amount=number("44400.00"),
    )
    codes = {finding.code for finding in compare_document(read, DECLARED)}
    assert {"document.sum-differs", "document.product-differs"} <= codes


def test_every_finding_speaks_both_languages_and_survives_json() -> None:
    read = paper(DocumentKind.PACKING_LIST, row("360", packages=number("3"), package_kind=text("PX")))
    for finding in compare_document(read, replace(DECLARED, total_packages=2)):
        assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding
        assert "{" not in finding.message.en + finding.message.zh
    assert (
        found(read)["quantity"].message.zh == "第1项：数量：申报240件，装箱单为360件；单证数量多于申报数量。"
    )
    assert "cartons" in found(read)["package_kind"].message.en
    assert DeclaredGoods.from_json(json.loads(json.dumps(DECLARED.to_json()))) == DECLARED
    assert ReadDocument.from_json(json.loads(json.dumps(read.to_json()))) == read


@pytest.mark.parametrize("code", wording.FINDINGS)
@pytest.mark.parametrize("kind", DocumentKind)
def test_every_sentence_fills_its_places(code: str, kind: DocumentKind) -> None:
    words = wording.sentence(code, kind, "quantity", None, "1 H87", "{2} SET")
    assert "_en}" not in words.en
    assert "_zh}" not in words.zh
    assert not words.en[0].islower()


quantities = st.decimals(min_value=Decimal("0.001"), max_value=10**6, places=3)


@given(quantities, quantities)
def test_more_on_paper_is_never_a_match_and_never_less_than_a_mismatch(
    declared: Decimal, seen: Decimal
) -> None:
    goods = DeclaredGoods(lines=(replace(WAX, quantity=declared),))
    severity = found(paper(DocumentKind.INVOICE, row(f"{seen:f}")), goods)["quantity"].severity
    expected = (
        Severity.MISMATCH if seen > declared else Severity.WARNING if seen < declared else Severity.MATCH
    )
    assert severity is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_symmetric_and_full_for_equals(one: str, other: str) -> None:
    assert likeness_of(one, other) == likeness_of(other, one)
    assert likeness_of(one, one) in {1.0, None}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("PCS", "H87"),
        ("件", "H87"),
        ("套", "SET"),
        ("Sets", "SET"),
        ("kgs", "KGM"),
        ("公斤", "KGM"),
        ("pair", "PR"),
        ("PCS 件", "H87"),
        ("(pcs)", "H87"),
        ("zorkmid", "ZORKMID"),
    ],
)
def test_unit_words(words: str, code: str) -> None:
    assert unit_code(words) == code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("CTNS", "CT"),
        ("纸箱", "CT"),
        ("箱", "CT"),
        ("pallet", "PX"),
        ("托盘", "PX"),
        ("PKGS", "PK"),
        ("件", "PK"),
        ("amphora", "AMPHORA"),
    ],
)
def test_package_words(words: str, code: str) -> None:
    assert package_code(words) == code


@pytest.mark.parametrize(
    ("quantity", "unit", "other", "result"),
    [
        ("2", "KGM", "GRM", "2000"),
        ("500", "GRM", "KGM", "0.5"),
        ("1", "C62", "DZN", None),
        ("3", "SET", "H87", None),
        ("3", "XXX", "XXX", "3"),
        ("1", "MTR", "KGM", None),
    ],
)
def test_units_convert_only_where_that_is_exact(
    quantity: str, unit: str, other: str, result: str | None
) -> None:
    assert same_quantity(Decimal(quantity), unit, other) == (Decimal(result) if result else None)
