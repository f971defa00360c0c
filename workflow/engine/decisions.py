"""Signed decisions: what is to be signed, and what happens when a signature comes in.

A decision is accepted in one transaction: the case waits, history is written, the statement and its signature go into
the ledger's outbox. It takes effect when the ledger has recorded it (`recording`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role
from ledger.keys.signing import AssertionMalformed, SignedBy, passkey_signature, verify_signature
from ledger.models import LedgerKey, StatementRecord
from ledger.outbox import add_signature, enqueue_statement
from ledger.proofs.content import seal
from ledger.statements import Statement, digest, typed_data
from workflow.engine.cases import Case, check_not_pending, record_history
from workflow.engine.context import Context
from workflow.engine.life_cycle import Edge
from workflow.engine.principals import Principal
from workflow.engine.refusals import ContentAltered
from workflow.engine.schemas import PreparedStatement, SignatureInput
from workflow.engine.sealing import SealedDocument, keep
from workflow.parties import service as parties

SIGNED_AT_TOLERANCE = timedelta(minutes=10)


class KeyUnknown(PisteError):
    """The key is not in the consortium's register, or not yet."""

    code = "signature.key-unknown"
    kind = Kind.FORBIDDEN
    message = Text("Key {key} is not in the consortium's register.", "密钥{key}未在联盟登记。")
    next_step = Text(
        "Use a registered key; a new one is usable once the founding members have entered it.",
        "请使用已登记的密钥；新密钥须经创始成员登记后方可使用。",
    )
    field = "/signature/key_id"
    key: str


class KeyNotYours(PisteError):
    """The key belongs to somebody else."""

    code = "signature.key-not-yours"
    kind = Kind.FORBIDDEN
    message = Text("Key {key} was granted to somebody else.", "密钥{key}不属于您。")
    next_step = Text("Sign with a key of your own.", "请使用本人的密钥签署。")
    field = "/signature/key_id"
    key: str


class KeyRevoked(PisteError):
    """The key was revoked."""

    code = "signature.key-revoked"
    kind = Kind.FORBIDDEN
    message = Text("Key {key} was revoked.", "密钥{key}已被吊销。")
    next_step = Text("Enrol a new key and sign with it.", "请登记新密钥后再签署。")
    field = "/signature/key_id"
    key: str


class KeyNotValidNow(PisteError):
    """The key's validity has not begun or is over."""

    code = "signature.key-not-valid-now"
    kind = Kind.FORBIDDEN
    message = Text("Key {key} is not valid at this moment.", "密钥{key}当前不在有效期内。")
    next_step = Text("Ask your organisation to have it renewed.", "请本单位办理密钥续期。")
    field = "/signature/key_id"
    key: str


class KeyWithoutRole(PisteError):
    """The key does not carry a role that may sign this."""

    code = "signature.key-without-role"
    kind = Kind.FORBIDDEN
    message = Text(
        "Key {key} does not carry the role that this decision needs.", "密钥{key}不具备该决定所需的角色。"
    )
    next_step = Text(
        "Somebody who holds one of these roles signs: {roles}.", "请由具有以下角色的人员签署：{roles}。"
    )
    field = "/signature/key_id"
    key: str
    roles: str


class SignatureWrong(PisteError):
    """The signature is not one of this key over this statement."""

    code = "signature.wrong"
    kind = Kind.INVALID
    message = Text("The signature does not fit the statement {statement}.", "签名与声明{statement}不符。")
    next_step = Text(
        "Fetch the statement again and sign exactly its digest with the key that you name.",
        "请重新获取声明，并用所指定的密钥对其摘要签名。",
    )
    field = "/signature"
    statement: str


class SignedAtOutOfRange(PisteError):
    """The time that the signer claims is too far from now."""

    code = "signature.time-out-of-range"
    kind = Kind.INVALID
    message = Text(
        "The statement was prepared at {signed_at}, too far from now.",
        "声明准备时间{signed_at}与当前时间相差过大。",
    )
    next_step = Text(
        "Fetch the statement again and sign it within ten minutes.", "请重新获取声明，并在十分钟内签署。"
    )
    field = "/signed_at"
    signed_at: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision about to be signed: the edge it takes and the statement it makes."""

    case_kind: str
    edge: Edge
    statement: Statement
    words: Text
    details: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] | None = None
    """What the contract call needs besides the signed message, for example line proofs."""
    intent: dict[str, Any] = field(default_factory=dict)
    """What the process needs to finish the step when it is recorded."""
    sealed: tuple[SealedDocument, ...] = ()
    """Documents behind the content hashes of the statement; kept in the archive."""
    required: int = 1
    signing_roles: Role | None = None
    """Roles of which the key must carry one; the edge's where not given."""


def prepared(context: Context, statement: Statement, signed_at: datetime) -> PreparedStatement:
    """Give the statement to a signer: its digest is what a key signs and what a passkey takes as challenge."""
    return PreparedStatement(
        digest="0x" + digest(statement, context.deployment).hex(),
        primary_type=statement.primary_type,
        typed_data=typed_data(statement, context.deployment),
        signed_at=signed_at,
    )


def signing_time(context: Context, claimed: datetime | None) -> datetime:
    """Settle the time that stands in the statement: now in whole seconds, or what the signer says within tolerance.

    Raises:
        SignedAtOutOfRange: The claimed time is more than ten minutes from now.
    """
    now = context.clock.now()
    if claimed is None:
        return datetime.fromtimestamp(unix(now), UTC)
    if abs(claimed - now) > SIGNED_AT_TOLERANCE:
        raise SignedAtOutOfRange(signed_at=claimed.isoformat())
    return datetime.fromtimestamp(unix(claimed), UTC)


