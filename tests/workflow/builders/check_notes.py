"""Check notes and gate reports: valid content, and notes brought to the state that a test begins with."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.parties import Actor, granted
from workflow.bonded.models import CheckNote
from workflow.bonded.service import CHECK_NOTES, draft_check_note, get_check_note
from workflow.declarations.models import Declaration

_numbers = count(1)


def carried(declaration: Declaration, line_no: int = 1, quantity: str = "10") -> dict[str, Any]:
    return {"declaration_id": str(declaration.id), "line_no": line_no, "quantity": quantity}


def check_note_content(*items: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Give content in which the rules find no fault."""
    number = next(_numbers)
    content: dict[str, Any] = {
        "internal_no": f"T-{number:05d}",
        "office": "0101",
        "direction": "I",
        "note_type": "first_line",
        "binding": 3,
        "vehicle_plate": f"京A{number:05d}",
        "vehicle_weight_kg": "7500",
        "frame_weight_kg": "500",
        "goods_weight_kg": "2000",
        "items": list(items),
        **changes,
    }
    weights = [content.get(f"{part}_weight_kg", "0") for part in ("vehicle", "frame", "container", "goods")]
    content.setdefault("total_weight_kg", str(sum(Decimal(weight) for weight in weights)))
    return content


def empty_vehicle(**changes: object) -> dict[str, Any]:
    """Give the content of a note that carries no goods."""
    return check_note_content(note_type="empty_vehicle", goods_weight_kg="0", **changes)


def approved_note(session: Session, stage: Stage, broker: Actor, content: dict[str, Any]) -> CheckNote:
    """Bring a note to the gate."""
    officer = granted(session, Role.DOCUMENTS_OFFICER)
    drafted = draft_check_note(session, stage.context, broker.principal, content)
    stage.go(session, broker, CHECK_NOTES, drafted.id, "apply")
    stage.go(session, officer, CHECK_NOTES, drafted.id, "approve")
    return get_check_note(session, broker.principal, drafted.id)


def gate_report(note: CheckNote, stage: Stage, **changes: object) -> dict[str, Any]:
    """Give a report of a vehicle that is just what the note says."""
    now = stage.context.clock.now()
    return {
        "event_id": str(uuid4()),
        "note_number": note.number,
        "gate": 1,
        "plate": note.vehicle_plate,
        "container_number": note.container_number,
        "weighbridge_kg": str(note.total_weight_kg),
        "weighbridge_calibrated_until": "2026-12-31T00:00:00Z",
        "seal_state": "intact" if note.seal_number else "none",
        "seal_number": note.seal_number,
        "picture_sha256": "ab" * 32,
        "seen_at": now.isoformat(),
        **changes,
    }
