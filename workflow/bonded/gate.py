"""What a gate sees, compared with what the note says. Pure; every difference keeps the barrier down.

Source: DOMAIN.md §4 rules 2, 4 and 10.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from inspection.instruments.calibration import Calibration
from inspection.instruments.weighbridge import (
    VehicleWeights,
    WeighbridgeSettings,
    WeightVerdict,
    weighbridge_verdict,
)
from kernel.errors import Text
from workflow.bonded.rules import STATES, Direction, SealState, gate_event_name

LONGEST_REPORT_AGE = timedelta(minutes=10)
"""How long after the vehicle was seen a report still opens the barrier (assumed)."""
FUTURE_TOLERANCE = timedelta(minutes=1)
"""How far a device's clock may run ahead (assumed)."""
_SEPARATORS = str.maketrans("", "", " .-·•")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the note says of the vehicle at the gate."""

    number: str
    state: str
    pending: str | None
    """A signed step on the note that the ledger has not recorded yet."""
    gates: int
    direction: Direction
    plate: str
    container: str | None
    seal: str | None
    weights: VehicleWeights
    possible: tuple[str, ...]
    """Events that the note's state knows."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the gate saw."""

    gate: int
    direction: Direction | None
    plate: str
    container: str | None
    seal_state: SealState
    seal: str | None
    weighbridge_kg: Decimal
    calibration: Calibration
    """Of the weighbridge."""
    seen_at: datetime


@dataclass(frozen=True)
class Difference:
    """One thing that keeps the barrier down."""

    field: str
    """Field of the report."""
    words: Text

    def to_json(self) -> dict[str, Any]:
        """Give the difference as it is stored."""
        return {"field": self.field, "en": self.words.en, "zh": self.words.zh}


def compare(expected: Expected, seen: Seen, *, tolerance: Decimal, now: datetime) -> list[Difference]:
    """Name everything in which the gate's reading differs from the note; empty where the vehicle may pass.

    Args:
        expected: What the note says.
        seen: What the gate saw.
        tolerance: Share of the total weight by which the weighbridge may differ, 0.03 for 3 %.
        now: The present moment.
    """
    return [
        *_note_state(expected, seen),
        *_age(seen, now),
        *_plate(expected, seen),
        *_direction(expected, seen),
        *_container(expected, seen),
        *_weight(expected, seen, tolerance),
        *_seal(expected, seen),
    ]


def no_open_note(plate: str) -> Difference:
    """Say that no note was found for the vehicle."""
    return Difference("plate", Text(f"vehicle {plate} has no open check note", f"车辆{plate}没有有效核放单"))


def several_open_notes(plate: str) -> Difference:
    """Say that the plate alone does not tell which note is meant."""
    return Difference(
        "note_number",
        Text(
            f"vehicle {plate} has more than one open check note; give its number",
            f"车辆{plate}有多份有效核放单，请提供单号",
        ),
    )


def unknown_number(number: str) -> Difference:
    """Say that the note's number is not known."""
    return Difference("note_number", Text(f"there is no check note {number}", f"核放单{number}不存在"))


def declaration_detained(declaration: str) -> Difference:
    """Say that goods on the vehicle may not move."""
    return Difference(
        "note_number", Text(f"declaration {declaration} is detained", f"报关单{declaration}已被扣留")
    )


def load_not_covered(declaration: str) -> Difference:
    """Say that a declaration holds less than the notes carry, because it was amended or withdrawn."""
    return Difference(
        "note_number",
        Text(
            f"declaration {declaration} no longer holds all that its check notes carry",
            f"报关单{declaration}现有数量少于核放单所载数量",
        ),
    )


def in_words(differences: list[Difference]) -> Text:
    """Put differences into one sentence in each language."""
    return Text(
        "; ".join(difference.words.en for difference in differences),
        "；".join(difference.words.zh for difference in differences),
    )


def same_plate(one: str, other: str) -> bool:
    """Tell whether two writings are one plate: width, case, blanks, points and hyphens do not count."""
    return plain_plate(one) == plain_plate(other)


