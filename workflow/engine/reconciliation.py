"""Cases and their histories held against recorded statements, sealed contents and the evidence log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from ledger.models import EvidenceLeaf, StatementRecord, StatementState
from ledger.proofs.content import ContentUnsealable, seal
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import Watch, unwatched
from workflow.engine.cases import Case, HistoryEntry, history_hash
from workflow.engine.life_cycle import LifeCycle
from workflow.engine.registry import CaseKind, CaseKinds

ROWS_AT_ONCE = 500
UNDECIDED = (StatementState.COLLECTING, StatementState.QUEUED, StatementState.SENT)
HISTORY = "history"


def case_differences(session: Session, kinds: CaseKinds, watch: Watch = unwatched) -> Iterator[Difference]:
    """Hold every case against the statements about it: what it waits for, where it stands, what was sealed."""
    for kind in kinds:
        total = session.scalar(select(func.count()).select_from(kind.model)) or 0
        rows = iter(session.execute(select(kind.model)).yield_per(ROWS_AT_ONCE).scalars())
        done = 0
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            for case in chunk:
                yield from _waiting(session, kind, case)
                yield from _standing(session, kind, case)
                yield from _sealed(kind, case)
            done += len(chunk)
            session.expunge_all()
            watch(kind.kind, done, total)
    yield from _lost_cases(session, kinds)


def history_differences(session: Session, watch: Watch = unwatched) -> Iterator[Difference]:
    """Hold every entry of a history against its digest and its leaf; name the leaves whose entry is gone."""
    total = session.scalar(select(func.count(HistoryEntry.id))) or 0
    rows = iter(
        session.execute(select(HistoryEntry).order_by(HistoryEntry.id)).yield_per(ROWS_AT_ONCE).scalars()
    )
    done = 0
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        known = set(
            session.scalars(
                select(EvidenceLeaf.content_hash).where(
                    EvidenceLeaf.kind == HISTORY,
                    EvidenceLeaf.content_hash.in_([entry.content_hash for entry in chunk]),
                )
            )
        )
        for entry in chunk:
            where = {"table": HISTORY, "row": {"id": entry.id}, "case": entry.case_id, "event": entry.event}
            said = history_hash(entry)
            if said != entry.content_hash:
                yield Difference("history.altered", where, here=said, there=entry.content_hash)
            if entry.content_hash not in known:
                yield Difference("history.without-leaf", where, here=entry.content_hash)
        done += len(chunk)
        session.expunge_all()
        watch(HISTORY, done, total)
    gone = select(EvidenceLeaf.content_hash, EvidenceLeaf.subject, EvidenceLeaf.position).where(
        EvidenceLeaf.kind == HISTORY,
        ~select(HistoryEntry.id).where(HistoryEntry.content_hash == EvidenceLeaf.content_hash).exists(),
    )
    for row in session.execute(gone).yield_per(ROWS_AT_ONCE):
        where = {"table": HISTORY, "case": row.subject, "position": row.position}
        yield Difference("history.missing", where, there=row.content_hash)


def _waiting(session: Session, kind: CaseKind, case: Case) -> Iterator[Difference]:
    """A case waits for a statement exactly while one is under way."""
    where = _where(kind, case)
    if (case.pending_event is None) != (case.pending_statement is None):
        yield Difference(
            "case.waits-in-vain",
            where | {"column": "pending_event"},
            case.pending_event,
            case.pending_statement,
        )
    if case.pending_statement is None:
        return
    state = session.scalar(
        select(StatementRecord.state).where(StatementRecord.digest == case.pending_statement)
    )
    if state not in UNDECIDED:
        where |= {"statement": case.pending_statement, "column": "pending_statement"}
        yield Difference("case.waits-in-vain", where, here=case.pending_event, there=state)


def _standing(session: Session, kind: CaseKind, case: Case) -> Iterator[Difference]:
    """The last recorded step of a case, and the steps that need no signature, lead to where it stands."""
    last = session.execute(
        select(StatementRecord.intent, StatementRecord.digest)
        .where(
            StatementRecord.case_kind == kind.kind,
            StatementRecord.case_id == case.id,
            StatementRecord.state == StatementState.RECORDED,
        )
        .order_by(
            StatementRecord.block_number.desc(), StatementRecord.log_index.desc(), StatementRecord.id.desc()
        )
        .limit(1)
    ).one_or_none()
    start = target_of(kind.life_cycle, last.intent) if last is not None else kind.life_cycle.initial
    if start is None:
        return
    possible = reachable(kind.life_cycle, start, pending=case.pending_event)
    if case.state not in possible:
        where = _where(kind, case) | {
            "column": "state",
            "statement": last.digest if last is not None else None,
        }
        yield Difference("case.state-differs", where, here=case.state, there=sorted(possible))


def target_of(cycle: LifeCycle, intent: dict[str, Any]) -> str | None:
    """Tell where a recorded step led; None where the step is no edge of the table."""
    for edge in cycle.edges:
        if edge.source == intent.get("source") and edge.event == intent.get("event"):
            return edge.target
    return None


def reachable(cycle: LifeCycle, start: str, *, pending: str | None) -> set[str]:
    """Give the states to which a case can come from a state without a further recorded statement.

    Args:
        cycle: The table.
        start: Where the last recorded step led.
        pending: The signed step that waits, if one does: then the case may stand where such a step waits.
    """
    found, open_states = set[str](), {start}
    while open_states:
        state = open_states.pop()
        found.add(state)
        for edge in cycle.edges:
            if edge.source != state:
                continue
            further = edge.target if edge.signed is None else edge.refused_state()
            if further not in found:
                open_states.add(further)
    waiting = {edge.waiting_state() for edge in cycle.edges if edge.source in found and edge.event == pending}
    return found | waiting


def _sealed(kind: CaseKind, case: Case) -> Iterator[Difference]:
    """What a case says is what its content hash stands for."""
    content, seed = getattr(case, "content", None), getattr(case, "seed", None)
    if content is None or seed is None:
        return
    try:
        root = seal(content, seed).root
    except (ContentUnsealable, ValueError):
        root = None
    stored = getattr(case, "content_hash", None)
    if root != stored:
        yield Difference("case.content-differs", _where(kind, case) | {"column": "content"}, root, stored)


def _lost_cases(session: Session, kinds: CaseKinds) -> Iterator[Difference]:
    """Name recorded statements whose case is gone."""
    for kind in kinds:
        query = select(StatementRecord.case_id, func.max(StatementRecord.block_number)).where(
            StatementRecord.case_kind == kind.kind,
            StatementRecord.state == StatementState.RECORDED,
            ~select(kind.model.id).where(kind.model.id == StatementRecord.case_id).exists(),
        )
        for case_id, block in session.execute(query.group_by(StatementRecord.case_id)).yield_per(
            ROWS_AT_ONCE
        ):
            where = {"table": _table(kind), "case": case_id, "block": block}
            yield Difference("case.missing", where, there=kind.kind)


def _where(kind: CaseKind, case: Case) -> dict[str, Any]:
    return {"table": _table(kind), "kind": kind.kind, "case": case.id}


def _table(kind: CaseKind) -> str:
    return str(inspect(kind.model).local_table)
