"""Draw-down of certificate lines in the database: hold, settle, commit, give back.

The contract keeps the same account and has the last word. Each change of a line is one UPDATE with its own guard, so
that however many brokers draw at once, 0 ≤ reserved + committed ≤ ceiling (DOMAIN.md §2 rule 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from kernel.errors import Fault, Kind, PisteError, Text, collect
from workflow.certificates.models import Certificate, CertificateDraw, CertificateLine
from workflow.certificates.rules import (
    USABLE_STATES,
    CertificateNotUsable,
    LineOverdrawn,
    LineUnknown,
    UnitDiffers,
    extra_to_hold,
    surplus_to_free,
)

ZERO = Decimal(0)


class LineAccountBroken(PisteError):
    """A line's account does not hold what its draws say; nothing is changed, an operator must look."""

    code = "certificate.line-account-broken"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The account of certificate line {line_id} does not agree with its draws.",
        "证明函行{line_id}账目不符。",
    )
    next_step = Text(
        "Tell the operator; compare the database with the ledger.", "请联系运维人员，核对数据库与账本。"
    )
    line_id: int


@dataclass(frozen=True, kw_only=True)
class DrawRequest:
    """What a declared line asks of a certificate line."""

    certificate_number: str
    certificate_line: int
    declared_line: int
    """Position of the declared line in its list, from 0; names the field at fault."""
    unit: str
    quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class LineDraw:
    """A request matched with its certificate line."""

    line: CertificateLine
    certificate: Certificate
    quantity: Decimal
    declared_line: int


def match_draws(
    session: Session,
    certificates: dict[str, Certificate],
    requests: Sequence[DrawRequest],
    *,
    on: date,
) -> list[LineDraw]:
    """Match requests with certificate lines, adding up those on the same line.

    Raises:
        Invalid: With a fault for each unknown line, other unit, or certificate that cannot be drawn on.
    """
    found: list[Fault] = []
    lines = {
        (line.certificate_id, line.line): line
        for line in session.scalars(
            select(CertificateLine).where(
                CertificateLine.certificate_id.in_([c.id for c in certificates.values()])
            )
        )
    }
    draws: dict[int, LineDraw] = {}
    for request in requests:
        certificate = certificates.get(request.certificate_number)
        if certificate is None or not _usable(certificate, on):
            state = "unknown" if certificate is None else _standing(certificate, on)
            found.extend(
                fault.under(f"/lines/{request.declared_line}/certificate_number")
                for fault in CertificateNotUsable(
                    certificate=request.certificate_number, state=state
                ).faults()
            )
            continue
        line = lines.get((certificate.id, request.certificate_line))
        if line is None:
            found.extend(
                LineUnknown(
                    certificate=certificate.number,
                    line=request.certificate_line,
                    declared_line=request.declared_line,
                ).faults()
            )
            continue
        if line.unit != request.unit:
            found.extend(
                UnitDiffers(
                    certificate=certificate.number,
                    line=line.line,
                    certified=line.unit,
                    declared=request.unit,
                    declared_line=request.declared_line,
                ).faults()
            )
            continue
        before = draws.get(line.id)
        draws[line.id] = LineDraw(
            line=line,
            certificate=certificate,
            quantity=request.quantity + (before.quantity if before else ZERO),
            declared_line=before.declared_line if before else request.declared_line,
        )
    collect(found)
    return list(draws.values())


def _usable(certificate: Certificate, on: date) -> bool:
    return certificate.state in USABLE_STATES and certificate.valid_from <= on <= certificate.valid_until


def _standing(certificate: Certificate, on: date) -> str:
    """Say in one word why a certificate cannot be drawn on."""
    if certificate.state not in USABLE_STATES:
        return certificate.state
    return "not yet valid" if on < certificate.valid_from else "expired"