def plain_plate(plate: str) -> str:
    """Give a plate without what cameras and people write differently."""
    return unicodedata.normalize("NFKC", plate).translate(_SEPARATORS).upper()


def _note_state(expected: Expected, seen: Seen) -> Iterator[Difference]:
    if seen.gate > expected.gates:
        yield Difference("gate", Text("the note is for a single gate", "该核放单仅限一道卡口"))
    elif expected.pending is not None:
        yield Difference(
            "note_number",
            Text(
                f"a signed step on note {expected.number} waits to be recorded",
                f"核放单{expected.number}有已签署的操作正等待上链",
            ),
        )
    elif gate_event_name(expected.gates, seen.gate) not in expected.possible:
        meaning = STATES[expected.state]
        yield Difference(
            "note_number",
            Text(
                f"note {expected.number}: {meaning.en.rstrip('.')}",
                f"核放单{expected.number}{meaning.zh.rstrip('。')}",
            ),
        )


def _age(seen: Seen, now: datetime) -> Iterator[Difference]:
    if seen.seen_at > now + FUTURE_TOLERANCE:
        yield Difference("seen_at", Text("the device's clock runs ahead", "设备时钟超前"))
    elif now - seen.seen_at > LONGEST_REPORT_AGE:
        minutes = int((now - seen.seen_at).total_seconds() // 60)
        yield Difference(
            "seen_at", Text(f"the vehicle was seen {minutes} minutes ago", f"车辆数据为{minutes}分钟前采集")
        )


def _plate(expected: Expected, seen: Seen) -> Iterator[Difference]:
    if not same_plate(expected.plate, seen.plate):
        yield Difference(
            "plate",
            Text(
                f"plate {seen.plate} was seen, the note names {expected.plate}",
                f"识别车牌{seen.plate}，核放单为{expected.plate}",
            ),
        )


def _direction(expected: Expected, seen: Seen) -> Iterator[Difference]:
    if seen.direction is not None and seen.direction is not expected.direction:
        yield Difference(
            "direction",
            Text(
                f"the lane is for direction {seen.direction}, the note for {expected.direction}",
                f"车道方向为{seen.direction}，核放单方向为{expected.direction}",
            ),
        )


def _container(expected: Expected, seen: Seen) -> Iterator[Difference]:
    if plain_plate(expected.container or "") != plain_plate(seen.container or ""):
        yield Difference(
            "container_number",
            Text(
                f"container {seen.container or 'none'} was seen, the note names {expected.container or 'none'}",
                f"识别箱号{seen.container or '无'}，核放单为{expected.container or '无'}",
            ),
        )


def _weight(expected: Expected, seen: Seen, tolerance: Decimal) -> Iterator[Difference]:
    finding = weighbridge_verdict(
        seen.weighbridge_kg,
        expected.weights,
        calibration=seen.calibration,
        measured_at=seen.seen_at,
        settings=WeighbridgeSettings(tolerance_percent=tolerance * 100),
    )
    if finding.verdict is WeightVerdict.WITHIN_TOLERANCE:
        return
    unmeasured = finding.verdict is WeightVerdict.NO_VERDICT
    yield Difference(
        "weighbridge_calibrated_until" if unmeasured else "weighbridge_kg", _clause(finding.message)
    )


def _clause(sentence: Text) -> Text:
    """Make a sentence part of a longer one."""
    return Text(sentence.en[:1].lower() + sentence.en[1:].rstrip("."), sentence.zh.rstrip("。"))


def _seal(expected: Expected, seen: Seen) -> Iterator[Difference]:
    if seen.seal_state is SealState.BROKEN:
        yield Difference("seal_state", Text("the seal is broken", "封志已破损"))
    elif expected.seal is not None and seen.seal_state is SealState.NONE:
        yield Difference("seal_state", Text(f"seal {expected.seal} is missing", f"缺少封志{expected.seal}"))
    elif expected.seal is not None and seen.seal != expected.seal:
        yield Difference(
            "seal_number",
            Text(
                f"seal {seen.seal or 'unread'} was seen, the note names {expected.seal}",
                f"识别封志{seen.seal or '未读出'}，核放单为{expected.seal}",
            ),
        )
