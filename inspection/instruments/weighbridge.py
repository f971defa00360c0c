"""The weighbridge at a gate against what the check note says the vehicle weighs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from inspection.instruments.calibration import Calibration, plausible
from inspection.records import Recorded
from kernel.errors import PisteError, Text


class WeightsDoNotAddUp(PisteError):
    """The parts of a check note's weight are not its total (DOMAIN.md §4 rule 1)."""

    code = "weighbridge.parts-differ"
    message = Text(
        "Vehicle, frame, container and goods weigh {parts_kg} kg together, but the total is given as {total_kg} kg.",
        "车辆、车架、集装箱和货物合计{parts_kg}千克，与所报总重{total_kg}千克不符。",
    )
    next_step = Text("Correct the weights of the check note.", "请更正核放单重量。")
    field = "/total_kg"
    parts_kg: Decimal
    total_kg: Decimal


class WeightVerdict(StrEnum):
    """What the weighbridge says of a vehicle."""

    WITHIN_TOLERANCE = "within_tolerance"
    TOO_HEAVY = "too_heavy"
    TOO_LIGHT = "too_light"
    NO_VERDICT = "no_verdict"


@dataclass(frozen=True, kw_only=True)
class WeighbridgeSettings(Recorded):
    """What a site lets pass."""

    tolerance_percent: Decimal = Decimal(3)
    """Assumed (DOMAIN.md §4 rule 2); a site sets its own."""


DEFAULT_SETTINGS = WeighbridgeSettings()


@dataclass(frozen=True, kw_only=True)
class VehicleWeights(Recorded):
    """The weights on a check note, kg."""

    vehicle_kg: Decimal
    frame_kg: Decimal
    container_kg: Decimal
    goods_gross_kg: Decimal
    total_kg: Decimal

    def checked(self) -> VehicleWeights:
        """Give the same weights, once they are possible and add up.

        Raises:
            ReadingImplausible: One of them is negative or not finite.
            WeightsDoNotAddUp: The total is not their sum.
        """
        parts = [
            plausible(getattr(self, name), name)
            for name in ("vehicle_kg", "frame_kg", "container_kg", "goods_gross_kg")
        ]
        total = plausible(self.total_kg, "total_kg")
        if sum(parts) != total:
            raise WeightsDoNotAddUp(parts_kg=sum(parts, Decimal(0)), total_kg=total)
        return self


@dataclass(frozen=True, kw_only=True)
class WeighbridgeFinding(Recorded):
    """What a weighing says."""

    verdict: WeightVerdict
    weighbridge_kg: Decimal
    total_kg: Decimal
    deviation_percent: Decimal
    """Weighbridge over total, rounded to two places; negative where it is lighter."""
    reason: str
    message: Text


def weighbridge_verdict(
    weighbridge_kg: Decimal,
    weights: VehicleWeights,
    *,
    calibration: Calibration,
    measured_at: datetime,
    settings: WeighbridgeSettings = DEFAULT_SETTINGS,
) -> WeighbridgeFinding:
    """Compare the weighbridge with the check note's total weight.

    Args:
        weighbridge_kg: The reading.
        weights: Of the check note; total = vehicle + frame + container + gross goods weight.
        calibration: Of the weighbridge.
        measured_at: When.
        settings: The site's tolerance; a deviation of exactly the tolerance passes.

    Raises:
        ReadingImplausible: A weight is negative or not finite.
        WeightsDoNotAddUp: The note contradicts itself.

    Source: DOMAIN.md §4 rules 1 and 2.
    """
    reading = plausible(weighbridge_kg, "weighbridge_kg")
    total = weights.checked().total_kg
    deviation = reading - total
    if not calibration.covers(measured_at):
        verdict, reason = WeightVerdict.NO_VERDICT, "weighbridge.out-of-calibration"
    elif abs(deviation) * 100 <= total * settings.tolerance_percent:
        verdict, reason = WeightVerdict.WITHIN_TOLERANCE, "weighbridge.within-tolerance"
    elif deviation > 0:
        verdict, reason = WeightVerdict.TOO_HEAVY, "weighbridge.too-heavy"
    else:
        verdict, reason = WeightVerdict.TOO_LIGHT, "weighbridge.too-light"
    percent = (deviation * 100 / total if total else Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    shown: dict[str, object] = {
        "reading": reading,
        "total": total,
        "percent": percent,
        "tolerance": settings.tolerance_percent,
        "certificate": calibration.certificate_no,
        "until": f"{calibration.valid_until:%Y-%m-%d}",
    }
    return WeighbridgeFinding(
        verdict=verdict,
        weighbridge_kg=reading,
        total_kg=total,
        deviation_percent=percent,
        reason=reason,
        message=_MESSAGES[reason].fill(shown),
    )


_WEIGHED = Text(
    "The weighbridge shows {reading} kg, the check note {total} kg ({percent} %, tolerance {tolerance} %)",
    "地磅{reading}千克，核放单{total}千克（偏差{percent}%，允差{tolerance}%）",
)
_MESSAGES = {
    "weighbridge.within-tolerance": Text(_WEIGHED.en + ": they agree.", _WEIGHED.zh + "，相符。"),
    "weighbridge.too-heavy": Text(
        _WEIGHED.en + ": the vehicle is too heavy; keep the barrier down and look.",
        _WEIGHED.zh + "，车辆超重，不得抬杆，请核查。",
    ),
    "weighbridge.too-light": Text(
        _WEIGHED.en + ": the vehicle is too light; keep the barrier down and look.",
        _WEIGHED.zh + "，车辆偏轻，不得抬杆，请核查。",
    ),
    "weighbridge.out-of-calibration": Text(
        "No verdict: the weighbridge was out of calibration (certificate {certificate}, valid until {until}).",
        "不作结论：地磅不在检定有效期内（检定证书{certificate}，有效期至{until}）。",
    ),
}
