"""What gates report: the note found, the reading assessed and sealed, every attempt kept."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from eth_utils.crypto import keccak
from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.instruments.calibration import Calibration
from inspection.instruments.weighbridge import VehicleWeights
from kernel.clock import unix
from kernel.errors import Text
from ledger.evidence.log import append_leaf
from ledger.proofs.content import seal
from ledger.statements import Evidence, id_bytes
from workflow.bonded.carrying import no_longer_covered
from workflow.bonded.gate import (
    Difference,
    Expected,
    Seen,
    compare,
    no_open_note,
    plain_plate,
    several_open_notes,
    unknown_number,
)
from workflow.bonded.models import CheckNote, CheckNoteItem, GateEvent
from workflow.bonded.rules import LIFE_CYCLE, Direction
from workflow.bonded.schemas import GateEventInput, gate_document
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.tenancy import visible

GATE_EVENT_KIND = keccak(text="gate_event")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SEED = b"Piste gate event v1\x00"


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """A report compared with the note that it is about."""

    note: CheckNote | None
    differences: Sequence[Difference]

    @property
    def agrees(self) -> bool:
        """Whether the vehicle may pass."""
        return self.note is not None and not self.differences


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of an attempt, and what its device signed."""

    verdict: str
    differences: Sequence[Difference] = ()
    statement: bytes | None = None
    signer: bytes | None = None
    signature: bytes | None = None


def assess(
    session: Session, context: Context, principal: Principal, report: GateEventInput, *, lock: bool
) -> Assessment:
    """Find the note that a report is about and name everything that keeps the barrier down."""
    note, unfound = _find_note(session, principal, report, lock=lock)
    if note is None:
        return Assessment(note=None, differences=unfound)
    return Assessment(note=note, differences=differences_of(session, context, note, report, lock=lock))


def differences_of(
    session: Session, context: Context, note: CheckNote, report: GateEventInput, *, lock: bool
) -> list[Difference]:
    """Name everything that keeps the barrier down for a note; with `lock`, the answer stays true."""
    tolerance = Decimal(str(context.settings.weighbridge_tolerance))
    differences = compare(_expected(note), _seen(report), tolerance=tolerance, now=context.clock.now())
    return [*differences, *no_longer_covered(session, items_of(session, note), lock=lock)]


def items_of(session: Session, note: CheckNote) -> list[CheckNoteItem]:
    """Give a note's items in their order."""
    return list(
        session.scalars(
            select(CheckNoteItem).where(CheckNoteItem.note_id == note.id).order_by(CheckNoteItem.position)
        )
    )


def report_seed(note: CheckNote | None, report: GateEventInput) -> bytes:
    """Give the secret from which the salts of a report's fields come.

    It is the same each time, so that a report prepared and a report sent have one content hash. It follows from the
    note's secret and the event's identifier; where no note was found, from the identifier alone, which is random and
    stands nowhere on the chain.
    """
    key = note.seed if note is not None else b""
    return hmac.digest(key, _SEED + report.event_id.bytes, "sha256")


def report_hash(note: CheckNote | None, report: GateEventInput) -> bytes:
    """Give the content hash of a report."""
    return seal(gate_document(report), report_seed(note, report)).root


def evidence_statement(note: CheckNote | None, report: GateEventInput, signed_at: datetime) -> Evidence:
    """Give what a gate signs of an attempt that it refuses."""
    return Evidence(
        subject=id_bytes(note.id if note is not None else report.event_id),
        kind=GATE_EVENT_KIND,
        content_hash=report_hash(note, report),
        signed_at=unix(signed_at),
    )


