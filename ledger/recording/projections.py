"""From the contracts' events to the mirror tables: one function for each kind of event, nothing else fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kernel.database import Base
from ledger.mirrors import (
    MIRRORS,
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
from ledger.models import ChainBlock, ChainEvent
from ledger.recording.rows import MirrorRows, Row
from ledger.statements import id_from_bytes
from ledger.typed_data import from_hex

PARTY_COMMITTEE = 1
VERDICT_CONFIRM, VERDICT_RETURN = 1, 2
OUTCOME_RELEASE = 1
REBUILT_AT_ONCE = 5_000


@dataclass(frozen=True)
class Happening:
    """One event with its values typed."""

    event: ChainEvent
    at: datetime
    """Time of the block."""

    def data(self, name: str) -> bytes:
        """Give bytes."""
        return from_hex(self.event.values[name])

    def number(self, name: str) -> int:
        """Give a whole number."""
        return int(self.event.values[name])

    @property
    def block(self) -> int:
        """The block's number."""
        return self.event.block_number


@dataclass(frozen=True)
class Projection:
    """What an event of one kind does to the mirrors."""

    write: Callable[[MirrorRows, Happening], None]
    changes: Mapping[type[Base], tuple[str, ...]] = field(default_factory=dict)
    """Rows that it reads: for each table, which of the event's values are the key."""


def apply(rows: MirrorRows, event: ChainEvent, at: datetime) -> None:
    """Write into the mirror tables what an event says; events that change nothing are passed over."""
    projection = PROJECTIONS.get(event.name)
    if projection is not None:
        projection.write(rows, Happening(event, at))


def fetch(rows: MirrorRows, events: Iterable[ChainEvent]) -> None:
    """Read beforehand, all at once, the rows that events will change."""
    keys: dict[type[Base], dict[tuple[bytes, ...], None]] = {}
    for event in events:
        projection = PROJECTIONS.get(event.name)
        for model, names in projection.changes.items() if projection is not None else ():
            keys.setdefault(model, {})[tuple(from_hex(event.values[name]) for name in names)] = None
    for model, wanted in keys.items():
        rows.fetch(model, wanted)


def rebuild(session: Session) -> int:
    """Empty the mirror tables and fill them from the final events; give how many events that took."""
    for table in MIRRORS:
        session.execute(delete(table))
    session.expire_all()
    count, rows = 0, MirrorRows(session)
    found = session.execute(
        select(ChainEvent, ChainBlock.timestamp)
        .join(ChainBlock, ChainBlock.number == ChainEvent.block_number)
        .where(ChainBlock.is_final)
        .order_by(ChainEvent.block_number, ChainEvent.log_index)
    )
    for some in found.partitions(REBUILT_AT_ONCE):
        fetch(rows, (event for event, _ in some))
        for event, at in some:
            apply(rows, event, at)
        rows.forget()
        count += len(some)
    return count


def _identifier(value: bytes) -> UUID | None:
    try:
        return id_from_bytes(value)
    except ValueError:
        return None


def _organisation_admitted(rows: MirrorRows, happening: Happening) -> None:
    name = happening.data("organisation")
    rows.put(
        LedgerOrganisation,
        organisation=name,
        organisation_id=_identifier(name),
        roles=happening.number("roles"),
        valid_from=happening.number("validFrom"),
        valid_until=happening.number("validUntil"),
        block_number=happening.block,
    )


def _key_granted(rows: MirrorRows, happening: Happening) -> None:
    organisation, officer = happening.data("organisation"), happening.data("officer")
    rows.put(
        LedgerKey,
        key_id=happening.data("keyId"),
        organisation=organisation,
        organisation_id=_identifier(organisation),
        officer=officer,
        officer_id=_identifier(officer),
        signer=happening.data("signer"),
        roles=happening.number("roles"),
        valid_from=happening.number("validFrom"),
        valid_until=happening.number("validUntil"),
        granted_at_block=happening.block,
        revoked_at_block=None,
    )


def _key_revoked(rows: MirrorRows, happening: Happening) -> None:
    rows.change(LedgerKey, happening.data("keyId")).revoked_at_block = happening.block


def _certificate_submitted(rows: MirrorRows, happening: Happening) -> None:
    name = happening.data("certificate")
    version: dict[str, Any] = {
        "certificate": name,
        "version": happening.number("version"),
        "content_hash": happening.data("contentHash"),
        "lines_root": happening.data("linesRoot"),
        "holder": happening.data("holder"),
        "valid_from": happening.number("validFrom"),
        "valid_until": happening.number("validUntil"),
        "state": "submitted",
        "confirmed_by_committee": False,
        "confirmed_by_customs": False,
        "block_number": happening.block,
    }
    known = rows.get(LedgerCertificate, name)
    if known is not None and known.state == "active":
        rows.put(LedgerAmendment, **version, carried=0)
    else:
        rows.put(LedgerCertificate, **version, broker=happening.data("broker"))


