"""The account of what check notes carry of a declaration: matched, held, passed, given back.

Σ over all notes that are not void ≤ what the declaration holds, for each declared line and for each certificate line
(DOMAIN.md §4 rule 3). Every change locks the declaration first, so that however many notes are signed at once, each
sees what the others took. The contract keeps the account by certificate line and has the last word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Fault, NotFound, collect
from kernel.validation import pointer
from workflow.bonded.gate import Difference, declaration_detained, load_not_covered
from workflow.bonded.models import CheckNote, CheckNoteItem
from workflow.bonded.rules import (
    COUNTED,
    DETAINED,
    Binding,
    BindingExceeded,
    Carriage,
    DeclarationDetained,
    DeclarationHoldsNothing,
    NoteExceedsDeclaration,
    bindings_agree,
)
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal

ZERO = Decimal(0)
LineKey = tuple[UUID, int]
"""A certificate and its line."""


class Asked(Protocol):
    """Part of a declared line that a firm wants carried."""

    @property
    def declaration_id(self) -> UUID:
        """The declaration."""

    @property
    def line_no(self) -> int:
        """Number of its line."""

    @property
    def quantity(self) -> Decimal:
        """How much, in the unit in which it was declared."""


class CountedItem(NamedTuple):
    """An item of some note that counts against a declaration."""

    note_id: UUID
    note_number: str
    binding: int
    declared_line: int
    certificate_id: UUID
    certificate_line: int
    quantity: Decimal
    state: str


@dataclass(frozen=True)
class DeclaredHolding:
    """What one declaration holds: by its own lines and by certificate lines."""

    declaration_id: UUID
    name: str
    """Number of the declaration, or the firm's reference before it has one."""
    state: str
    lines: Mapping[int, tuple[LineKey, Decimal]]
    """By declared line: the certificate line drawn on, and the declared quantity. Lines that hold nothing are absent."""
    drawn: Mapping[LineKey, Decimal]


def holding_of(
    session: Session, principal: Principal, organisation_id: UUID, declaration_id: UUID, *, lock: bool = False
) -> DeclaredHolding:
    """Tell what a declaration of the firm holds.

    Raises:
        NotFound: There is none that the principal may know of, or it is another firm's.
    """
    declaration = declarations.get_declaration(session, principal, declaration_id, lock=lock)
    if declaration.organisation_id != organisation_id:
        raise NotFound(what=declaration.title, name=str(declaration_id))
    drawn = drawn_by(session, declaration_id)
    certificate = certificates.Certificate
    numbers = {
        number: certificate_id
        for certificate_id, number in session.execute(
            select(certificate.id, certificate.number).where(certificate.id.in_({key[0] for key in drawn}))
        )
    }
    lines: dict[int, tuple[LineKey, Decimal]] = {}
    for line in declarations.content_of(declaration).lines if drawn else ():
        certificate_id = numbers.get(line.certificate_number or "")
        if certificate_id is None or line.certificate_line is None:
            continue
        key = (certificate_id, line.certificate_line)
        if key in drawn:
            lines[line.line_no] = (key, line.quantity)
    return DeclaredHolding(
        declaration_id, declaration.number or declaration.reference, declaration.state, lines, drawn
    )


def drawn_by(session: Session, declaration_id: UUID) -> dict[LineKey, Decimal]:
    """Give what a declaration holds or has used, by certificate line."""
    return {
        (draw.line.certificate_id, draw.line.line): draw.quantity
        for draw in declarations.draws_of(session, declaration_id)
    }


def match_items(session: Session, principal: Principal, asked: Sequence[Asked]) -> list[CheckNoteItem]:
    """Match what a firm wants carried with what its declarations hold.

    Raises:
        Invalid: With a fault for each item that cannot be carried.
    """
    found: list[Fault] = []
    holdings: dict[UUID, DeclaredHolding] = {}
    items: list[CheckNoteItem] = []
    for position, item in enumerate(asked):
        place = pointer("items", position)
        try:
            if item.declaration_id not in holdings:
                holdings[item.declaration_id] = holding_of(
                    session, principal, principal.organisation_id, item.declaration_id
                )
            key = _carriable(holdings[item.declaration_id], item.line_no, position)
        except NotFound as missing:
            found.extend(fault.under(place + "/declaration_id") for fault in missing.faults())
            continue
        except (DeclarationDetained, DeclarationHoldsNothing) as refusal:
            found.extend(refusal.faults())
            continue
        items.append(
            CheckNoteItem(
                position=position,
                declaration_id=item.declaration_id,
                declared_line=item.line_no,
                certificate_id=key[0],
                certificate_line=key[1],
                quantity=item.quantity,
                state=Carriage.DRAFT,
            )
        )
    collect(found)
    return items


