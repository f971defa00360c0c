"""Validation without filing: the faults that filing would have, and not one row or file that was not there before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.single_window.declared import XML, XML_EXAMPLE
from kernel.database import Base
from tests.api.cast import Cast, Json, fields, nobody, problem
from tests.api.world import World
from tests.workflow.builders.certificates import certificate_content, goods_line
from tests.workflow.builders.check_notes import check_note_content

Kept = tuple[dict[str, list[Any]], list[str]]


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def kept(cast: Cast) -> Kept:
    """Give every row of every table, and the files of the data folder that are not the database's own."""
    with cast.world.reading() as session:
        rows = {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
        }
    folder = Path(cast.world.context.settings.data_dir)
    return rows, sorted(
        str(path) for path in folder.rglob("*") if path.is_file() and "sqlite3" not in path.name
    )


def send(cast: Cast, path: str, body: object, **headers: str) -> httpx.Response:
    if isinstance(body, bytes):
        headers["Content-Type"] = XML
        return cast.broker.http.post(f"/api/v1{path}", content=body, headers=headers)
    return cast.broker.post(path, body, **headers)


def alike(told: Json) -> Json:
    return {name: value for name, value in told.items() if name != "trace_id"}


def filings(cast: Cast) -> dict[str, tuple[str, Any]]:
    """Give a good body for each filing route."""
    certificate = cast.certificate(number="MC-WINDOW-1")
    filed = cast.declaration(certificate=certificate, until="document_examination")
    xml = XML_EXAMPLE.replace("MCO26-0417", certificate["number"])
    carried = {"declaration_id": filed["id"], "line_no": 1, "quantity": "1"}
    return {
        "certificate": ("/certificates", certificate_content(lines=[goods_line(1)])),
        "declaration": ("/declarations", cast.declaration_content(certificate)),
        "xml": ("/declarations", xml.encode()),
        "check note": ("/check-notes", check_note_content(carried)),
    }


def test_a_good_filing_is_accepted_and_nothing_is_written(cast: Cast) -> None:
    for name, (path, body) in filings(cast).items():
        before = kept(cast)
        key = nobody()
        answer = send(cast, f"{path}?dry_run=true", body, **{"Idempotency-Key": key})
        assert answer.status_code == 200, (name, answer.text)
        assert answer.json()["accepted"] is True
        assert answer.json()["step"] == ("apply" if name == "check note" else "submit")
        assert kept(cast) == before, name
        real = send(cast, path, body, **{"Idempotency-Key": key})
        assert real.status_code == 201, (name, real.text)
        assert "idempotency-replayed" not in real.headers


def test_what_a_declaration_needs_later_is_said(lite: Cast) -> None:
    content = lite.declaration_content(lite.certificate())
    told = lite.broker.post("/declarations?dry_run=true", content).json()
    assert [fault["rule"] for fault in told["still_needed"]] == ["declaration.documents-missing"]
    assert "invoice, packing list" in told["still_needed"][0]["message"]
    drafted = lite.declaration()
    path = f"/declarations/{drafted['id']}"
    told = lite.broker.put(f"{path}?dry_run=true", drafted["content"]).json()
    assert told == {"accepted": True, "step": "submit", "still_needed": []}
    assert lite.broker.get(path).json()["revision"] == drafted["revision"]


def test_the_faults_are_those_of_the_filing(cast: Cast) -> None:
    good = filings(cast)
    line = good["declaration"][1]["lines"][0]
    spoilt: list[tuple[str, Any]] = [
        ("/certificates", {**good["certificate"][1], "valid_from": "2026-02-30", "category": "none"}),
        ("/certificates", {}),
        ("/certificates", {**good["certificate"][1], "number": "MC-WINDOW-1"}),
        ("/declarations", {**good["declaration"][1], "lines": [{**line, "unit": "kg", "hs_code": "950613"}]}),
        ("/declarations", {**good["declaration"][1], "lines": [{**line, "certificate_line": 9}]}),
        ("/declarations", good["xml"][1].replace(b'unitCode="KGM"', b'unitCode="kg"')),
        ("/declarations", b"<nothing/>"),
        ("/check-notes", {**good["check note"][1], "total_weight_kg": "1"}),
        ("/check-notes", []),
    ]
    for path, body in spoilt:
        before = kept(cast)
        rehearsed, real = send(cast, f"{path}?dry_run=true", body), send(cast, path, body)
        assert rehearsed.status_code == real.status_code >= 400, real.text
        assert alike(rehearsed.json()) == alike(real.json())
        assert kept(cast) == before


