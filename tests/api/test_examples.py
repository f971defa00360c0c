"""The description of the doors of the cases: every route says what it takes and answers, by examples that hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from api.foundation.descriptions import operations
from api.foundation.doors import find_doors
from api.single_window.declared import XML, XML_EXAMPLE
from tests.api.cast import Cast, Json
from tests.api.world import World
from workflow.engine.schemas import Input, Output

find_doors()  # so that their models are known when the tests are collected
DOORS = {"single_window", "approval_portal", "release_console", "devices", "chain_explorer"}


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def described(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, path, operation in operations(world.app.openapi()):
        if DOORS.intersection(operation.get("tags", [])):
            yield f"{method} {path}", operation


def models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in root.__subclasses__():
        yield below
        yield from models(below)


def test_every_route_shows_examples(sqlite_world: World) -> None:
    inputs = {model.__name__: model for model in models(Input)}
    missing = []
    for name, operation in described(sqlite_world):
        assert operation["summary"], name
        assert operation["description"], name
        assert {"401", "403", "429", "503"} <= set(operation["responses"]), name
        bodies = {
            f"{name} takes {kind}": content
            for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        } | {
            f"{name} answers {status} {kind}": content
            for status, answer in operation["responses"].items()
            for kind, content in answer.get("content", {}).items()
        }
        for place, content in bodies.items():
            if content.get("schema", {}).get("format") == "binary":
                continue
            if "example" not in content:
                missing.append(place)
            model = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if " takes " in place and model in inputs:
                inputs[model].model_validate(content["example"])
    assert missing == []


def test_every_example_of_an_answer_fits_its_model() -> None:
    for model in set(models(Output)):
        extra = model.model_config.get("json_schema_extra")
        shown = extra.get("examples") if isinstance(extra, dict) else None
        for example in shown if isinstance(shown, list) else []:
            model.model_validate(example)


def test_the_examples_can_be_sent(lite: Cast) -> None:
    """A certificate, a declaration as JSON and as XML, a check note: as the description shows them."""
    examples = {
        (name, kind): content["example"]
        for name, operation in described(lite.world)
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    }
    drafted = send(lite, examples["POST /api/v1/certificates", "application/json"], "/certificates")
    for actor, event in (
        (lite.broker, "submit"),
        (lite.committee, "approve"),
        (lite.documents_officer, "file"),
    ):
        lite.go(actor, f"/certificates/{drafted['id']}/actions/{event}")
    declared = send(lite, examples["POST /api/v1/declarations", "application/json"], "/declarations")
    assert examples["POST /api/v1/declarations", XML] == XML_EXAMPLE
    sent = lite.broker.http.post(
        "/api/v1/declarations", content=XML_EXAMPLE.encode(), headers={"Content-Type": XML}
    )
    assert sent.status_code == 201, sent.text
    same = ("office", "procedure", "holder", "gross_kg", "total_value")
    assert {name: sent.json()["content"][name] for name in same} == {
        name: declared["content"][name] for name in same
    }
    for kind in ("invoice", "packing_list"):
        lite.broker.attach("declaration", declared["id"], kind)
    lite.go(lite.broker, f"/declarations/{declared['id']}/actions/submit")
    note = copy.deepcopy(examples["POST /api/v1/check-notes", "application/json"])
    note["items"][0]["declaration_id"] = declared["id"]
    assert send(lite, note, "/check-notes")["state"] == "draft"
    reading = examples["POST /api/v1/readings/statement", "application/json"]
    reading["reading"]["declaration"] = declared["id"]
    assert lite.instrument.post("/readings/statement", reading).status_code == 200
    event = examples["POST /api/v1/gate-events/statement", "application/json"]
    assert lite.gate.post("/gate-events/statement", event).status_code == 200


def send(cast: Cast, body: Json, path: str) -> Json:
    answer = cast.broker.post(path, body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made
