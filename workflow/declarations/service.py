"""Use cases of the declaration: draft, file, amend, withdraw; and the steps that checks and officers make it take."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.database import to_micro
from kernel.errors import Text
from kernel.jobs import add_job
from ledger.proofs.content import seal
from ledger.statements import DeclarationFiling, DeclarationWithdrawal, Draw, id_bytes, unit_bytes
from workflow.certificates import service as certificates
from workflow.declarations.models import Declaration, DeclarationVersion, NumberSequence
from workflow.declarations.numbers import declaration_number
from workflow.declarations.rules import KIND, LIFE_CYCLE, AmendmentMissing, DocumentsMissing, ReferenceFixed
from workflow.declarations.schemas import DeclarationContent, content_document, parse_declaration
from workflow.engine.cases import check_not_pending, check_revision, move, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision, reason_hash, sealed_reason
from workflow.engine.life_cycle import SYSTEM
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.refusals import NumberTaken, ReasonMissing
from workflow.engine.registry import RecordedStep, StepInput
from workflow.engine.sealing import SealedDocument
from workflow.engine.tenancy import get_visible, visible

__all__ = ["KIND", "LIFE_CYCLE", "Declaration", "DeclarationContent"]
COMPARE_TASK = "examination.compare_documents"
draws_of = certificates.draws_of


def draft_declaration(
    session: Session, context: Context, principal: Principal, raw: object, *, source: bytes | None = None
) -> Declaration:
    """Begin a declaration; it stays the firm's own until it is signed and filed.

    Args:
        session: The transaction of the request.
        context: Clock, ids, archive.
        principal: The broker.
        raw: The content as JSON.
        source: The XML that the content was read from, kept in the archive.

    Raises:
        Invalid: The content has faults, all named.
        NumberTaken: The firm used the reference before.
    """
    LIFE_CYCLE.edge("draft", "submit", principal.roles)
    content = parse_declaration(raw)
    _check_reference(session, principal, content.reference)
    certificates.match_draws(session, context, principal, draw_requests(content))
    now = context.clock.now()
    declaration = Declaration(
        id=context.ids.new(),
        organisation_id=principal.organisation_id,
        state=LIFE_CYCLE.initial,
        version=1,
        created_at=now,
        updated_at=now,
        channel="yellow",
        source_sha256=context.archive.put(source) if source else None,
    )
    _fill(declaration, content)
    try:
        with session.begin_nested():
            session.add(declaration)
            session.flush()
    except IntegrityError:  # another draft of the firm took the reference at the same moment
        _check_reference(session, principal, content.reference)
        raise
    _note(session, context, principal, declaration, "drafted", Text("Draft begun", "开始填写"))
    return declaration


def rewrite_declaration(
    session: Session,
    context: Context,
    principal: Principal,
    declaration_id: UUID,
    raw: object,
    *,
    seen: int | None,
    source: bytes | None = None,
) -> Declaration:
    """Replace the content of a draft, or prepare the amendment of one that awaits it.

    Args:
        session: The transaction of the request.
        context: Clock, archive.
        principal: The broker.
        declaration_id: The declaration.
        raw: The content as JSON.
        seen: The revision that the broker saw, where known.
        source: The XML that the content was read from, kept in the archive.

    Raises:
        Invalid, NumberTaken, ReferenceFixed, NotFound, RevisionStale, TransitionRefused, DecisionUnderWay: As they
            say.
    """
    declaration = get_declaration(session, principal, declaration_id, lock=True)
    check_revision(declaration, seen)
    check_not_pending(declaration)
    amending = declaration.state == "documents_required"
    LIFE_CYCLE.edge(declaration.state, "amend" if amending else "submit", principal.roles)
    content = parse_declaration(raw)
    if content.reference != declaration.reference:
        if amending:
            raise ReferenceFixed(reference=declaration.reference)
        _check_reference(session, principal, content.reference)
    certificates.match_draws(session, context, principal, draw_requests(content))
    archived = context.archive.put(source) if source else None
    if amending:
        declaration.next_content, declaration.next_seed = content_document(content), secrets.token_bytes(32)
    else:
        _fill(declaration, content)
        declaration.source_sha256 = archived
    declaration.updated_at = context.clock.now()
    words = Text("Amendment prepared", "修改已准备") if amending else Text("Draft changed", "草稿已修改")
    details = {"source": archived} if archived else {}
    _note(session, context, principal, declaration, "rewritten", words, details)
    session.flush()
    return declaration


def declarations_query(
    principal: Principal, *, state: str | None = None, reference: str | None = None
) -> Select[Any]:
    """Give the query of the declarations that the principal may know of."""
    query = visible(select(Declaration), Declaration, principal)
    if state:
        query = query.where(Declaration.state == state)
    return query.where(Declaration.reference == reference) if reference else query


def get_declaration(
    session: Session, principal: Principal, declaration_id: UUID, *, lock: bool = False
) -> Declaration:
    """Load a declaration.

    Raises:
        NotFound: There is none that the principal may know of.
    """
    return get_visible(session, Declaration, declaration_id, principal, lock=lock)


def content_of(declaration: Declaration) -> DeclarationContent:
    """Give the content in force as its model."""
    return parse_declaration(declaration.content)


def draw_requests(content: DeclarationContent) -> list[certificates.DrawRequest]:
    """List what the declared lines ask of certificate lines."""
    return [
        certificates.DrawRequest(
            certificate_number=line.certificate_number,
            certificate_line=line.certificate_line,
            declared_line=index,
            unit=line.unit,
            quantity=line.quantity,
        )
        for index, line in enumerate(content.lines)
        if line.certificate_number is not None and line.certificate_line is not None
    ]


# ----------------------------------------------------------------------------------------------- signed steps


def decide(session: Session, context: Context, declaration: Declaration, step: StepInput) -> Decision:
    """Build the statement of filing, amendment or withdrawal.

    Raises:
        Invalid: A line does not fit its certificate.
        ReasonMissing: A withdrawal needs a reason.
        AmendmentMissing: No amended content was sent yet.
    """
    if step.edge.signed == "DeclarationWithdrawal":
        return _withdrawal(session, declaration, step)
    content, seed, version = _filed(declaration, step)
    draws = certificates.match_draws(
        session, context, step.principal, draw_requests(parse_declaration(content))
    )
    statement = DeclarationFiling(
        declaration=id_bytes(declaration.id),
        version=version,
        content_hash=seal(content, seed).root,
        draws=tuple(
            Draw(
                certificate=id_bytes(draw.certificate.id),
                line=draw.line.line,
                unit=unit_bytes(draw.line.unit),
                quantity=to_micro(draw.quantity),
            )
            for draw in draws
        ),
        signed_at=unix(step.signed_at),
    )
    return Decision(
        case_kind=KIND,
        edge=step.edge,
        statement=statement,
        words=step.edge.label,
        arguments={"proofs": certificates.line_proofs(session, draws)},
        sealed=(SealedDocument(content, seed),),
    )


def hold_on_signing(session: Session, context: Context, declaration: Declaration, step: StepInput) -> None:
    """Hold what a signed filing draws, in its transaction. Raises `LineOverdrawn`."""
    if step.edge.signed != "DeclarationFiling":
        return
    content, _, version = _filed(declaration, step)
    draws = certificates.match_draws(
        session, context, step.principal, draw_requests(parse_declaration(content))
    )
    certificates.hold_draws(session, declaration.id, version, draws)


def follow_recorded(session: Session, context: Context, declaration: Declaration, step: RecordedStep) -> None:
    """Do what follows a recorded filing, amendment or withdrawal."""
    now = context.clock.now()
    if step.event == "cancel":
        certificates.give_back_draws(session, declaration.id)
        return
    if step.event == "amend":
        _take_amendment(session, context, declaration)
    certificates.settle_draws(session, declaration.id, recorded=True)
    if step.event == "submit":
        declaration.accepted_at = now
        declaration.number = declaration.number or _next_number(session, declaration, now.year)
        system_step(
            session,
            context,
            declaration,
            "begin_document_examination",
            Text("Documents are examined", "开始审单"),
        )
    ask_for_comparison(session, context, declaration)


def undo_refused(
    session: Session, context: Context, declaration: Declaration, step: RecordedStep, words: Text
) -> None:
    """Give back what a refused filing held; checks that had to wait for the answer go on."""
    del words
    if step.event in {"submit", "amend"}:
        certificates.settle_draws(session, declaration.id, recorded=False)
    ask_for_comparison(session, context, declaration)


def reopen_rejected(session: Session, context: Context, declaration: Declaration, step: StepInput) -> None:
    """Take a rejected declaration back into draft. It was never filed, so it is still the same version."""
    move(session, context, step.principal, declaration, step.edge, case_kind=KIND, words=step.edge.label)


# ------------------------------------------------------------------------------- what other processes make of it


def system_step(
    session: Session,
    context: Context,
    declaration: Declaration,
    event: str,
    words: Text,
    *,
    details: dict[str, Any] | None = None,
) -> None:
    """Take a step that follows from a finished check or a recorded decision of another process."""
    edge = LIFE_CYCLE.edge(declaration.state, event, SYSTEM)
    move(session, context, SYSTEM_PRINCIPAL, declaration, edge, case_kind=KIND, words=words, details=details)


def ask_for_comparison(
    session: Session, context: Context, declaration: Declaration, *, because_of: UUID | None = None
) -> None:
    """Ask for the documents to be compared with the content in force, as soon as they are read.

    Args:
        session: The transaction of what makes it necessary.
        context: Clock.
        declaration: The declaration.
        because_of: The document that was just read; None where the declaration itself has moved.
    """
    session.flush()
    add_job(
        session,
        COMPARE_TASK,
        f"{COMPARE_TASK}:{declaration.id}:{declaration.version}:{because_of or declaration.revision}",
        {"declaration": str(declaration.id), "version": declaration.version},
        now=context.clock.now(),
    )


def redden(declaration: Declaration) -> None:
    """Put the declaration into the red channel: its goods are examined, and two officers release it."""
    declaration.channel = "red"


def goods_released(session: Session, context: Context, declaration: Declaration) -> None:
    """Do what follows a recorded release: what was held is used; the case closes when its goods have passed."""
    declaration.released_at = context.clock.now()
    certificates.commit_draws(session, context, declaration.id)
    _close_when_complete(session, context, declaration)


def goods_passed(session: Session, context: Context, declaration_id: UUID) -> None:
    """Note that a vehicle with goods of this declaration went through its last gate."""
    declaration = get_declaration(session, SYSTEM_PRINCIPAL, declaration_id, lock=True)
    declaration.goods_passed_at = context.clock.now()
    _close_when_complete(session, context, declaration)


def _close_when_complete(session: Session, context: Context, declaration: Declaration) -> None:
    if declaration.state == "released" and declaration.goods_passed_at is not None:
        words = Text("Released and through the gate: complete", "已放行并过卡，业务结关")
        system_step(session, context, declaration, "close", words)


def check_documents(missing: Sequence[Text]) -> None:
    """Refuse to file without the documents that belong to a declaration.

    Raises:
        DocumentsMissing: Some are missing; all are named.
    """
    if missing:
        raise DocumentsMissing(
            missing=", ".join(words.en for words in missing),
            missing_zh="、".join(words.zh for words in missing),
        )


# ---------------------------------------------------------------------------------------------------- inside


def _filed(declaration: Declaration, step: StepInput) -> tuple[dict[str, Any], bytes, int]:
    if step.edge.event != "amend":
        return declaration.content, declaration.seed, declaration.version
    if declaration.next_content is None or declaration.next_seed is None:
        raise AmendmentMissing
    return declaration.next_content, declaration.next_seed, declaration.version + 1


def _withdrawal(session: Session, declaration: Declaration, step: StepInput) -> Decision:
    if not step.given.reason:
        raise ReasonMissing
    statement = DeclarationWithdrawal(
        declaration=id_bytes(declaration.id),
        version=declaration.version,
        reason_hash=reason_hash(step.given.reason, declaration.seed),
        signed_at=unix(step.signed_at),
    )
    return Decision(
        case_kind=KIND,
        edge=step.edge,
        statement=statement,
        words=certificates.step_words(step.edge, step.given.reason),
        details={"reason": step.given.reason},
        arguments={"items": len(certificates.draws_of(session, declaration.id))},
        sealed=sealed_reason(step.given.reason, declaration.seed),
    )


def _take_amendment(session: Session, context: Context, declaration: Declaration) -> None:
    if declaration.next_content is None or declaration.next_seed is None:
        raise AmendmentMissing
    _freeze(session, context, declaration)
    declaration.version += 1
    declaration.seed = declaration.next_seed
    _fill(declaration, parse_declaration(declaration.next_content), seed=declaration.next_seed)
    declaration.next_content = declaration.next_seed = None


def _freeze(session: Session, context: Context, declaration: Declaration) -> None:
    session.add(
        DeclarationVersion(
            declaration_id=declaration.id,
            version=declaration.version,
            content=declaration.content,
            seed=declaration.seed,
            content_hash=declaration.content_hash,
            frozen_at=context.clock.now(),
        )
    )


def _fill(declaration: Declaration, content: DeclarationContent, *, seed: bytes | None = None) -> None:
    document = content_document(content)
    declaration.reference = content.reference
    declaration.direction = content.direction
    declaration.office = content.office
    declaration.procedure = content.procedure
    declaration.content = document
    declaration.seed = seed or secrets.token_bytes(32)
    declaration.content_hash = seal(document, declaration.seed).root


def _check_reference(session: Session, principal: Principal, reference: str) -> None:
    query = visible(select(Declaration.id), Declaration, principal).where(Declaration.reference == reference)
    first = session.scalar(query)
    if first is not None:
        raise NumberTaken(number=reference, first=str(first), where="/reference")


def _next_number(session: Session, declaration: Declaration, year: int) -> str:
    office = declaration.office if declaration.office.isdigit() else "0000"
    key = f"{office[:4]}/{year}/{declaration.direction}"
    row = session.scalar(select(NumberSequence).where(NumberSequence.key == key).with_for_update())
    if row is None:
        row = NumberSequence(key=key, last=0)
        session.add(row)
    row.last += 1
    return declaration_number(office[:4], year, import_=declaration.direction == "import", sequence=row.last)


def _note(
    session: Session,
    context: Context,
    principal: Principal,
    declaration: Declaration,
    event: str,
    words: Text,
    details: dict[str, Any] | None = None,
) -> None:
    record_history(
        session,
        context,
        principal,
        case_kind=KIND,
        case_id=declaration.id,
        event=event,
        states=(declaration.state, declaration.state),
        words=words,
        details=details,
    )