def keep_event(
    session: Session,
    context: Context,
    principal: Principal,
    note: CheckNote | None,
    report: GateEventInput,
    signed_at: datetime,
    outcome: Outcome,
) -> GateEvent:
    """Write an attempt and its evidence leaf into the caller's transaction."""
    now = context.clock.now()
    content_hash = report_hash(note, report)
    event = GateEvent(
        id=report.event_id,
        organisation_id=principal.organisation_id,
        note_id=note.id if note is not None else None,
        gate=report.gate,
        plate=report.plate,
        container_number=report.container_number,
        weighbridge_kg=report.weighbridge_kg,
        seal_state=report.seal_state,
        seal_number=report.seal_number,
        picture_sha256=report.picture_sha256,
        seen_at=report.seen_at,
        reported_at=now,
        client_id=principal.client_id,
        device=principal.name or principal.actor,
        verdict=outcome.verdict,
        decided_at=now if outcome.verdict == "refused" else None,
        differences=[difference.to_json() for difference in outcome.differences],
        content=gate_document(report),
        seed=report_seed(note, report),
        content_hash=content_hash,
        statement=outcome.statement,
        signer=outcome.signer,
        signature=outcome.signature,
        signed_at=signed_at,
    )
    session.add(event)
    subject = note.id if note is not None else event.id
    append_leaf(session, kind="gate_event", subject=subject, content_hash=content_hash, now=now)
    return event


def decide_event(
    session: Session, statement: bytes, *, verdict: str, words: Text | None, now: datetime
) -> None:
    """Write down what the ledger made of a passage that a gate reported."""
    event = session.scalar(select(GateEvent).where(GateEvent.statement == statement).with_for_update())
    if event is None:
        return
    event.verdict, event.decided_at = verdict, now
    if words is not None:
        event.differences = [*event.differences, Difference("note_number", words).to_json()]


def same_report(event: GateEvent, principal: Principal, report: GateEventInput) -> bool:
    """Tell whether a stored attempt is the one that is reported again."""
    ours = event.organisation_id == principal.organisation_id and event.client_id == principal.client_id
    return ours and event.content == gate_document(report)


def _find_note(
    session: Session, principal: Principal, report: GateEventInput, *, lock: bool
) -> tuple[CheckNote | None, list[Difference]]:
    query = visible(select(CheckNote), CheckNote, principal)
    if report.note_number is not None:
        query = query.where(CheckNote.number == report.note_number)
    else:
        query = query.where(CheckNote.holds_vehicle, CheckNote.state != LIFE_CYCLE.initial)
        query = query.where(CheckNote.plain_plate == plain_plate(report.plate))
        if report.direction is not None:
            query = query.where(CheckNote.direction == report.direction)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    notes = session.scalars(query.order_by(CheckNote.id)).all()
    if len(notes) == 1:
        return notes[0], []
    if notes:
        return None, [several_open_notes(report.plate)]
    if report.note_number is not None:
        return None, [unknown_number(report.note_number)]
    return None, [no_open_note(report.plate)]


def _expected(note: CheckNote) -> Expected:
    return Expected(
        number=note.number,
        state=note.state,
        pending=note.pending_event,
        gates=note.gates,
        direction=Direction(note.direction),
        plate=note.vehicle_plate,
        container=note.container_number,
        seal=note.seal_number,
        weights=VehicleWeights(
            vehicle_kg=note.vehicle_weight_kg,
            frame_kg=note.frame_weight_kg,
            container_kg=note.container_weight_kg,
            goods_gross_kg=note.goods_weight_kg,
            total_kg=note.total_weight_kg,
        ),
        possible=LIFE_CYCLE.possible(note.state),
    )


def _seen(report: GateEventInput) -> Seen:
    return Seen(
        gate=report.gate,
        direction=report.direction,
        plate=report.plate,
        container=report.container_number,
        seal_state=report.seal_state,
        seal=report.seal_number,
        weighbridge_kg=report.weighbridge_kg,
        calibration=Calibration(
            certificate_no=report.weighbridge_certificate or "",
            calibrated_at=report.weighbridge_calibrated_at or _LONG_AGO,
            valid_until=report.weighbridge_calibrated_until,
        ),
        seen_at=report.seen_at,
    )


def get_event(session: Session, event_id: UUID) -> GateEvent | None:
    """Load an attempt by its identifier, whoever may ask."""
    return session.get(GateEvent, event_id, populate_existing=True)
