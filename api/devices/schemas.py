"""What goes in and out at the devices' door."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from api.cases.bodies import SIGNATURE_EXAMPLE, ReadByProcess
from api.cases.views import Words
from workflow.bonded.schemas import DifferenceOutput, GateEventInput
from workflow.engine.schemas import Input, Output, SignatureInput, example

_EVENT = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b09"
_DECLARATION = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
GATE_EVENT_EXAMPLE: dict[str, Any] = {
    "event_id": _EVENT,
    "note_number": "Z0101I260203000000000031",
    "gate": 1,
    "plate": "京A12345",
    "weighbridge_kg": "8075",
    "weighbridge_calibrated_until": "2026-12-31T00:00:00Z",
    "seal_state": "none",
    "picture_sha256": "ab" * 32,
    "seen_at": "2026-02-03T09:10:00Z",
}
READING_EXAMPLE: dict[str, Any] = {
    "quantity": "gamma_dose_rate",
    "declaration": _DECLARATION,
    "stage": "portal",
    "instrument": "RPM-PEK-04",
    "calibration": {
        "certificate_no": "NIM-2026-RP-0417",
        "calibrated_at": "2025-11-02T00:00:00Z",
        "valid_until": "2026-11-02T00:00:00Z",
    },
    "measured_at": "2026-02-03T08:30:00Z",
    "reading_usv_h": "0.19",
    "background_usv_h": ["0.08", "0.08", "0.09", "0.07", "0.08"],
}
RawGateEvent = Annotated[Any, ReadByProcess(GateEventInput)]


class GateEventToSign(Input):
    """What a gate saw; its statement is to be signed."""

    model_config = example({"event": GATE_EVENT_EXAMPLE})

    event: RawGateEvent


class SignedGateEvent(Input):
    """What a gate saw, with the device's signature over the statement that was prepared."""

    model_config = example(
        {
            "event": {**GATE_EVENT_EXAMPLE, "signed_at": "2026-02-03T09:10:01Z"},
            "signature": SIGNATURE_EXAMPLE,
        }
    )

    event: RawGateEvent
    signature: SignatureInput | None = Field(
        default=None, description="May be left out where the statement said that the vehicle does not agree."
    )


class GateEventView(Output):
    """One attempt to pass a gate, and what its barrier does. It lifts on `open` alone."""

    model_config = example(
        {
            "id": _EVENT,
            "note_id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b03",
            "gate": 1,
            "plate": "京A12345",
            "container_number": None,
            "weighbridge_kg": "8075",
            "seal_state": "none",
            "seal_number": None,
            "picture_sha256": "ab" * 32,
            "seen_at": "2026-02-03T09:10:00Z",
            "reported_at": "2026-02-03T09:10:01Z",
            "decided_at": "2026-02-03T09:10:04Z",
            "instruction": "open",
            "code": "2",
            "words": {"en": "The passage is recorded: lift the barrier.", "zh": "过卡已上链，请抬杆。"},
            "differences": [],
        }
    )

    id: UUID
    note_id: UUID | None
    gate: int
    plate: str
    container_number: str | None
    weighbridge_kg: Decimal
    seal_state: str
    seal_number: str | None
    picture_sha256: str | None
    seen_at: datetime
    reported_at: datetime
    decided_at: datetime | None
    instruction: Literal["waiting", "open", "refused"] = Field(
        description="Ask again while it is `waiting`: the passage is signed and not recorded yet."
    )
    code: str | None = Field(
        description="Customs code: 2 may release, 7 seal and leave, 8 verify seal and enter, 9 return."
    )
    words: Words
    differences: list[DifferenceOutput]
