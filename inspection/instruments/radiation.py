"""Radiation at the goods: γ dose rate and surface contamination.

The limit decides, the ratio to background only rings (DOMAIN.md §6): a reading of three times the background may
be well within the limit, and rings all the same so that somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from inspection.instruments.calibration import Calibration, Figure, plausible
from inspection.records import Recorded
from kernel.errors import PisteError, Text


class TooFewReadings(PisteError):
    """The background was not measured often enough to have a mean."""

    code = "reading.too-few-background"
    message = Text(
        "{count} background readings were given; at least {least} are needed.",
        "本底读数仅{count}个，至少需要{least}个。",
    )
    next_step = Text(
        "Measure the background again with the same instrument, away from the goods.",
        "请用同一仪器在远离货物处重新测量本底。",
    )
    field = "/background_usv_h"
    count: int
    least: int


class Verdict(StrEnum):
    """What a measurement says of the goods."""

    WITHIN_LIMIT = "within_limit"
    EXCEEDS_LIMIT = "exceeds_limit"
    NO_VERDICT = "no_verdict"


class AlarmLevel(StrEnum):
    """How loud a reading is against its background, quietest first."""

    NORMAL = "normal"
    RAISED = "raised"
    RINGING = "ringing"


@dataclass(frozen=True, kw_only=True)
class RadiationSettings(Recorded):
    """Limits by regulation and alarm thresholds of the site."""

    dose_rate_over_background_usv_h: Decimal = Decimal("0.25")
    alpha_limit_bq_cm2: Decimal = Decimal("0.04")
    beta_limit_bq_cm2: Decimal = Decimal("0.4")
    contamination_area_cm2: Decimal = Decimal(300)
    least_background_readings: int = 5
    raised_from_ratio: Decimal = Decimal("1.5")
    """Assumed; a site sets its own."""
    ringing_from_ratio: Decimal = Decimal(3)


DEFAULT_SETTINGS = RadiationSettings()


@dataclass(frozen=True, kw_only=True)
class DoseRateMeasurement(Recorded):
    """One γ measurement of goods, with the background that belongs to it."""

    reading_usv_h: Decimal
    """Highest reading on the surface."""
    background_usv_h: tuple[Decimal, ...]
    """Readings of the same instrument away from the goods."""
    measured_at: datetime
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class DoseRateFinding(Recorded):
    """What a γ measurement says: a verdict by the limit, an alarm level by the ratio."""

    verdict: Verdict
    alarm: AlarmLevel
    reading_usv_h: Decimal
    background_mean_usv_h: Decimal
    """Rounded to four places; the verdict is taken on the exact mean."""
    limit_usv_h: Decimal
    ratio: Decimal | None
    """Reading over background, rounded to two places; None over a background of zero."""
    reason: str
    """`radiation.within-limit`, `radiation.exceeds-limit` or `radiation.out-of-calibration`."""
    message: Text


@dataclass(frozen=True, kw_only=True)
class ContaminationMeasurement(Recorded):
    """One α/β measurement of a surface."""

    alpha_bq_cm2: Decimal
    beta_bq_cm2: Decimal
    area_cm2: Decimal
    measured_at: datetime
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class ContaminationFinding(Recorded):
    """What a contamination measurement says."""

    verdict: Verdict
    alpha_bq_cm2: Decimal
    beta_bq_cm2: Decimal
    reason: str
    """`contamination.within-limit`, `.exceeds-limit`, `.out-of-calibration` or `.wrong-area`."""
    message: Text


def dose_rate_verdict(
    reading_usv_h: Figure,
    background_usv_h: Sequence[Figure],
    *,
    calibration: Calibration,
    measured_at: datetime,
    settings: RadiationSettings = DEFAULT_SETTINGS,
) -> DoseRateFinding:
    """Judge a gamma dose rate against local background.

    Args:
        reading_usv_h: Highest reading on the surface, µSv/h, 0 or more.
        background_usv_h: At least five readings of the same instrument away from the goods, µSv/h.
        calibration: Of that instrument.
        measured_at: When; outside the calibration's validity there is no verdict.
        settings: Limits and thresholds.

    Raises:
        TooFewReadings: Fewer than five background readings.
        ReadingImplausible: A reading is negative or not finite.

    Source: DOMAIN.md §6, limit = mean background + 0.25 µSv/h.
    """
    reading = plausible(reading_usv_h, "reading_usv_h")
    background = [
        plausible(value, f"background_usv_h/{index}") for index, value in enumerate(background_usv_h)
    ]
    if len(background) < settings.least_background_readings:
        raise TooFewReadings(count=len(background), least=settings.least_background_readings)
    mean = sum((Fraction(value) for value in background), Fraction(0)) / len(background)
    limit = mean + Fraction(settings.dose_rate_over_background_usv_h)
    ratio = Fraction(reading) / mean if mean else None
    if not calibration.covers(measured_at):
        verdict, reason = Verdict.NO_VERDICT, "radiation.out-of-calibration"
    elif Fraction(reading) <= limit:
        verdict, reason = Verdict.WITHIN_LIMIT, "radiation.within-limit"
    else:
        verdict, reason = Verdict.EXCEEDS_LIMIT, "radiation.exceeds-limit"
    shown: dict[str, object] = {
        "reading": reading,
        "background": _rounded(mean, 4),
        "limit": _rounded(limit, 4),
        "ratio": _rounded(ratio, 2) if ratio is not None else "∞",
        "certificate": calibration.certificate_no,
        "until": f"{calibration.valid_until:%Y-%m-%d}",
    }
    return DoseRateFinding(
        verdict=verdict,
        alarm=_alarm(reading, ratio, settings),
        reading_usv_h=reading,
        background_mean_usv_h=_rounded(mean, 4),
        limit_usv_h=_rounded(limit, 4),
        ratio=_rounded(ratio, 2) if ratio is not None else None,
        reason=reason,
        message=_MESSAGES[reason].fill(shown),
    )


def judge_dose_rate(
    measurement: DoseRateMeasurement, settings: RadiationSettings = DEFAULT_SETTINGS
) -> DoseRateFinding:
    """Judge a recorded measurement; see `dose_rate_verdict`."""
    return dose_rate_verdict(
        measurement.reading_usv_h,
        measurement.background_usv_h,
        calibration=measurement.calibration,
        measured_at=measurement.measured_at,
        settings=settings,
    )


def _alarm(reading: Decimal, ratio: Fraction | None, settings: RadiationSettings) -> AlarmLevel:
    if ratio is None:
        return AlarmLevel.RINGING if reading else AlarmLevel.NORMAL
    if ratio >= Fraction(settings.ringing_from_ratio):
        return AlarmLevel.RINGING
    if ratio >= Fraction(settings.raised_from_ratio):
        return AlarmLevel.RAISED
    return AlarmLevel.NORMAL


def contamination_verdict(
    alpha_bq_cm2: Figure,
    beta_bq_cm2: Figure,
    area_cm2: Figure,
    *,
    calibration: Calibration,
    measured_at: datetime,
    settings: RadiationSettings = DEFAULT_SETTINGS,
) -> ContaminationFinding:
    """Judge the contamination of a surface.

    Args:
        alpha_bq_cm2: Mean α activity over the area, Bq/cm².
        beta_bq_cm2: Mean β activity over the area, Bq/cm².
        area_cm2: The area measured; the limits are means over 300 cm², over any other area there is no verdict.
        calibration: Of the instrument.
        measured_at: When.
        settings: Limits.

    Raises:
        ReadingImplausible: A reading is negative or not finite.

    Source: DOMAIN.md §6, α ≤ 0.04 and β ≤ 0.4 Bq/cm² over 300 cm².
    """
    alpha, beta = plausible(alpha_bq_cm2, "alpha_bq_cm2"), plausible(beta_bq_cm2, "beta_bq_cm2")
    area = plausible(area_cm2, "area_cm2")
    if not calibration.covers(measured_at):
        verdict, reason = Verdict.NO_VERDICT, "contamination.out-of-calibration"
    elif area != settings.contamination_area_cm2:
        verdict, reason = Verdict.NO_VERDICT, "contamination.wrong-area"
    elif alpha <= settings.alpha_limit_bq_cm2 and beta <= settings.beta_limit_bq_cm2:
        verdict, reason = Verdict.WITHIN_LIMIT, "contamination.within-limit"
    else:
        verdict, reason = Verdict.EXCEEDS_LIMIT, "contamination.exceeds-limit"
    shown: dict[str, object] = {
        "alpha": alpha,
        "beta": beta,
        "alpha_limit": settings.alpha_limit_bq_cm2,
        "beta_limit": settings.beta_limit_bq_cm2,
        "area": area,
        "needed_area": settings.contamination_area_cm2,
        "certificate": calibration.certificate_no,
        "until": f"{calibration.valid_until:%Y-%m-%d}",
    }
    return ContaminationFinding(
        verdict=verdict,
        alpha_bq_cm2=alpha,
        beta_bq_cm2=beta,
        reason=reason,
        message=_MESSAGES[reason].fill(shown),
    )


def judge_contamination(
    measurement: ContaminationMeasurement, settings: RadiationSettings = DEFAULT_SETTINGS
) -> ContaminationFinding:
    """Judge a recorded measurement; see `contamination_verdict`."""
    return contamination_verdict(
        measurement.alpha_bq_cm2,
        measurement.beta_bq_cm2,
        measurement.area_cm2,
        calibration=measurement.calibration,
        measured_at=measurement.measured_at,
        settings=settings,
    )


def _rounded(value: Fraction, places: int) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


_MESSAGES = {
    "radiation.within-limit": Text(
        "Dose rate {reading} µSv/h is within the limit of {limit} µSv/h (background {background}, ratio {ratio}).",
        "剂量率{reading} µSv/h，未超过限值{limit} µSv/h（本底{background}，为本底的{ratio}倍）。",
    ),
    "radiation.exceeds-limit": Text(
        "Dose rate {reading} µSv/h exceeds the limit of {limit} µSv/h (background {background}, ratio {ratio}).",
        "剂量率{reading} µSv/h，超过限值{limit} µSv/h（本底{background}，为本底的{ratio}倍）。",
    ),
    "radiation.out-of-calibration": Text(
        "No verdict: the instrument was out of calibration (certificate {certificate}, valid until {until}). "
        "Measure again with another one.",
        "不作结论：仪器不在检定有效期内（检定证书{certificate}，有效期至{until}）。请更换仪器重新测量。",
    ),
    "contamination.within-limit": Text(
        "Surface contamination α {alpha}, β {beta} Bq/cm² is within the limits of {alpha_limit} and {beta_limit}.",
        "表面污染α {alpha}、β {beta} Bq/cm²，未超过限值{alpha_limit}和{beta_limit}。",
    ),
    "contamination.exceeds-limit": Text(
        "Surface contamination α {alpha}, β {beta} Bq/cm² exceeds the limits of {alpha_limit} and {beta_limit}.",
        "表面污染α {alpha}、β {beta} Bq/cm²，超过限值{alpha_limit}和{beta_limit}。",
    ),
    "contamination.wrong-area": Text(
        "No verdict: the limits hold for {needed_area} cm², {area} cm² were measured. Measure again.",
        "不作结论：限值适用于{needed_area} cm²，实测面积为{area} cm²。请重新测量。",
    ),
    "contamination.out-of-calibration": Text(
        "No verdict: the instrument was out of calibration (certificate {certificate}, valid until {until}). "
        "Measure again with another one.",
        "不作结论：仪器不在检定有效期内（检定证书{certificate}，有效期至{until}）。请更换仪器重新测量。",
    ),
}
