"""The made-up parties of the demonstration: admitted once, with software passkeys, and clients for programs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.command_line.demo.agents import PAUSE_S, Agent, Person, Program, TooSlow, challenge_of
from api.command_line.demo.dossiers import Dossier, text_of
from kernel.database import Database
from kernel.settings import Settings
from ledger.consortium import FOUNDERS
from ledger.keys.keystore import KeyStore
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import Signer, from_base64url
from ledger.mirrors import LedgerKey
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.parties.admission import add_person, admit_organisation, create_client
from workflow.parties.enrolment import begin_enrolment, enrol_passkey, enrol_software_key, issue_link
from workflow.parties.key_schemas import PasskeyEnrolment, SoftwareKeyEnrolment
from workflow.parties.models import Key, Organisation
from workflow.parties.rules import OrganisationKind, possession_digest, role_names
from workflow.parties.schemas import NewClient, NewOrganisation, NewPerson
from workflow.parties.sign_in import rp_id

_NAMES = uuid5(NAMESPACE_URL, "piste:demo")


@dataclass(frozen=True, kw_only=True)
class Firm:
    """An organisation of the demonstration."""

    party: str
    """Its role in the dossiers."""
    kind: OrganisationKind
    roles: Role
    identifier: UUID
    founding: bool = False


_COMMITTEE, _CUSTOMS, _BUREAU = FOUNDERS
FIRMS = (
    Firm(
        party="committee",
        kind=OrganisationKind.COMMITTEE,
        roles=Role.COMMITTEE | Role.WITNESS,
        identifier=_COMMITTEE.organisation,
        founding=True,
    ),
    Firm(
        party="customs",
        kind=OrganisationKind.CUSTOMS,
        roles=Role.DOCUMENTS_OFFICER
        | Role.INSPECTOR
        | Role.RELEASING_OFFICER
        | Role.SUPERVISOR
        | Role.INSTRUMENT
        | Role.WITNESS,
        identifier=_CUSTOMS.organisation,
        founding=True,
    ),
    Firm(
        party="operator",
        kind=OrganisationKind.COMMERCE_BUREAU,
        roles=Role.AUDITOR | Role.LOG | Role.WITNESS,
        identifier=_BUREAU.organisation,
        founding=True,
    ),
    Firm(party="broker", kind=OrganisationKind.BROKER, roles=Role.BROKER, identifier=uuid5(_NAMES, "broker")),
    Firm(
        party="gate", kind=OrganisationKind.ZONE_OPERATOR, roles=Role.GATE, identifier=uuid5(_NAMES, "gate")
    ),
)


@dataclass(frozen=True)
class Part:
    """Somebody's part in the demonstration."""

    name: str
    firm: str
    role: Role
    administrator: bool = False


PERSONS = (
    Part("broker", "broker", Role.BROKER, administrator=True),
    Part("committee", "committee", Role.COMMITTEE, administrator=True),
    Part("documents_officer", "customs", Role.DOCUMENTS_OFFICER),
    Part("inspector", "customs", Role.INSPECTOR),
    Part("releasing_officer", "customs", Role.RELEASING_OFFICER),
    Part("supervisor", "customs", Role.SUPERVISOR, administrator=True),
    Part("auditor", "operator", Role.AUDITOR, administrator=True),
)
PROGRAMS = (
    Part("broker_program", "broker", Role.BROKER),
    Part("gate", "gate", Role.GATE),
    Part("instrument", "customs", Role.INSTRUMENT),
)
_LABELS = {
    "broker_program": "Freight system",
    "gate": "Gate 1, Yanqing",
    "instrument": "Radiation instruments",
}


@dataclass(frozen=True)
class Cast:
    """Everybody who acts, signed in."""

    broker: Agent
    committee: Agent
    documents_officer: Agent
    inspector: Agent
    releasing_officer: Agent
    supervisor: Agent
    auditor: Agent
    broker_program: Agent
    gate: Agent
    instrument: Agent


