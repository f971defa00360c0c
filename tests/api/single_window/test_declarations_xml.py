"""Declarations as XML of the WCO Data Model: the same case, and faults that name the element."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import httpx
import pytest

from tests.api.cast import Cast, Json, Player, fields, problem
from tests.api.world import World
from tests.workflow.builders.certificates import goods_line

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "timing-equipment" / "declaration.xml"
BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Declaration>&c;</Declaration>"""
EXTERNAL = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<Declaration><FunctionCode>&x;</FunctionCode></Declaration>"""


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def certificate_for_it(cast: Cast) -> Json:
    return cast.certificate(lines=[goods_line(1, quantity="50"), goods_line(2, quantity="50", unit="SET")])


def message(certificate: Json) -> str:
    """Give the example, drawing on a certificate of the test's own."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return re.sub(r"<ID>[^<]+:([0-9]+)</ID>", rf"<ID>{certificate['number']}:\1</ID>", text)


def send(
    player: Player, xml: str | bytes, path: str = "/declarations", method: str = "POST", **headers: str
) -> httpx.Response:
    return player.http.request(
        method,
        f"/api/v1{path}",
        content=xml if isinstance(xml, bytes) else xml.encode(),
        headers={"Content-Type": "application/xml; charset=utf-8", **headers},
    )


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    problem(lite.world.browser().post("/api/v1/declarations", content=b"<a/>"), 401, "access.not-signed-in")


def test_xml_becomes_the_same_case(cast: Cast) -> None:
    xml = message(certificate_for_it(cast))
    answer = send(cast.broker, xml)
    assert answer.status_code == 201, answer.text
    case = answer.json()
    assert case["content"]["reference"] == "XDT-2034-000118"
    assert case["content"]["lines"][0]["quantity"] == "16"
    assert case["source"] == hashlib.sha256(xml.encode()).hexdigest()
    path = f"/declarations/{case['id']}"
    changed = xml.replace("LX196", "LX198")
    rewritten = send(cast.broker, changed, path, "PUT", **{"If-Match": answer.headers["etag"]})
    assert rewritten.status_code == 200, rewritten.text
    assert rewritten.json()["content"]["transport"]["means"] == "LX198"
    assert rewritten.json()["source"] == hashlib.sha256(changed.encode()).hexdigest()
    plain = cast.broker.put(path, case["content"])
    assert (plain.status_code, plain.json()["source"]) == (200, None)


def test_faults_name_their_elements(lite: Cast) -> None:
    certificate = certificate_for_it(lite)
    xml = message(certificate).replace("<CountryCode>CH</CountryCode>", "<CountryCode>XX</CountryCode>", 1)
    xml = xml.replace("<DeclarationOfficeID>0101</DeclarationOfficeID>", "")
    told = problem(send(lite.broker, xml), 422, "input.invalid")
    assert all(field.startswith("/Declaration") for field in fields(told))


def test_faults_between_case_and_certificate_name_elements_too(lite: Cast) -> None:
    certificate = certificate_for_it(lite)
    xml = message(certificate).replace(f"{certificate['number']}:2", f"{certificate['number']}:9")
    told = problem(send(lite.broker, xml), 422, "input.invalid")
    ((field, rule),) = fields(told).items()
    assert rule == "certificate.line-unknown"
    assert field.startswith("/Declaration/GoodsShipment/GovernmentAgencyGoodsItem[2]")


@pytest.mark.parametrize(
    ("xml", "rule"),
    [
        (b"<Declaration>", "xml.malformed"),
        (b"", "field.missing"),
        (b"not xml at all", "xml.malformed"),
        (BOMB, None),
        (EXTERNAL, None),
        (b"\x00\x01\x02", "xml.malformed"),
        (b"<html/>", "wco.no-declaration"),
        (b"<?xml version='1.0' encoding='no-such'?><Declaration/>", None),
        ("<a>" * 5000 + "</a>" * 5000, None),
    ],
)
def test_troubles(sqlite_world: World, xml: str | bytes, rule: str | None) -> None:
    told = problem(send(Cast(sqlite_world).broker, xml), 422, "input.invalid")
    assert rule is None or rule in fields(told).values()
    assert "localhost" not in str(told["faults"])


def test_another_type_is_named(sqlite_world: World) -> None:
    broker = Cast(sqlite_world).broker
    answer = broker.http.post("/api/v1/declarations", content=b"<a/>", headers={"Content-Type": "text/html"})
    problem(answer, 400, "request.malformed")


def test_too_large(sqlite_world: World) -> None:
    answer = send(Cast(sqlite_world).broker, b"<a>" + b" " * 3_000_000 + b"</a>")
    problem(answer, 413, "request.too-large")
