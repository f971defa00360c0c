"""Who may do what at which address: every role, a stranger and the anonymous, at every route of the cases.

A case that a caller may not know of looks like a missing one (404); one that he sees but may not touch says so (403).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import create_app
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from ledger.roles import Role
from tests.api.cast import KIND_OF_ROLE, Cast, Json
from tests.api.world import DEPLOYMENT, Server, World
from tests.workflow.builders.check_notes import check_note_content
from workflow.engine.context import Context
from workflow.engine.tenancy import AUTHORITIES, CUSTOMS

OWNER, STRANGER, ANONYMOUS = "owner", "stranger", "anonymous"
EVERY_ROLE = Role(sum(Role))
NONE = Role(0)
DECIDERS = Role.RELEASING_OFFICER | Role.DOCUMENTS_OFFICER | Role.SUPERVISOR
SECOND = Role.RELEASING_OFFICER | Role.SUPERVISOR
REFUSED = {"access.not-permitted", "reading.not-an-instrument", "release.second-signer-is-first"}
CALLERS = (
    ANONYMOUS,
    OWNER,
    STRANGER,
    *(role.name.lower() for role in Role if role.name and role is not Role.BROKER),
)
JUNK = {"key_id": "0x" + "77" * 32, "signature": "0x" + "11" * 65}


class Row(NamedTuple):
    """One route: which roles besides the owner see what it is about, and who may take it."""

    method: str
    path: str
    sees: Role
    may: Role
    """Besides the roles, `Role.BROKER` stands for the owner; a stranger never may."""
    body: Any = None
    changes: bool = False
    """Whether it would change the stage: then those who may are only shown the action."""


def reading(method: str, path: str, sees: Role = AUTHORITIES) -> Row:
    return Row(method, path, sees, sees | Role.BROKER)


def step(path: str, event: str, sees: Role, may: Role, **given: object) -> list[Row]:
    """Give the two routes of a signed step."""
    address = f"{path}/actions/{event}"
    return [
        Row("POST", f"{address}/statement", sees, may, given),
        Row("POST", address, sees, may, {**given, "signature": JUNK}),
    ]


def plain(path: str, event: str, sees: Role, may: Role) -> Row:
    return Row("POST", f"{path}/actions/{event}", sees, may, {}, changes=True)


def cases(name: str, path: str, sees: Role = AUTHORITIES, *below: str) -> list[Row]:
    """Give the routes that read a case."""
    return [reading("GET", f"/{name}/{{{path}}}{tail}", sees) for tail in ("", "/history", *below)]


PAPERS = ("/documents", "/findings")
WITH_GATES = AUTHORITIES | Role.GATE
B = Role.BROKER
ROWS = (
    *(reading("GET", path, EVERY_ROLE) for path in ("/certificates", "/declarations", "/check-notes")),
    *(reading("GET", path, EVERY_ROLE) for path in ("/holds", "/examinations", "/gate-events", "/ledger")),
    *(reading("GET", path, EVERY_ROLE) for path in ("/life-cycles", "/dispositions", "/ledger/blocks")),
    reading("GET", "/ledger/checkpoints", EVERY_ROLE),
    reading("GET", "/ledger/cases/{active}", EVERY_ROLE),
    Row("POST", "/certificates", EVERY_ROLE, B, {}),
    Row("PUT", "/certificates/{draft}", NONE, B, {}),
    *cases("certificates", "draft", NONE, *PAPERS),
    *cases("certificates", "active", AUTHORITIES, *PAPERS),
    *step("/certificates/{draft}", "submit", NONE, B),
    plain("/certificates/{returned}", "revise", AUTHORITIES, B),
    *step("/certificates/{submitted}", "approve", AUTHORITIES, Role.COMMITTEE),
    *step("/certificates/{submitted}", "return_to_firm", AUTHORITIES, Role.COMMITTEE, reason="x"),
    *step("/certificates/{approved}", "return_to_firm", AUTHORITIES, Role.DOCUMENTS_OFFICER, reason="x"),
    *step("/certificates/{submitted}", "reject", AUTHORITIES, Role.COMMITTEE, reason="x"),
    *step("/certificates/{approved}", "file", AUTHORITIES, Role.DOCUMENTS_OFFICER),
    *step(
        "/certificates/{active}", "revoke", AUTHORITIES, Role.COMMITTEE | Role.DOCUMENTS_OFFICER, reason="x"
    ),
    Row("POST", "/declarations", EVERY_ROLE, B, {}),
    Row("PUT", "/declarations/{declared}", NONE, B, {}),
    *cases("declarations", "declared", NONE, *PAPERS, "/holds", "/examinations", "/readings"),
    *cases("declarations", "filed", AUTHORITIES, *PAPERS, "/holds", "/examinations", "/readings"),
    *step("/declarations/{declared}", "submit", NONE, B),
    *step("/declarations/{filed}", "cancel", AUTHORITIES, B, reason="x"),
    *step("/declarations/{ready}", "release", AUTHORITIES, Role.RELEASING_OFFICER),
    Row("POST", "/declarations/{waiting}/countersign/statement", AUTHORITIES, SECOND),
    Row("POST", "/declarations/{waiting}/countersign", AUTHORITIES, SECOND, {"signature": JUNK}),
    Row("POST", "/declarations/{waiting}/retract", AUTHORITIES, NONE, {}),
    reading("GET", "/cases/declaration/{filed}/events"),
    reading("GET", "/documents/{paper}"),
    reading("GET", "/documents/{paper}/content"),
    reading("GET", "/documents/{private_paper}", NONE),
    Row("POST", "/documents", AUTHORITIES, B, "upload"),
    Row("POST", "/check-notes", EVERY_ROLE, B, {}),
    Row("PUT", "/check-notes/{note}", NONE, B, {}),
    *cases("check-notes", "note", NONE),
    *cases("check-notes", "applied_note", WITH_GATES),
    *step("/check-notes/{note}", "apply", NONE, B),
    plain("/check-notes/{note}", "delete", NONE, B),
    *step(
        "/check-notes/{applied_note}", "approve", WITH_GATES, Role.DOCUMENTS_OFFICER | Role.RELEASING_OFFICER
    ),
    *step("/check-notes/{applied_note}", "void", WITH_GATES, B, reason="x"),
    *cases("holds", "hold"),
    *step("/holds/{hold}", "dispose", AUTHORITIES, DECIDERS, disposition="re_examine", reason="x"),
    *cases("examinations", "examination"),
    *step("/examinations/{examination}", "report", AUTHORITIES, Role.INSPECTOR, result="conform"),
    Row("POST", "/examinations/{examination}/actions/isolate", AUTHORITIES, Role.INSPECTOR, {}),
    Row("POST", "/gate-events/statement", EVERY_ROLE, Role.GATE, {"event": {}}),
    Row("POST", "/gate-events", EVERY_ROLE, Role.GATE, {"event": {}}),
    Row("POST", "/readings/statement", EVERY_ROLE, Role.INSTRUMENT, "reading"),
)


@dataclass
class Stage:
    """Cases in the states that the routes are about, and somebody of every role who has nothing to do with them."""

    cast: Cast
    callers: dict[str, httpx.Client] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def set(self) -> None:
        """Bring the cases into their states."""
        cast, ids = self.cast, self.ids
        ids["draft"] = cast.certificate(until="draft")["id"]
        ids["submitted"] = cast.certificate(until="under_committee_review")["id"]
        returned = cast.certificate(until="under_committee_review")["id"]
        cast.go(cast.committee, f"/certificates/{returned}/actions/return_to_firm", reason="x")
        ids["returned"] = returned
        ids["approved"] = cast.certificate(until="committee_approved")["id"]
        active = cast.certificate()
        ids["active"] = active["id"]
        ids["declared"] = cast.declaration(certificate=active)["id"]
        ids["filed"] = cast.declaration(certificate=active, until="document_examination")["id"]
        ids["ready"] = cast.declaration(certificate=active, until="guarantee")["id"]
        ids["private_paper"] = self.paper_of(ids["declared"])
        ids["paper"] = self.paper_of(ids["filed"])
        ids["hold"] = cast.hold(ids["filed"])["id"]
        ids["examination"] = cast.examination(ids["filed"])["id"]
        ids["waiting"] = self.waiting(active)
        ids["note"] = self.note(ids["filed"])["id"]
        applied = self.note(ids["filed"])
        cast.go(cast.broker, f"/check-notes/{applied['id']}/actions/apply")
        ids["applied_note"] = applied["id"]
        self.callers = {
            ANONYMOUS: cast.world.browser(),
            OWNER: cast.player(Role.BROKER, organisation_id=cast.broker.organisation_id).http,
            STRANGER: cast.stranger().http,
        }
        for role in Role:
            if role.name and role is not Role.BROKER:
                self.callers[role.name.lower()] = cast.player(role, kind=KIND_OF_ROLE[role]).http

    def paper_of(self, declaration_id: str) -> str:
        listed = self.cast.broker.get(f"/declarations/{declaration_id}/documents").json()["items"]
        found: str = listed[0]["id"]
        return found

    def waiting(self, certificate: Json) -> str:
        """Bring a declaration to where it waits for the second officer."""
        cast = self.cast
        case = cast.declaration(certificate=certificate, until="document_examination")
        ordered = cast.examination(case["id"])
        cast.go(cast.inspector, f"/examinations/{ordered['id']}/actions/report", result="conform")
        cast.clear(case["id"])
        assert cast.releasing_officer.act(f"/declarations/{case['id']}/actions/release").status_code == 202
        found: str = case["id"]
        return found

    def note(self, declaration_id: str) -> Json:
        item = {"declaration_id": declaration_id, "line_no": 1, "quantity": "1"}
        note: Json = self.cast.broker.post("/check-notes", check_note_content(item)).json()
        return note

    def send(self, caller: str, row: Row) -> httpx.Response:
        http, path = self.callers[caller], f"/api/v1{row.path.format(**self.ids)}"
        if row.body == "upload":
            form = {"case_kind": "declaration", "case_id": self.ids["filed"], "kind": "other"}
            return http.post(path, data=form, files={"file": ("a.png", b"nothing")})
        body = self.reading() if row.body == "reading" else row.body
        if path.endswith("/events"):
            with http.stream("GET", path) as answer:
                if answer.status_code != 200:
                    answer.read()
                return answer
        return http.request(row.method, path, json=body)

    def reading(self) -> Json:
        return {
            "reading": {
                "quantity": "gamma_dose_rate",
                "declaration": self.ids["filed"],
                "stage": "portal",
                "instrument": "RPM",
                "calibration": {
                    "certificate_no": "1",
                    "calibrated_at": "2026-01-01T00:00:00Z",
                    "valid_until": "2027-01-01T00:00:00Z",
                },
                "measured_at": "2026-02-03T08:00:00Z",
                "reading_usv_h": "0.1",
                "background_usv_h": ["0.1"] * 5,
            }
        }


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Set the stage once for all rows: none of them changes it."""
    folder: Path = tmp_path_factory.mktemp("access")
    shutil.copyfile(request.getfixturevalue("_sqlite_template"), folder / "piste.sqlite3")
    server = Server()
    try:
        context = Context(
            settings=Settings(data_dir=folder, port=server.port),
            archive=FolderArchive(folder / "archive"),
            deployment=DEPLOYMENT,
            clock=ManualClock(datetime(2026, 2, 3, 8, tzinfo=UTC)),
        )
        app = create_app(context=context)
        server.start(app)
        world = World(app, app.state.installation.database, context)
        made = Stage(Cast(world))
        made.set()
        yield made
        world.close()
    finally:
        server.stop()


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_access(stage: Stage, row: Row, caller: str) -> None:
    role = {OWNER: Role.BROKER, STRANGER: Role.BROKER, ANONYMOUS: NONE}.get(caller) or NONE
    if caller not in {OWNER, STRANGER, ANONYMOUS}:
        role = Role[caller.upper()]
    foreign = ("{" in row.path and not row.path.startswith("/ledger")) or row.body == "upload"
    sees = caller == OWNER or bool(row.sees & role)
    if caller == STRANGER and foreign:
        sees = False
    may = sees and bool(row.may & role)
    if may and row.changes:
        shown = (
            stage.callers[caller]
            .get(f"/api/v1{row.path.partition('/actions/')[0].format(**stage.ids)}")
            .json()
        )
        assert row.path.rpartition("/")[2] in {action["event"] for action in shown["actions"]}
        return
    answer = stage.send(caller, row)
    if caller == ANONYMOUS:
        assert answer.status_code == 401
    elif not sees:
        assert (answer.status_code, answer.json()["code"]) == (404, "input.not-found")
    elif not may:
        assert (answer.status_code, answer.json()["code"] in REFUSED) == (403, True), answer.text
    elif row.method == "GET":
        assert answer.status_code == 200
    else:
        code = "" if answer.is_success else answer.json()["code"]
        assert answer.status_code not in {401, 404, 500}, answer.text
        assert answer.status_code != 403 or code.startswith(("signature.", "release.")), answer.text
        assert code not in REFUSED - {"release.second-signer-is-first"}