def accept(
    session: Session,
    context: Context,
    principal: Principal,
    case: Case,
    decision: Decision,
    signature: SignatureInput,
) -> StatementRecord:
    """Accept a signed decision on a case: it waits for the ledger from here on.

    Raises:
        DecisionUnderWay: Another signed decision waits already.
        KeyUnknown, KeyNotYours, KeyRevoked, KeyNotValidNow, KeyWithoutRole, SignatureWrong: The signature is no good.
    """
    check_not_pending(case)
    edge = decision.edge
    signed = check_signature(
        session, context, principal, decision.statement, signature, decision.signing_roles or edge.who
    )
    before = case.state
    statement_digest = digest(decision.statement, context.deployment)
    record = enqueue_statement(
        session,
        decision.statement,
        context.deployment,
        signatures=[signed],
        required=decision.required,
        case_kind=decision.case_kind,
        case_id=case.id,
        intent={
            "event": edge.event,
            "source": before,
            "words": list(decision.words),
            "actor": principal.name or principal.actor,
            "organisation": str(principal.organisation_id),
            "person": str(principal.person_id) if principal.person_id else None,
            "client": str(principal.client_id) if principal.client_id else None,
            "officer": str(principal.officer_id),
            **decision.intent,
        },
        arguments=decision.arguments,
        now=context.clock.now(),
    )
    keep(context.archive, record, decision.sealed)
    case.state = edge.waiting_state()
    case.pending_event, case.pending_statement = edge.event, statement_digest
    case.updated_at = context.clock.now()
    record_history(
        session,
        context,
        principal,
        case_kind=decision.case_kind,
        case_id=case.id,
        event=f"{edge.event}.signed",
        states=(before, case.state),
        words=decision.words,
        details={**decision.details, "key": signature.key_id, "signatures": [1, decision.required]},
        statement=statement_digest,
    )
    return record


def accept_second(
    session: Session,
    context: Context,
    principal: Principal,
    case: Case,
    record: StatementRecord,
    signature: SignatureInput,
    *,
    case_kind: str,
    roles: Role,
    words: Text,
) -> StatementRecord:
    """Add another officer's signature to a statement that needs more than one."""
    statement = record.statement()
    signed = check_signature(session, context, principal, statement, signature, roles)
    updated = add_signature(session, record, signed, now=context.clock.now())
    case.updated_at = context.clock.now()
    record_history(
        session,
        context,
        principal,
        case_kind=case_kind,
        case_id=case.id,
        event=f"{case.pending_event}.countersigned",
        states=(case.state, case.state),
        words=words,
        details={"key": signature.key_id},
        statement=record.digest,
    )
    return updated


def check_signature(
    session: Session,
    context: Context,
    principal: Principal,
    statement: Statement,
    signature: SignatureInput,
    roles: Role,
) -> SignedBy:
    """Check a signature as the contract will: key registered, valid, unrevoked, with a role, and the signature right.

    The contract checks all of it again; this answer only comes at once and in words.
    """
    key_id = bytes.fromhex(signature.key_id.removeprefix("0x"))
    short = f"0x{key_id.hex()[:8]}…"
    key = session.get(LedgerKey, key_id)
    if key is None:
        raise KeyUnknown(key=short)
    if key.officer_id != principal.officer_id:
        raise KeyNotYours(key=short)
    if key.revoked_at_block is not None or parties.is_withdrawn(session, key_id):
        raise KeyRevoked(key=short)
    if not key.valid_from <= unix(context.clock.now()) <= key.valid_until:
        raise KeyNotValidNow(key=short)
    if not Role(key.roles) & roles:
        raise KeyWithoutRole(
            key=short, roles=", ".join(role.name.lower() for role in Role if role & roles and role.name)
        )
    statement_digest = digest(statement, context.deployment)
    raw = signature_bytes(signature)
    if raw is None or not verify_signature(key.signer, statement_digest, raw, context.deployment):
        raise SignatureWrong(statement=f"0x{statement_digest.hex()[:8]}…")
    return SignedBy(signer=key.signer, signature=raw)


def signature_bytes(signature: SignatureInput) -> bytes | None:
    """Give the signature as the contract takes it; None where a passkey's answer makes no sense."""
    if signature.webauthn is None:
        return bytes.fromhex((signature.signature or "").removeprefix("0x"))
    answer = signature.webauthn
    try:
        return passkey_signature(
            {
                "authenticatorData": answer.authenticator_data,
                "clientDataJSON": answer.client_data_json,
                "signature": answer.signature,
            }
        )
    except AssertionMalformed:
        return None


def reason_hash(reason: str, seed: bytes) -> bytes:
    """Digest of a reason as it goes into a statement, salted so that it cannot be guessed; all zeros where none is given."""
    return seal({"reason": reason}, seed).root if reason else bytes(32)


def sealed_reason(reason: str, seed: bytes) -> tuple[SealedDocument, ...]:
    """Give the document behind `reason_hash`, for the archive; none where no reason is given."""
    return (SealedDocument({"reason": reason}, seed),) if reason else ()


def check_content(number: str, content: dict[str, Any], seed: bytes, content_hash: bytes) -> None:
    """Make sure that what a signer reads is what the content hash in the statement stands for.

    Raises:
        ContentAltered: The stored content was changed beside its hash.
    """
    if seal(content, seed).root != content_hash:
        raise ContentAltered(number=number)


def uuid_of(intent: dict[str, Any], name: str) -> UUID | None:
    """Read an optional identifier out of a statement's intent."""
    value = intent.get(name)
    return UUID(value) if value else None
