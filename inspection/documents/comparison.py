"""Compare what a paper says with what was declared, by meaning.

A value that deviates is a warning; more goods or more packages on the paper than were declared are a mismatch
(DOMAIN.md §2 rule 4). What cannot be read for certain gives no verdict, whichever way it would have gone.
For a certificate the paper is the ceiling: there, declaring more than the paper says is the mismatch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from typing import NamedTuple

from inspection.documents import wording
from inspection.documents.schema import (
    Box,
    DeclaredGoods,
    DeclaredLine,
    DocumentKind,
    ExtractedLine,
    Finding,
    ReadDocument,
    ReadNumber,
    ReadText,
    Severity,
)
from inspection.documents.vocabulary import ANY_PACKAGE, same_quantity


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """What a site takes for certain and for equal."""

    min_confidence: float = 0.80
    """Below it a text is taken as not read."""
    value_tolerance: Decimal = Decimal("0.01")
    weight_tolerance_kg: Decimal = Decimal("0.5")
    weight_tolerance_share: Decimal = Decimal("0.01")
    """The larger of the two weight tolerances holds."""
    min_likeness: float = 0.75
    """Share of a description that must be found in the other."""


DEFAULT_SETTINGS = ComparisonSettings()
_SAME_NUMBER, _SAME_FIGURE = 0.5, 0.2
"""What an equal line number and an equal quantity add to the likeness of two lines."""


class _Where(NamedTuple):
    """What a finding is about and where it stands on the paper."""

    field: str
    line_no: int | None = None
    page: int | None = None
    box: Box | None = None
    confidence: float | None = None


def compare_document(
    read: ReadDocument, declared: DeclaredGoods, settings: ComparisonSettings = DEFAULT_SETTINGS
) -> tuple[Finding, ...]:
    """Compare a document with the declaration; one finding for each thing that both name.

    Args:
        read: Invoice and packing list are compared in quantities, packages, weights and values; a certificate
            in its number and its ceilings.
        declared: For a certificate either the goods of a declaration, whose `certificate_line` names the
            certificate's line, or the certificate's own goods list.
        settings: The site's.
    """
    return tuple(_Comparison(read, declared, settings).findings())


class _Comparison:
    def __init__(self, read: ReadDocument, declared: DeclaredGoods, settings: ComparisonSettings) -> None:
        self._kind = read.kind
        self._paper = read.extracted
        self._declared = declared
        self._settings = settings

    def findings(self) -> Iterator[Finding]:
        yield from self._certificate_number()
        pairs = self._pairs()
        for line, paper in pairs:
            yield from self._line(line, paper)
        yield from self._undeclared([paper for _, paper in pairs if paper is not None])
        if self._kind is DocumentKind.INVOICE:
            yield from self._values()
        if self._kind is not DocumentKind.CERTIFICATE:
            yield from self._packages_and_weights()
        yield from self._sums()

    # ------------------------------------------------------------------------------------------- identification

    def _certificate_number(self) -> Iterator[Finding]:
        declared, read = self._declared.certificate_no, self._paper.certificate_no
        if declared is None or (read is None and self._kind is not DocumentKind.CERTIFICATE):
            return
        where = self._where("certificate_no", read)
        if read is None or self._unsure(read):
            yield self._no_verdict(where, declared, read)
        elif _plain(declared) == _plain(read.value):
            yield self._finding("document.certificate-matches", Severity.MATCH, where, declared, read.value)
        elif _lookalike(declared) == _lookalike(read.value):
            yield self._no_verdict(where, declared, read)
        else:
            yield self._finding(
                "document.certificate-differs", Severity.MISMATCH, where, declared, read.value
            )

    # -------------------------------------------------------------------------------------------------- pairing

    def _pairs(self) -> list[tuple[DeclaredLine, ExtractedLine | None]]:
        """Give each declared line the paper's line that is most like it."""
        scores = sorted(
            (
                (self._likeness(line, paper), -index, -place)
                for index, line in enumerate(self._declared.lines)
                for place, paper in enumerate(self._paper.lines)
            ),
            reverse=True,
        )
        chosen: dict[int, int] = {}
        for score, index, place in scores:
            if score > 0 and -index not in chosen and -place not in chosen.values():
                chosen[-index] = -place
        return [
            (line, self._paper.lines[chosen[index]] if index in chosen else None)
            for index, line in enumerate(self._declared.lines)
        ]

    def _likeness(self, line: DeclaredLine, paper: ExtractedLine) -> float:
        """Weigh how well two lines go together; 0 where they do not."""
        number = line.line_no
        if self._kind is DocumentKind.CERTIFICATE:
            number = line.certificate_line or line.line_no
        same_number = paper.line_no is not None and paper.line_no.may_be(Decimal(number))
        same_figure = paper.quantity is not None and paper.quantity.may_be(line.quantity)
        likeness = likeness_of(line.description, paper.description.value) if paper.description else None
        if likeness is None:  # in another language, or unreadable: the number of the line must do
            likeness = self._settings.min_likeness / 2 if same_number else 0.0
        if likeness < self._settings.min_likeness / 2:
            return 0.0
        return likeness + _SAME_NUMBER * same_number + _SAME_FIGURE * same_figure

    # ---------------------------------------------------------------------------------------------------- lines

    def _line(self, line: DeclaredLine, paper: ExtractedLine | None) -> Iterator[Finding]:
        if paper is None:
            where = _Where("line", line.line_no)
            yield self._finding("document.line-not-found", Severity.NO_VERDICT, where, line.description, None)
            return
        yield from self._description(line, paper)
        yield from self._quantity(line, paper)
        if self._kind is DocumentKind.INVOICE:
            yield from self._value(paper.amount, line.value, "value", line.line_no)
        if self._kind is DocumentKind.PACKING_LIST:
            yield from self._packages(paper.packages, line.packages, line.line_no)
            yield from self._package_kind(line, paper)
            yield from self._weight(paper.gross_kg, line.gross_kg, "gross_kg", line.line_no)
            yield from self._weight(paper.net_kg, line.net_kg, "net_kg", line.line_no)

    def _description(self, line: DeclaredLine, paper: ExtractedLine) -> Iterator[Finding]:
        where = self._where("description", paper.description, line.line_no)
        if paper.description is None or self._unsure(paper.description):
            yield self._no_verdict(where, line.description, paper.description)
            return
        read = paper.description.value
        likeness = likeness_of(line.description, read)
        if likeness is None:
            code, severity = "languages-differ", Severity.NO_VERDICT
        elif likeness >= self._settings.min_likeness:
            code, severity = "matches", Severity.MATCH
        else:
            code, severity = "differs", Severity.WARNING
        yield self._finding(f"document.description-{code}", severity, where, line.description, read)

    def _quantity(self, line: DeclaredLine, paper: ExtractedLine) -> Iterator[Finding]:
        where = self._where("quantity", paper.quantity, line.line_no)
        declared = f"{_plain_number(line.quantity)} {line.unit}"
        if paper.quantity is None or self._unsure(paper.quantity) or self._unsure(paper.unit):
            yield self._no_verdict(where, declared, paper.quantity)
            return
        unit = paper.unit.value if paper.unit else line.unit
        read = f"{_plain_number(paper.quantity.value)} {unit}"
        meanings = [same_quantity(number, unit, line.unit) for number in _meanings(paper.quantity)]
        if meanings[0] is None:
            yield self._finding("document.units-differ", Severity.NO_VERDICT, where, declared, read)
        elif line.quantity in meanings:
            yield self._finding("document.quantity-matches", Severity.MATCH, where, declared, read)
        elif self._kind is DocumentKind.CERTIFICATE:
            over = line.quantity > meanings[0]
            code, severity = ("exceeded", Severity.MISMATCH) if over else ("kept", Severity.MATCH)
            yield self._finding(f"document.ceiling-{code}", severity, where, declared, read)
        else:
            over = meanings[0] > line.quantity
            code, severity = ("excess", Severity.MISMATCH) if over else ("short", Severity.WARNING)
            yield self._finding(f"document.quantity-{code}", severity, where, declared, read)

    def _package_kind(self, line: DeclaredLine, paper: ExtractedLine) -> Iterator[Finding]:
        if line.package_kind is None or paper.package_kind is None or paper.package_kind.value == ANY_PACKAGE:
            return
        where = self._where("package_kind", paper.package_kind, line.line_no)
        read = paper.package_kind.value
        if self._unsure(paper.package_kind):
            yield self._no_verdict(where, line.package_kind, paper.package_kind)
        elif read == line.package_kind:
            yield self._finding(
                "document.package-kind-matches", Severity.MATCH, where, line.package_kind, read
            )
        else:
            yield self._finding(
                "document.package-kind-differs", Severity.WARNING, where, line.package_kind, read
            )

    def _undeclared(self, paired: list[ExtractedLine]) -> Iterator[Finding]:
        """Name the lines that are only on the paper; on a certificate they are simply not drawn on."""
        if self._kind is DocumentKind.CERTIFICATE:
            return
        for paper in self._paper.lines:
            if paper in paired:
                continue
            what = paper.description.value if paper.description else "?"
            confidence = paper.description.confidence if paper.description else None
            where = _Where("line", None, paper.page, paper.box, confidence)
            sure = confidence is not None and confidence >= self._settings.min_confidence
            severity = Severity.MISMATCH if sure else Severity.NO_VERDICT
            yield self._finding("document.line-undeclared", severity, where, None, what)

    # --------------------------------------------------------------------------------------------------- totals

    def _values(self) -> Iterator[Finding]:
        currency, read = self._declared.currency, self._paper.currency
        if currency is not None:
            where = self._where("currency", read)
            if read is None or self._unsure(read):
                yield self._no_verdict(where, currency, read)
            else:
                same = read.value == currency
                code, severity = ("matches", Severity.MATCH) if same else ("differs", Severity.WARNING)
                yield self._finding(f"document.currency-{code}", severity, where, currency, read.value)
        yield from self._value(self._paper.total_amount, self._declared.total_value, "total_value", None)

    def _packages_and_weights(self) -> Iterator[Finding]:
        paper, declared = self._paper, self._declared
        needed = self._kind is DocumentKind.PACKING_LIST
        if needed or paper.total_packages is not None:
            yield from self._packages(paper.total_packages, declared.total_packages, None)
        if needed or paper.gross_kg is not None:
            yield from self._weight(paper.gross_kg, declared.gross_kg, "gross_kg", None)
        if needed or paper.net_kg is not None:
            yield from self._weight(paper.net_kg, declared.net_kg, "net_kg", None)

    def _value(
        self, read: ReadNumber | None, declared: Decimal | None, field: str, line_no: int | None
    ) -> Iterator[Finding]:
        yield from self._number(read, declared, field, line_no, self._settings.value_tolerance, "value")

    def _weight(
        self, read: ReadNumber | None, declared: Decimal | None, field: str, line_no: int | None
    ) -> Iterator[Finding]:
        share = (declared or Decimal(0)) * self._settings.weight_tolerance_share
        tolerance = max(share, self._settings.weight_tolerance_kg)
        yield from self._number(read, declared, field, line_no, tolerance, "weight")

    def _number(
        self,
        read: ReadNumber | None,
        declared: Decimal | None,
        field: str,
        line_no: int | None,
        tolerance: Decimal,
        what: str,
    ) -> Iterator[Finding]:
        """Compare a figure whose deviation is a warning."""
        if declared is None:
            return
        where = self._where(field, read, line_no)
        if read is None or self._unsure(read):
            yield self._no_verdict(where, _plain_number(declared), read)
            return
        close = any(abs(number - declared) <= tolerance for number in _meanings(read))
        code, severity = ("matches", Severity.MATCH) if close else ("deviates", Severity.WARNING)
        texts = _plain_number(declared), _plain_number(read.value)
        yield self._finding(f"document.{what}-{code}", severity, where, *texts)

    def _packages(
        self, read: ReadNumber | None, declared: int | None, line_no: int | None
    ) -> Iterator[Finding]:
        if declared is None:
            return
        where = self._where("packages" if line_no is not None else "total_packages", read, line_no)
        if read is None or self._unsure(read):
            yield self._no_verdict(where, str(declared), read)
            return
        texts = str(declared), _plain_number(read.value)
        if read.may_be(Decimal(declared)):
            yield self._finding("document.packages-match", Severity.MATCH, where, *texts)
        elif read.value > declared:
            yield self._finding("document.packages-excess", Severity.MISMATCH, where, *texts)
        else:
            yield self._finding("document.packages-short", Severity.WARNING, where, *texts)

    def _sums(self) -> Iterator[Finding]:
        """Check the paper against itself: its totals are the sums of its lines, its amounts quantity times price."""
        lines = self._paper.lines
        for field, column, total in (
            ("total_value", "amount", self._paper.total_amount),
            ("total_packages", "packages", self._paper.total_packages),
            ("gross_kg", "gross_kg", self._paper.gross_kg),
            ("net_kg", "net_kg", self._paper.net_kg),
        ):
            parts: list[ReadNumber | None] = [getattr(line, column) for line in lines]
            known = [part for part in parts if part is not None and not self._unsure(part)]
            if total is None or self._unsure(total) or not lines or len(known) < len(lines):
                continue
            found = sum((part.value for part in known), Decimal(0))
            if not total.may_be(found):
                texts = _plain_number(found), _plain_number(total.value)
                where = self._where(field, total)
                yield self._finding("document.sum-differs", Severity.WARNING, where, *texts)
        for line in lines:
            if line.quantity and line.unit_price and line.amount:
                product = line.quantity.value * line.unit_price.value
                if abs(product - line.amount.value) > self._settings.value_tolerance:
                    where = self._where("amount", line.amount)
                    texts = _plain_number(product), _plain_number(line.amount.value)
                    yield self._finding("document.product-differs", Severity.WARNING, where, *texts)

    # ------------------------------------------------------------------------------------------------- findings

    def _unsure(self, read: ReadNumber | ReadText | None) -> bool:
        return read is not None and read.confidence < self._settings.min_confidence

    @staticmethod
    def _where(field: str, read: ReadNumber | ReadText | None, line_no: int | None = None) -> _Where:
        if read is None:
            return _Where(field, line_no)
        return _Where(field, line_no, read.page, read.box, read.confidence)

    def _no_verdict(self, where: _Where, declared: str, read: ReadNumber | ReadText | None) -> Finding:
        code = "document.not-found" if read is None else "document.unreadable"
        return self._finding(code, Severity.NO_VERDICT, where, declared, read.text if read else None)

    def _finding(
        self, code: str, severity: Severity, where: _Where, declared: str | None, read: str | None
    ) -> Finding:
        return Finding(
            code=code,
            severity=severity,
            field=where.field,
            message=wording.sentence(code, self._kind, where.field, where.line_no, declared, read),
            line_no=where.line_no,
            declared=declared,
            read=read,
            page=where.page,
            box=where.box,
            confidence=where.confidence,
        )