def test_every_route_of_the_cases_stands_in_the_table(stage: Stage) -> None:
    described = {
        (method.upper(), path.removeprefix("/api/v1").replace(name, "{}"))
        for path, item in stage.cast.world.app.openapi()["paths"].items()
        for method in item
        for name in ["{" + path.partition("{")[2].partition("}")[0] + "}"]
        if any(tag in TESTED_DOORS for tag in item[method].get("tags", []))
    }
    told = {(row.method, _blank(row.path)) for row in ROWS}
    tested_elsewhere = {
        ("GET", "/gate-events/{}"),
        ("GET", "/readings/{}"),
        ("POST", "/readings"),
        ("GET", "/documents/{}/findings/{finding_id}/picture"),
        ("POST", "/declarations/{}/actions/revise"),
        ("POST", "/declarations/{}/actions/amend"),
        ("POST", "/declarations/{}/actions/amend/statement"),
        ("GET", "/cases/{}/{case_id}/events"),
    }
    missing = {
        (method, path)
        for method, path in described - told - tested_elsewhere
        if not path.startswith("/ledger")
    }
    assert missing == set()


TESTED_DOORS = {"single_window", "approval_portal", "release_console", "devices", "chain_explorer"}


def _blank(path: str) -> str:
    before, _, after = path.partition("{")
    return path if not after else before + "{}" + after.partition("}")[2]


def test_roles_and_authorities_are_what_the_table_thinks() -> None:
    assert CUSTOMS | Role.COMMITTEE | Role.AUDITOR == AUTHORITIES