def _certificate_reviewed(rows: MirrorRows, happening: Happening) -> None:
    judged = _judged(rows, happening)
    judged.block_number = happening.block
    if happening.number("verdict") == VERDICT_CONFIRM:
        if happening.number("party") == PARTY_COMMITTEE:
            judged.confirmed_by_committee = True
        else:
            judged.confirmed_by_customs = True
    else:
        returned = happening.number("verdict") == VERDICT_RETURN
        judged.state = "returned" if returned else "rejected"


def _certificate_activated(rows: MirrorRows, happening: Happening) -> None:
    certificate, amendment = _certificate(rows, happening), _amendment(rows, happening)
    certificate.state = "active"
    if amendment is not None:
        certificate.version, certificate.holder = amendment.version, amendment.holder
        certificate.content_hash, certificate.lines_root = amendment.content_hash, amendment.lines_root
        certificate.valid_from, certificate.valid_until = amendment.valid_from, amendment.valid_until
        rows.remove(LedgerAmendment, amendment.certificate)


def _line_carried(rows: MirrorRows, happening: Happening) -> None:
    amendment = rows.change(LedgerAmendment, happening.data("certificate"))
    amendment.carried, amendment.block_number = amendment.carried + 1, happening.block


def _judged(rows: MirrorRows, happening: Happening) -> Row:
    """Give the version that an event is about: the certificate's own, or the amendment's."""
    model = LedgerCertificate if _amendment(rows, happening) is None else LedgerAmendment
    return rows.change(model, happening.data("certificate"))


def _amendment(rows: MirrorRows, happening: Happening) -> Row | None:
    amendment = rows.get(LedgerAmendment, happening.data("certificate"))
    return amendment if amendment is not None and amendment.version == happening.number("version") else None


def _certificate_revoked(rows: MirrorRows, happening: Happening) -> None:
    _certificate(rows, happening).state = "revoked"


def _certificate_delegated(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerDelegation,
        certificate=happening.data("certificate"),
        broker=happening.data("broker"),
        sequence=happening.number("sequence"),
        valid_from=happening.number("validFrom"),
        valid_until=happening.number("validUntil"),
        block_number=happening.block,
    )


def _certificate(rows: MirrorRows, happening: Happening) -> Row:
    certificate = rows.change(LedgerCertificate, happening.data("certificate"))
    certificate.block_number = happening.block
    return certificate


def _line_changed(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerLine,
        certificate=happening.data("certificate"),
        line=happening.number("line"),
        reserved=happening.number("reserved"),
        committed=happening.number("committed"),
        block_number=happening.block,
    )


def _declaration_filed(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerDeclaration,
        declaration=happening.data("declaration"),
        version=happening.number("version"),
        content_hash=happening.data("contentHash"),
        state="filed",
        block_number=happening.block,
    )


def _declaration_withdrawn(rows: MirrorRows, happening: Happening) -> None:
    declaration = rows.change(LedgerDeclaration, happening.data("declaration"))
    declaration.state, declaration.block_number = "withdrawn", happening.block


def _note_opened(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerNote,
        note=happening.data("note"),
        content_hash=happening.data("contentHash"),
        gates=happening.number("gates"),
        binding=happening.number("binding"),
        passed=0,
        state="open",
        approved_by=None,
        block_number=happening.block,
    )


def _note_approved(rows: MirrorRows, happening: Happening) -> None:
    note = _note(rows, happening)
    note.state, note.approved_by = "approved", happening.data("officer")


def _gate_passed(rows: MirrorRows, happening: Happening) -> None:
    note = _note(rows, happening)
    note.passed = happening.number("gate")
    if note.passed == note.gates:
        note.state = "passed"


def _note_voided(rows: MirrorRows, happening: Happening) -> None:
    _note(rows, happening).state = "voided"


def _note(rows: MirrorRows, happening: Happening) -> Row:
    note = rows.change(LedgerNote, happening.data("note"))
    note.block_number = happening.block
    return note


def _examination_reported(rows: MirrorRows, happening: Happening) -> None:
    _finding(rows, happening, "report", happening.number("result"))


def _disposition_taken(rows: MirrorRows, happening: Happening) -> None:
    _finding(rows, happening, "disposition", happening.number("outcome"))


def _finding(rows: MirrorRows, happening: Happening, kind: str, outcome: int) -> None:
    rows.put(
        LedgerFinding,
        declaration=happening.data("declaration"),
        kind=kind,
        sequence=happening.number("sequence"),
        version=happening.number("version"),
        outcome=outcome,
        officer=happening.data("officer"),
        statement=happening.event.statement,
        block_number=happening.block,
    )


def _rule_enacted(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerRule,
        rule=happening.data("rule"),
        version=happening.number("version"),
        content_hash=happening.data("contentHash"),
        system=happening.data("system"),
        most_releases=happening.number("mostReleases"),
        releases=0,
        valid_from=happening.number("validFrom"),
        valid_until=happening.number("validUntil"),
        state="enacted",
        officer=happening.data("officer"),
        block_number=happening.block,
    )


