"""Who may do what at which address: every role, a stranger and the anonymous, at every route of the cases.

A case that a caller may not know of looks like a missing one (404); one that he sees but may not touch says so (403).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest

from ledger.keys.roles import Role
from tests.api.cast import KIND_OF_ROLE, junk_signature
from tests.api.stage import Stage, copied, staged
from tests.api.world import World
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
        Row("POST", address, sees, may, {**given, "signature": junk_signature()}),
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
    Row("POST", "/declarations/{waiting}/countersign", AUTHORITIES, SECOND, {"signature": junk_signature()}),
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
class Crowd:
    """The stage, and somebody of every role who has nothing to do with its cases."""

    stage: Stage
    callers: dict[str, httpx.Client] = field(default_factory=dict)

    def gather(self) -> None:
        """Bring everybody in."""
        cast = self.stage.cast
        self.callers = {
            ANONYMOUS: cast.world.browser(),
            OWNER: cast.player(Role.BROKER, organisation_id=cast.broker.organisation_id).http,
            STRANGER: cast.stranger().http,
        }
        for role in Role:
            if role.name and role is not Role.BROKER:
                self.callers[role.name.lower()] = cast.player(role, kind=KIND_OF_ROLE[role]).http

    def send(self, caller: str, row: Row) -> httpx.Response:
        http, path = self.callers[caller], f"/api/v1{row.path.format(**self.stage.ids)}"
        if row.body == "upload":
            form = {"case_kind": "declaration", "case_id": self.stage.ids["filed"], "kind": "other"}
            return http.post(path, data=form, files={"file": ("a.png", b"nothing")})
        if path.endswith("/events"):
            with http.stream("GET", path) as answer:
                if answer.status_code != 200:
                    answer.read()
                return answer
        body = {"reading": self.stage.reading()} if row.body == "reading" else row.body
        return http.request(row.method, path, json=body)


@pytest.fixture(scope="module")
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Set the stage once for all rows: none of them changes it."""
    folder = tmp_path_factory.mktemp("access")
    with staged(copied(request.getfixturevalue("_sqlite_template"), folder), folder) as stage:
        gathered = Crowd(stage)
        gathered.gather()
        yield gathered


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_access(crowd: Crowd, row: Row) -> None:
    for caller in CALLERS:
        check_access(crowd, row, caller)


def check_access(crowd: Crowd, row: Row, caller: str) -> None:
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
            crowd.callers[caller]
            .get(f"/api/v1{row.path.partition('/actions/')[0].format(**crowd.stage.ids)}")
            .json()
        )
        assert row.path.rpartition("/")[2] in {action["event"] for action in shown["actions"]}
        return
    answer = crowd.send(caller, row)
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


def test_every_route_of_the_cases_stands_in_the_table(crowd: Crowd) -> None:
    described = {
        (method.upper(), path.removeprefix("/api/v1").replace(name, "{}"))
        for path, item in crowd.stage.cast.world.app.openapi()["paths"].items()
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


def test_these_routes_and_no_others_are_open_to_everybody(sqlite_world: World) -> None:
    """The evidence log's files, which are public too, are tested where they are."""
    open_to_all = {
        f"{method.upper()} {path}"
        for path, item in sqlite_world.app.openapi()["paths"].items()
        for method, operation in item.items()
        if operation.get("security") == [] and not path.startswith("/api/v1/ledger/")
    }
    assert open_to_all == PUBLIC
    for address in ("/api/v1/trust-anchor", "/verify"):
        assert sqlite_world.browser().get(address).status_code == 200


PUBLIC = {
    "GET /api/v1/trust-anchor",
    "POST /api/v1/enrolments/challenge",
    "POST /api/v1/enrolments/passkey",
    "POST /api/v1/enrolments/software-key",
    "POST /api/v1/sign-in/begin",
    "POST /api/v1/sign-in/finish",
    "POST /api/v1/token",
}
TESTED_DOORS = {"single_window", "approval_portal", "release_console", "devices", "chain_explorer"}


def _blank(path: str) -> str:
    before, _, after = path.partition("{")
    return path if not after else before + "{}" + after.partition("}")[2]


def test_roles_and_authorities_are_what_the_table_thinks() -> None:
    assert CUSTOMS | Role.COMMITTEE | Role.AUDITOR == AUTHORITIES
