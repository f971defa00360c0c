"""From positioned text to the fields of a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from inspection.documents.labels import Label, Value, find_labels, value_of
from inspection.documents.numbers import decimal_mark_of, read_date, read_number
from inspection.documents.schema import (
    DocumentKind,
    ExtractedDocument,
    ExtractedLine,
    ReadDate,
    ReadNumber,
    ReadPage,
    ReadText,
    TextLine,
)
from inspection.documents.tables import Row, Table, find_table
from inspection.documents.vocabulary import currency_code, package_code, unit_code

_NUMBER_LABELS = {
    DocumentKind.INVOICE: ("invoice_no", "number"),
    DocumentKind.PACKING_LIST: ("packing_list_no", "number", "invoice_no"),
    DocumentKind.CERTIFICATE: ("certificate_no", "number"),
}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.\-–— ]*[A-Za-z0-9]")
_CARTON_HEADING = re.compile(r"箱|cartons?|ctns?", re.IGNORECASE)
_AFTER_NUMBER = re.compile(r"[^\W\d_][^\d]*")
_LETTERS_OF_A_NAME = 3
_DOUBT = 0.5
"""Most confidence in a number at which something stands that may be a digit too."""
_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class _Page:
    page: ReadPage
    table: Table | None
    labels: list[Label]
    labelled: frozenset[TextLine]

    def values(self, field: str, accept: Callable[[str], bool]) -> Iterable[Value]:
        """Give the values of all labels of a field that can be one."""
        for label in self.labels:
            if label.field == field:
                value = value_of(label, self.free, self.labelled, accept)
                if value is not None:
                    yield value

    @property
    def free(self) -> Sequence[TextLine]:
        """Give the lines outside the table."""
        inside = self.table.lines if self.table else frozenset()
        return [line for line in self.page.lines if line not in inside]


def extract(kind: DocumentKind, pages: Sequence[ReadPage]) -> ExtractedDocument:
    """Find the fields of a document in its text."""
    return _Extraction(kind, pages).document()


class _Extraction:
    def __init__(self, kind: DocumentKind, pages: Sequence[ReadPage]) -> None:
        self._kind = kind
        self._pages = [_take_apart(page) for page in pages]
        self._decimal_mark = decimal_mark_of(line.text for page in pages for line in page.lines)

    def document(self) -> ExtractedDocument:
        lines = tuple(
            self._line(page, row, page.table.headings)
            for page in self._pages
            if page.table
            for row in page.table.rows
        )
        document = ExtractedDocument(
            number=self._first_text(_NUMBER_LABELS[self._kind], _is_identifier, _identifier),
            date=self._date(),
            seller=self._first_text(("seller",), _is_name, _name),
            buyer=self._first_text(("buyer",), _is_name, _name),
            certificate_no=self._first_text(("certificate_no",), _is_identifier, _identifier),
            currency=self._currency(),
            total_amount=self._total("amount", "total_amount"),
            total_quantity=self._total("quantity", None),
            total_packages=self._total("packages", "total_packages"),
            gross_kg=self._total("gross_kg", "gross_kg"),
            net_kg=self._total("net_kg", "net_kg"),
            lines=lines,
        )
        if self._kind is DocumentKind.CERTIFICATE and document.certificate_no is None:
            return replace(document, certificate_no=document.number)
        return document

    # -------------------------------------------------------------------------------------------- single fields

    def _first_text(
        self, fields: Sequence[str], accept: Callable[[str], bool], clean: Callable[[str], str]
    ) -> ReadText | None:
        for field in fields:
            for page in self._pages:
                for value in page.values(field, accept):
                    return _read_text(page, value.line, value.text, clean(value.text))
        return None

    def _date(self) -> ReadDate | None:
        for page in self._pages:
            for value in page.values("date", lambda text: read_date(text) is not None):
                return self._read_date(page, value.line, value.text)
        # A letter bears its date alone in a line, near its end.
        for page in reversed(self._pages):
            for line in reversed(page.free):
                day = read_date(line.text)
                if day is not None and len(_WORD.findall(line.text)) <= len("September"):
                    return self._read_date(page, line, line.text)
        return None

    def _read_date(self, page: _Page, line: TextLine, text: str) -> ReadDate | None:
        day = read_date(text)
        return None if day is None else ReadDate(day, text, line.confidence, page.page.number, line.box)

    def _currency(self) -> ReadText | None:
        """Take the currency from its label, else from the headings and totals of the table."""
        if self._kind is not DocumentKind.INVOICE:
            return None
        found = self._first_text(("currency",), lambda text: currency_code(text) is not None, _currency)
        if found:
            return found
        for page in self._pages:
            for line in sorted(page.table.lines if page.table else (), key=lambda line: line.upright.top):
                if code := currency_code(line.text):
                    return _read_text(page, line, line.text, code)
        for page in self._pages:
            for line in page.page.lines:
                if (code := currency_code(line.text)) and re.search(r"\d", line.text):
                    return _read_text(page, line, line.text, code)
        return None

    def _total(self, column: str, label: str | None) -> ReadNumber | None:
        """Take a total from the table's last row, else from its label."""
        for page in reversed(self._pages):
            if page.table and page.table.total and (cells := page.table.total.cells.get(column)):
                number = self._number(page, cells)
                if number is not None:
                    return number
        for page in reversed(self._pages):
            for value in page.values(label, lambda text: read_number(text) is not None) if label else ():
                return self._number(page, [value.line], value.text)
        return None

    # ---------------------------------------------------------------------------------------------- table lines

    def _line(self, page: _Page, row: Row, headings: dict[str, str]) -> ExtractedLine:
        lines = row.lines()
        box = lines[0].box
        for line in lines[1:]:
            box = box.joined(line.box)
        numbers = {
            column: self._number(page, row.cells[column])
            for column in ("line_no", "quantity", "unit_price", "amount", "packages", "gross_kg", "net_kg")
            if column in row.cells
        }
        extracted = ExtractedLine(
            page=page.page.number,
            box=box,
            description=_cell_text(page, row.cells.get("description", ())),
            unit=self._unit(page, row),
            package_kind=self._package_kind(page, row, headings),
            **numbers,
        )
        return _settle_by_product(extracted)

    def _number(self, page: _Page, cells: Sequence[TextLine], text: str | None = None) -> ReadNumber | None:
        """Read the number of a cell; two numbers in one cell, or doubtful signs at it, leave it in doubt."""
        read = [(line, line.text if text is None else text) for line in cells]
        found = [
            (line, words, meaning)
            for line, words in read
            if (meaning := read_number(words, self._decimal_mark)) is not None
        ]
        if not found:
            return None
        line, words, meaning = found[0]
        doubtful = meaning.doubtful or len(found) > 1
        confidence = min(line.confidence, _DOUBT) if doubtful else line.confidence
        return ReadNumber(meaning.value, words, confidence, page.page.number, line.box, meaning.others)

    def _unit(self, page: _Page, row: Row) -> ReadText | None:
        for line in row.cells.get("unit", ()):
            return _read_text(page, line, line.text, unit_code(line.text))
        return self._word_behind(page, row.cells.get("quantity", ()), unit_code)

    def _package_kind(self, page: _Page, row: Row, headings: dict[str, str]) -> ReadText | None:
        cells = row.cells.get("packages", ())
        found = self._word_behind(page, cells, package_code)
        if found is None and cells and _CARTON_HEADING.search(headings.get("packages", "")):
            return _read_text(page, cells[0], cells[0].text, "CT")
        return found

    def _word_behind(
        self, page: _Page, cells: Sequence[TextLine], code: Callable[[str], str]
    ) -> ReadText | None:
        """Read the word behind a number: `16 PCS`, `4 CTN`."""
        for line in cells:
            meaning = read_number(line.text, self._decimal_mark)
            if meaning and (word := _AFTER_NUMBER.search(line.text, meaning.end)):
                return _read_text(page, line, line.text, code(word.group()))
        return None


