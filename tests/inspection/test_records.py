"""What is written to JSON is read back equal; anything else is refused at its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.records import Recorded, RecordMalformed, from_record, to_record
from kernel.errors import Text


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Leaf(Recorded):
    weight: Decimal
    colour: Colour
    seen: datetime | None = None


@dataclass(frozen=True)
class Tree(Recorded):
    name: str
    leaves: tuple[Leaf, ...]
    words: Text
    planted: date
    height: float
    count: int
    notes: dict[str, str]
    alive: bool = True


leaves = st.builds(
    Leaf,
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1000, max_value=1000),
    st.sampled_from(Colour),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
trees = st.builds(
    Tree,
    st.text(),
    st.lists(leaves, max_size=3).map(tuple),
    st.builds(Text, st.text(), st.text()),
    st.dates(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.booleans(),
)


@given(trees)
def test_round_trip_through_json_text(tree: Tree) -> None:
    assert Tree.from_json(json.loads(json.dumps(tree.to_json()))) == tree


TREE = Tree(
    "oak", (Leaf(Decimal("1.50"), Colour.RED),), Text("a", "甲"), date(2026, 2, 3), 2.5, 3, {"a": "b"}
)


def test_decimals_and_times_are_text() -> None:
    record = TREE.to_json()
    assert record["leaves"][0]["weight"] == "1.50"
    assert record["planted"] == "2026-02-03"
    assert record["words"] == {"en": "a", "zh": "甲"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": 5}, "/name"),
        ({"leaves": "none"}, "/leaves"),
        ({"leaves": [{"weight": "heavy", "colour": "red"}]}, "/leaves/0/weight"),
        ({"leaves": [{"weight": "1", "colour": "blue"}]}, "/leaves/0/colour"),
        ({"leaves": [{"weight": "1", "colour": "red", "seen": "2026-01-01T00:00:00"}]}, "/leaves/0/seen"),
        ({"leaves": [{"colour": "red"}]}, "/leaves/0/weight"),
        ({"leaves": [None]}, "/leaves/0"),
        ({"words": "hello"}, "/words"),
        ({"planted": "yesterday"}, "/planted"),
        ({"height": "tall"}, "/height"),
        ({"height": True}, "/height"),
        ({"count": 1.5}, "/count"),
        ({"count": True}, "/count"),
        ({"alive": "yes"}, "/alive"),
        ({"notes": []}, "/notes"),
        ({"notes": {"a": 1}}, "/notes/a"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(RecordMalformed) as refused:
        Tree.from_json({**TREE.to_json(), **change})
    assert refused.value.place == place


def test_a_whole_number_may_stand_for_a_float_and_a_default_may_be_left_out() -> None:
    record = {**TREE.to_json(), "height": 2}
    del record["alive"]
    assert Tree.from_json(record).height == 2.0


def test_what_is_no_record_is_a_programming_error() -> None:
    with pytest.raises(TypeError):
        to_record(object())
    with pytest.raises(RecordMalformed):
        from_record(Leaf, [])
