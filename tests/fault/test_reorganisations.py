"""Whatever a chain that forks does, the tables end as if only the line that won had ever been there."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.chain.client import LedgerUnavailable
from ledger.chain.incidents import NodeDisagrees
from ledger.recording.indexer import Indexer
from tests.fault.forks import NAMES, Crash, Stage, Tree, Unreliable, crash_after, open_stage, rows
from tests.fault.paper import PaperNode

EXAMPLES = int(os.environ.get("PISTE_TEST_REORGANISATIONS", "250"))
DEEPEST = 64


@dataclass(frozen=True)
class Fork:
    """What happens to the chain, and to the indexer that follows it."""

    depth: int
    """How many of the newest blocks are replaced, 0 where the chain only grows."""
    grows: int
    """By how many blocks the new line is longer or, below 0, shorter; a twin of the head at 0."""
    steps: int
    trouble: float
    """How often the node fails to answer as it should."""
    crash: int
    """At which named point the process dies; not at all at 0."""


FORKS = st.builds(
    Fork,
    depth=st.one_of(st.integers(0, 3), st.integers(0, 6), st.integers(0, 6), st.integers(1, DEEPEST)),
    grows=st.integers(-2, 6),
    steps=st.integers(0, 2),
    trouble=st.sampled_from([0.0, 0.0, 0.3]),
    crash=st.one_of(st.just(0), st.integers(1, 12)),
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with open_stage() as stage:
        yield stage


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    first=st.integers(1, 12),
    final_depth=st.sampled_from([1, 3, DEEPEST]),
    forks=st.lists(FORKS, min_size=1, max_size=3),
)
@example(seed=1, first=70, final_depth=DEEPEST, forks=[Fork(0, 1, 3, 0.0, 0), Fork(DEEPEST, 2, 1, 0.3, 5)])
def test_the_tables_equal_a_replay_of_the_line_that_won(
    stage: Stage, seed: int, first: int, final_depth: int, forks: list[Fork]
) -> None:
    stage.clear()
    dice = random.Random(seed)
    tree = Tree(dice)
    head = tree.grow(None, first)
    highest = head.number
    node = PaperNode(head)
    for fork in forks:
        # No fork reaches a final block: those of the highest line that was ever shown.
        base = max(head.number - fork.depth, highest - final_depth, 0)
        longer = max(head.number - base + fork.grows, 1)
        head = tree.grow(node.line[min(base, head.number)], longer)
        highest = max(highest, head.number)
        node.show(head)
        transport = Unreliable(node, dice, fork.trouble)
        at = crash_after(fork.crash) if fork.crash else _pass
        _go(stage.indexer(transport, final_depth, at=at), fork.steps)
    head = tree.grow(head, highest + 1 - head.number + dice.randrange(3))
    node.show(head)
    _settle(stage.indexer(node, final_depth))
    stage.replay(node, final_depth)
    found = rows(stage.database)
    assert found == rows(stage.empty)
    assert len(found["chain_blocks"]) == head.number + 1
    assert len(found["statements"]) == len(NAMES)


def _pass(point: str) -> None:
    del point


def _go(indexer: Indexer, steps: int) -> None:
    for _ in range(steps):
        try:
            indexer.step()
        except Crash:
            return
        except (LedgerUnavailable, NodeDisagrees):
            continue


def _settle(indexer: Indexer) -> None:
    while indexer.step():
        pass
