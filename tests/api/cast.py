"""People and devices at the doors, each with a key, and a ledger that answers when the test says so."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.foundation.tokens import READ, WRITE
from kernel.errors import Text
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer
from ledger.models import StatementRecord, StatementState
from ledger.refusals import Refusal
from tests.api.world import World
from tests.workflow.builders.certificates import certificate_content, goods_line
from tests.workflow.builders.declarations import declaration_content, declared_line
from tests.workflow.builders.parties import Actor, grant
from workflow.declarations import service as declarations
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.recording import CaseRecorder
from workflow.examination import service as examination
from workflow.examination.rules import Anomaly
from workflow.parties import service
from workflow.parties.rules import OrganisationKind, role_names
from workflow.parties.schemas import NewClient
from workflow.processes import KINDS

Json = dict[str, Any]
REFUSAL = Refusal("Made", {}, Text("made up for the test", "测试拒绝"))
PLAIN: dict[str, Any] = {"trust_env": False, "timeout": 120, "verify": False}
"""How clients are made: without TLS, whose certificates take longer to load than a request takes."""
SIGNED_AT = "2026-02-03T08:00:00Z"
"""Where the clock of the tests stands."""
_shades = count(1)


def picture(media_type: str = "PNG") -> bytes:
    """Give a small picture, another one each time."""
    shade = next(_shades)
    image = Image.new("RGB", (60, 40), (shade % 256, shade // 256 % 256, 90))
    out = io.BytesIO()
    image.save(out, media_type)
    return out.getvalue()


@dataclass
class Player:
    """Somebody at the doors, with a key that the register holds unless said otherwise."""

    http: httpx.Client
    actor: Actor

    @property
    def organisation_id(self) -> UUID:
        return self.actor.organisation_id

    def get(self, path: str, **params: str | int | bool) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=params or None)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.http.post(f"/api/v1{path}", json=body, headers=headers)

    def put(self, path: str, body: object, **headers: str) -> httpx.Response:
        return self.http.put(f"/api/v1{path}", json=body, headers=headers)

    def signature(self, digest: str) -> Json:
        return self.actor.sign(digest).model_dump(exclude_none=True)

    def signed(self, path: str, **given: object) -> Json:
        """Fetch the statement of a step and give the body that takes it."""
        prepared = self.post(f"{path}/statement", given)
        assert prepared.status_code == 200, prepared.text
        statement = prepared.json()
        return {
            **given,
            "signed_at": statement["signed_at"],
            "signature": self.signature(statement["digest"]),
        }

    def act(self, path: str, **given: object) -> httpx.Response:
        """Fetch the statement of a step, sign it, take it."""
        return self.post(path, self.signed(path, **given))

    def act_or_refusal(self, path: str, **given: object) -> httpx.Response:
        """Take a signed step; where its statement is refused already, give that refusal."""
        prepared = self.post(f"{path}/statement", given)
        return self.act(path, **given) if prepared.is_success else prepared

    def attach(
        self, case_kind: str, case_id: str, kind: str, data: bytes | None = None, name: str = "scan.png"
    ) -> httpx.Response:
        return self.http.post(
            "/api/v1/documents",
            data={"case_kind": case_kind, "case_id": case_id, "kind": kind},
            files={"file": (name, picture() if data is None else data)},
        )


@dataclass
class Cast:
    """Who takes part in a test, made when first asked for."""

    world: World
    players: dict[str, Player] = field(default_factory=dict)
    houses: dict[OrganisationKind, UUID] = field(default_factory=dict)

    def player(
        self,
        roles: Role,
        *,
        kind: OrganisationKind | None = None,
        organisation_id: UUID | None = None,
        granted: bool = True,
        key_roles: Role | None = None,
        revoked: bool = False,
    ) -> Player:
        """Make somebody new; of the one organisation of that kind unless another is named."""
        kind = kind or KIND_OF_ROLE[next(role for role in Role if role & roles)]
        if organisation_id is None:
            organisation_id = self.houses.get(kind) or self.world.organisation(kind)
            self.houses[kind] = organisation_id
        client_id, http = self._program(roles, organisation_id)
        principal = Principal(organisation_id=organisation_id, roles=roles, client_id=client_id)
        player = Player(http, Actor(principal, Secp256k1Signer.generate()))
        if granted:
            with self.world.writing() as session:
                grant(session, player.actor, roles=key_roles, revoked=revoked)
        return player

    def _program(self, roles: Role, organisation_id: UUID) -> tuple[UUID, httpx.Client]:
        """Add a program and give it a token without asking for one: that is tested elsewhere."""
        new = NewClient(organisation_id=organisation_id, label="Program", roles=role_names(roles))
        context, tokens = self.world.context, self.world.app.state.installation.tokens
        with self.world.writing() as session:
            client, _ = service.create_client(session, context, SYSTEM_PRINCIPAL, new)
            client_id = client.id
        token = tokens.issue(client_id, frozenset({READ, WRITE}), now=context.clock.now())
        http = httpx.Client(
            base_url=context.settings.origin,
            headers={"Accept-Language": "en", "Authorization": f"Bearer {token}"},
            **PLAIN,
        )
        self.world.clients.append(http)
        return client_id, http

    def stranger(self) -> Player:
        """Give a broker of another firm."""
        return self.player(Role.BROKER, organisation_id=self.world.organisation())

    def _known(self, name: str, roles: Role) -> Player:
        if name not in self.players:
            self.players[name] = self.player(roles)
        return self.players[name]

    @property
    def broker(self) -> Player:
        return self._known("broker", Role.BROKER)

    @property
    def committee(self) -> Player:
        return self._known("committee", Role.COMMITTEE)

    @property
    def documents_officer(self) -> Player:
        return self._known("documents_officer", Role.DOCUMENTS_OFFICER)

    @property
    def inspector(self) -> Player:
        return self._known("inspector", Role.INSPECTOR)

    @property
    def releasing_officer(self) -> Player:
        return self._known("releasing_officer", Role.RELEASING_OFFICER)

    @property
    def supervisor(self) -> Player:
        return self._known("supervisor", Role.SUPERVISOR)

    @property
    def gate(self) -> Player:
        return self._known("gate", Role.GATE)

    @property
    def instrument(self) -> Player:
        return self._known("instrument", Role.INSTRUMENT)

    @property
    def auditor(self) -> Player:
        return self._known("auditor", Role.AUDITOR)

    # ------------------------------------------------------------------------------------------------ the ledger

    def record(self) -> int:
        """Answer as the ledger does that has recorded everything which waits; tell how much that was."""
        with self.world.writing() as session:
            waiting = self._waiting(session)
            for number, record in enumerate(waiting, 1):
                record.state = StatementState.RECORDED
                record.recorded_at = self.world.context.clock.now()
                record.block_number, record.transaction_hash = number, record.digest[::-1]
                CaseRecorder(self.world.context, KINDS).recorded(session, record)
            return len(waiting)

    def refuse(self) -> None:
        """Answer as the ledger does when a contract refused everything that waits."""
        with self.world.writing() as session:
            for record in self._waiting(session):
                record.state, record.refusal = StatementState.REFUSED, REFUSAL.to_json()
                CaseRecorder(self.world.context, KINDS).refused(session, record, REFUSAL)

    @staticmethod
    def _waiting(session: Session) -> list[StatementRecord]:
        query = select(StatementRecord).where(StatementRecord.state == StatementState.QUEUED)
        return list(session.scalars(query.order_by(StatementRecord.id)))

    # ------------------------------------------------------------------------------------------------- the cases

    def go(self, player: Player, path: str, **given: object) -> Json:
        """Take a signed step and have it recorded; gives the case as it stands then."""
        answer = player.act(path, **given)
        assert answer.status_code == 202, answer.text
        self.record()
        case: Json = player.get(path.partition("/actions/")[0].partition("/countersign")[0]).json()
        return case

    def certificate(self, *, until: str = "active", **changes: object) -> Json:
        """Bring a certificate to a state on its straight way."""
        content = certificate_content(**{"lines": [goods_line(1), goods_line(2)], **changes})
        answer = self.broker.post("/certificates", content)
        assert answer.status_code == 201, answer.text
        case: Json = answer.json()
        path = f"/certificates/{case['id']}/actions"
        for actor, event in (
            (self.broker, "submit"),
            (self.committee, "approve"),
            (self.documents_officer, "file"),
        ):
            if case["state"] == until:
                break
            case = self.go(actor, f"{path}/{event}")
        assert case["state"] == until
        return case

    def declaration_content(self, certificate: Json, quantity: str = "10", **changes: object) -> Json:
        return declaration_content([declared_line(certificate["number"], 1, quantity)], **changes)

    def declaration(
        self,
        *,
        until: str = "draft",
        certificate: Json | None = None,
        quantity: str = "10",
        papers: bool = True,
    ) -> Json:
        """Bring a declaration to a state on its straight way."""
        content = self.declaration_content(certificate or self.certificate(), quantity)
        answer = self.broker.post("/declarations", content)
        assert answer.status_code == 201, answer.text
        case: Json = answer.json()
        path = f"/declarations/{case['id']}"
        if papers:
            for kind in ("invoice", "packing_list"):
                attached = self.broker.attach("declaration", case["id"], kind)
                assert attached.status_code == 201, attached.text
        if until != "draft":
            case = self.go(self.broker, f"{path}/actions/submit")
        if until in {"guarantee", "released"}:
            self.clear(case["id"])
            case = self.broker.get(path).json()
        if until == "released":
            case = self.go(self.releasing_officer, f"{path}/actions/release")
        else:
            case = self.broker.get(path).json()
        assert case["state"] == until, case
        return case

    def clear(self, declaration_id: str) -> None:
        """Let the documents agree, as the worker does."""
        with self.world.writing() as session:
            found = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(declaration_id), lock=True)
            examination.clear_when_nothing_holds(session, self.world.context, found)

    def hold(self, declaration_id: str, *anomalies: Anomaly) -> Json:
        """Hold a declaration, as the worker does."""
        with self.world.writing() as session:
            found = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(declaration_id), lock=True)
            hold = examination.open_hold(
                session,
                self.world.context,
                found,
                anomalies or (Anomaly.PACKAGES_DIFFER,),
                Text("The packing list shows 4 cartons, the declaration 3.", "装箱单为4箱，申报为3箱。"),
                {"findings": []},
            )
            hold_id = hold.id
        shown: Json = self.releasing_officer.get(f"/holds/{hold_id}").json()
        return shown

    def examination(self, declaration_id: str, *, radiation: bool = False) -> Json:
        """Order an examination, as the worker does."""
        with self.world.writing() as session:
            found = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(declaration_id), lock=True)
            ordered = examination.order_examination(
                session, self.world.context, found, Text("drawn at random", "随机布控"), radiation=radiation
            )
            ordered_id = ordered.id
        shown: Json = self.inspector.get(f"/examinations/{ordered_id}").json()
        return shown


KIND_OF_ROLE: dict[Role, OrganisationKind] = {
    Role.BROKER: OrganisationKind.BROKER,
    Role.COMMITTEE: OrganisationKind.COMMITTEE,
    Role.DOCUMENTS_OFFICER: OrganisationKind.CUSTOMS,
    Role.INSPECTOR: OrganisationKind.CUSTOMS,
    Role.IMAGE_ANALYST: OrganisationKind.CUSTOMS,
    Role.RELEASING_OFFICER: OrganisationKind.CUSTOMS,
    Role.SUPERVISOR: OrganisationKind.CUSTOMS,
    Role.GATE: OrganisationKind.ZONE_OPERATOR,
    Role.INSTRUMENT: OrganisationKind.ZONE_OPERATOR,
    Role.LOG: OrganisationKind.COMMERCE_BUREAU,
    Role.AUDITOR: OrganisationKind.AUDITOR,
    Role.HOLDER: OrganisationKind.COMMITTEE,
    Role.SYSTEM: OrganisationKind.CUSTOMS,
    Role.WITNESS: OrganisationKind.COMMERCE_BUREAU,
}


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """Make sure that an answer is a problem document of that kind, and give it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: Json = answer.json()
    assert told["code"] == code, told
    assert told["faults"], told
    return told


def fields(told: Json) -> dict[str, str]:
    """Give field and rule of every fault."""
    return {fault["field"]: fault["rule"] for fault in told["faults"]}


def junk_signature() -> Json:
    """Give a signature of a key that nobody has."""
    return {"key_id": "0x" + "77" * 32, "signature": "0x" + "11" * 65}


def nobody() -> str:
    """Give an identifier that nothing has."""
    return str(uuid4())
