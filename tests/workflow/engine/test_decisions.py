"""Who may sign what: every reason for which a signature is no good, and the three kinds of key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.errors import PisteError
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import P256Signer
from ledger.models import StatementRecord, StatementSignature, StatementState
from ledger.statements import statement_from
from tests.workflow.builders.certificates import certificate_content
from tests.workflow.builders.parties import YEAR, Actor, grant, granted, officer
from workflow.certificates.models import Certificate
from workflow.certificates.service import draft_certificate
from workflow.engine.cases import history_of
from workflow.engine.context import Context
from workflow.engine.decisions import (
    SIGNED_AT_TOLERANCE,
    KeyNotValidNow,
    KeyNotYours,
    KeyRevoked,
    KeyUnknown,
    KeyWithoutRole,
    SignatureWrong,
    SignedAtOutOfRange,
    reason_hash,
    signing_time,
)
from workflow.engine.schemas import (
    ActionInput,
    PreparedStatement,
    SignatureInput,
    WebAuthnAssertion,
)
from workflow.engine.steps import prepare_step, take_step
from workflow.processes import CERTIFICATES


class Scene(NamedTuple):
    session: Session
    context: Context
    firm: UUID
    certificate: Certificate

    def prepare(self, actor: Actor, **given: object) -> PreparedStatement:
        return prepare_step(
            self.session,
            self.context,
            actor.principal,
            CERTIFICATES,
            self.certificate.id,
            "submit",
            ActionInput.model_validate(given),
        )

    def submit(self, actor: Actor, statement: PreparedStatement, signature: SignatureInput) -> Certificate:
        case = take_step(
            self.session,
            self.context,
            actor.principal,
            CERTIFICATES,
            self.certificate.id,
            "submit",
            ActionInput(signed_at=statement.signed_at),
            signature,
        )
        assert isinstance(case, Certificate)
        return case


@pytest.fixture
def scene(database: Database, context: Context) -> Iterator[Scene]:
    with database.write() as session:
        broker = granted(session, Role.BROKER)
        certificate = draft_certificate(session, context, broker.principal, certificate_content())
        yield Scene(session, context, broker.organisation_id, certificate)


def clerk(scene: Scene, **changes: object) -> Actor:
    """Give somebody of the firm whose key has something particular."""
    return grant(scene.session, officer(Role.BROKER, organisation_id=scene.firm), **changes)  # type: ignore[arg-type]  # passed through


def unknown(scene: Scene) -> Actor:
    return officer(Role.BROKER, organisation_id=scene.firm)


def borrowed(scene: Scene) -> Actor:
    return Actor(unknown(scene).principal, clerk(scene).key)


REFUSALS: list[tuple[str, Callable[[Scene], Actor], type[PisteError]]] = [
    ("unknown", unknown, KeyUnknown),
    ("somebody else's", borrowed, KeyNotYours),
    ("revoked", lambda scene: clerk(scene, revoked=True), KeyRevoked),
    ("not valid yet", lambda scene: clerk(scene, valid_for=(timedelta(seconds=1), YEAR)), KeyNotValidNow),
    ("valid no more", lambda scene: clerk(scene, valid_for=(-YEAR, -timedelta(seconds=1))), KeyNotValidNow),
    ("without the role", lambda scene: clerk(scene, roles=Role.COMMITTEE | Role.GATE), KeyWithoutRole),
]


@pytest.mark.parametrize(("signer", "refusal"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_a_key_that_may_not_sign_is_refused_and_nothing_changes(
    scene: Scene, signer: Callable[[Scene], Actor], refusal: type[PisteError]
) -> None:
    actor = signer(scene)
    statement = scene.prepare(actor)
    with pytest.raises(refusal) as refused:
        scene.submit(actor, statement, actor.sign(statement))
    assert refused.value.pointer() == "/signature/key_id"
    assert scene.certificate.pending_event is None
    assert scene.certificate.state == "draft"
    assert scene.session.scalars(select(StatementRecord)).all() == []


def test_a_signature_over_another_digest_is_wrong(scene: Scene) -> None:
    actor = clerk(scene)
    statement = scene.prepare(actor)
    for signature in (
        actor.sign("0x" + "5b" * 32),
        SignatureInput(key_id=actor.sign(statement).key_id, signature="0x00"),
    ):
        with pytest.raises(SignatureWrong):
            scene.submit(actor, statement, signature)


def test_a_signature_of_another_moment_is_wrong(scene: Scene, clock: ManualClock) -> None:
    actor = clerk(scene)
    earlier = scene.prepare(actor)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(SignatureWrong):
        scene.submit(actor, scene.prepare(actor), actor.sign(earlier))
    scene.submit(actor, earlier, actor.sign(earlier))
    assert scene.certificate.state == "submitted"


def test_a_signature_of_another_key_under_a_good_name_is_wrong(scene: Scene) -> None:
    actor, other = clerk(scene), clerk(scene)
    statement = scene.prepare(actor)
    forged = other.sign(statement).model_copy(update={"key_id": actor.sign(statement).key_id})
    with pytest.raises(SignatureWrong):
        scene.submit(actor, statement, forged)


def test_an_accepted_signature_goes_out_with_its_history(scene: Scene) -> None:
    actor = clerk(scene)
    statement = scene.prepare(actor)
    signature = actor.sign(statement)
    scene.submit(actor, statement, signature)
    record = scene.session.scalars(select(StatementRecord)).one()
    assert record.state == StatementState.QUEUED
    assert record.digest == bytes.fromhex(statement.digest[2:]) == scene.certificate.pending_statement
    assert (record.case_kind, record.case_id) == ("certificate", scene.certificate.id)
    assert statement_from(record.primary_type, record.message) == record.statement()
    signed = scene.session.scalars(select(StatementSignature)).one()
    assert signed.signer == actor.key.signer
    entry = history_of(scene.session, "certificate", scene.certificate.id)[-1]
    assert (entry.event, entry.state_before, entry.state_after) == ("submit.signed", "draft", "submitted")
    assert entry.statement == record.digest
    assert entry.details["key"] == signature.key_id


def test_a_p256_key_signs(scene: Scene) -> None:
    actor = officer(
        Role.BROKER, organisation_id=scene.firm, key=P256Signer.generate(scene.context.deployment)
    )
    grant(scene.session, actor)
    statement = scene.prepare(actor)
    scene.submit(actor, statement, actor.sign(statement))
    assert scene.certificate.pending_event == "submit"


def _with_passkey(scene: Scene, passkey: SoftwarePasskey) -> Actor:
    key = passkey.signer_on(scene.context.deployment)
    return grant(scene.session, officer(Role.BROKER, organisation_id=scene.firm, key=key))


def _answer(actor: Actor, assertion: dict[str, str]) -> SignatureInput:
    return SignatureInput(
        key_id="0x" + actor.key.key_id.hex(),
        webauthn=WebAuthnAssertion(
            authenticator_data=assertion["authenticatorData"],
            client_data_json=assertion["clientDataJSON"],
            signature=assertion["signature"],
        ),
    )


@pytest.fixture
def passkey() -> SoftwarePasskey:
    return SoftwarePasskey("localhost", "http://localhost:8700")


def test_a_passkey_signs_the_digest_as_its_challenge(scene: Scene, passkey: SoftwarePasskey) -> None:
    actor = _with_passkey(scene, passkey)
    statement = scene.prepare(actor)
    assertion = passkey.assertion(bytes.fromhex(statement.digest[2:]))["response"]
    scene.submit(actor, statement, _answer(actor, assertion))
    assert scene.certificate.pending_event == "submit"


def test_a_passkeys_answer_to_another_challenge_is_wrong(scene: Scene, passkey: SoftwarePasskey) -> None:
    actor = _with_passkey(scene, passkey)
    statement = scene.prepare(actor)
    assertion = passkey.assertion(bytes(32))["response"]
    with pytest.raises(SignatureWrong):
        scene.submit(actor, statement, _answer(actor, assertion))


@pytest.mark.parametrize("part", ["signature", "clientDataJSON", "authenticatorData"])
def test_a_passkeys_answer_that_makes_no_sense_is_wrong(
    scene: Scene, passkey: SoftwarePasskey, part: str
) -> None:
    actor = _with_passkey(scene, passkey)
    statement = scene.prepare(actor)
    assertion = {**passkey.assertion(bytes.fromhex(statement.digest[2:]))["response"], part: "AAAA"}
    with pytest.raises(SignatureWrong):
        scene.submit(actor, statement, _answer(actor, assertion))


def test_a_signature_is_of_one_kind() -> None:
    for given in ({}, {"signature": "0x00", "webauthn": {}}):
        with pytest.raises(ValidationError):
            SignatureInput.model_validate({"key_id": "0x" + "00" * 32, **given})


def test_the_time_that_a_signer_claims_is_near_now(context: Context, clock: ManualClock) -> None:
    now = clock.now()
    assert signing_time(context, None) == now
    assert signing_time(context, now + timedelta(milliseconds=700)) == now
    for near in (now - SIGNED_AT_TOLERANCE, now + SIGNED_AT_TOLERANCE):
        assert signing_time(context, near) == near
    for far in (-1, 1):
        with pytest.raises(SignedAtOutOfRange):
            signing_time(context, now + far * (SIGNED_AT_TOLERANCE + timedelta(seconds=1)))


def test_a_reason_is_salted_and_none_is_all_zeros() -> None:
    assert reason_hash("", bytes(32)) == bytes(32)
    assert reason_hash("a", bytes(32)) != reason_hash("a", bytes(31) + b"\x01")
    assert reason_hash("a", bytes(32)) != reason_hash("b", bytes(32))
