"""Every life cycle of every process, walked state by event by role, straight from its table."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import workflow
from kernel.errors import NotPermitted, Text
from ledger.keys.roles import Role
from ledger.statements import STATEMENT_TYPES
from workflow.engine.life_cycle import SYSTEM, Edge, LifeCycle, TransitionRefused, names_of


def _life_cycles() -> Iterator[LifeCycle]:
    for module in pkgutil.walk_packages(workflow.__path__, "workflow."):
        if module.name.endswith(".rules"):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, LifeCycle):
                    yield value


LIFE_CYCLES = tuple({cycle.name: cycle for cycle in _life_cycles()}.values())
EVERYBODY = (SYSTEM, *Role)
STANDS = [
    pytest.param(cycle, state, id=f"{cycle.name}-{state}") for cycle in LIFE_CYCLES for state in cycle.states
]
EDGES = [
    pytest.param(cycle, edge, id=f"{cycle.name}-{edge.source}-{edge.event}")
    for cycle in LIFE_CYCLES
    for edge in cycle.edges
]
BY_NAME = pytest.mark.parametrize("cycle", LIFE_CYCLES, ids=lambda cycle: cycle.name)


def test_the_processes_have_their_life_cycles() -> None:
    assert {"certificate", "declaration", "check_note"} <= {cycle.name for cycle in LIFE_CYCLES}


@pytest.mark.parametrize(("cycle", "state"), STANDS)
def test_each_step_is_taken_by_whom_the_table_names_and_by_nobody_else(cycle: LifeCycle, state: str) -> None:
    for event in cycle.events:
        for role in EVERYBODY:
            check_step(cycle, state, event, role)


def check_step(cycle: LifeCycle, state: str, event: str, role: Role) -> None:
    listed = [edge for edge in cycle.edges if edge.source == state and edge.event == event]
    if not listed:
        with pytest.raises(TransitionRefused) as refused:
            cycle.edge(state, event, role)
        assert refused.value.state == state
        assert event not in cycle.possible(state)
    elif listed[0].who == role == SYSTEM or listed[0].who & role:
        assert cycle.edge(state, event, role) is listed[0]
        assert listed[0] in cycle.allowed(state, role)
    else:
        with pytest.raises(NotPermitted) as forbidden:
            cycle.edge(state, event, role)
        assert forbidden.value.roles == names_of(listed[0].who)
        assert listed[0] not in cycle.allowed(state, role)


@pytest.mark.parametrize(("cycle", "edge"), EDGES)
def test_each_edge_is_complete(cycle: LifeCycle, edge: Edge) -> None:
    assert edge.label.en
    assert edge.label.zh
    assert edge.signed is None or edge.signed in STATEMENT_TYPES
    assert not (edge.signed and edge.by_system), "the system signs nothing"
    assert edge.signed or not (edge.waiting or edge.refused), "only a signed step waits"
    assert {edge.source, edge.target, edge.waiting_state(), edge.refused_state()} <= set(cycle.states)


@BY_NAME
def test_every_state_is_explained_and_can_be_reached(cycle: LifeCycle) -> None:
    reached, before = {cycle.initial}, set[str]()
    while reached != before:
        before = set(reached)
        for edge in cycle.edges:
            if edge.source in reached:
                reached |= {edge.target, edge.waiting_state(), edge.refused_state()}
    assert reached == set(cycle.states)
    assert all(words.en and words.zh for words in cycle.states.values())


@BY_NAME
def test_a_combination_of_roles_may_do_what_each_may(cycle: LifeCycle) -> None:
    everything = Role(0)
    for role in Role:
        everything |= role
    for state in cycle.states:
        alone = {edge for role in Role for edge in cycle.allowed(state, role)}
        assert set(cycle.allowed(state, everything)) == alone
        assert not any(edge.by_system for edge in alone)


@BY_NAME
def test_the_diagram_draws_every_edge(cycle: LifeCycle) -> None:
    drawing = cycle.mermaid().splitlines()
    assert f"    [*] --> {cycle.initial}" in drawing
    for edge in cycle.edges:
        step = f"    {edge.source} --> {edge.waiting or edge.target}: {edge.event} ("
        assert any(line.startswith(step) for line in drawing)
        if edge.waiting:
            assert f"    {edge.waiting} --> {edge.target}: recorded" in drawing
            assert f"    {edge.waiting} --> {edge.refused_state()}: refused by the contract" in drawing
    passed_through = {edge.source for edge in cycle.edges} | {edge.waiting for edge in cycle.edges}
    ends = set(cycle.states) - passed_through
    assert {line.split()[0] for line in drawing if line.endswith("--> [*]")} == ends


def _edge(source: str, event: str, target: str) -> Edge:
    return Edge(source=source, event=event, target=target, who=Role.BROKER, label=Text("Go", "走"))


@pytest.mark.parametrize(
    "edges",
    [
        (_edge("here", "go", "nowhere"),),
        (_edge("nowhere", "go", "here"),),
        (_edge("here", "go", "there"), _edge("here", "go", "here")),
    ],
    ids=["unknown target", "unknown source", "ambiguous"],
)
def test_a_table_with_a_fault_is_refused(edges: tuple[Edge, ...]) -> None:
    with pytest.raises(ValueError, match="made up"):
        LifeCycle(
            name="made up",
            title=Text("Made up", "虚构"),
            version=1,
            initial="here",
            states={"here": Text("Here.", "此处"), "there": Text("There.", "彼处")},
            edges=edges,
        )


def test_roles_in_words() -> None:
    assert names_of(Role.BROKER | Role.GATE) == "broker, gate"
    assert names_of(SYSTEM) == "nobody"
