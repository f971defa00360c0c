"""Programs: client credentials as RFC 6749 has them, tokens that hold as long as they should."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import jwt
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from api.foundation.tokens import server_secret
from kernel.clock import ManualClock
from ledger.keys.roles import Role
from tests.api import probe
from tests.api.world import World
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.parties import service
from workflow.parties.models import Organisation
from workflow.parties.schemas import NewClient

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def credentials(sqlite_world: World) -> tuple[str, str]:
    organisation_id = sqlite_world.organisation()
    with sqlite_world.writing() as session:
        new = NewClient(organisation_id=organisation_id, label="Freight system", roles=["broker"])
        client, secret = service.create_client(session, sqlite_world.context, SYSTEM_PRINCIPAL, new)
        return str(client.id), secret


def ask(world: World, data: object = GRANT, **options: object) -> httpx.Response:
    return world.browser().post("/api/v1/token", data=data, **options)  # type: ignore[arg-type]  # httpx's own options


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_anonymous_gets_no_token(sqlite_world: World) -> None:
    refused(ask(sqlite_world), 400, "invalid_request")


def test_basic_credentials_give_a_token(sqlite_world: World, credentials: tuple[str, str]) -> None:
    answer = ask(sqlite_world, auth=credentials)
    assert answer.status_code == 200
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 1800, "read write")
    assert answer.headers["cache-control"] == "no-store"
    session = sqlite_world.browser(Authorization=f"bearer {token['access_token']}").get("/api/v1/session")
    told = session.json()
    assert (told["client_id"], told["name"], told["roles"]) == (credentials[0], "Freight system", ["broker"])
    assert told["csrf_token"] is None


def test_basic_credentials_may_be_percent_encoded(sqlite_world: World, credentials: tuple[str, str]) -> None:
    pair = ":".join(quote(part, safe="") for part in credentials)
    header = base64.b64encode(pair.encode()).decode()
    assert ask(sqlite_world, headers={"Authorization": f"Basic {header}"}).status_code == 200


def test_credentials_in_the_form_give_a_token(sqlite_world: World, credentials: tuple[str, str]) -> None:
    data = {**GRANT, "client_id": credentials[0], "client_secret": credentials[1], "scope": "read"}
    assert ask(sqlite_world, data).json()["scope"] == "read"


def test_what_is_no_request_for_a_token(sqlite_world: World, credentials: tuple[str, str]) -> None:
    client_id, secret = credentials
    both = {**GRANT, "client_id": client_id, "client_secret": secret}
    refused(ask(sqlite_world, both, auth=credentials), 400, "invalid_request")
    refused(ask(sqlite_world, {}, auth=credentials), 400, "invalid_request")
    refused(
        ask(sqlite_world, {"grant_type": ["client_credentials"] * 2}, auth=credentials),
        400,
        "invalid_request",
    )
    refused(ask(sqlite_world, {"grant_type": "password"}, auth=credentials), 400, "unsupported_grant_type")
    refused(ask(sqlite_world, headers={"Authorization": "Basic !!!"}), 400, "invalid_request")
    refused(ask(sqlite_world, {**GRANT, "client_id": client_id}), 400, "invalid_request")
    as_json = sqlite_world.browser().post("/api/v1/token", json={**both})
    refused(as_json, 400, "invalid_request")


@pytest.mark.parametrize("scope", ["admin", "read admin", " "])
def test_scopes_that_are_not_there(sqlite_world: World, credentials: tuple[str, str], scope: str) -> None:
    refused(ask(sqlite_world, {**GRANT, "scope": scope}, auth=credentials), 400, "invalid_scope")


@pytest.mark.parametrize("client_id", ["", "nobody", "00000000-0000-0000-0000-000000000000"])
def test_unknown_clients(sqlite_world: World, credentials: tuple[str, str], client_id: str) -> None:
    answer = ask(sqlite_world, auth=(client_id, credentials[1]))
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_wrong_secret(sqlite_world: World, credentials: tuple[str, str]) -> None:
    refused(ask(sqlite_world, auth=(credentials[0], "wrong")), 401, "invalid_client")


def test_a_token_runs_out(sqlite_world: World, clock: ManualClock) -> None:
    program = sqlite_world.program()
    clock.advance(timedelta(minutes=29, seconds=59))
    assert program.http.get("/api/v1/session").status_code == 200
    clock.advance(timedelta(seconds=1))
    assert program.http.get("/api/v1/session").status_code == 401


def test_a_token_without_the_scope(sqlite_world: World) -> None:
    program = sqlite_world.program(scope="read")
    answer = program.http.post("/api/v1/probe/write", json={"name": "Anna"})
    assert (answer.status_code, answer.json()["code"]) == (403, "access.scope-missing")
    assert program.http.post("/api/v1/probe/look", json={"name": "Anna"}).status_code == 200
    other = sqlite_world.program(scope="write")
    assert other.http.get("/api/v1/session").json()["code"] == "access.scope-missing"


def test_a_revoked_clients_token_holds_no_longer(sqlite_world: World) -> None:
    program = sqlite_world.program()
    assert program.client_id is not None
    with sqlite_world.writing() as session:
        service.revoke_client(session, sqlite_world.context, SYSTEM_PRINCIPAL, program.client_id)
    assert program.http.get("/api/v1/session").status_code == 401


def test_a_lapsed_organisations_token_holds_no_longer(sqlite_world: World, clock: ManualClock) -> None:
    program = sqlite_world.program()
    with sqlite_world.writing() as session:
        organisation = session.get_one(Organisation, program.organisation_id)
        organisation.valid_until = clock.now() + timedelta(seconds=5)
    clock.advance(timedelta(seconds=5))
    assert program.http.get("/api/v1/session").status_code == 401


def test_a_token_of_another_maker(sqlite_world: World) -> None:
    program = sqlite_world.program()
    good = program.http.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, options={"verify_signature": False})
    secret = server_secret(sqlite_world.context.settings.data_dir)
    header = {"typ": "at+jwt"}
    forgeries = {
        "other secret": jwt.encode(claims, b"x" * 32, headers=header),
        "no signature": jwt.encode(claims, "", algorithm="none", headers=header),
        "other audience": jwt.encode(claims | {"aud": "note"}, secret, headers=header),
        "other kind": jwt.encode(claims, secret),
        "no end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, secret, headers=header),
        "text for an end": jwt.encode(claims | {"exp": "tomorrow"}, secret, headers=header),
        "no scope": jwt.encode({k: v for k, v in claims.items() if k != "scope"}, secret, headers=header),
        "no client": jwt.encode(claims | {"sub": "x"}, secret, headers=header),
        "nonsense": "a.b.c",
    }
    assert (
        sqlite_world.browser(Authorization=f"Bearer {jwt.encode(claims, secret, headers=header)}")
        .get("/api/v1/session")
        .is_success
    )
    for name, token in forgeries.items():
        answer = sqlite_world.browser(Authorization=f"Bearer {token}").get("/api/v1/session")
        assert answer.status_code == 401, name


def test_the_servers_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = server_secret(tmp_path)
    assert server_secret(tmp_path) == first
    assert len(first) == 32
    path = tmp_path / "keys" / "token-secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["token-secret"]


def test_programs_see_pages_for_persons_refused(sqlite_world: World) -> None:
    answer = sqlite_world.program(Role.BROKER).http.get("/keys")
    assert answer.status_code == 403
    assert "This is for persons" in answer.text
