"""How a case is shown, the same in JSON and on pages: its state, who may do what, its timeline, its statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from kernel.errors import Text
from ledger.models import StatementRecord
from ledger.statements import STATEMENT_WORDS, id_bytes
from workflow.engine.cases import Case, HistoryEntry, history_of
from workflow.engine.context import Context
from workflow.engine.life_cycle import Edge
from workflow.engine.principals import Principal
from workflow.engine.registry import CaseKind
from workflow.engine.schemas import Output, Word, example
from workflow.engine.steps import allowed_steps

ADDRESSES = {
    "certificate": "certificates",
    "declaration": "declarations",
    "check_note": "check-notes",
    "hold": "holds",
    "examination": "examinations",
}
"""Under which address each kind of case lives, below `/api/v1` and on pages."""
CaseKindName = Literal["certificate", "declaration", "check_note", "hold", "examination"]
StatementStateName = Literal["collecting", "queued", "sent", "recorded", "refused"]

PRINTABLE = r"^[^\x00-\x1f\x7f]{1,80}$"
"""Pattern of a number or name that is looked for."""
_STATES: dict[str, StatementStateName] = {
    "collecting": "collecting",
    "queued": "queued",
    "sent": "sent",
    "recorded": "recorded",
    "refused": "refused",
}
_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_WORD = "0x" + "5b" * 32
_ENTRY: dict[str, Any] = {
    "at": "2026-02-03T08:12:30Z",
    "event": "submit.signed",
    "state_before": "draft",
    "state_after": "submitted",
    "actor": "Li Na 李娜",
    "words": {"en": "Sign and submit", "zh": "签署并提交"},
    "details": {"key": _WORD, "signatures": [1, 1]},
    "statement": _WORD,
    "content_hash": _WORD,
}


@dataclass(frozen=True)
class Look:
    """Somebody looks at cases: with which session, in which installation, with which rights."""

    session: Session
    context: Context
    principal: Principal


class Words(Output):
    """One sentence in both languages."""

    en: str
    zh: str

    @classmethod
    def of(cls, text: Text) -> Self:
        """Take a text of the house."""
        return cls(en=text.en, zh=text.zh)


class Action(Output):
    """A step that the caller may take now."""

    event: str
    label: Words
    signed: str | None = Field(
        description="EIP-712 primary type of the statement to sign; null for a step without."
    )
    guard: str = Field(description="What else must hold.")
    statement: str | None = Field(
        description="Where to POST the same body without a signature, to get the statement to sign."
    )
    address: str = Field(description="Where to POST the step.")


class Pending(Output):
    """The signed step that waits to be recorded; until then the case takes no other."""

    event: str
    label: Words
    statement: Word
    state: StatementStateName = Field(
        description="collecting: another officer must sign; queued, sent: on the way to the ledger."
    )
    signatures: int
    required: int
    since: datetime


class CaseSummary(Output):
    """What every case says of itself in a list."""

    id: UUID
    kind: CaseKindName
    organisation_id: UUID
    state: str
    meaning: Words = Field(description="What the state means.")
    revision: int = Field(description="Counts every change; the entity tag.")
    pending_event: str | None = Field(description="The signed step that waits to be recorded.")
    created_at: datetime
    updated_at: datetime


class SignedStatement(Output):
    """A signed statement about the case and what became of it on the ledger."""

    digest: Word
    primary_type: str
    what: Words
    state: StatementStateName
    by: str = Field(description="Who signed first.")
    keys: list[Word]
    created_at: datetime
    recorded_at: datetime | None
    block: int | None
    transaction: Word | None
    refusal: Words | None = Field(description="Why the contract refused it.")
    look_up: str = Field(description="Where its ledger data is, open to everybody who is signed in.")


class CaseDetail(CaseSummary):
    """What every case says of itself when it is opened."""

    pending: Pending | None
    actions: list[Action]
    ledger: list[SignedStatement] = Field(description="Every signed statement about the case, oldest first.")


class TimelineEntry(Output):
    """One entry of a case's history. Never altered; each is a leaf of the evidence log."""

    model_config = example(_ENTRY)

    at: datetime
    event: str
    state_before: str
    state_after: str
    actor: str
    words: Words
    details: dict[str, Any]
    statement: Word | None
    content_hash: Word = Field(description="Leaf content in the evidence log.")


class Timeline(Output):
    """A case's history, oldest first."""

    model_config = example({"items": [_ENTRY]})

    items: list[TimelineEntry]


def hexadecimal(value: bytes) -> str:
    """Write bytes as they stand in JSON."""
    return f"0x{value.hex()}"


def case_address(kind: str, case_id: UUID) -> str:
    """Give the address of a case."""
    return f"/api/v1/{ADDRESSES[kind]}/{case_id}"


def summary_fields(kind: CaseKind, case: Case) -> dict[str, Any]:
    """Give what every case says in a list."""
    return {
        "id": case.id,
        "kind": kind.kind,
        "organisation_id": case.organisation_id,
        "state": case.state,
        "meaning": Words.of(kind.life_cycle.states[case.state]),
        "revision": case.revision,
        "pending_event": case.pending_event,
        "created_at": case.created_at,
        "updated_at": case.updated_at,
    }