class Company:
    """Keeps the cast of one data folder: who they are, and their keys."""

    def __init__(self, settings: Settings, context: Context, database: Database) -> None:
        self._settings = settings
        self._context = context
        self._database = database
        self._folder = settings.data_dir / "demo"
        self._keys = KeyStore(self._folder / "keys")

    def assemble(self, dossier: Dossier) -> dict[str, Any]:
        """Admit everybody, once; a run that was killed on the way is finished by the next."""
        kept, side = self._folder / "cast.json", self._folder / "cast.json.part"
        if not kept.exists() and side.exists() and self._admitted():
            side.rename(kept)
        if not kept.exists():
            with self._database.write() as session:
                cast = self._admit_all(session, dossier)
                _write_private(side, orjson.dumps(cast, option=orjson.OPT_INDENT_2))
            side.rename(kept)
        loaded: dict[str, Any] = orjson.loads(kept.read_bytes())
        return loaded

    def await_keys(self, patience_s: float) -> int:
        """Wait until every key of the cast is in the consortium's register; gives how many there are.

        Raises:
            TooSlow: The founding members' registrar did not sign in time.
        """
        until = time.monotonic() + patience_s
        while True:
            with self._database.read() as session:
                wanted = session.scalars(
                    select(Key.key_id).where(Key.revoked_at.is_(None), Key.roles > 0)
                ).all()
                known = session.scalar(
                    select(func.count()).select_from(LedgerKey).where(LedgerKey.key_id.in_(wanted))
                )
            if known == len(wanted):
                return len(wanted)
            if time.monotonic() > until:
                raise TooSlow(
                    seconds=patience_s, what="the consortium's register", at=f"{known} of {len(wanted)}"
                )
            time.sleep(PAUSE_S)

    def links(self, cast: dict[str, Any]) -> dict[str, str]:
        """Issue a fresh one-time link for each person, with which a browser enrols a passkey of its own."""
        with self._database.write() as session:
            return {
                name: issue_link(session, self._context, SYSTEM_PRINCIPAL, person_id=UUID(person["id"])).url
                for name, person in cast["persons"].items()
            }

    def sign_in(self, cast: dict[str, Any], base_url: str) -> Cast:
        """Sign everybody in over HTTP."""
        agents: dict[str, Agent] = {}
        for part in PERSONS:
            person = cast["persons"][part.name]
            passkey = self._passkey(part)
            agents[part.name] = _signed_in(
                Person(person["name"], base_url, passkey, bytes.fromhex(person["key_id"])), UUID(person["id"])
            )
        for part in PROGRAMS:
            program = cast["programs"][part.name]
            agents[part.name] = Program(
                program["label"], base_url, program["id"], program["secret"], self._signer(part)
            )
        return Cast(**agents)

    def _admitted(self) -> bool:
        with self._database.read() as session:
            return session.get(Organisation, FIRMS[-1].identifier) is not None

    def _admit_all(self, session: Session, dossier: Dossier) -> dict[str, Any]:
        for firm in FIRMS:
            party = dossier.party(firm.party)
            new = NewOrganisation(
                name_en=party["name"]["en"],
                name_zh=party["name"]["zh"],
                kind=firm.kind,
                country=party["country"],
                registration_number=party["id"],
                roles=role_names(firm.roles),
            )
            admit_organisation(
                session,
                self._context,
                SYSTEM_PRINCIPAL,
                new,
                founding=firm.founding,
                organisation_id=firm.identifier,
            )
        return {
            "persons": {part.name: self._add_person(session, part, dossier) for part in PERSONS},
            "programs": {part.name: self._add_program(session, part) for part in PROGRAMS},
        }

    def _add_person(self, session: Session, part: Part, dossier: Dossier) -> dict[str, Any]:
        names = next(
            text_of(one["name"]) for one in dossier.party(part.firm)["persons"] if one["role"] == part.name
        )
        person = add_person(
            session,
            self._context,
            SYSTEM_PRINCIPAL,
            NewPerson(
                organisation_id=_firm(part).identifier,
                name_en=names.en,
                name_zh=names.zh,
                roles=role_names(part.role),
                administrator=part.administrator,
            ),
        )
        token = issue_link(session, self._context, SYSTEM_PRINCIPAL, person_id=person.id).token
        begun = begin_enrolment(session, self._context, token)
        answer = self._passkey(part).registration(challenge_of(begun.passkey or {}))
        key = enrol_passkey(
            session,
            self._context,
            PasskeyEnrolment.model_validate(
                {
                    "token": token,
                    "ceremony_id": begun.ceremony_id,
                    "label": "command line",
                    "credential": answer,
                }
            ),
        )
        return {"id": str(person.id), "name": f"{names.en} {names.zh}", "key_id": key.key_id.hex()}

    def _add_program(self, session: Session, part: Part) -> dict[str, Any]:
        client, secret = create_client(
            session,
            self._context,
            SYSTEM_PRINCIPAL,
            NewClient(
                organisation_id=_firm(part).identifier, label=_LABELS[part.name], roles=role_names(part.role)
            ),
        )
        token = issue_link(session, self._context, SYSTEM_PRINCIPAL, client_id=client.id).token
        begun = begin_enrolment(session, self._context, token)
        signer = self._signer(part)
        proof = signer.sign(possession_digest(bytes.fromhex(begun.challenge[2:]), signer.signer))
        key = enrol_software_key(
            session,
            self._context,
            SoftwareKeyEnrolment(
                token=token,
                ceremony_id=begun.ceremony_id,
                label=_LABELS[part.name],
                signer=f"0x{signer.signer.hex()}",
                signature=f"0x{proof.hex()}",
            ),
        )
        return {
            "id": str(client.id),
            "secret": secret,
            "label": _LABELS[part.name],
            "key_id": key.key_id.hex(),
        }

    def _passkey(self, part: Part) -> SoftwarePasskey:
        name = part.name.replace("_", "-")
        return self._keys.passkey(name, rp_id=rp_id(self._settings), origin=self._settings.origin)

    def _signer(self, part: Part) -> Signer:
        """Programs of brokers sign on secp256k1, devices on P-256: all kinds of key take part."""
        name = part.name.replace("_", "-")
        if part.role == Role.BROKER:
            return self._keys.secp256k1(name)
        return self._keys.p256(name, self._context.deployment)


def _firm(part: Part) -> Firm:
    return next(firm for firm in FIRMS if firm.party == part.firm)


def _signed_in(person: Person, person_id: UUID) -> Person:
    """Sign a person in with the passkey, as the page does."""
    begun = person.post("/sign-in/begin")
    challenge = from_base64url(begun["passkey"]["challenge"])
    credential = person.passkey.assertion(challenge, user_handle=person_id.bytes)
    signed = person.post(
        "/sign-in/finish", json={"ceremony_id": begun["ceremony_id"], "credential": credential}
    )
    person.http.headers["X-CSRF-Token"] = signed["csrf_token"]
    return person


def _write_private(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
