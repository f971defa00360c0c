"""What the contracts themselves answer, asked at one block and held against the mirror tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.database import Base
from kernel.errors import PisteError
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment
from ledger.chain.interfaces import decode_result, encode_call
from ledger.contracts import load_artifact
from ledger.mirrors import (
    LedgerAmendment,
    LedgerCertificate,
    LedgerCheckpoint,
    LedgerCorrection,
    LedgerDecision,
    LedgerDeclaration,
    LedgerDelegation,
    LedgerFinding,
    LedgerKey,
    LedgerLine,
    LedgerNote,
    LedgerOrganisation,
    LedgerRule,
    LedgerWitness,
)
from ledger.models import StatementRecord, StatementState
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import Watch, unwatched
from ledger.refusals import STATE_WORDS
from ledger.statements import STATEMENT_TYPES
from ledger.typed_data import WORD, from_hex

CALLS_AT_ONCE = 200


@dataclass(frozen=True)
class View:
    """A function that answers for one row of a mirror table."""

    model: type[Base]
    contract: str
    function: str
    key: tuple[str, ...]
    """Columns that are its arguments."""
    values: Mapping[str, str]
    """Column by the name of the value that the contract gives; `NOT_ZERO` where it must only be something."""
    states: str = ""
    """Error whose words name the states in their order, where one of the values is a state."""
    only: str = ""
    """The one state of a row for which the contract still answers; all where empty."""


NOT_ZERO = ""
_VALIDITY = {"validFrom": "valid_from", "validUntil": "valid_until"}
_VERSION = {
    "contentHash": "content_hash",
    "linesRoot": "lines_root",
    "holder": "holder",
    "version": "version",
    "confirmedByCommittee": "confirmed_by_committee",
    "confirmedByCustoms": "confirmed_by_customs",
    **_VALIDITY,
}
_CERTIFICATES, _DECISIONS = "MaterialCertificates", "ReleaseDecisions"
_DECLARATION_STATES = "MaterialCertificatesDeclarationStateWrong"
_DECISION = {"evidenceHash": "evidence_hash", "version": "version", "outcome": "outcome"}
VIEWS: tuple[View, ...] = (
    View(
        LedgerOrganisation,
        "Consortium",
        "organisation",
        ("organisation",),
        {"roles": "roles", "number": NOT_ZERO, **_VALIDITY},
    ),
    View(
        LedgerKey,
        "Consortium",
        "key",
        ("key_id",),
        {
            "organisation": "organisation",
            "officer": "officer",
            "roles": "roles",
            "revokedAt": "revoked_at_block",
            **_VALIDITY,
        },
    ),
    View(
        LedgerCertificate,
        _CERTIFICATES,
        "certificate",
        ("certificate",),
        {**_VERSION, "broker": "broker", "state": "state"},
        "MaterialCertificatesStateWrong",
    ),
    View(LedgerAmendment, _CERTIFICATES, "amendment", ("certificate",), _VERSION, only="submitted"),
    View(
        LedgerDelegation,
        _CERTIFICATES,
        "delegation",
        ("certificate", "broker"),
        {"sequence": "sequence", **_VALIDITY},
    ),
    View(
        LedgerLine,
        _CERTIFICATES,
        "line",
        ("certificate", "line"),
        {"reserved": "reserved", "committed": "committed"},
    ),
    View(
        LedgerDeclaration,
        _CERTIFICATES,
        "versionOf",
        ("declaration",),
        {"version": "version", "state": "state"},
        _DECLARATION_STATES,
    ),
    View(
        LedgerDeclaration,
        _CERTIFICATES,
        "filedAt",
        ("declaration", "version", "content_hash"),
        {"filedAt": NOT_ZERO},
    ),
    View(
        LedgerNote,
        "CheckNotes",
        "note",
        ("note",),
        {
            "contentHash": "content_hash",
            "gates": "gates",
            "binding": "binding",
            "passed": "passed",
            "state": "state",
        },
        "CheckNotesStateWrong",
    ),
    View(
        LedgerDecision,
        _DECISIONS,
        "decision",
        ("declaration",),
        {**_DECISION, "rule": "rule", "channel": "channel", "decidedAt": "decided_at"},
    ),
    View(
        LedgerDecision,
        _DECISIONS,
        "decisionStatement",
        ("declaration",),
        {"decisionStatement": "statement"},
    ),
    View(
        LedgerCorrection,
        _DECISIONS,
        "decisionOf",
        ("statement",),
        {**_DECISION, "corrects": "corrects"},
    ),
    View(
        LedgerRule,
        _DECISIONS,
        "rule",
        ("rule",),
        {
            "contentHash": "content_hash",
            "system": "system",
            "version": "version",
            "mostReleases": "most_releases",
            "releases": "releases",
            "repealed": "state",
            **_VALIDITY,
        },
    ),
    View(LedgerCheckpoint, "EvidenceLog", "anchoredAt", ("size", "root"), {"anchoredAt": "block_number"}),
    View(LedgerWitness, "EvidenceLog", "isWitness", ("size", "organisation"), {"isWitness": NOT_ZERO}),
)
RECORDED_UNDER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "DeclarationFiling": ("filedAt", ("declaration", "version", "content_hash")),
    "Checkpoint": ("anchoredAt", ("size", "root")),
}
"""Functions that tell where statements were recorded which their contract keeps under their content."""


@dataclass(frozen=True)
class Asker:
    """Asks the contracts, many things in one request, all at one block.

    Args:
        chain: The node.
        deployment: Where the contracts stand.
        block: The block at whose end the answers hold.
    """

    chain: Chain
    deployment: Deployment
    block: int

    def ask(
        self, contract: str, function: str, arguments: Sequence[Sequence[object]]
    ) -> list[dict[str, Any]]:
        """Ask one function for many arguments; give the values of each answer by name.

        Raises:
            LedgerUnavailable, NodeRefused: The node is away, or no longer knows the state of that block.
        """
        to, outputs = self.deployment.address(contract), _outputs(contract, function)
        answers = self.chain.batch(
            [
                (
                    "eth_call",
                    (
                        {"to": to, "data": "0x" + encode_call(contract, function, *given).hex()},
                        hex(self.block),
                    ),
                )
                for given in arguments
            ],
        )
        found = []
        for answer in answers:
            values = decode_result(contract, function, from_hex(answer))
            found.append(_named(outputs, [values] if len(outputs) == 1 else values, function))
        return found


def view_differences(session: Session, asker: Asker, watch: Watch = unwatched) -> Iterator[Difference]:
    """Hold every row of the mirror tables against what its contract answers."""
    for view in VIEWS:
        total = session.scalar(select(func.count()).select_from(view.model)) or 0
        rows = iter(session.execute(select(view.model)).yield_per(CALLS_AT_ONCE).scalars())
        done = 0
        while chunk := list(islice(rows, CALLS_AT_ONCE)):
            given = [[getattr(row, name) for name in view.key] for row in chunk]
            for row, answer in zip(chunk, asker.ask(view.contract, view.function, given), strict=True):
                yield from _row_differences(view, row, answer)
            session.expunge_all()
            done += len(chunk)
            watch(view.model.__tablename__, done, total)
    yield from _finding_differences(session, asker)
    yield from _checkpoint_differences(session, asker)


def statement_differences(session: Session, asker: Asker, watch: Watch = unwatched) -> Iterator[Difference]:
    """Ask the contracts of every statement here whether and where they recorded it."""
    for name, kind in STATEMENT_TYPES.items():
        query = select(StatementRecord).where(StatementRecord.primary_type == name)
        rows = iter(session.execute(query).yield_per(CALLS_AT_ONCE).scalars())
        done = 0
        while chunk := list(islice(rows, CALLS_AT_ONCE)):
            function, given = _recorded_under(name, chunk)
            for row, answer in zip(chunk, asker.ask(kind.contract, function, given), strict=True):
                (block,) = answer.values()
                yield from _record_differences(row, block)
            session.expunge_all()
            done += len(chunk)
            watch(name, done, done)


def _recorded_under(name: str, records: Sequence[StatementRecord]) -> tuple[str, list[list[object]]]:
    """Give the function that tells where statements of a kind were recorded, and what to ask it."""
    function, fields = RECORDED_UNDER.get(name, ("recordedAt", ()))
    if not fields:
        return function, [[record.digest] for record in records]
    given: list[list[object]] = []
    for record in records:
        try:
            statement = record.statement()
        except PisteError:
            # That the message was spoilt is named where it is held against its digest.
            given.append([0, bytes(WORD)] if name == "Checkpoint" else [bytes(WORD), 0, bytes(WORD)])
        else:
            given.append([getattr(statement, part) for part in fields])
    return function, given


def _record_differences(row: StatementRecord, block: int) -> Iterator[Difference]:
    recorded = row.state == StatementState.RECORDED
    where = {"table": StatementRecord.__tablename__, "statement": row.digest, "case": row.case_id}
    if recorded and block != (row.block_number or 0):
        code = "statement.not-recorded" if not block else "statement.differs"
        yield Difference(code, where | {"column": "block_number"}, here=row.block_number, there=block or None)
    elif block and not recorded and row.primary_type not in RECORDED_UNDER:
        yield Difference("statement.unnoticed", where, here=row.state, there=block)


def _row_differences(view: View, row: Base, answer: Mapping[str, Any]) -> Iterator[Difference]:
    if view.only and getattr(row, "state", None) != view.only:
        return
    for name, column in view.values.items():
        here, there = _sides(view, row, name, answer)
        if here != there:
            key = {part: getattr(row, part) for part in view.key}
            where = {
                "table": view.model.__tablename__,
                "row": key,
                "column": column or name,
                "contract": view.contract,
                "block": getattr(row, "block_number", None),
            }
            yield Difference("view.differs", where, here=here, there=there)


def _sides(view: View, row: Base, name: str, answer: Mapping[str, Any]) -> tuple[Any, Any]:
    """Give what the row and the contract say of one value, in a shape in which both can be compared."""
    column, there = view.values[name], answer[name]
    if column == NOT_ZERO:
        return True, bool(there)
    here = getattr(row, column)
    if name == "state":
        there = STATE_WORDS[view.states][there].en
    elif name == "repealed":
        there = "repealed" if there else "enacted"
    elif name == "revokedAt":
        # The contract keeps the time, the mirror the block.
        here, there = here is not None, there != 0
    elif isinstance(here, datetime):
        here = unix(here)
    elif here is None and isinstance(there, bytes) and not any(there):
        there = None
    return here, there


def _finding_differences(session: Session, asker: Asker) -> Iterator[Difference]:
    """Hold how many reports and dispositions there are against the contract's counters."""

    def count(kind: str) -> Any:  # noqa: ANN401 - a column
        return func.sum(case((LedgerFinding.kind == kind, 1), else_=0))

    query = select(LedgerFinding.declaration, count("report"), count("disposition")).group_by(
        LedgerFinding.declaration
    )
    rows = iter(session.execute(query).yield_per(CALLS_AT_ONCE))
    while chunk := list(islice(rows, CALLS_AT_ONCE)):
        answers = asker.ask("ReleaseDecisions", "caseOf", [[row[0]] for row in chunk])
        for (declaration, reports, dispositions), answer in zip(chunk, answers, strict=True):
            here, there = (reports, dispositions), (answer["reports"], answer["dispositions"])
            if here != there:
                where = {
                    "table": LedgerFinding.__tablename__,
                    "row": {"declaration": declaration},
                    "column": "sequence",
                    "contract": "ReleaseDecisions",
                }
                yield Difference("view.differs", where, here=list(here), there=list(there))


