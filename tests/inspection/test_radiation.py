"""The limit decides, the ratio rings, and an instrument out of calibration says nothing (DOMAIN.md §6)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.instruments.calibration import Calibration, ReadingImplausible
from inspection.instruments.radiation import (
    AlarmLevel,
    ContaminationFinding,
    ContaminationMeasurement,
    DoseRateFinding,
    DoseRateMeasurement,
    RadiationSettings,
    TooFewReadings,
    Verdict,
    contamination_verdict,
    dose_rate_verdict,
    judge_contamination,
    judge_dose_rate,
)

MEASURED = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
GOOD = Calibration(
    certificate_no="NIM-1",
    calibrated_at=datetime(2025, 6, 1, tzinfo=UTC),
    valid_until=datetime(2026, 6, 1, tzinfo=UTC),
)


def judged(reading: float | Decimal, background: list[float] | list[Decimal]) -> DoseRateFinding:
    return dose_rate_verdict(reading, background, calibration=GOOD, measured_at=MEASURED)


@pytest.mark.parametrize(
    ("reading", "background", "verdict", "alarm", "ratio"),
    [
        (0.19, 0.08, Verdict.WITHIN_LIMIT, AlarmLevel.RAISED, "2.38"),
        (7.94, 0.15, Verdict.EXCEEDS_LIMIT, AlarmLevel.RINGING, "52.93"),
        (3.30, 0.12, Verdict.EXCEEDS_LIMIT, AlarmLevel.RINGING, "27.50"),
        (0.29, 0.08, Verdict.WITHIN_LIMIT, AlarmLevel.RINGING, "3.63"),
        (0.33, 0.08, Verdict.WITHIN_LIMIT, AlarmLevel.RINGING, "4.13"),
        (0.3301, 0.08, Verdict.EXCEEDS_LIMIT, AlarmLevel.RINGING, "4.13"),
        (0.08, 0.08, Verdict.WITHIN_LIMIT, AlarmLevel.NORMAL, "1.00"),
        (1.26, 1.0, Verdict.EXCEEDS_LIMIT, AlarmLevel.NORMAL, "1.26"),
        (0.0, 0.08, Verdict.WITHIN_LIMIT, AlarmLevel.NORMAL, "0.00"),
    ],
)
def test_worked_cases(
    reading: float, background: float, verdict: Verdict, alarm: AlarmLevel, ratio: str
) -> None:
    finding = judged(reading, [background] * 5)
    assert (finding.verdict, finding.alarm, finding.ratio) == (verdict, alarm, Decimal(ratio))
    assert finding.limit_usv_h == Decimal(str(background)) + Decimal("0.25")
    assert finding.message.en
    assert finding.message.zh


@pytest.mark.parametrize("count", range(5))
def test_fewer_than_five_background_readings_are_refused(count: int) -> None:
    with pytest.raises(TooFewReadings) as refused:
        judged(0.1, [0.08] * count)
    assert (refused.value.count, refused.value.least) == (count, 5)


@pytest.mark.parametrize("bad", [-0.01, float("nan"), float("inf"), float("-inf"), Decimal("NaN"), True])
def test_impossible_readings_are_refused(bad: float) -> None:
    with pytest.raises(ReadingImplausible):
        judged(bad, [0.08] * 5)
    with pytest.raises(ReadingImplausible) as refused:
        judged(0.1, [0.08, 0.08, bad, 0.08, 0.08])
    assert refused.value.pointer() == "/background_usv_h/2"


@pytest.mark.parametrize(
    ("measured_at", "counts"),
    [
        (GOOD.valid_until, True),
        (GOOD.valid_until + timedelta(seconds=1), False),
        (GOOD.calibrated_at, True),
        (GOOD.calibrated_at - timedelta(seconds=1), False),
    ],
)
@pytest.mark.parametrize("reading", [0.1, 9.0])
def test_out_of_calibration_there_is_no_verdict_but_still_an_alarm(
    measured_at: datetime, reading: float, *, counts: bool
) -> None:
    finding = dose_rate_verdict(reading, [0.08] * 5, calibration=GOOD, measured_at=measured_at)
    assert (finding.verdict is not Verdict.NO_VERDICT) == counts
    assert finding.alarm is (AlarmLevel.RINGING if reading > 1 else AlarmLevel.NORMAL)
    if not counts:
        assert "out of calibration" in finding.message.en
        assert "NIM-1" in finding.message.zh


def test_over_a_background_of_nothing_any_reading_rings() -> None:
    assert judged(0.01, [0.0] * 5).alarm is AlarmLevel.RINGING
    assert judged(0.0, [0.0] * 5).alarm is AlarmLevel.NORMAL
    assert judged(0.01, [0.0] * 5).ratio is None


rates = st.decimals(min_value=0, max_value=1000, places=3)
backgrounds = st.lists(st.decimals(min_value=0, max_value=10, places=3), min_size=5, max_size=12)


@given(rates, backgrounds)
def test_the_verdict_is_the_limit_and_nothing_else(reading: Decimal, background: list[Decimal]) -> None:
    finding = judged(reading, background)
    exceeds = reading * len(background) > sum(background) + Decimal("0.25") * len(background)
    assert finding.verdict is (Verdict.EXCEEDS_LIMIT if exceeds else Verdict.WITHIN_LIMIT)


@given(rates, backgrounds, st.decimals(min_value="0.1", max_value=5, places=2), st.data())
def test_alarm_thresholds_never_change_the_verdict(
    reading: Decimal, background: list[Decimal], threshold: Decimal, data: st.DataObject
) -> None:
    settings = RadiationSettings(raised_from_ratio=threshold, ringing_from_ratio=threshold * 2)
    shuffled = data.draw(st.permutations(background))
    finding = dose_rate_verdict(reading, shuffled, calibration=GOOD, measured_at=MEASURED, settings=settings)
    assert finding.verdict is judged(reading, background).verdict


LOUDNESS = list(AlarmLevel)


@given(rates, rates, backgrounds)
def test_more_radiation_is_never_judged_milder(
    one: Decimal, other: Decimal, background: list[Decimal]
) -> None:
    less, more = (judged(reading, background) for reading in sorted((one, other)))
    assert not (less.verdict is Verdict.EXCEEDS_LIMIT and more.verdict is Verdict.WITHIN_LIMIT)
    assert LOUDNESS.index(less.alarm) <= LOUDNESS.index(more.alarm)


@given(rates, backgrounds)
def test_measurements_and_findings_survive_json(reading: Decimal, background: list[Decimal]) -> None:
    measurement = DoseRateMeasurement(
        reading_usv_h=reading, background_usv_h=tuple(background), measured_at=MEASURED, calibration=GOOD
    )
    again = DoseRateMeasurement.from_json(json.loads(json.dumps(measurement.to_json())))
    assert again == measurement
    finding = judge_dose_rate(again)
    assert DoseRateFinding.from_json(json.loads(json.dumps(finding.to_json()))) == finding


@pytest.mark.parametrize(
    ("alpha", "beta", "verdict"),
    [
        ("0.04", "0.4", Verdict.WITHIN_LIMIT),
        ("0", "0", Verdict.WITHIN_LIMIT),
        ("0.041", "0.1", Verdict.EXCEEDS_LIMIT),
        ("0.01", "0.401", Verdict.EXCEEDS_LIMIT),
    ],
)
def test_contamination_is_judged_over_its_area(alpha: str, beta: str, verdict: Verdict) -> None:
    def over(area: str) -> ContaminationFinding:
        return judge_contamination(
            ContaminationMeasurement(
                alpha_bq_cm2=Decimal(alpha),
                beta_bq_cm2=Decimal(beta),
                area_cm2=Decimal(area),
                measured_at=MEASURED,
                calibration=GOOD,
            )
        )

    assert over("300").verdict is verdict
    assert over("100").verdict is Verdict.NO_VERDICT
    assert over("600").reason == "contamination.wrong-area"
    assert ContaminationFinding.from_json(over("300").to_json()) == over("300")


def test_contamination_out_of_calibration_gives_no_verdict_and_impossible_readings_are_refused() -> None:
    late = GOOD.valid_until + timedelta(days=1)
    finding = contamination_verdict(0, 0, 300, calibration=GOOD, measured_at=late)
    assert finding.verdict is Verdict.NO_VERDICT
    with pytest.raises(ReadingImplausible):
        contamination_verdict(-1, 0, 300, calibration=GOOD, measured_at=MEASURED)
