"""From the contracts' events to the mirror tables: one function for each kind of event, nothing else fills them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.mirrors import (
    MIRRORS,
    LedgerCertificate,
    LedgerCheckpoint,
    LedgerDecision,
    LedgerDeclaration,
    LedgerFinding,
    LedgerKey,
    LedgerLine,
    LedgerNote,
    LedgerOrganisation,
)
from ledger.models import ChainBlock, ChainEvent
from ledger.statements import id_from_bytes
from ledger.typed_data import from_hex

PARTY_COMMITTEE = 1
VERDICT_CONFIRM, VERDICT_RETURN = 1, 2
OUTCOME_RELEASE = 1


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


def apply(session: Session, event: ChainEvent, at: datetime) -> None:
    """Write into the mirror tables what an event says; events that change nothing are passed over."""
    projection = PROJECTIONS.get(event.name)
    if projection is not None:
        projection(session, Happening(event, at))


def rebuild(session: Session) -> int:
    """Empty the mirror tables and fill them from the final events; give how many events that took."""
    for table in MIRRORS:
        session.execute(delete(table))
    session.expire_all()
    count = 0
    rows = session.execute(
        select(ChainEvent, ChainBlock.timestamp)
        .join(ChainBlock, ChainBlock.number == ChainEvent.block_number)
        .where(ChainBlock.is_final)
        .order_by(ChainEvent.block_number, ChainEvent.log_index)
    )
    for event, at in rows:
        apply(session, event, at)
        count += 1
    session.flush()
    return count


def _identifier(value: bytes) -> UUID | None:
    try:
        return id_from_bytes(value)
    except ValueError:
        return None


def _organisation_admitted(session: Session, happening: Happening) -> None:
    name = happening.data("organisation")
    session.merge(
        LedgerOrganisation(
            organisation=name,
            organisation_id=_identifier(name),
            roles=happening.number("roles"),
            valid_from=happening.number("validFrom"),
            valid_until=happening.number("validUntil"),
            block_number=happening.block,
        )
    )


def _key_granted(session: Session, happening: Happening) -> None:
    organisation, officer = happening.data("organisation"), happening.data("officer")
    session.merge(
        LedgerKey(
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
    )


def _key_revoked(session: Session, happening: Happening) -> None:
    session.get_one(LedgerKey, happening.data("keyId")).revoked_at_block = happening.block


def _certificate_submitted(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerCertificate(
            certificate=happening.data("certificate"),
            version=happening.number("version"),
            content_hash=happening.data("contentHash"),
            lines_root=happening.data("linesRoot"),
            broker=happening.data("broker"),
            holder=happening.data("holder"),
            valid_from=happening.number("validFrom"),
            valid_until=happening.number("validUntil"),
            state="submitted",
            confirmed_by_committee=False,
            confirmed_by_customs=False,
            block_number=happening.block,
        )
    )


def _certificate_reviewed(session: Session, happening: Happening) -> None:
    certificate = _certificate(session, happening)
    if happening.number("verdict") == VERDICT_CONFIRM:
        if happening.number("party") == PARTY_COMMITTEE:
            certificate.confirmed_by_committee = True
        else:
            certificate.confirmed_by_customs = True
    else:
        returned = happening.number("verdict") == VERDICT_RETURN
        certificate.state = "returned" if returned else "rejected"


def _certificate_activated(session: Session, happening: Happening) -> None:
    _certificate(session, happening).state = "active"


def _certificate_revoked(session: Session, happening: Happening) -> None:
    _certificate(session, happening).state = "revoked"


def _certificate(session: Session, happening: Happening) -> LedgerCertificate:
    certificate = session.get_one(LedgerCertificate, happening.data("certificate"))
    certificate.block_number = happening.block
    return certificate


def _line_changed(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerLine(
            certificate=happening.data("certificate"),
            line=happening.number("line"),
            reserved=happening.number("reserved"),
            committed=happening.number("committed"),
            block_number=happening.block,
        )
    )


def _declaration_filed(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerDeclaration(
            declaration=happening.data("declaration"),
            version=happening.number("version"),
            content_hash=happening.data("contentHash"),
            state="filed",
            block_number=happening.block,
        )
    )


def _declaration_withdrawn(session: Session, happening: Happening) -> None:
    declaration = session.get_one(LedgerDeclaration, happening.data("declaration"))
    declaration.state, declaration.block_number = "withdrawn", happening.block


def _note_opened(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerNote(
            note=happening.data("note"),
            content_hash=happening.data("contentHash"),
            gates=happening.number("gates"),
            passed=0,
            state="open",
            approved_by=None,
            block_number=happening.block,
        )
    )


def _note_approved(session: Session, happening: Happening) -> None:
    note = _note(session, happening)
    note.state, note.approved_by = "approved", happening.data("officer")


def _gate_passed(session: Session, happening: Happening) -> None:
    note = _note(session, happening)
    note.passed = happening.number("gate")
    if note.passed == note.gates:
        note.state = "passed"


def _note_voided(session: Session, happening: Happening) -> None:
    _note(session, happening).state = "voided"


def _note(session: Session, happening: Happening) -> LedgerNote:
    note = session.get_one(LedgerNote, happening.data("note"))
    note.block_number = happening.block
    return note


def _examination_reported(session: Session, happening: Happening) -> None:
    _finding(session, happening, "report", happening.number("result"))


def _disposition_taken(session: Session, happening: Happening) -> None:
    _finding(session, happening, "disposition", happening.number("outcome"))


def _finding(session: Session, happening: Happening, kind: str, outcome: int) -> None:
    session.merge(
        LedgerFinding(
            declaration=happening.data("declaration"),
            kind=kind,
            sequence=happening.number("sequence"),
            version=happening.number("version"),
            outcome=outcome,
            officer=happening.data("officer"),
            statement=happening.event.statement,
            block_number=happening.block,
        )
    )


def _decision_taken(session: Session, happening: Happening) -> None:
    name, outcome = happening.data("declaration"), happening.number("outcome")
    session.merge(
        LedgerDecision(
            declaration=name,
            version=happening.number("version"),
            channel=happening.number("channel"),
            outcome=outcome,
            evidence_hash=happening.data("evidenceHash"),
            statement=happening.event.statement,
            decided_at=happening.at,
            block_number=happening.block,
        )
    )
    declaration = session.get_one(LedgerDeclaration, name)
    declaration.state = "released" if outcome == OUTCOME_RELEASE else "denied"
    declaration.block_number = happening.block


def _checkpoint_anchored(session: Session, happening: Happening) -> None:
    session.add(
        LedgerCheckpoint(
            size=happening.number("size"),
            root=happening.data("root"),
            statement=happening.event.statement,
            block_number=happening.block,
            transaction_hash=happening.event.transaction_hash,
            anchored_at=happening.at,
        )
    )


PROJECTIONS: Mapping[str, Callable[[Session, Happening], Any]] = {
    "OrganisationAdmitted": _organisation_admitted,
    "KeyGranted": _key_granted,
    "KeyRevoked": _key_revoked,
    "CertificateSubmitted": _certificate_submitted,
    "CertificateReviewed": _certificate_reviewed,
    "CertificateActivated": _certificate_activated,
    "CertificateRevoked": _certificate_revoked,
    "LineReserved": _line_changed,
    "LineCommitted": _line_changed,
    "LineReturned": _line_changed,
    "DeclarationFiled": _declaration_filed,
    "DeclarationWithdrawn": _declaration_withdrawn,
    "CheckNoteOpened": _note_opened,
    "CheckNoteApproved": _note_approved,
    "GatePassed": _gate_passed,
    "CheckNoteVoided": _note_voided,
    "ExaminationReported": _examination_reported,
    "DispositionTaken": _disposition_taken,
    "DecisionTaken": _decision_taken,
    "CheckpointAnchored": _checkpoint_anchored,
}