def _checkpoint_differences(session: Session, asker: Asker) -> Iterator[Difference]:
    """Hold the last anchored checkpoint against the one that the contract holds."""
    last = session.scalar(select(LedgerCheckpoint).order_by(LedgerCheckpoint.id.desc()).limit(1))
    (answer,) = asker.ask("EvidenceLog", "checkpoint", [[]])
    here = (last.size, last.root) if last is not None else (0, bytes(32))
    there = (answer["size"], answer["root"])
    if here[0] != there[0] or (here[0] and here[1] != there[1]):
        where = {"table": LedgerCheckpoint.__tablename__, "contract": "EvidenceLog", "row": {"size": here[0]}}
        yield Difference("view.differs", where, here=list(here), there=list(there))


def _named(outputs: Sequence[Mapping[str, Any]], values: Sequence[Any], function: str) -> dict[str, Any]:
    """Give values by name, those of structures as if they stood outside; one without a name has the function's."""
    found: dict[str, Any] = {}
    for item, value in zip(outputs, values, strict=True):
        if item["type"] == "tuple":
            found |= _named(item["components"], value, function)
        else:
            found[item["name"] or function] = value
    return found


def _outputs(contract: str, function: str) -> list[Mapping[str, Any]]:
    abi = load_artifact(contract).abi
    entry = next(item for item in abi if item["type"] == "function" and item["name"] == function)
    outputs: list[Mapping[str, Any]] = entry["outputs"]
    return outputs
