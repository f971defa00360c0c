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
Figure = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=14, decimal_places=6, examples=["0.19"])]


class HoldAction(ActionInput):
    """A decision on a hold."""

    disposition: DispositionName

    def chosen(self) -> Disposition:
        """Give the disposition as rules know it."""
        return Disposition[self.disposition.upper()]


class ExaminationAction(ActionInput):
    """A step of an examination; a report says its result."""

    result: Literal["conform", "not_conform"] | None = None


class CalibrationInput(Input):
    """What the instrument says of its calibration."""

    certificate_no: Annotated[str, Field(min_length=1, max_length=60, examples=["NIM-2026-RP-0417"])]
    calibrated_at: AwareDatetime
    valid_until: AwareDatetime


class _Measurement(Input):
    declaration: UUID
    instrument: Annotated[str, Field(min_length=1, max_length=60, examples=["RPM-PEK-04"])]
    calibration: CalibrationInput
    measured_at: AwareDatetime


class DoseRateReading(_Measurement):
    """A gamma dose rate, in µSv/h: by the portal, or again after isolation."""

    quantity: Literal["gamma_dose_rate"]
    stage: Literal["portal", "retest"]
    reading_usv_h: Figure
    background_usv_h: Annotated[list[Figure], Field(min_length=5, max_length=1000)]
    """At least five readings of the same instrument away from the goods."""


class ContaminationReading(_Measurement):
    """Surface contamination by wipe, in Bq/cm²; only after isolation."""

    quantity: Literal["surface_contamination"]
    stage: Literal["retest"]
    alpha_bq_cm2: Figure
    beta_bq_cm2: Figure
    area_cm2: Figure


Reading = Annotated[DoseRateReading | ContaminationReading, Field(discriminator="quantity")]


class ReadingToSign(Input):
    """A reading whose statement is to be signed."""

    reading: Reading


class SignedReading(ReadingToSign):
    """A reading with its instrument's signature over the `Evidence` statement of its content."""

    signature: SignatureInput
