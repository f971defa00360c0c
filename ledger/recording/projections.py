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
    known = session.get(LedgerCertificate, name)
    if known is not None and known.state == "active":
        session.merge(LedgerAmendment(**version, carried=0))
    else:
        session.merge(LedgerCertificate(**version, broker=happening.data("broker")))


def _certificate_reviewed(session: Session, happening: Happening) -> None:
    judged = _judged(session, happening)
    judged.block_number = happening.block
    if happening.number("verdict") == VERDICT_CONFIRM:
        if happening.number("party") == PARTY_COMMITTEE:
            judged.confirmed_by_committee = True
        else:
            judged.confirmed_by_customs = True
    else:
        returned = happening.number("verdict") == VERDICT_RETURN
        judged.state = "returned" if returned else "rejected"


def _certificate_activated(session: Session, happening: Happening) -> None:
    certificate, judged = _certificate(session, happening), _judged(session, happening)
    certificate.state = "active"
    if isinstance(judged, LedgerAmendment):
        certificate.version, certificate.holder = judged.version, judged.holder
        certificate.content_hash, certificate.lines_root = judged.content_hash, judged.lines_root
        certificate.valid_from, certificate.valid_until = judged.valid_from, judged.valid_until
        session.delete(judged)
        session.flush()


def _line_carried(session: Session, happening: Happening) -> None:
    amendment = session.get_one(LedgerAmendment, happening.data("certificate"))
    amendment.carried, amendment.block_number = amendment.carried + 1, happening.block


def _judged(session: Session, happening: Happening) -> LedgerCertificate | LedgerAmendment:
    """Give the version that an event is about: the certificate's own, or the amendment's."""
    amendment = session.get(LedgerAmendment, happening.data("certificate"))
    if amendment is not None and amendment.version == happening.number("version"):
        return amendment
    return session.get_one(LedgerCertificate, happening.data("certificate"))


def _certificate_revoked(session: Session, happening: Happening) -> None:
    _certificate(session, happening).state = "revoked"


def _certificate_delegated(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerDelegation(
            certificate=happening.data("certificate"),
            broker=happening.data("broker"),
            sequence=happening.number("sequence"),
            valid_from=happening.number("validFrom"),
            valid_until=happening.number("validUntil"),
            block_number=happening.block,
        )
    )


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
            binding=happening.number("binding"),
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


def _rule_enacted(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerRule(
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
    )


def _rule_repealed(session: Session, happening: Happening) -> None:
    rule = session.get_one(LedgerRule, happening.data("rule"))
    rule.state, rule.block_number = "repealed", happening.block


def _decision_taken(session: Session, happening: Happening) -> None:
    name, rule = (
        happening.data("declaration"),
        happening.data("rule"),
    )
    session.merge(
        LedgerDecision(
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
    )
    if any(rule):
        applied = session.get_one(LedgerRule, rule)
        applied.releases, applied.block_number = applied.releases + 1, happening.block
    _decided(session, happening)


def _decision_corrected(session: Session, happening: Happening) -> None:
    name, statement = happening.data("declaration"), happening.event.statement
    session.add(
        LedgerCorrection(
            statement=statement,
            corrects=happening.data("corrects"),
            declaration=name,
            version=happening.number("version"),
            outcome=happening.number("outcome"),
            evidence_hash=happening.data("evidenceHash"),
            block_number=happening.block,
        )
    )
    decision = session.get_one(LedgerDecision, name)
    decision.outcome, decision.evidence_hash = happening.number("outcome"), happening.data("evidenceHash")
    decision.statement, decision.decided_at = statement, happening.at
    decision.corrections, decision.block_number = decision.corrections + 1, happening.block
    _decided(session, happening)


def _decided(session: Session, happening: Happening) -> None:
    declaration = session.get_one(LedgerDeclaration, happening.data("declaration"))
    declaration.state = "released" if happening.number("outcome") == OUTCOME_RELEASE else "denied"
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


def _checkpoint_witnessed(session: Session, happening: Happening) -> None:
    session.merge(
        LedgerWitness(
            size=happening.number("size"),
            organisation=happening.data("organisation"),
            root=happening.data("root"),
            statement=happening.event.statement,
            block_number=happening.block,
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
    "CertificateDelegated": _certificate_delegated,
    "CertificateLineCarried": _line_carried,
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
    "ReleaseRuleEnacted": _rule_enacted,
    "ReleaseRuleRepealed": _rule_repealed,
    "DecisionTaken": _decision_taken,
    "DecisionCorrected": _decision_corrected,
    "CheckpointAnchored": _checkpoint_anchored,
    "CheckpointWitnessed": _checkpoint_witnessed,
}
