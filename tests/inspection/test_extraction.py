"""Fields and tables are found from positioned text, in layouts that the example scans do not have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.documents.extraction import extract
from inspection.documents.schema import Box, DocumentKind, ExtractedDocument, ReadPage, TextLine

HEIGHT = 30


def line(left: int, top: int, text: str, confidence: float = 0.99) -> TextLine:
    """A line of text as the recogniser gives it, as wide as its signs."""
    width = sum(26 if sign > "\u2e80" else 14 for sign in text)
    box = Box(left, top, left + width, top + HEIGHT)
    return TextLine(text, confidence, box, box)


def page(*lines: TextLine, number: int = 1) -> ReadPage:
    return ReadPage(number, 1240, 1754, 0, 0.0, tuple(lines))


def invoice(*lines: TextLine) -> ExtractedDocument:
    return extract(DocumentKind.INVOICE, [page(*lines)])


PLAIN_TABLE = (
    line(90, 600, "Item"),
    line(200, 600, "Description"),
    line(600, 600, "Qty"),
    line(750, 600, "Unit price"),
    line(1000, 600, "Amount USD"),
    line(95, 650, "1"),
    line(200, 650, "Ski poles"),
    line(600, 650, "20 pairs"),
    line(770, 650, "45.50"),
    line(1020, 650, "910.00"),
    line(95, 700, "2"),
    line(200, 700, "Goggles, double lens,"),
    line(200, 735, "with hard case"),
    line(600, 700, "1,200 pcs"),
    line(770, 700, "8.25"),
    line(1020, 700, "9,900.00"),
    line(750, 790, "Total"),
    line(1020, 790, "10,810.00"),
)


def test_a_table_of_one_line_headings_with_rows_hanging_from_the_top() -> None:
    document = invoice(*PLAIN_TABLE)
    first, second = document.lines
    assert first.quantity is not None
    assert (first.quantity.value, first.unit and first.unit.value) == (Decimal(20), "PR")
    assert second.description is not None
    assert second.description.value == "Goggles, double lens, with hard case"
    assert second.quantity is not None
    assert (second.quantity.value, second.quantity.others) == (Decimal(1200), ())
    assert second.amount is not None
    assert second.amount.value == Decimal("9900.00")
    assert document.total_amount is not None
    assert document.total_amount.value == Decimal("10810.00")
    assert document.currency is not None
    assert document.currency.value == "USD"


def test_a_chinese_packing_list_without_line_numbers() -> None:
    document = extract(
        DocumentKind.PACKING_LIST,
        [
            page(
                line(90, 100, "装箱单号：ZX-0099"),
                line(700, 100, "日期：2026年1月5日"),
                line(90, 200, "发货人：北京某某体育用品有限公司"),
                line(90, 300, "品名"),
                line(500, 300, "数量"),
                line(700, 300, "箱数"),
                line(900, 300, "毛重"),
                line(1050, 300, "净重"),
                line(90, 350, "滑雪镜"),
                line(500, 350, "300副"),
                line(700, 350, "6"),
                line(900, 350, "72.5"),
                line(1050, 350, "60"),
                line(90, 400, "雪杖"),
                line(500, 400, "150双"),
                line(700, 400, "5"),
                line(900, 400, "81"),
                line(1050, 400, "75"),
                line(90, 450, "合计"),
                line(700, 450, "11"),
                line(900, 450, "153.5"),
                line(1050, 450, "135"),
            )
        ],
    )
    assert document.number is not None
    assert document.number.value == "ZX-0099"
    assert document.date is not None
    assert document.date.value == date(2026, 1, 5)
    assert document.seller is not None
    assert document.seller.value == "北京某某体育用品有限公司"
    goggles, poles = document.lines
    assert goggles.unit is not None
    assert goggles.unit.value == "SET"
    assert goggles.package_kind is not None
    assert goggles.package_kind.value == "CT"
    assert poles.packages is not None
    assert poles.packages.value == 5
    assert document.total_packages is not None
    assert document.total_packages.value == 11
    assert document.net_kg is not None
    assert document.net_kg.value == 135


def test_two_labels_in_one_line_are_two_fields() -> None:
    document = invoice(line(90, 100, "Invoice No.: A-77/2 Date: 2026-02-01 Currency: EUR"))
    assert document.number is not None
    assert document.number.value == "A-77/2"
    assert document.date is not None
    assert document.date.value == date(2026, 2, 1)
    assert document.currency is not None
    assert document.currency.value == "EUR"


def test_a_value_is_not_taken_from_beyond_another_label() -> None:
    document = invoice(
        line(90, 100, "Seller:"),
        line(600, 100, "Invoice No.:"),
        line(900, 100, "B-12"),
        line(90, 140, "Firma Beispiel AG"),
        line(90, 200, "Buyer:"),
        line(600, 210, "Payment terms:"),
        line(900, 210, "30 days net"),
        line(90, 240, "Games Committee"),
    )
    assert document.seller is not None
    assert document.seller.value == "Firma Beispiel AG"
    assert document.buyer is not None
    assert document.buyer.value == "Games Committee"
    assert document.number is not None
    assert document.number.value == "B-12"


def test_cells_that_were_read_as_one_are_parted_at_the_border() -> None:
    lines = [each for each in PLAIN_TABLE if each.text not in {"45.50", "910.00"}]
    joined = TextLine("45.50               910.00", 0.97, Box(770, 650, 1104, 680), Box(770, 650, 1104, 680))
    first = invoice(*lines, joined).lines[0]
    assert first.unit_price is not None
    assert first.amount is not None
    assert (first.unit_price.value, first.amount.value) == (Decimal("45.50"), Decimal("910.00"))
    assert first.unit_price.box.right <= first.amount.box.left


def test_a_figure_read_together_with_its_unit_is_parted() -> None:
    lines = [
        *PLAIN_TABLE[:2],
        line(600, 600, "Quantity"),
        line(730, 600, "Unit"),
        line(95, 650, "1"),
        line(200, 650, "Ski poles"),
        line(690, 650, "40"),
        line(735, 650, "PCS"),
        line(95, 700, "2"),
        line(200, 700, "Goggles"),
    ]
    merged = TextLine("12PCS", 0.97, Box(690, 700, 780, 730), Box(690, 700, 780, 730))
    second = invoice(*lines, merged).lines[1]
    assert second.quantity is not None
    assert second.unit is not None
    assert (second.quantity.value, second.unit.value) == (Decimal(12), "H87")


def test_two_numbers_in_one_cell_are_in_doubt() -> None:
    first = invoice(*PLAIN_TABLE, line(690, 652, "25")).lines[0]
    assert first.quantity is not None
    assert first.quantity.confidence <= 0.5


def test_a_stray_digit_under_the_table_is_no_row() -> None:
    lines = [each for each in PLAIN_TABLE if each.text not in {"Total", "10,810.00"}]
    assert len(invoice(*lines, line(610, 800, "7")).lines) == 2


def test_a_row_whose_quantity_was_not_read_stays_a_row() -> None:
    lines = [each for each in PLAIN_TABLE if each.text != "20 pairs"]
    first, second = invoice(*lines).lines
    assert first.quantity is None
    assert second.quantity is not None


def test_the_product_settles_what_a_mark_means() -> None:
    lines = [each for each in PLAIN_TABLE if each.text not in {"1,200 pcs", "8.25", "9,900.00"}]
    document = invoice(*lines, line(600, 700, "1.200 pcs"), line(770, 700, "8.250"), line(1020, 700, "9.900"))
    second = document.lines[1]
    assert second.quantity is not None
    assert second.unit_price is not None
    assert second.amount is not None
    assert second.quantity.value * second.unit_price.value == second.amount.value


def test_each_page_of_a_document_gives_its_lines() -> None:
    document = extract(DocumentKind.INVOICE, [page(*PLAIN_TABLE), page(*PLAIN_TABLE, number=2)])
    assert [each.page for each in document.lines] == [1, 1, 2, 2]


def test_text_without_a_table_gives_no_lines_and_an_empty_page_nothing() -> None:
    assert invoice(line(90, 100, "The quantities and goods descriptions are to be confirmed.")).lines == ()
    assert invoice() == ExtractedDocument()


def test_a_letter_is_dated_by_its_last_date_and_named_by_its_number() -> None:
    letter = extract(
        DocumentKind.CERTIFICATE,
        [
            page(
                line(800, 100, "编号 No.: YQ2034-MC-0007"),
                line(90, 200, "This letter is valid until 30 June 2034 and names all goods."),
                line(800, 900, "2026年1月12日"),
            )
        ],
    )
    assert letter.date is not None
    assert letter.date.value == date(2026, 1, 12)
    assert letter.certificate_no == letter.number
    assert letter.number is not None
    assert letter.number.value == "YQ2034-MC-0007"


words = st.sampled_from(
    [
        "Invoice No.",
        "发票号",
        "Date",
        "Qty",
        "数量",
        "Description",
        "货物名称",
        "Total",
        "合计",
        "1",
        "16 PCS",
        "8.25",
        "CHF",
        ":",
        "Net",
    ]
)


@pytest.mark.parametrize("kind", DocumentKind)
@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1700), words), max_size=25))
def test_any_heap_of_words_is_taken_apart_without_a_crash(
    kind: DocumentKind, heap: list[tuple[int, int, str]]
) -> None:
    extract(kind, [page(*(line(left, top, text) for left, top, text in heap))])