def check_room(session: Session, note: CheckNote, items: Sequence[CheckNoteItem], *, lock: bool) -> None:
    """Make sure that a note's items fit beside those of all other notes.

    Args:
        session: The transaction.
        note: The note; what it already counts for is left out.
        items: Its items.
        lock: Whether to lock the declarations, in one order for everybody, so that the answer stays true.

    Raises:
        NoteExceedsDeclaration, DeclarationDetained, DeclarationHoldsNothing, BindingExceeded: As they say.
    """
    by_declaration = defaultdict(list)
    for item in items:
        by_declaration[item.declaration_id].append(item)
    for declaration_id in sorted(by_declaration):
        holding = holding_of(session, SYSTEM_PRINCIPAL, note.organisation_id, declaration_id, lock=lock)
        others = [other for other in counted_items(session, declaration_id) if other.note_id != note.id]
        _check_quantities(holding, others, by_declaration[declaration_id])
        _check_binding(holding, others, note)


def hold(session: Session, note: CheckNote, items: Sequence[CheckNoteItem]) -> None:
    """Hold a note's items when its firm has signed. Raises as `check_room`."""
    check_room(session, note, items, lock=True)
    set_carriage(items, Carriage.HELD)


def set_carriage(items: Sequence[CheckNoteItem], carriage: Carriage) -> None:
    """Move a note's items on in the account of their declarations."""
    for item in items:
        item.state = carriage


def counted_items(session: Session, declaration_id: UUID) -> list[CountedItem]:
    """Give what counts against a declaration, over all notes, as the database has it at this moment."""
    columns = (
        CheckNoteItem.note_id,
        CheckNote.number,
        CheckNote.binding,
        CheckNoteItem.declared_line,
        CheckNoteItem.certificate_id,
        CheckNoteItem.certificate_line,
        CheckNoteItem.quantity,
        CheckNoteItem.state,
    )
    query = (
        select(*columns)
        .join(CheckNote, CheckNote.id == CheckNoteItem.note_id)
        .where(CheckNoteItem.declaration_id == declaration_id, CheckNoteItem.state.in_(COUNTED))
        .order_by(CheckNoteItem.id)
    )
    return [CountedItem(*row) for row in session.execute(query)]


def no_longer_covered(session: Session, items: Sequence[CheckNoteItem], *, lock: bool) -> list[Difference]:
    """Name the declarations whose goods may not move: detained, or holding less after an amendment or withdrawal."""
    found: list[Difference] = []
    for declaration_id in sorted({item.declaration_id for item in items}):
        declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, declaration_id, lock=lock)
        name = declaration.number or declaration.reference
        if declaration.state == DETAINED:
            found.append(declaration_detained(name))
        drawn = drawn_by(session, declaration_id)
        taken = sums_by_certificate_line(counted_items(session, declaration_id))
        lines = {
            (item.certificate_id, item.certificate_line)
            for item in items
            if item.declaration_id == declaration_id
        }
        if any(taken[line] > drawn.get(line, ZERO) for line in lines):
            found.append(load_not_covered(name))
    return found


def goods_have_all_passed(session: Session, declaration_id: UUID) -> bool:
    """Tell whether all that a declaration holds went through its last gate; the caller has locked the declaration."""
    drawn = drawn_by(session, declaration_id)
    passed = sums_by_certificate_line(
        [item for item in counted_items(session, declaration_id) if item.state == Carriage.PASSED]
    )
    return all(passed[line] >= quantity for line, quantity in drawn.items())


def sums_by_certificate_line(items: Sequence[CountedItem]) -> defaultdict[LineKey, Decimal]:
    """Add items up by certificate line."""
    sums: defaultdict[LineKey, Decimal] = defaultdict(Decimal)
    for item in items:
        sums[item.certificate_id, item.certificate_line] += item.quantity
    return sums


def _carriable(holding: DeclaredHolding, line_no: int, position: int) -> LineKey:
    if holding.state == DETAINED:
        raise DeclarationDetained(declaration=holding.name, position=position)
    if line_no not in holding.lines:
        raise DeclarationHoldsNothing(
            declaration=holding.name, line=line_no, state=holding.state, position=position
        )
    return holding.lines[line_no][0]


def _check_quantities(
    holding: DeclaredHolding, others: Sequence[CountedItem], items: Sequence[CheckNoteItem]
) -> None:
    taken_by_line: defaultdict[int, Decimal] = defaultdict(Decimal)
    for other in others:
        taken_by_line[other.declared_line] += other.quantity
    taken = sums_by_certificate_line(others)
    for item in items:
        key = _carriable(holding, item.declared_line, item.position)
        left = min(
            holding.lines[item.declared_line][1] - taken_by_line[item.declared_line],
            holding.drawn[key] - taken[key],
        )
        if item.quantity > left or key != (item.certificate_id, item.certificate_line):
            raise NoteExceedsDeclaration(
                declaration=holding.name,
                line=item.declared_line,
                left=max(ZERO, left),
                asked=item.quantity,
                position=item.position,
            )
        taken[key] += item.quantity


def _check_binding(holding: DeclaredHolding, others: Sequence[CountedItem], note: CheckNote) -> None:
    bindings = {other.note_id: Binding(other.binding) for other in others}
    if not bindings_agree([Binding(note.binding), *bindings.values()]):
        raise BindingExceeded(declaration=holding.name, note=others[0].note_number)
