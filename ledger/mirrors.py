"""What the contracts hold, as tables: filled from final events alone, so they equal a replay of the chain."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base, BigId
from ledger.columns import Uint

WORD = 32


class LedgerOrganisation(Base):
    """An organisation of the consortium."""

    __tablename__ = "ledger_organisations"

    organisation: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(index=True)
    """The identifier as ours; None where somebody used one of another shape."""
    roles: Mapped[int] = mapped_column(Uint(256))
    valid_from: Mapped[int] = mapped_column(Uint(64))
    """Unix seconds."""
    valid_until: Mapped[int] = mapped_column(Uint(64))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerKey(Base):
    """A key of the consortium's register."""

    __tablename__ = "ledger_keys"

    key_id: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    organisation: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    organisation_id: Mapped[UUID | None] = mapped_column(index=True)
    officer: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    officer_id: Mapped[UUID | None] = mapped_column(index=True)
    signer: Mapped[bytes]
    """ERC-7913 signer."""
    roles: Mapped[int] = mapped_column(Uint(256))
    valid_from: Mapped[int] = mapped_column(Uint(64))
    """Unix seconds."""
    valid_until: Mapped[int] = mapped_column(Uint(64))
    granted_at_block: Mapped[int] = mapped_column(BigInteger)
    revoked_at_block: Mapped[int | None] = mapped_column(BigInteger)


class LedgerCertificate(Base):
    """The version of a material certificate that counts."""

    __tablename__ = "ledger_certificates"

    certificate: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    lines_root: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    broker: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    holder: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    valid_from: Mapped[int] = mapped_column(Uint(64))
    valid_until: Mapped[int] = mapped_column(Uint(64))
    state: Mapped[str] = mapped_column(String(12))
    """submitted, returned, rejected, active or revoked."""
    confirmed_by_committee: Mapped[bool] = mapped_column(default=False)
    confirmed_by_customs: Mapped[bool] = mapped_column(default=False)
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerAmendment(Base):
    """A version of an active material certificate that waits to be confirmed, or the last that was not."""

    __tablename__ = "ledger_amendments"

    certificate: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    lines_root: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    holder: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    valid_from: Mapped[int] = mapped_column(Uint(64))
    valid_until: Mapped[int] = mapped_column(Uint(64))
    state: Mapped[str] = mapped_column(String(12))
    """submitted, returned or rejected."""
    confirmed_by_committee: Mapped[bool] = mapped_column(default=False)
    confirmed_by_customs: Mapped[bool] = mapped_column(default=False)
    carried: Mapped[int] = mapped_column(default=0)
    """Lines whose new ceiling is proven to be no less than what is drawn."""
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerDelegation(Base):
    """A broker whom the holder of a certificate lets draw from it."""

    __tablename__ = "ledger_delegations"

    certificate: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    broker: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    valid_from: Mapped[int] = mapped_column(Uint(64))
    valid_until: Mapped[int] = mapped_column(Uint(64))
    """Unix seconds; 0 where the delegation was taken back."""
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerLine(Base):
    """What is drawn of a line of a certificate, in millionths of its unit."""

    __tablename__ = "ledger_lines"

    certificate: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reserved: Mapped[int] = mapped_column(Uint(128))
    committed: Mapped[int] = mapped_column(Uint(128))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerDeclaration(Base):
    """The version of a declaration that counts."""

    __tablename__ = "ledger_declarations"

    declaration: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    state: Mapped[str] = mapped_column(String(12))
    """filed, withdrawn, released or denied."""
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerNote(Base):
    """A check note."""

    __tablename__ = "ledger_notes"

    note: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    gates: Mapped[int]
    binding: Mapped[int]
    """1 one vehicle and many documents, 2 one and one, 3 one document and many vehicles."""
    passed: Mapped[int] = mapped_column(default=0)
    """The last gate that the vehicle went through."""
    state: Mapped[str] = mapped_column(String(12))
    """open, approved, passed or voided."""
    approved_by: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerFinding(Base):
    """An examination report or a disposition."""

    __tablename__ = "ledger_findings"

    declaration: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    """report or disposition."""
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[int]
    """Of a report 1 conform, 2 not conform; of a disposition its code."""
    officer: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerRule(Base):
    """A rule of the green channel."""

    __tablename__ = "ledger_rules"

    rule: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    system: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    """Whose key may apply it."""
    most_releases: Mapped[int] = mapped_column(BigInteger)
    releases: Mapped[int] = mapped_column(BigInteger, default=0)
    valid_from: Mapped[int] = mapped_column(Uint(64))
    valid_until: Mapped[int] = mapped_column(Uint(64))
    state: Mapped[str] = mapped_column(String(12))
    """enacted or repealed."""
    officer: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    """Who put it in force."""
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerDecision(Base):
    """The decision on a declaration that counts: the first one, or its last correction."""

    __tablename__ = "ledger_decisions"

    declaration: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[int]
    outcome: Mapped[int]
    rule: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    """The rule that released on the green channel."""
    evidence_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    decided_at: Mapped[datetime]
    """Time of the block."""
    corrections: Mapped[int] = mapped_column(default=0)
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerCorrection(Base):
    """A correction of a decision, which names what it corrects."""

    __tablename__ = "ledger_corrections"

    statement: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    corrects: Mapped[bytes] = mapped_column(LargeBinary(WORD), unique=True)
    declaration: Mapped[bytes] = mapped_column(LargeBinary(WORD), index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[int]
    evidence_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LedgerCheckpoint(Base):
    """A checkpoint of the evidence log that the chain holds."""

    __tablename__ = "checkpoints"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    size: Mapped[int] = mapped_column(Uint(64), index=True)
    root: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    block_number: Mapped[int] = mapped_column(BigInteger)
    transaction_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    anchored_at: Mapped[datetime]
    """Time of the block."""


class LedgerWitness(Base):
    """A member's signature under a checkpoint."""

    __tablename__ = "checkpoint_witnesses"

    size: Mapped[int] = mapped_column(Uint(64), primary_key=True)
    organisation: Mapped[bytes] = mapped_column(LargeBinary(WORD), primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    block_number: Mapped[int] = mapped_column(BigInteger)


MIRRORS: tuple[type[Base], ...] = (
    LedgerOrganisation,
    LedgerKey,
    LedgerCertificate,
    LedgerAmendment,
    LedgerDelegation,
    LedgerLine,
    LedgerDeclaration,
    LedgerNote,
    LedgerFinding,
    LedgerRule,
    LedgerDecision,
    LedgerCorrection,
    LedgerCheckpoint,
    LedgerWitness,
)
