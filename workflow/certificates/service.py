"""Use cases of the material certificate: draft, submit, confirm, return, file, revoke; and what declarations need of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.database import to_micro
from kernel.errors import Text
from ledger.proofs.content import seal
from ledger.proofs.lines import LineTree
from ledger.statements import (
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    Statement,
    id_bytes,
)
from workflow.certificates import drawing
from workflow.certificates.models import Certificate, CertificateDraw, CertificateLine, CertificateVersion
from workflow.certificates.rules import (
    COMMITTEE_PARTY,
    CUSTOMS_PARTY,
    KIND,
    LIFE_CYCLE,
    NEEDS_REASON,
    USABLE_STATES,
    VERDICTS,
    use_event,
)
from workflow.certificates.schemas import CertificateContent, content_document, parse_certificate
from workflow.engine.cases import check_not_pending, check_revision, move, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision, check_content, reason_hash, sealed_reason
from workflow.engine.life_cycle import SYSTEM, Edge
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.refusals import NumberTaken, ReasonMissing
from workflow.engine.registry import StepInput
from workflow.engine.schemas import ActionInput
from workflow.engine.sealing import SealedDocument
from workflow.engine.tenancy import get_visible, visible

__all__ = ["KIND", "LIFE_CYCLE", "Certificate", "CertificateContent"]
DrawRequest = drawing.DrawRequest
LineDraw = drawing.LineDraw


def draft_certificate(session: Session, context: Context, principal: Principal, raw: object) -> Certificate:
    """Begin a certificate; it stays the firm's own until it is signed and submitted.

    Raises:
        Invalid: The content has faults, all named.
        NumberTaken: The number is in use.
    """
    LIFE_CYCLE.edge("draft", "submit", principal.roles)
    content = parse_certificate(raw)
    _check_number(session, principal, content.number)
    now = context.clock.now()
    certificate = Certificate(
        id=context.ids.new(),
        organisation_id=principal.organisation_id,
        state=LIFE_CYCLE.initial,
        version=1,
        number=content.number,
        created_at=now,
        updated_at=now,
        seed=secrets.token_bytes(32),
        lines=[],
    )
    _store(session, principal, certificate, content)
    _note(session, context, principal, certificate, "drafted", Text("Draft begun", "开始填写"))
    return certificate


def rewrite_certificate(
    session: Session,
    context: Context,
    principal: Principal,
    certificate_id: UUID,
    raw: object,
    *,
    seen: int | None,
) -> Certificate:
    """Replace the content of a draft.

    Raises:
        Invalid, NumberTaken, NotFound, RevisionStale, TransitionRefused, DecisionUnderWay: As they say.
    """
    certificate = get_certificate(session, principal, certificate_id, lock=True)
    check_revision(certificate, seen)
    check_not_pending(certificate)
    LIFE_CYCLE.edge(certificate.state, "submit", principal.roles)
    content = parse_certificate(raw)
    if content.number != certificate.number:
        _check_number(session, principal, content.number)
    certificate.seed = secrets.token_bytes(32)
    certificate.lines.clear()
    session.flush()
    certificate.updated_at = context.clock.now()
    _store(session, principal, certificate, content)
    _note(session, context, principal, certificate, "rewritten", Text("Draft changed", "草稿已修改"))
    return certificate


def certificates_query(
    principal: Principal, *, state: str | None = None, number: str | None = None
) -> Select[Any]:
    """Give the query of the certificates that the principal may know of."""
    query = visible(select(Certificate), Certificate, principal)
    if state:
        query = query.where(Certificate.state == state)
    return query.where(Certificate.number == number) if number else query


def get_certificate(
    session: Session, principal: Principal, certificate_id: UUID, *, lock: bool = False
) -> Certificate:
    """Load a certificate with its lines.

    Raises:
        NotFound: There is none that the principal may know of.
    """
    certificate = get_visible(session, Certificate, certificate_id, principal, lock=lock)
    session.refresh(certificate, ["lines"])
    return certificate


def content_of(certificate: Certificate) -> CertificateContent:
    """Give the content as its model."""
    return parse_certificate(certificate.content)


def decide(session: Session, context: Context, certificate: Certificate, step: StepInput) -> Decision:
    """Build the statement of a step.

    Raises:
        ReasonMissing: The step needs a reason.
        ContentAltered: The content is not what was sealed.
    """
    del session, context
    check_content(certificate.number, certificate.content, certificate.seed, certificate.content_hash)
    return Decision(
        case_kind=KIND,
        edge=step.edge,
        statement=_statement(certificate, step.edge, step.given, step.signed_at),
        words=step_words(step.edge, step.given.reason),
        details={"reason": step.given.reason} if step.given.reason else {},
        sealed=(
            SealedDocument(certificate.content, certificate.seed),
            *sealed_reason(step.given.reason, certificate.seed),
        ),
    )


def begin_next_version(session: Session, context: Context, certificate: Certificate, step: StepInput) -> None:
    """Take a returned certificate back into draft: the old version is frozen, the next one begins with its content."""
    now = context.clock.now()
    session.add(
        CertificateVersion(
            certificate_id=certificate.id,
            version=certificate.version,
            content=certificate.content,
            seed=certificate.seed,
            content_hash=certificate.content_hash,
            frozen_at=now,
        )
    )
    certificate.version += 1
    certificate.seed = secrets.token_bytes(32)
    certificate.content_hash = seal(certificate.content, certificate.seed).root
    words = Text(f"Version {certificate.version} begun", f"开始第{certificate.version}版")
    move(session, context, step.principal, certificate, step.edge, case_kind=KIND, words=words)


def _statement(certificate: Certificate, edge: Edge, given: ActionInput, signed_at: datetime) -> Statement:
    if edge.event in NEEDS_REASON and not given.reason:
        raise ReasonMissing
    subject, at = id_bytes(certificate.id), unix(signed_at)
    if edge.signed == "CertificateSubmission":
        return CertificateSubmission(
            certificate=subject,
            version=certificate.version,
            content_hash=certificate.content_hash,
            lines_root=line_tree(certificate).root,
            holder=seal({"holder": certificate.holder}, certificate.seed).root,
            valid_from=unix(datetime.combine(certificate.valid_from, time.min, UTC)),
            valid_until=unix(datetime.combine(certificate.valid_until, time.max, UTC)),
            signed_at=at,
        )
    reason = reason_hash(given.reason, certificate.seed)
    if edge.signed == "CertificateRevocation":
        return CertificateRevocation(
            certificate=subject, version=certificate.version, reason_hash=reason, signed_at=at
        )
    return CertificateReview(
        certificate=subject,
        version=certificate.version,
        content_hash=certificate.content_hash,
        party=COMMITTEE_PARTY if certificate.state == "under_committee_review" else CUSTOMS_PARTY,
        verdict=VERDICTS[edge.event],
        reason_hash=reason,
        signed_at=at,
    )


def line_tree(certificate: Certificate) -> LineTree:
    """Give the tree over the certificate's lines and ceilings, as the contract checks it."""
    return LineTree(
        certificate.id, [(line.line, line.unit, to_micro(line.ceiling)) for line in certificate.lines]
    )