def likeness_of(one: str, other: str) -> float | None:
    """Give the share of the shorter text that is found, in order, in the other, 0 to 1; None in no common script.

    A description in two languages is as like as its better part.
    """
    here, there = _in_scripts(one), _in_scripts(other)
    scores = [_covered(here[script], there[script]) for script in here.keys() & there.keys()]
    return max(scores, default=None)


_LEAST_RUN = 2
"""Matches of single signs are chance."""
_LEAST_WORDS = 3
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _covered(one: str, other: str) -> float:
    shorter, longer = sorted((one, other), key=len)
    if not shorter:
        return 0.0
    blocks = SequenceMatcher(None, shorter, longer, autojunk=False).get_matching_blocks()
    shared = sum(block.size for block in blocks if block.size >= min(_LEAST_RUN, len(shorter)))
    return shared / len(shorter)


def _in_scripts(text: str) -> dict[str, str]:
    """Part a text into its Chinese and its other words, without punctuation; a sign or two are no words."""
    plain = text.casefold()
    chinese = "".join(sign for sign in plain if _CHINESE.match(sign))
    other = "".join(sign for sign in plain if sign.isalnum() and not _CHINESE.match(sign))
    least = min(_LEAST_WORDS, len(chinese + other))
    return {
        name: part for name, part in (("chinese", chinese), ("other", other)) if len(part) >= least and part
    }


def _meanings(number: ReadNumber) -> tuple[Decimal, ...]:
    return (number.value, *number.others)


def _plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _lookalike(text: str) -> str:
    """Fold signs that OCR takes for one another."""
    return _plain(text).translate(str.maketrans("oqdilzsb", "00011258"))


def _plain_number(number: Decimal) -> str:
    return f"{number:f}"