def detail_fields(look: Look, kind: CaseKind, case: Case, *, more: Sequence[Action] = ()) -> dict[str, Any]:
    """Give what every case says when it is opened.

    Args:
        look: Who looks.
        kind: The kind of case.
        case: The case, already loaded for the principal.
        more: Actions that are no edges of the life cycle.
    """
    records = statements_about(look.session, case.id)
    return {
        **summary_fields(kind, case),
        "pending": _pending(kind, case, records),
        "actions": [*actions_of(kind, case, look.principal), *more],
        "ledger": [signed_statement(record) for record in records],
    }


def actions_of(kind: CaseKind, case: Case, principal: Principal) -> list[Action]:
    """List the steps that the principal may take now at this address; what a gate reports is none of them."""
    return [
        step_action(kind, case, edge)
        for edge in allowed_steps(kind, case, principal)
        if edge.signed != "GatePassage"
    ]


def step_action(kind: CaseKind, case: Case, edge: Edge) -> Action:
    """Show an edge as an action."""
    address = f"{case_address(kind.kind, case.id)}/actions/{edge.event}"
    return Action(
        event=edge.event,
        label=Words.of(edge.label),
        signed=edge.signed,
        guard=edge.guard,
        statement=f"{address}/statement" if edge.signed else None,
        address=address,
    )


def statements_about(session: Session, case_id: UUID) -> list[StatementRecord]:
    """List the statements of a case and those of other cases about it, oldest first, with their signatures.

    The case must have been loaded for whoever looks: this asks for no rights.
    """
    query = select(StatementRecord).where(
        or_(StatementRecord.case_id == case_id, StatementRecord.subject == id_bytes(case_id))
    )
    return list(
        session.scalars(query.options(selectinload(StatementRecord.signatures)).order_by(StatementRecord.id))
    )


def signed_statement(record: StatementRecord) -> SignedStatement:
    """Show a statement of a case."""
    refusal = (record.refusal or {}).get("words")
    return SignedStatement(
        digest=hexadecimal(record.digest),
        primary_type=record.primary_type,
        what=Words.of(STATEMENT_WORDS[record.primary_type]),
        state=_STATES[record.state],
        by=record.intent.get("actor", ""),
        keys=[hexadecimal(signature.key_id) for signature in record.signatures],
        created_at=record.created_at,
        recorded_at=record.recorded_at,
        block=record.block_number,
        transaction=hexadecimal(record.transaction_hash) if record.transaction_hash else None,
        refusal=Words(en=refusal[0], zh=refusal[1]) if refusal else None,
        look_up=f"/api/v1/ledger/statements/{hexadecimal(record.digest)}",
    )


def timeline_of(session: Session, kind: str, case_id: UUID, *, after: int = 0) -> list[TimelineEntry]:
    """Give a case's history, oldest first. The case must have been loaded for whoever looks.

    Args:
        session: The request's session.
        kind: Kind of the case.
        case_id: The case.
        after: Number of the last entry that is known already.
    """
    return [timeline_entry(entry) for entry in history_of(session, kind, case_id) if entry.id > after]


def timeline_entry(entry: HistoryEntry) -> TimelineEntry:
    """Show an entry of a case's history."""
    return TimelineEntry(
        at=entry.at,
        event=entry.event,
        state_before=entry.state_before,
        state_after=entry.state_after,
        actor=entry.actor,
        words=Words.of(entry.words),
        details=entry.details,
        statement=hexadecimal(entry.statement) if entry.statement else None,
        content_hash=hexadecimal(entry.content_hash),
    )


def _pending(kind: CaseKind, case: Case, records: Sequence[StatementRecord]) -> Pending | None:
    record = next((one for one in records if one.digest == case.pending_statement), None)
    if case.pending_event is None or record is None:
        return None
    edge = next(e for e in kind.life_cycle.edges if e.event == case.pending_event)
    return Pending(
        event=case.pending_event,
        label=Words.of(edge.label),
        statement=hexadecimal(record.digest),
        state=_STATES[record.state],
        signatures=len(record.signatures),
        required=record.required,
        since=record.created_at,
    )


SUMMARY_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "kind": "certificate",
    "organisation_id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b02",
    "state": "under_committee_review",
    "meaning": {"en": "The organizing committee examines it.", "zh": "组委会审核中。"},
    "revision": 4,
    "pending_event": None,
    "created_at": "2026-02-03T08:00:00Z",
    "updated_at": "2026-02-03T08:12:41Z",
}
DETAIL_EXAMPLE: dict[str, Any] = {
    **SUMMARY_EXAMPLE,
    "pending": None,
    "actions": [
        {
            "event": "approve",
            "label": {"en": "Confirm for the committee", "zh": "组委会确认"},
            "signed": "CertificateReview",
            "guard": "",
            "statement": f"/api/v1/certificates/{_ID}/actions/approve/statement",
            "address": f"/api/v1/certificates/{_ID}/actions/approve",
        }
    ],
    "ledger": [
        {
            "digest": _WORD,
            "primary_type": "CertificateSubmission",
            "what": {"en": "Submission of a material certificate", "zh": "提交物资证明函"},
            "state": "recorded",
            "by": "Li Na 李娜",
            "keys": [_WORD],
            "created_at": "2026-02-03T08:12:30Z",
            "recorded_at": "2026-02-03T08:12:41Z",
            "block": 118,
            "transaction": _WORD,
            "refusal": None,
            "look_up": f"/api/v1/ledger/statements/{_WORD}",
        }
    ],
}