def match_draws(
    session: Session, context: Context, principal: Principal, requests: Sequence[DrawRequest]
) -> list[LineDraw]:
    """Match what a declaration asks with certificate lines that its firm may draw on.

    Raises:
        Invalid: With a fault for each request that cannot be met.
    """
    numbers = {request.certificate_number for request in requests}
    query = visible(select(Certificate).where(Certificate.number.in_(numbers)), Certificate, principal)
    certificates = {certificate.number: certificate for certificate in session.scalars(query)}
    return drawing.match_draws(session, certificates, requests, on=context.clock.now().date())


def line_proofs(session: Session, draws: Sequence[LineDraw]) -> list[dict[str, Any]]:
    """Give each draw's ceiling and its path in the certificate's line tree: arguments of the contract call."""
    trees: dict[UUID, LineTree] = {}
    for draw in draws:
        certificate = draw.certificate
        if certificate.id not in trees:
            session.refresh(certificate, ["lines"])
            trees[certificate.id] = line_tree(certificate)
    return [
        {
            "ceiling": to_micro(draw.line.ceiling),
            "proof": [f"0x{node.hex()}" for node in trees[draw.certificate.id].proof(draw.line.line)],
        }
        for draw in draws
    ]


def hold_draws(session: Session, declaration_id: UUID, version: int, draws: Sequence[LineDraw]) -> None:
    """Hold quantities for a declaration that was just signed. Raises `LineOverdrawn`."""
    drawing.hold(session, declaration_id, version, draws)