def hold(session: Session, declaration_id: UUID, version: int, draws: Sequence[LineDraw]) -> None:
    """Hold what this version of a declaration needs beyond what the version before it already holds.

    Raises:
        LineOverdrawn: A line has too little left; nothing is held then.
    """
    standing = {draw.line_id: draw.quantity for draw in _draws(session, declaration_id, "standing")}
    for draw in sorted(draws, key=lambda d: d.line.id):
        extra = extra_to_hold(standing.get(draw.line.id, ZERO), draw.quantity)
        if not _change(session, draw.line.id, reserved=extra):
            session.refresh(draw.line)
            raise LineOverdrawn(
                certificate=draw.certificate.number,
                line=draw.line.line,
                unit=draw.line.unit,
                left=draw.line.balance.left + standing.get(draw.line.id, ZERO),
                asked=draw.quantity,
                declared_line=draw.declared_line,
            )
        session.add(
            CertificateDraw(
                declaration_id=declaration_id,
                version=version,
                line_id=draw.line.id,
                quantity=draw.quantity,
                extra=extra,
                state="pending",
            )
        )
    session.flush()


def settle(session: Session, declaration_id: UUID, *, recorded: bool) -> None:
    """Finish a hold: recorded, the new version's draws stand and the old one's surplus is freed; refused, undone."""
    pending = {draw.line_id: draw for draw in _draws(session, declaration_id, "pending")}
    if not recorded:
        for draw in pending.values():
            _must_change(session, draw.line_id, reserved=-draw.extra)
            session.delete(draw)
        return
    for old in _draws(session, declaration_id, "standing"):
        asked = pending[old.line_id].quantity if old.line_id in pending else ZERO
        _must_change(session, old.line_id, reserved=-surplus_to_free(old.quantity, asked))
        old.state = "replaced"
    for draw in pending.values():
        draw.state = "standing"


def commit(session: Session, declaration_id: UUID) -> list[UUID]:
    """Turn what a released declaration holds into used quantity; gives the certificates concerned."""
    touched: dict[UUID, None] = {}
    for draw in _draws(session, declaration_id, "standing"):
        _must_change(session, draw.line_id, reserved=-draw.quantity, committed=draw.quantity)
        draw.state = "committed"
        touched[draw.line.certificate_id] = None
    return list(touched)


def give_back(session: Session, declaration_id: UUID) -> None:
    """Give back what a withdrawn declaration holds."""
    for draw in _draws(session, declaration_id, "standing"):
        _must_change(session, draw.line_id, reserved=-draw.quantity)
        draw.state = "returned"


def standing_draws(session: Session, declaration_id: UUID) -> list[CertificateDraw]:
    """Give what a declaration holds or has used, with its lines."""
    return _draws(session, declaration_id, "standing", "committed")


def _draws(session: Session, declaration_id: UUID, *states: str) -> list[CertificateDraw]:
    return list(
        session.scalars(
            select(CertificateDraw)
            .where(CertificateDraw.declaration_id == declaration_id, CertificateDraw.state.in_(states))
            .options(joinedload(CertificateDraw.line))
            .order_by(CertificateDraw.line_id)
        )
    )


def _change(session: Session, line_id: int, *, reserved: Decimal = ZERO, committed: Decimal = ZERO) -> bool:
    """Change a line's account if it stays within its bounds; tell whether it did."""
    changed = session.execute(
        update(CertificateLine)
        .where(
            CertificateLine.id == line_id,
            CertificateLine.reserved + reserved >= 0,
            CertificateLine.reserved + reserved + CertificateLine.committed + committed
            <= CertificateLine.ceiling,
        )
        .values(
            reserved=CertificateLine.reserved + reserved,
            committed=CertificateLine.committed + committed,
        )
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult


def _must_change(session: Session, line_id: int, *, reserved: Decimal, committed: Decimal = ZERO) -> None:
    if not _change(session, line_id, reserved=reserved, committed=committed):
        raise LineAccountBroken(line_id=line_id)
