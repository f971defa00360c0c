"""Builders for tests of the doors: an application on a real database, organisations, people and programs in it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session

from api.app import create_app
from api.foundation.doors import Door
from api.foundation.limits import Rates
from kernel.archive import Archive
from kernel.clock import ManualClock, unix
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.deployment import CONTRACTS, Deployment
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import (
    USER_PRESENT,
    USER_VERIFIED,
    from_base64url,
    passkey_signature,
    verify_signature,
)
from ledger.models import LedgerKey, LedgerOrganisation
from ledger.statements import id_bytes
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.schemas import SignatureInput
from workflow.parties import service
from workflow.parties.models import Key, Organisation, Person
from workflow.parties.rules import ROLES_OF_KIND, OrganisationKind, role_names
from workflow.parties.schemas import NewClient, NewOrganisation, NewPerson
from workflow.parties.sign_in import rp_id

GOOD_USCC = "91110000600037341L"
GOOD_FLAGS = USER_PRESENT | USER_VERIFIED
NO_ROLE = Role(0)
DEPLOYMENT = Deployment(20260, {name: f"0x{place:040x}" for place, name in enumerate(CONTRACTS, 1)})
"""A deployment on no chain: enough for digests, signers and everything else that needs no node."""


def uscc(number: int) -> str:
    """Make a unified social credit code with a good check character."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91110000MA{number:07d}"
    total = sum(letters.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + letters[(31 - total % 31) % 31]


class Server:
    """The application behind a real HTTP server, in a thread of this process, on a port of its own."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: FastAPI) -> None:
        """Serve, and wait until it does."""
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        self._server = server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise TimeoutError
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(20)
        self._socket.close()


@dataclass
class Visitor:
    """Somebody at the door: an HTTP client with what it sends of itself."""

    http: httpx.Client
    person_id: UUID | None = None
    client_id: UUID | None = None
    organisation_id: UUID | None = None
    passkey: SoftwarePasskey | None = None
    key_id: bytes = b""


@dataclass
class World:
    """An application with people in it."""

    app: FastAPI
    database: Database
    context: Context
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    clients: list[httpx.Client] = field(default_factory=list)
    base_url: str = ""
    """Where the server is reached, where that is not the origin."""

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.database.write() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self.database.read() as session:
            yield session

    def browser(self, **headers: str) -> httpx.Client:
        """Give a fresh HTTP client, with nobody signed in."""
        client = httpx.Client(
            base_url=self.base_url or self.context.settings.origin,
            headers={"Accept-Language": "en", **headers},
            trust_env=False,
            timeout=60,
        )
        self.clients.append(client)
        return client

    def organisation(
        self, kind: OrganisationKind = OrganisationKind.BROKER, *, founding: bool = False, **changes: object
    ) -> UUID:
        """Admit an organisation as the system does when it is set up."""
        number = next(self.numbers)
        new = {
            "name_en": f"{kind.value.title()} {number}",
            "name_zh": f"单位{number}",
            "kind": kind,
            "country": "CN",
            "registration_number": uscc(number),
            "roles": role_names(ROLES_OF_KIND[kind]),
        } | changes
        with self.writing() as session:
            admitted = service.admit_organisation(
                session,
                self.context,
                SYSTEM_PRINCIPAL,
                NewOrganisation.model_validate(new),
                founding=founding,
            )
            return admitted.id

    def person(
        self,
        organisation_id: UUID,
        roles: Role = NO_ROLE,
        *,
        administrator: bool = False,
        name: str = "Li Na",
    ) -> UUID:
        """Add a person as the system does."""
        new = NewPerson(
            organisation_id=organisation_id,
            name_en=name,
            name_zh="李娜",
            roles=role_names(roles),
            administrator=administrator,
        )
        with self.writing() as session:
            return service.add_person(session, self.context, SYSTEM_PRINCIPAL, new).id

    def link(self, *, person_id: UUID | None = None, client_id: UUID | None = None) -> str:
        """Issue an enrolment link and give its secret."""
        with self.writing() as session:
            return service.issue_link(
                session, self.context, SYSTEM_PRINCIPAL, person_id=person_id, client_id=client_id
            ).token

    def passkey(self, flags: int = GOOD_FLAGS) -> SoftwarePasskey:
        """Make a passkey for this site."""
        return SoftwarePasskey(rp_id(self.context.settings), self.context.settings.origin, flags=flags)

    def enrol(self, http: httpx.Client, token: str, passkey: SoftwarePasskey) -> httpx.Response:
        """Enrol a passkey as the page does."""
        begun = http.post("/api/v1/enrolments/challenge", json={"token": token}).json()
        challenge = from_base64url(begun["passkey"]["challenge"])
        return http.post(
            "/api/v1/enrolments/passkey",
            json={
                "token": token,
                "ceremony_id": begun["ceremony_id"],
                "label": "test device",
                "credential": passkey.registration(challenge),
            },
        )

    def sign_in(
        self, http: httpx.Client, passkey: SoftwarePasskey, *, user_handle: bytes | None = None
    ) -> httpx.Response:
        """Sign in as the page does."""
        begun = http.post("/api/v1/sign-in/begin").json()
        answer = passkey.assertion(from_base64url(begun["passkey"]["challenge"]), user_handle=user_handle)
        return http.post(
            "/api/v1/sign-in/finish", json={"ceremony_id": begun["ceremony_id"], "credential": answer}
        )

    def visitor(
        self,
        roles: Role = Role.BROKER,
        *,
        kind: OrganisationKind = OrganisationKind.BROKER,
        organisation_id: UUID | None = None,
        administrator: bool = False,
        founding: bool = False,
        granted: bool = True,
    ) -> Visitor:
        """Give a person who is signed in, with a key in the register unless said otherwise."""
        organisation_id = organisation_id or self.organisation(kind, founding=founding)
        person_id = self.person(organisation_id, roles, administrator=administrator)
        http, passkey = self.browser(), self.passkey()
        key = self.enrol(http, self.link(person_id=person_id), passkey)
        assert key.status_code == 201, key.text
        http.headers["X-CSRF-Token"] = http.get("/api/v1/session").json()["csrf_token"]
        key_id = bytes.fromhex(key.json()["key_id"][2:])
        if granted:
            self.grant(key_id)
        return Visitor(http, person_id, None, organisation_id, passkey, key_id)

    def program(
        self, roles: Role = Role.BROKER, *, organisation_id: UUID | None = None, scope: str = "read write"
    ) -> Visitor:
        """Give a program with a bearer token."""
        organisation_id = organisation_id or self.organisation()
        with self.writing() as session:
            client, secret = service.create_client(
                session,
                self.context,
                SYSTEM_PRINCIPAL,
                NewClient(organisation_id=organisation_id, label="Freight system", roles=role_names(roles)),
            )
            client_id = client.id
        http = self.browser()
        answer = http.post(
            "/api/v1/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(str(client_id), secret),
        )
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return Visitor(http, None, client_id, organisation_id)

    def grant(self, key_id: bytes, **changes: object) -> None:
        """Put a key into the ledger's mirror, as the indexer does when the grant is final."""
        with self.writing() as session:
            key = session.query(Key).filter_by(key_id=key_id).one()
            now = self.context.clock.now()
            session.merge(LedgerKey(**(_mirrored(key, now) | changes)))

    def check_signature(self, given: dict[str, Any], digest: bytes) -> bool:
        """Judge a passkey's signature of a statement, as the contract would."""
        signature = SignatureInput.model_validate(given)
        with self.reading() as session:
            key_id = bytes.fromhex(signature.key_id[2:])
            signer = session.query(Key).filter_by(key_id=key_id).one().signer
        assert signature.webauthn is not None
        raw = passkey_signature(signature.webauthn.assertion())
        return verify_signature(signer, digest, raw, self.context.deployment)

    def enter(self, organisation_id: UUID) -> None:
        """Put an organisation into the ledger's mirror."""
        with self.writing() as session:
            found = session.get_one(Organisation, organisation_id)
            session.merge(
                LedgerOrganisation(
                    organisation=id_bytes(found.id),
                    organisation_id=found.id,
                    roles=found.roles,
                    valid_from=unix(found.valid_from),
                    valid_until=unix(found.valid_until),
                    block_number=1,
                )
            )

    def leave(self, person_id: UUID) -> None:
        """Let a person leave."""
        with self.writing() as session:
            session.get_one(Person, person_id).left_at = self.context.clock.now()

    def close(self) -> None:
        """Close every HTTP client."""
        for client in self.clients:
            client.close()


@contextmanager
def serving(
    address: str,
    settings: Settings,
    archive: Archive,
    clock: ManualClock,
    *,
    doors: tuple[Door, ...] | None = None,
    rates: Rates | None = None,
) -> Iterator[World]:
    """Serve the real application on a database."""
    server = Server()
    try:
        own = settings.model_copy(update={"database_url": address, "port": server.port})
        context = Context(settings=own, archive=archive, deployment=DEPLOYMENT, clock=clock)
        app = create_app(context=context, doors=doors, rates=rates)
        server.start(app)
        world = World(app, app.state.installation.database, context)
        try:
            yield world
        finally:
            world.close()
    finally:
        server.stop()


def _mirrored(key: Key, now: datetime) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "organisation": id_bytes(key.organisation_id),
        "organisation_id": key.organisation_id,
        "officer": id_bytes(key.officer_id),
        "officer_id": key.officer_id,
        "signer": key.signer,
        "roles": key.roles,
        "valid_from": unix(now - timedelta(hours=1)),
        "valid_until": unix(now + timedelta(days=365)),
        "granted_at_block": 2,
        "revoked_at_block": None,
    }
