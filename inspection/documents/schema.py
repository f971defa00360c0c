"""What was read from a document, what was declared, and what came of comparing the two.

Everything here is frozen and goes to JSON and back (`to_json`, `from_json`).
Boxes are in pixels of the page picture: of the picture file itself, or of a PDF page drawn at the scale
that the provenance names; origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from inspection.records import Recorded
from kernel.errors import Text


class DocumentKind(StrEnum):
    """The papers that are read."""

    INVOICE = "invoice"
    PACKING_LIST = "packing_list"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Box:
    """A rectangle on a page, pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Horizontal extent."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Vertical extent."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Height of the centre line."""
        return (self.top + self.bottom) / 2

    @property
    def centre(self) -> float:
        """Distance of the centre from the left."""
        return (self.left + self.right) / 2

    def joined(self, other: Box) -> Box:
        """Give the smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True)
class TextLine:
    """One run of text as it stands on a page."""

    text: str
    confidence: float
    """Mean over the signs, 0 to 1, as the recogniser says."""
    box: Box
    """Where on the page picture."""
    upright: Box
    """Where on the page once it is turned upright; rows and columns are found with this one."""


@dataclass(frozen=True)
class ReadPage:
    """One page and its text."""

    number: int
    """From 1."""
    width: int
    height: int
    quarter_turns: int
    """How often the page was turned by 90° anticlockwise before it was read, 0 to 3."""
    skew_degrees: float
    """What was left of a tilt, clockwise positive."""
    lines: tuple[TextLine, ...]


@dataclass(frozen=True)
class ModelDigest:
    """A model file that took part."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ReadingProvenance:
    """All that a second run needs to come to the same text."""

    input_sha256: str
    engine: str
    models: tuple[ModelDigest, ...]
    settings: dict[str, str]


@dataclass(frozen=True)
class ReadText:
    """A text field of a document and where it stands."""

    value: str
    text: str
    confidence: float
    page: int
    box: Box


@dataclass(frozen=True)
class ReadNumber:
    """A number on a document. Points and commas are easily confused: `others` are the other ways to read it."""

    value: Decimal
    text: str
    confidence: float
    page: int
    box: Box
    others: tuple[Decimal, ...] = ()

    def may_be(self, number: Decimal) -> bool:
        """Tell whether the signs on the paper can mean this number."""
        return number == self.value or number in self.others


@dataclass(frozen=True)
class ReadDate:
    """A date on a document."""

    value: date
    text: str
    confidence: float
    page: int
    box: Box


@dataclass(frozen=True)
class ExtractedLine:
    """One line of the table of goods."""

    page: int
    box: Box
    """Around the whole line."""
    line_no: ReadNumber | None = None
    description: ReadText | None = None
    quantity: ReadNumber | None = None
    unit: ReadText | None = None
    """Value is the UNECE Rec 20 code where the word is known, else the word itself."""
    unit_price: ReadNumber | None = None
    amount: ReadNumber | None = None
    packages: ReadNumber | None = None
    package_kind: ReadText | None = None
    """Value is the UNECE Rec 21 code where the word is known, else the word itself."""
    gross_kg: ReadNumber | None = None
    net_kg: ReadNumber | None = None


@dataclass(frozen=True)
class ExtractedDocument:
    """The fields of a document; what is not on it, or could not be read, is None."""

    number: ReadText | None = None
    date: ReadDate | None = None
    seller: ReadText | None = None
    buyer: ReadText | None = None
    certificate_no: ReadText | None = None
    currency: ReadText | None = None
    total_amount: ReadNumber | None = None
    total_quantity: ReadNumber | None = None
    total_packages: ReadNumber | None = None
    gross_kg: ReadNumber | None = None
    net_kg: ReadNumber | None = None
    lines: tuple[ExtractedLine, ...] = ()


@dataclass(frozen=True)
class ReadDocument(Recorded):
    """A document as it was read: text, fields, and what it rests on."""

    kind: DocumentKind
    media_type: str
    provenance: ReadingProvenance
    pages: tuple[ReadPage, ...]
    extracted: ExtractedDocument


@dataclass(frozen=True, kw_only=True)
class DeclaredLine:
    """One goods item of a declaration, or one line of a certificate's goods list.

    A figure that was not declared is None and is not compared.
    """

    line_no: int
    description: str
    quantity: Decimal
    unit: str
    """UNECE Rec 20."""
    certificate_line: int | None = None
    packages: int | None = None
    package_kind: str | None = None
    """UNECE Rec 21."""
    gross_kg: Decimal | None = None
    net_kg: Decimal | None = None
    value: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeclaredGoods(Recorded):
    """What was declared, as far as papers can confirm it."""

    lines: tuple[DeclaredLine, ...]
    certificate_no: str | None = None
    currency: str | None = None
    total_value: Decimal | None = None
    total_packages: int | None = None
    gross_kg: Decimal | None = None
    net_kg: Decimal | None = None


class Severity(StrEnum):
    """How much a finding weighs, lightest first."""

    MATCH = "match"
    WARNING = "warning"
    NO_VERDICT = "no_verdict"
    MISMATCH = "mismatch"


_WEIGHT = {severity: weight for weight, severity in enumerate(Severity)}


@dataclass(frozen=True, kw_only=True)
class Finding(Recorded):
    """One thing compared: what was declared, what the paper says, what follows."""

    code: str
    severity: Severity
    field: str
    """What was compared, for example `quantity`."""
    message: Text
    line_no: int | None = None
    """The declared line; None for the document as a whole and for lines that are only on the paper."""
    declared: str | None = None
    read: str | None = None
    page: int | None = None
    box: Box | None = None
    confidence: float | None = None


def heaviest(findings: tuple[Finding, ...]) -> Severity:
    """Give the severity of the gravest finding; nothing compared is no verdict, not a match."""
    return max(
        (finding.severity for finding in findings), key=_WEIGHT.__getitem__, default=Severity.NO_VERDICT
    )