def test_what_signing_would_find_is_found(lite: Cast) -> None:
    certificate = lite.certificate()
    lite.declaration(until="document_examination", certificate=certificate, quantity="60")
    content = lite.declaration_content(certificate, "60")
    told = problem(lite.broker.post("/declarations?dry_run=true", content), 409, "certificate.line-overdrawn")
    assert fields(told) == {"/lines/0/quantity": "certificate.line-overdrawn"}


def test_who_may_not_file_may_not_rehearse(lite: Cast) -> None:
    body = certificate_content()
    anonymous = lite.world.browser().post("/api/v1/certificates?dry_run=true", json=body)
    problem(anonymous, 401, "access.not-signed-in")
    problem(lite.committee.post("/certificates?dry_run=true", body), 403, "access.not-permitted")
    problem(lite.broker.post("/certificates?dry_run=perhaps", body), 422, "input.invalid")


def suggested(told: Json) -> dict[str, list[str]]:
    return {fault["field"]: [one["value"] for one in fault["suggestions"]] for fault in told["faults"]}


def test_what_was_probably_meant(lite: Cast) -> None:
    certificate = lite.certificate()
    content = lite.declaration_content(
        certificate,
        currency="Euro",
        declarant="91110000600037341X",
        export_country="Switzerland",
        transport={
            "mode": "air",
            "containers": ["CSQU3054384"],
            "document": {"kind": "air_waybill", "number": "081-45322173"},
        },
    )
    content["lines"][0] |= {
        "unit": "pcs",
        "hs_code": "950613",
        "name_en": "Skis, racing",
        "origin": "Deutschland",
    }
    told = problem(lite.broker.post("/declarations?dry_run=true", content), 422, "input.invalid")
    found = suggested(told)
    assert found["/currency"] == ["EUR"]
    assert found["/declarant"] == ["91110000600037341L"]
    assert found["/export_country"] == ["CH"]
    assert found["/transport/containers/0"] == ["CSQU3054383"]
    assert found["/transport/document/number"] == ["081-45322174"]
    assert found["/lines/0/unit"] == ["H87"]
    assert found["/lines/0/hs_code"][0] == "950611"
    assert found["/lines/0/origin"] == []


def test_faults_of_xml_carry_suggestions_too(lite: Cast) -> None:
    xml = filings(lite)["xml"][1].replace(b'unitCode="KGM"', b'unitCode="kg"', 1)
    told = problem(send(lite, "/declarations?dry_run=true", xml), 422, "input.invalid")
    assert ["KGM"] in suggested(told).values()
    assert all(field.startswith("/") for field in suggested(told))


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("zh", "zh"),
        ("fr, zh-CN;q=0.8, en;q=0.5", "zh"),
        ("en;q=0.9, zh;q=0.4", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_words_are_in_the_language_asked_for(lite: Cast, asked: str, language: str) -> None:
    content = lite.declaration_content(lite.certificate())
    bad = {**content, "lines": [{**content["lines"][0], "unit": "kg"}]}
    headers = {"Accept-Language": asked}
    refused = lite.broker.post("/declarations?dry_run=true", bad, **headers)
    fault = problem(refused, 422, "input.invalid")["faults"][0]
    assert fault["suggestions"] == [{"value": "KGM", "meaning": "千克" if language == "zh" else "kilogram"}]
    assert refused.headers["content-language"] == language
    taken = lite.broker.post("/declarations?dry_run=true", content, **headers)
    needed = taken.json()["still_needed"][0]
    assert needed["message"].isascii() == (language == "en")
