"""The weighbridge against the check note (DOMAIN.md §4 rules 1 and 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.instruments.calibration import Calibration, ReadingImplausible
from inspection.instruments.weighbridge import (
    VehicleWeights,
    WeighbridgeFinding,
    WeighbridgeSettings,
    WeightsDoNotAddUp,
    WeightVerdict,
    weighbridge_verdict,
)

MEASURED = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
GOOD = Calibration(
    certificate_no="WB-7",
    calibrated_at=datetime(2025, 6, 1, tzinfo=UTC),
    valid_until=datetime(2026, 6, 1, tzinfo=UTC),
)
NOTE = VehicleWeights(
    vehicle_kg=Decimal(7000),
    frame_kg=Decimal(1000),
    container_kg=Decimal(1500),
    goods_gross_kg=Decimal(500),
    total_kg=Decimal(10000),
)


def weighed(reading: str, **settings: Decimal) -> WeighbridgeFinding:
    return weighbridge_verdict(
        Decimal(reading),
        NOTE,
        calibration=GOOD,
        measured_at=MEASURED,
        settings=WeighbridgeSettings(**settings),
    )


@pytest.mark.parametrize(
    ("reading", "verdict", "percent"),
    [
        ("10000", WeightVerdict.WITHIN_TOLERANCE, "0.00"),
        ("10300", WeightVerdict.WITHIN_TOLERANCE, "3.00"),
        ("9700", WeightVerdict.WITHIN_TOLERANCE, "-3.00"),
        ("10300.1", WeightVerdict.TOO_HEAVY, "3.00"),
        ("9699.9", WeightVerdict.TOO_LIGHT, "-3.00"),
        ("0", WeightVerdict.TOO_LIGHT, "-100.00"),
    ],
)
def test_the_tolerance_is_three_percent_unless_told_otherwise(
    reading: str, verdict: WeightVerdict, percent: str
) -> None:
    finding = weighed(reading)
    assert (finding.verdict, finding.deviation_percent) == (verdict, Decimal(percent))
    assert finding.message.en
    assert finding.message.zh
    assert WeighbridgeFinding.from_json(finding.to_json()) == finding


def test_a_site_sets_its_own_tolerance() -> None:
    assert weighed("10300", tolerance_percent=Decimal(1)).verdict is WeightVerdict.TOO_HEAVY


def test_parts_that_are_not_the_total_are_refused() -> None:
    with pytest.raises(WeightsDoNotAddUp) as refused:
        weighbridge_verdict(
            Decimal(10000), replace(NOTE, total_kg=Decimal(10001)), calibration=GOOD, measured_at=MEASURED
        )
    assert (refused.value.parts_kg, refused.value.total_kg) == (Decimal(10000), Decimal(10001))


@pytest.mark.parametrize("bad", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_impossible_weights_are_refused(bad: Decimal) -> None:
    with pytest.raises(ReadingImplausible):
        weighbridge_verdict(bad, NOTE, calibration=GOOD, measured_at=MEASURED)
    with pytest.raises(ReadingImplausible):
        weighbridge_verdict(Decimal(1), replace(NOTE, frame_kg=bad), calibration=GOOD, measured_at=MEASURED)


def test_a_weighbridge_out_of_calibration_gives_no_verdict() -> None:
    late = GOOD.valid_until + timedelta(seconds=1)
    finding = weighbridge_verdict(Decimal(10000), NOTE, calibration=GOOD, measured_at=late)
    assert finding.verdict is WeightVerdict.NO_VERDICT


weights = st.decimals(min_value=0, max_value=100_000, places=1)


@given(weights, weights, weights, weights, weights)
def test_the_sum_is_exact_and_the_tolerance_symmetric(
    vehicle: Decimal, frame: Decimal, container: Decimal, goods: Decimal, off: Decimal
) -> None:
    total = vehicle + frame + container + goods
    note = VehicleWeights(
        vehicle_kg=vehicle, frame_kg=frame, container_kg=container, goods_gross_kg=goods, total_kg=total
    )
    heavy = weighbridge_verdict(total + off, note, calibration=GOOD, measured_at=MEASURED)
    assert (heavy.verdict is WeightVerdict.WITHIN_TOLERANCE) == (off * 100 <= total * 3)
    if off <= total:
        light = weighbridge_verdict(total - off, note, calibration=GOOD, measured_at=MEASURED)
        assert (light.verdict is WeightVerdict.WITHIN_TOLERANCE) == (
            heavy.verdict is WeightVerdict.WITHIN_TOLERANCE
        )
