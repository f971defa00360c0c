"""What keeps a barrier down: each difference alone, and the arithmetic of the weighbridge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.instruments.calibration import Calibration
from inspection.instruments.weighbridge import VehicleWeights
from tests.workflow.builders.installation import MORNING
from workflow.bonded.gate import (
    FUTURE_TOLERANCE,
    LONGEST_REPORT_AGE,
    Expected,
    Seen,
    compare,
    in_words,
    plain_plate,
    same_plate,
)
from workflow.bonded.rules import LIFE_CYCLE, Direction, SealState, gate_event_name

TOLERANCE = Decimal("0.03")
CALIBRATION = Calibration(
    certificate_no="NIM-2026-W-118",
    calibrated_at=MORNING - timedelta(days=90),
    valid_until=MORNING + timedelta(days=90),
)
SECOND = timedelta(seconds=1)
EXPECTED = Expected(
    number="Z0101I260203000000000001",
    state="approved",
    pending=None,
    gates=1,
    direction=Direction.IN,
    plate="京A12345",
    container="CSQU3054383",
    seal="BJ-0077",
    weights=VehicleWeights(
        vehicle_kg=Decimal(7_500),
        frame_kg=Decimal(500),
        container_kg=Decimal(0),
        goods_gross_kg=Decimal(2_000),
        total_kg=Decimal(10_000),
    ),
    possible=LIFE_CYCLE.possible("approved"),
)
SEEN = Seen(
    gate=1,
    direction=Direction.IN,
    plate="京A·12345",
    container="CSQU 305438 3",
    seal_state=SealState.INTACT,
    seal="BJ-0077",
    weighbridge_kg=Decimal(10_120),
    calibration=CALIBRATION,
    seen_at=MORNING,
)


def differences(
    *,
    seen: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    tolerance: Decimal = TOLERANCE,
) -> list[str]:
    found = compare(
        replace(EXPECTED, **expected or {}), replace(SEEN, **seen or {}), tolerance=tolerance, now=MORNING
    )
    assert all(difference.words.en and difference.words.zh for difference in found)
    return [difference.field for difference in found]


def _weighing(total: Decimal) -> VehicleWeights:
    nothing = Decimal(0)
    return VehicleWeights(
        vehicle_kg=total, frame_kg=nothing, container_kg=nothing, goods_gross_kg=nothing, total_kg=total
    )


def test_a_vehicle_that_is_what_the_note_says_may_pass() -> None:
    assert differences() == []


@pytest.mark.parametrize(
    ("seen", "field"),
    [
        ({"plate": "京A12346"}, "plate"),
        ({"direction": Direction.OUT}, "direction"),
        ({"container": "CSQU3054384"}, "container_number"),
        ({"container": None}, "container_number"),
        ({"weighbridge_kg": Decimal("10300.000001")}, "weighbridge_kg"),
        ({"weighbridge_kg": Decimal("9699.999999")}, "weighbridge_kg"),
        ({"weighbridge_kg": Decimal(0)}, "weighbridge_kg"),
        (
            {"calibration": replace(CALIBRATION, valid_until=MORNING - SECOND)},
            "weighbridge_calibrated_until",
        ),
        (
            {"calibration": replace(CALIBRATION, calibrated_at=MORNING + SECOND)},
            "weighbridge_calibrated_until",
        ),
        ({"seal_state": SealState.BROKEN}, "seal_state"),
        ({"seal_state": SealState.NONE, "seal": None}, "seal_state"),
        ({"seal": "BJ-0078"}, "seal_number"),
        ({"seal": None}, "seal_number"),
        ({"gate": 2}, "gate"),
        ({"seen_at": MORNING - LONGEST_REPORT_AGE - timedelta(seconds=1)}, "seen_at"),
        ({"seen_at": MORNING + FUTURE_TOLERANCE + timedelta(seconds=1)}, "seen_at"),
    ],
)
def test_each_difference_keeps_the_barrier_down(seen: dict[str, Any], field: str) -> None:
    assert differences(seen=seen) == [field]


@pytest.mark.parametrize(
    "seen",
    [
        {"weighbridge_kg": Decimal(10_300)},
        {"weighbridge_kg": Decimal(9_700)},
        {"direction": None},
        {"plate": "京 A-12345"},
        {"seen_at": MORNING - LONGEST_REPORT_AGE},
        {"seen_at": MORNING + FUTURE_TOLERANCE},
        {"calibration": replace(CALIBRATION, valid_until=MORNING)},
        {"calibration": replace(CALIBRATION, calibrated_at=MORNING)},
    ],
)
def test_what_lies_within_tolerance_passes(seen: dict[str, Any]) -> None:
    assert differences(seen=seen) == []


def test_a_seal_that_the_note_does_not_name_passes_only_unbroken() -> None:
    assert differences(expected={"seal": None}) == []
    assert differences(expected={"seal": None}, seen={"seal_state": SealState.NONE, "seal": None}) == []
    assert differences(expected={"seal": None}, seen={"seal_state": SealState.BROKEN}) == ["seal_state"]


def test_a_container_on_a_vehicle_without_one_is_a_difference() -> None:
    assert differences(expected={"container": None}) == ["container_number"]
    assert differences(expected={"container": None}, seen={"container": None}) == []


@pytest.mark.parametrize("state", sorted(LIFE_CYCLE.states))
@pytest.mark.parametrize("gates", [1, 2])
@pytest.mark.parametrize("gate", [1, 2])
def test_a_note_opens_a_gate_only_in_the_state_that_its_life_cycle_says(
    state: str, gates: int, gate: int
) -> None:
    possible = LIFE_CYCLE.possible(state)
    opens = gate <= gates and gate_event_name(gates, gate) in possible
    found = differences(expected={"state": state, "gates": gates, "possible": possible}, seen={"gate": gate})
    assert found == ([] if opens else ["gate"] if gate > gates else ["note_number"])


def test_a_signed_step_that_waits_keeps_the_barrier_down() -> None:
    assert differences(expected={"pending": "void"}) == ["note_number"]


def test_every_difference_is_named_at_once() -> None:
    found = compare(
        replace(EXPECTED, state="applied", possible=LIFE_CYCLE.possible("applied")),
        replace(
            SEEN,
            plate="京B99999",
            container=None,
            weighbridge_kg=Decimal(12_000),
            seal_state=SealState.BROKEN,
        ),
        tolerance=TOLERANCE,
        now=MORNING,
    )
    assert [difference.field for difference in found] == [
        "note_number",
        "plate",
        "container_number",
        "weighbridge_kg",
        "seal_state",
    ]
    words = in_words(found)
    assert "; the weighbridge shows 12000 kg, the check note 10000 kg (20.00 %, tolerance 3" in words.en
    assert "；地磅12000千克，核放单10000千克（偏差20.00%，允差3" in words.zh
    assert words.en.endswith("the seal is broken")


@given(
    total=st.decimals("0.001", "99999", places=3),
    weighed=st.decimals("0", "99999", places=3),
    percent=st.integers(0, 20),
)
def test_the_weighbridge_may_differ_by_the_tolerance_and_no_more(
    total: Decimal, weighed: Decimal, percent: int
) -> None:
    tolerance = Decimal(percent) / 100
    agrees = not differences(
        expected={"weights": _weighing(total)}, seen={"weighbridge_kg": weighed}, tolerance=tolerance
    )
    assert agrees == (total * (1 - tolerance) <= weighed <= total * (1 + tolerance))


@given(st.text(alphabet="京A1 2-.·•ａ", max_size=12))
def test_a_plain_plate_stays_as_it_is(plate: str) -> None:
    assert plain_plate(plain_plate(plate)) == plain_plate(plate)
    assert same_plate(plate, f" {plate.lower()} ")
