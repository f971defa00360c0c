"""Life cycles and the stream of events of a case."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

from api.cases.events import OPEN, Pace, Streams, Watch, follow
from api.foundation.refusals import TooManyRequests
from tests.api.cast import Cast, Player, nobody, problem
from tests.api.world import World
from workflow.processes import KINDS

QUICK = Pace(every_s=0.02, heartbeat_s=0.1, close_after_s=20.0)


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    problem(http.get("/api/v1/life-cycles"), 401, "access.not-signed-in")
    problem(http.get(f"/api/v1/cases/certificate/{nobody()}/events"), 401, "access.not-signed-in")


def test_every_life_cycle_is_told(lite: Cast) -> None:
    items = {item["kind"]: item for item in lite.auditor.get("/life-cycles").json()["items"]}
    assert set(items) == {kind.kind for kind in KINDS}
    for kind in KINDS:
        shown = items[kind.kind]
        assert {state["name"] for state in shown["states"]} == set(kind.life_cycle.states)
        assert len(shown["steps"]) == len(kind.life_cycle.edges)
        assert shown["mermaid"].startswith("stateDiagram-v2")


@contextmanager
def stream(player: Player, path: str, **headers: str) -> Iterator[Iterator[tuple[str, int, dict[str, Any]]]]:
    """Open a stream; gives its events as (name, id, data)."""
    with player.http.stream("GET", f"/api/v1{path}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    event: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
        elif "data" in event:
            yield event["event"], int(event["id"]), json.loads(event["data"])
            event = {}


def test_a_case_is_followed_over_http(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/cases/certificate/{case['id']}/events"
    with stream(lite.broker, path) as told:
        name, first, data = next(told)
        assert (name, data["state"], data["pending_event"]) == ("case", "draft", None)
        lite.broker.act(f"/certificates/{case['id']}/actions/submit")
        name, number, data = next(told)
        assert (name, data["event"]) == ("history", "submit.signed")
        assert number > first
        name, _, data = next(told)
        assert (name, data["state"], data["statement_state"]) == ("case", "submitted", "queued")
    lite.record()
    with stream(lite.broker, path, **{"Last-Event-ID": str(number)}) as told:
        name, _, data = next(told)
        assert (name, data["event"]) == ("history", "submit.recorded")
        assert next(told)[2]["state"] == "under_committee_review"


def test_what_cannot_be_followed(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/cases/certificate/{case['id']}/events"
    problem(lite.stranger().get(path), 404, "input.not-found")
    problem(lite.committee.get(path), 404, "input.not-found")
    problem(lite.broker.get(f"/cases/certificate/{nobody()}/events"), 404, "input.not-found")
    problem(lite.broker.get(f"/cases/secret/{case['id']}/events"), 422, "input.invalid")
    bad = lite.broker.http.get(f"/api/v1{path}", headers={"Last-Event-ID": "x" * 20})
    problem(bad, 422, "input.invalid")


def test_one_caller_may_not_take_every_stream(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    actor = lite.broker.actor.principal.actor
    streams = [OPEN.place(actor) for _ in range(OPEN.most)]
    for place in streams:
        place.__enter__()
    try:
        told = problem(lite.broker.get(f"/cases/certificate/{case['id']}/events"), 429, "request.too-many")
        assert told["status"] == 429
    finally:
        for place in streams:
            place.__exit__(None, None, None)


def test_places_are_given_back() -> None:
    streams = Streams(most=1)
    with streams.place("somebody"):
        streams.check_room("somebody else")
        with pytest.raises(TooManyRequests):
            streams.check_room("somebody")
    streams.check_room("somebody")


def follow_until(watch: Watch, wanted: bytes, *, last: int | None = None, pace: Pace = QUICK) -> bytes:
    """Follow a case until something is told, or the stream ends."""

    async def run() -> bytes:
        heard = b""
        with anyio.fail_after(60):
            async for told in follow(watch, last=last, pace=pace, streams=Streams()):
                heard += told
                if wanted in heard:
                    break
        return heard

    return anyio.run(run)


def watch_of(cast: Cast, player: Player, case_id: str) -> Watch:
    return Watch(
        place=cast.world.app.state.installation,
        principal=player.actor.principal,
        kind=KINDS["certificate"],
        case_id=KINDS["certificate"].model.id.type.python_type(case_id),
    )


def test_it_beats_and_closes_by_itself(cast: Cast) -> None:
    case = cast.certificate(until="draft")
    watch = watch_of(cast, cast.broker, case["id"])
    assert b": still here" in follow_until(watch, b": still here")
    short = Pace(every_s=0.01, close_after_s=0.05)
    assert follow_until(watch, b"never", pace=short).startswith(b"retry: 2000\n\nevent: case\n")


def test_it_ends_when_the_watcher_may_no_longer_look(cast: Cast) -> None:
    case = cast.certificate(until="under_committee_review")
    watch = watch_of(cast, cast.committee, case["id"])
    heard: list[bytes] = []
    watching = threading.Thread(target=lambda: heard.append(follow_until(watch, b"never")))
    watching.start()
    path = f"/certificates/{case['id']}/actions"
    cast.go(cast.committee, f"{path}/return_to_firm", reason="Line 1: the brand is missing.")
    cast.broker.post(f"{path}/revise", {})
    watching.join(60)
    assert not watching.is_alive()
    assert b'"state":"under_committee_review"' in heard[0]