def _rule_repealed(rows: MirrorRows, happening: Happening) -> None:
    rule = rows.change(LedgerRule, happening.data("rule"))
    rule.state, rule.block_number = "repealed", happening.block


def _decision_taken(rows: MirrorRows, happening: Happening) -> None:
    name, rule = (
        happening.data("declaration"),
        happening.data("rule"),
    )
    rows.put(
        LedgerDecision,
        declaration=name,
        version=happening.number("version"),
        channel=happening.number("channel"),
        outcome=happening.number("outcome"),
        rule=rule if any(rule) else None,
        evidence_hash=happening.data("evidenceHash"),
        statement=happening.event.statement,
        decided_at=happening.at,
        corrections=0,
        block_number=happening.block,
    )
    if any(rule):
        applied = rows.change(LedgerRule, rule)
        applied.releases, applied.block_number = applied.releases + 1, happening.block
    _decided(rows, happening)


def _decision_corrected(rows: MirrorRows, happening: Happening) -> None:
    name, statement = happening.data("declaration"), happening.event.statement
    rows.add(
        LedgerCorrection,
        statement=statement,
        corrects=happening.data("corrects"),
        declaration=name,
        version=happening.number("version"),
        outcome=happening.number("outcome"),
        evidence_hash=happening.data("evidenceHash"),
        block_number=happening.block,
    )
    decision = rows.change(LedgerDecision, name)
    decision.outcome, decision.evidence_hash = happening.number("outcome"), happening.data("evidenceHash")
    decision.statement, decision.decided_at = statement, happening.at
    decision.corrections, decision.block_number = decision.corrections + 1, happening.block
    _decided(rows, happening)


def _decided(rows: MirrorRows, happening: Happening) -> None:
    declaration = rows.change(LedgerDeclaration, happening.data("declaration"))
    declaration.state = "released" if happening.number("outcome") == OUTCOME_RELEASE else "denied"
    declaration.block_number = happening.block


def _checkpoint_anchored(rows: MirrorRows, happening: Happening) -> None:
    rows.add(
        LedgerCheckpoint,
        size=happening.number("size"),
        root=happening.data("root"),
        statement=happening.event.statement,
        block_number=happening.block,
        transaction_hash=happening.event.transaction_hash,
        anchored_at=happening.at,
    )


def _checkpoint_witnessed(rows: MirrorRows, happening: Happening) -> None:
    rows.put(
        LedgerWitness,
        size=happening.number("size"),
        organisation=happening.data("organisation"),
        root=happening.data("root"),
        statement=happening.event.statement,
        block_number=happening.block,
    )


_CERTIFICATE: Mapping[type[Base], tuple[str, ...]] = {LedgerCertificate: ("certificate",)}
_JUDGED: Mapping[type[Base], tuple[str, ...]] = {**_CERTIFICATE, LedgerAmendment: ("certificate",)}
_DECLARATION: Mapping[type[Base], tuple[str, ...]] = {LedgerDeclaration: ("declaration",)}
_NOTE: Mapping[type[Base], tuple[str, ...]] = {LedgerNote: ("note",)}
PROJECTIONS: Mapping[str, Projection] = {
    "OrganisationAdmitted": Projection(_organisation_admitted),
    "KeyGranted": Projection(_key_granted),
    "KeyRevoked": Projection(_key_revoked, {LedgerKey: ("keyId",)}),
    "CertificateSubmitted": Projection(_certificate_submitted, _CERTIFICATE),
    "CertificateReviewed": Projection(_certificate_reviewed, _JUDGED),
    "CertificateActivated": Projection(_certificate_activated, _JUDGED),
    "CertificateRevoked": Projection(_certificate_revoked, _CERTIFICATE),
    "CertificateDelegated": Projection(_certificate_delegated),
    "CertificateLineCarried": Projection(_line_carried, {LedgerAmendment: ("certificate",)}),
    "LineReserved": Projection(_line_changed),
    "LineCommitted": Projection(_line_changed),
    "LineReturned": Projection(_line_changed),
    "DeclarationFiled": Projection(_declaration_filed),
    "DeclarationWithdrawn": Projection(_declaration_withdrawn, _DECLARATION),
    "CheckNoteOpened": Projection(_note_opened),
    "CheckNoteApproved": Projection(_note_approved, _NOTE),
    "GatePassed": Projection(_gate_passed, _NOTE),
    "CheckNoteVoided": Projection(_note_voided, _NOTE),
    "ExaminationReported": Projection(_examination_reported),
    "DispositionTaken": Projection(_disposition_taken),
    "ReleaseRuleEnacted": Projection(_rule_enacted),
    "ReleaseRuleRepealed": Projection(_rule_repealed, {LedgerRule: ("rule",)}),
    "DecisionTaken": Projection(_decision_taken, {**_DECLARATION, LedgerRule: ("rule",)}),
    "DecisionCorrected": Projection(_decision_corrected, {**_DECLARATION, LedgerDecision: ("declaration",)}),
    "CheckpointAnchored": Projection(_checkpoint_anchored),
    "CheckpointWitnessed": Projection(_checkpoint_witnessed),
}
