"""Holds: what holds the goods of a declaration, and the officer's decision from the table."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.errors import Text
from ledger.evidence.log import append_leaf
from ledger.proofs.content import seal
from ledger.statements import Disposition as DispositionStatement
from ledger.statements import id_bytes
from workflow.declarations import service as declarations
from workflow.engine.cases import record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.refusals import ReasonMissing
from workflow.engine.registry import RecordedStep, StepInput
from workflow.engine.sealing import SealedDocument
from workflow.engine.tenancy import get_visible, visible
from workflow.examination.models import Hold
from workflow.examination.rules import (
    HOLD,
    HOLD_LIFE_CYCLE,
    Anomaly,
    Disposition,
    HoldOpen,
    check_disposition,
)
from workflow.examination.schemas import HoldAction

Declaration = declarations.Declaration


def open_hold(
    session: Session,
    context: Context,
    declaration: Declaration,
    anomalies: tuple[Anomaly, ...],
    why: Text,
    evidence: dict[str, Any],
) -> Hold:
    """Hold the goods of a declaration and say why; one open hold per set of anomalies and version."""
    for existing in open_holds(session, declaration.id):
        if set(existing.kinds()) == set(anomalies) and existing.version == declaration.version:
            return existing
    now = context.clock.now()
    seed = secrets.token_bytes(32)
    hold = Hold(
        id=context.ids.new(),
        organisation_id=declaration.organisation_id,
        state=HOLD_LIFE_CYCLE.initial,
        created_at=now,
        updated_at=now,
        declaration_id=declaration.id,
        version=declaration.version,
        anomalies=[int(anomaly) for anomaly in anomalies],
        why_en=why.en[:1000],
        why_zh=why.zh[:1000],
        evidence=evidence,
        seed=seed,
        evidence_hash=seal(evidence, seed).root,
    )
    session.add(hold)
    append_leaf(session, kind="hold", subject=declaration.id, content_hash=hold.evidence_hash, now=now)
    for kind, case_id, state in (
        (HOLD, hold.id, "open"),
        (declarations.KIND, declaration.id, declaration.state),
    ):
        record_history(
            session,
            context,
            SYSTEM_PRINCIPAL,
            case_kind=kind,
            case_id=case_id,
            event="held",
            states=(state, state),
            words=Text(f"Held: {why.en}", f"布控：{why.zh}"),
            details={"hold": str(hold.id), "anomalies": [anomaly.name.lower() for anomaly in anomalies]},
        )
    session.flush()
    return hold


def holds_query(principal: Principal, *, state: str | None = None) -> Select[Any]:
    """Give the query of the holds that the principal may know of."""
    query = visible(select(Hold), Hold, principal)
    return query.where(Hold.state == state) if state else query


def open_holds(session: Session, declaration_id: UUID) -> list[Hold]:
    """List what holds a declaration now."""
    query = select(Hold).where(Hold.declaration_id == declaration_id, Hold.state == "open")
    return list(session.scalars(query.order_by(Hold.created_at)))


def holds_of(session: Session, declaration_id: UUID) -> list[Hold]:
    """List every hold of a declaration, oldest first."""
    query = select(Hold).where(Hold.declaration_id == declaration_id)
    return list(session.scalars(query.order_by(Hold.created_at)))


def get_hold(session: Session, principal: Principal, hold_id: UUID, *, lock: bool = False) -> Hold:
    """Load a hold. Raises `NotFound`."""
    return get_visible(session, Hold, hold_id, principal, lock=lock)


def amendment_is_due(session: Session, declaration: Declaration) -> bool:
    """Tell whether an officer wants this version of a declaration amended; papers alone do not do then."""
    return any(
        hold.version == declaration.version and hold.disposition == Disposition.RELEASE_WITH_AMENDMENT
        for hold in holds_of(session, declaration.id)
    )


def check_no_hold(session: Session, declaration_id: UUID) -> None:
    """Refuse to go on while something holds the goods.

    Raises:
        HoldOpen: Something does.
    """
    holds = open_holds(session, declaration_id)
    if holds:
        raise HoldOpen(why="; ".join(h.why_en for h in holds), why_zh="；".join(h.why_zh for h in holds))


def decide_hold(session: Session, context: Context, hold: Hold, step: StepInput) -> Decision:
    """Build the disposition that an officer is to sign.

    Raises:
        DispositionNotAllowed: The table does not offer it for this hold.
        ReasonMissing: A decision says why.
    """
    del context
    given = step.given
    if not isinstance(given, HoldAction):
        raise TypeError(given)
    chosen = given.chosen()
    check_disposition(hold.options(), chosen)
    if not given.reason:
        raise ReasonMissing
    sequence = _next_sequence(session, hold)
    return Decision(
        case_kind=HOLD,
        edge=step.edge,
        statement=DispositionStatement(
            declaration=id_bytes(hold.declaration_id),
            version=hold.version,
            sequence=sequence,
            outcome=int(chosen),
            evidence_hash=hold.evidence_hash,
            signed_at=unix(step.signed_at),
        ),
        words=Text(f"{chosen.words.en}: {given.reason}", f"{chosen.words.zh}：{given.reason}"),
        sealed=(SealedDocument(hold.evidence, hold.seed),),
        details={"disposition": given.disposition, "reason": given.reason},
        intent={"disposition": int(chosen), "sequence": sequence},
    )


def note_signed_disposition(session: Session, context: Context, hold: Hold, step: StepInput) -> None:
    """Keep the place that the signed disposition took, so that the next one on this declaration takes another."""
    del context
    hold.sequence = _next_sequence(session, hold)
    hold.decided_by = step.principal.officer_id


def _next_sequence(session: Session, hold: Hold) -> int:
    query = select(func.max(Hold.sequence)).where(Hold.declaration_id == hold.declaration_id)
    return (session.scalar(query) or 0) + 1


def undo_refused_disposition(
    session: Session, context: Context, hold: Hold, step: RecordedStep, words: Text
) -> None:
    """Forget a refused disposition; the hold is open as before."""
    del session, context, step, words
    hold.sequence = hold.decided_by = None