def settle_draws(session: Session, declaration_id: UUID, *, recorded: bool) -> None:
    """Finish a hold when the ledger has answered."""
    drawing.settle(session, declaration_id, recorded=recorded)


def give_back_draws(session: Session, declaration_id: UUID) -> None:
    """Give back what a withdrawn declaration held."""
    drawing.give_back(session, declaration_id)


def commit_draws(session: Session, context: Context, declaration_id: UUID) -> None:
    """Turn holds into use after a release, and move each certificate along its life cycle."""
    for certificate_id in drawing.commit(session, declaration_id):
        certificate = get_certificate(session, SYSTEM_PRINCIPAL, certificate_id, lock=True)
        for line in certificate.lines:
            session.refresh(line)
        event = use_event({line.line: line.balance for line in certificate.lines})
        if event in LIFE_CYCLE.possible(certificate.state) and certificate.pending_event is None:
            edge = LIFE_CYCLE.edge(certificate.state, event, SYSTEM)
            words = Text("Goods released under it", "货物已凭此函放行")
            move(session, context, SYSTEM_PRINCIPAL, certificate, edge, case_kind=KIND, words=words)


def expire_certificates(session: Session, context: Context) -> int:
    """Put every certificate out of use whose last day of validity (UTC) is over; tells how many."""
    over = session.scalars(
        select(Certificate)
        .where(
            Certificate.state.in_(USABLE_STATES),
            Certificate.valid_until < context.clock.now().date(),
            Certificate.pending_event.is_(None),
        )
        .with_for_update()
    ).all()
    for certificate in over:
        edge = LIFE_CYCLE.edge(certificate.state, "expire", SYSTEM)
        words = Text(
            f"Validity ended on {certificate.valid_until}", f"有效期至{certificate.valid_until}，已到期"
        )
        move(session, context, SYSTEM_PRINCIPAL, certificate, edge, case_kind=KIND, words=words)
    return len(over)


def draws_of(session: Session, declaration_id: UUID) -> list[CertificateDraw]:
    """Give what a declaration holds or has used, with its lines."""
    return drawing.standing_draws(session, declaration_id)


def step_words(edge: Edge, reason: str) -> Text:
    """Say a step in words, with its reason."""
    return Text(f"{edge.label.en}: {reason}", f"{edge.label.zh}：{reason}") if reason else edge.label


def _check_number(session: Session, principal: Principal, number: str) -> None:
    first = session.scalar(select(Certificate).where(Certificate.number == number))
    if first is not None:
        own = first.organisation_id == principal.organisation_id
        raise NumberTaken(number=number, first=str(first.id) if own else "of another firm")


def _store(
    session: Session, principal: Principal, certificate: Certificate, content: CertificateContent
) -> None:
    """Put content into a certificate and write it.

    Raises:
        NumberTaken: Somebody took the number at the same moment.
    """
    try:
        with session.begin_nested():
            _fill(certificate, content)
            session.add(certificate)
            session.flush()
    except IntegrityError:
        _check_number(session, principal, content.number)
        raise


def _fill(certificate: Certificate, content: CertificateContent) -> None:
    document = content_document(content)
    certificate.number = content.number
    certificate.event = content.event
    certificate.category = content.category
    certificate.holder = content.holder
    certificate.valid_from, certificate.valid_until = content.valid_from, content.valid_until
    certificate.content = document
    certificate.content_hash = seal(document, certificate.seed).root
    certificate.lines.extend(
        CertificateLine(
            line=line.line_no,
            hs_code=line.hs_code,
            name_en=line.name_en,
            name_zh=line.name_zh,
            unit=line.unit,
            ceiling=line.quantity,
            reserved=Decimal(0),
            committed=Decimal(0),
        )
        for line in content.lines
    )


def _note(
    session: Session,
    context: Context,
    principal: Principal,
    certificate: Certificate,
    event: str,
    words: Text,
) -> None:
    record_history(
        session,
        context,
        principal,
        case_kind=KIND,
        case_id=certificate.id,
        event=event,
        states=(certificate.state, certificate.state),
        words=words,
    )
