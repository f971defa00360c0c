"""What goes in and out of holds, examinations and readings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from workflow.engine.schemas import ActionInput, Input, SignatureInput
from workflow.examination.rules import Disposition

DispositionName = Literal[
    "release",
    "release_with_amendment",
    "supplement_documents",
    "sample_and_hold",
    "re_examine",
    "seal_and_isolate",
    "return_shipment",
    "hand_to_investigation",
    "destroy",
]
DoseRate = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=14, decimal_places=6, examples=["0.19"])]


class HoldAction(ActionInput):
    """A decision on a hold."""

    disposition: DispositionName

    def chosen(self) -> Disposition:
        """Give the disposition as rules know it."""
        return Disposition[self.disposition.upper()]


class ExaminationAction(ActionInput):
    """A step of an examination; a report says its result."""

    result: Literal["conform", "not_conform"] | None = None


class Calibration(Input):
    """What the instrument says of its calibration."""

    certificate: Annotated[str, Field(min_length=1, max_length=60)]
    valid_until: AwareDatetime


class RadiationReading(Input):
    """A gamma dose rate reading of a portal or a hand-held instrument, in µSv/h."""

    declaration: UUID
    stage: Literal["portal", "retest"]
    instrument: Annotated[str, Field(min_length=1, max_length=60, examples=["RPM-2 lane 4"])]
    reading_usv_h: DoseRate
    background_usv_h: Annotated[list[DoseRate], Field(min_length=1, max_length=1000)]
    calibration: Calibration
    taken_at: AwareDatetime


class SignedReading(Input):
    """A reading with its instrument's signature over the `Evidence` statement of its content."""

    reading: RadiationReading
    signature: SignatureInput