def _take_apart(page: ReadPage) -> _Page:
    table = find_table(page.lines)
    inside = table.lines if table else frozenset()
    labels = find_labels([line for line in page.lines if line not in inside])
    return _Page(page, table, labels, frozenset(label.line for label in labels))


def _settle_by_product(line: ExtractedLine) -> ExtractedLine:
    """Choose among the possible meanings of three numbers those of which quantity times price is the amount."""
    if line.quantity is None or line.unit_price is None or line.amount is None:
        return line
    for quantity in (line.quantity.value, *line.quantity.others):
        for price in (line.unit_price.value, *line.unit_price.others):
            for amount in (line.amount.value, *line.amount.others):
                if quantity * price == amount:
                    return replace(
                        line,
                        quantity=_settled(line.quantity, quantity),
                        unit_price=_settled(line.unit_price, price),
                        amount=_settled(line.amount, amount),
                    )
    return line


def _settled(number: ReadNumber, value: Decimal) -> ReadNumber:
    return replace(number, value=value, others=())


def _read_text(page: _Page, line: TextLine, text: str, value: str) -> ReadText:
    return ReadText(value, text, line.confidence, page.page.number, line.box)


def _cell_text(page: _Page, cells: Sequence[TextLine]) -> ReadText | None:
    if not cells:
        return None
    text = " ".join(line.text for line in cells)
    box = cells[0].box
    for line in cells[1:]:
        box = box.joined(line.box)
    return ReadText(text, text, min(line.confidence for line in cells), page.page.number, box)


def _is_identifier(text: str) -> bool:
    match = _IDENTIFIER.search(text)
    return match is not None and any(sign.isdigit() for sign in match.group())


def _identifier(text: str) -> str:
    match = _IDENTIFIER.search(text)
    found = match.group() if match else text
    return re.sub(r"\s*([-/])\s*", r"\1", re.sub("[–—]", "-", found)).strip()


def _is_name(text: str) -> bool:
    return len(_WORD.findall(text)) >= _LETTERS_OF_A_NAME


def _name(text: str) -> str:
    return " ".join(text.split())


def _currency(text: str) -> str:
    return currency_code(text) or text
