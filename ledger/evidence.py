"""The evidence log: an append-only tree (RFC 6962) over digests of everything that a decision may rest on.

A leaf is written in the transaction of what it vouches for and gets its place afterwards, from one
sequencer; a signed checkpoint of the tree goes to the chain through the outbox, with the proof that it
continues the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock, unix
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from ledger import merkle
from ledger.deployment import Deployment
from ledger.mirrors import LedgerCheckpoint, LedgerKey
from ledger.models import EvidenceLeaf, EvidenceLogHead, EvidenceNode, StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from ledger.roles import Role
from ledger.signing import Signer, sign_with
from ledger.statements import Checkpoint, digest

LEAF_FORMAT = "piste-evidence-v1"
CASE_KIND = "evidence"
LOG_CASE = UUID("65766964-656e-8365-8c6f-670000000000")
"""The case that all checkpoints belong to, so that they go to the chain one after the other."""
MOST_LEAVES = 2000
_HEAD = 1


class LeafMissing(PisteError):
    """The evidence log does not hold this leaf, or not within this size."""

    code = "evidence.leaf-missing"
    kind = Kind.MISSING
    message = Text(
        "The evidence log of {size} leaves does not hold leaf {leaf}.",
        "含{size}条记录的证据日志中没有记录{leaf}。",
    )
    next_step = Text(
        "Wait until the leaf has its place, or ask for a larger size.", "请等待该记录入列，或查询更大的日志。"
    )
    leaf: int
    size: int


@dataclass(frozen=True)
class InclusionProof:
    """Shows that the log of a size holds a leaf at its place."""

    leaf_hash: bytes
    index: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]

    def holds(self) -> bool:
        """Verify the proof against its own root; whether that root is anchored is another question."""
        return merkle.verify_inclusion(self.leaf_hash, self.index, self.size, self.proof, self.root)

    def to_json(self) -> dict[str, Any]:
        """Give the proof as JSON."""
        return {
            "leafHash": "0x" + self.leaf_hash.hex(),
            "index": self.index,
            "size": self.size,
            "root": "0x" + self.root.hex(),
            "proof": ["0x" + sibling.hex() for sibling in self.proof],
        }


def append_leaf(
    session: Session, *, kind: str, subject: UUID, content_hash: bytes, now: datetime
) -> EvidenceLeaf:
    """Write a leaf into the caller's transaction; its place comes later.

    Args:
        session: The transaction of what the leaf vouches for.
        kind: What sort of evidence it is, for example `history` or `document`.
        subject: The case.
        content_hash: SHA-256, or a content hash, 32 bytes.
        now: The present moment; whole seconds count.
    """
    leaf = EvidenceLeaf(
        kind=kind,
        subject=subject,
        content_hash=content_hash,
        at=now,
        leaf_hash=merkle.leaf_hash(leaf_data(kind, subject, content_hash, now)),
    )
    session.add(leaf)
    return leaf


def leaf_data(kind: str, subject: UUID, content_hash: bytes, at: datetime) -> bytes:
    """Give the bytes that a leaf hashes: canonical JSON (RFC 8785) of format, kind, subject, hash, Unix seconds."""
    return rfc8785.dumps([LEAF_FORMAT, kind, str(subject), content_hash.hex(), unix(at)])


def request_checkpoint(session: Session) -> None:
    """Ask for a checkpoint as soon as one can be made, instead of when its time has come."""
    _head(session).checkpoint_wanted = True


def log_size(session: Session) -> int:
    """Give how many leaves have their place."""
    head = session.get(EvidenceLogHead, _HEAD)
    return head.size if head is not None else 0


def root_at(session: Session, size: int) -> bytes:
    """Give the root of the log as it was at a size."""
    return merkle.root(stored_nodes(session), size)


def inclusion_proof(session: Session, leaf_id: int, size: int) -> InclusionProof:
    """Prove that the log of a size holds a leaf.

    Raises:
        LeafMissing: It does not.
    """
    leaf = session.get(EvidenceLeaf, leaf_id)
    if leaf is None or leaf.position is None or not leaf.position < size <= log_size(session):
        raise LeafMissing(leaf=leaf_id, size=size)
    nodes = stored_nodes(session)
    path = merkle.inclusion_proof(nodes, leaf.position, size)
    return InclusionProof(leaf.leaf_hash, leaf.position, size, merkle.root(nodes, size), path)


def consistency_proof(session: Session, first: int, second: int) -> tuple[bytes, ...]:
    """Prove that the log of one size is the beginning of the log of another.

    Raises:
        LeafMissing: The log is not that long, or the sizes are not in order.
    """
    if not 0 <= first <= second <= log_size(session):
        raise LeafMissing(leaf=second, size=log_size(session))
    return merkle.consistency_proof(stored_nodes(session), first, second)


def covering_checkpoint(session: Session, position: int) -> LedgerCheckpoint | None:
    """Find the first checkpoint on the chain that covers a place of the log."""
    return session.scalar(
        select(LedgerCheckpoint)
        .where(LedgerCheckpoint.size > position)
        .order_by(LedgerCheckpoint.size, LedgerCheckpoint.id)
        .limit(1)
    )


def stored_nodes(session: Session) -> merkle.Nodes:
    """Make a look-up of the log's complete subtrees."""
    seen: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        found = seen.get((level, index))
        if found is None:
            query = (
                select(EvidenceNode.hash).where(EvidenceNode.level == level, EvidenceNode.index == index)
                if level
                else select(EvidenceLeaf.leaf_hash).where(EvidenceLeaf.position == index)
            )
            found = seen[level, index] = session.scalars(query).one()
        return found

    return node


def sequence(session: Session, *, most: int = MOST_LEAVES) -> int:
    """Give leaves without one their place, without gaps, in the order in which they were written; tell how many."""
    head = _head(session)
    leaves = session.scalars(
        select(EvidenceLeaf).where(EvidenceLeaf.position.is_(None)).order_by(EvidenceLeaf.id).limit(most)
    ).all()
    fresh: dict[tuple[int, int], bytes] = {}
    stored = stored_nodes(session)

    def nodes(level: int, index: int) -> bytes:
        return fresh[level, index] if (level, index) in fresh else stored(level, index)

    with session.no_autoflush:
        for leaf in leaves:
            leaf.position = head.size
            fresh[0, head.size] = leaf.leaf_hash
            for level, index, node in merkle.completed(leaf.leaf_hash, head.size, nodes):
                fresh[level, index] = node
                session.add(EvidenceNode(level=level, index=index, hash=node))
            head.size += 1
    session.flush()
    return len(leaves)


@dataclass
class EvidenceLogKeeper:
    """The log's sequencer and signer of checkpoints; one at a time.

    Args:
        database: Where the log is.
        deployment: Where the contracts stand.
        signer: The log's key.
        clock: Tells the time.
        interval: Longest time between two checkpoints while leaves come in.
    """

    database: Database
    deployment: Deployment
    signer: Signer
    clock: Clock = field(default_factory=SystemClock)
    interval: timedelta = timedelta(seconds=60)

    def step(self) -> int:
        """Give new leaves their place and sign a checkpoint where one is due; tell how many leaves and checkpoints."""
        with self.database.read() as session:
            if not _has_new_leaves(session) and not self._is_due(session):
                return 0
        with self.database.write() as session:
            count = sequence(session)
            if self._is_due(session):
                self._checkpoint(session)
                count += 1
        return count

    def _is_due(self, session: Session) -> bool:
        head = session.get(EvidenceLogHead, _HEAD)
        if head is None or head.size <= _anchored_size(session):
            return False
        rests = head.checkpointed_at is not None and self.clock.now() - head.checkpointed_at < self.interval
        if rests and not head.checkpoint_wanted:
            return False
        return self._may_sign(session) and not _is_under_way(session)

    def _may_sign(self, session: Session) -> bool:
        key = session.get(LedgerKey, self.signer.key_id)
        return key is not None and key.revoked_at_block is None and bool(key.roles & Role.LOG)

    def _checkpoint(self, session: Session) -> StatementRecord:
        head, now = _head(session), self.clock.now()
        statement = Checkpoint(size=head.size, root=root_at(session, head.size), signed_at=unix(now))
        proof = consistency_proof(session, _anchored_size(session), head.size)
        head.checkpointed_at, head.checkpoint_wanted = now, False
        return enqueue_statement(
            session,
            statement,
            self.deployment,
            signatures=[sign_with(self.signer, digest(statement, self.deployment))],
            case_kind=CASE_KIND,
            case_id=LOG_CASE,
            intent={},
            arguments={"proof": ["0x" + node.hex() for node in proof]},
            now=now,
        )


def _head(session: Session) -> EvidenceLogHead:
    """Give the log's one row, locked."""
    head = session.get(EvidenceLogHead, _HEAD, with_for_update=True)
    if head is None:
        head = EvidenceLogHead(id=_HEAD, size=0, checkpoint_wanted=False, checkpointed_at=None)
        session.add(head)
        session.flush()
    return head


def _has_new_leaves(session: Session) -> bool:
    return session.scalar(select(EvidenceLeaf.id).where(EvidenceLeaf.position.is_(None)).limit(1)) is not None


def _anchored_size(session: Session) -> int:
    return session.scalar(select(func.max(LedgerCheckpoint.size))) or 0


def _is_under_way(session: Session) -> bool:
    states = (StatementState.QUEUED, StatementState.SENT)
    query = select(StatementRecord.id).where(
        StatementRecord.case_id == LOG_CASE, StatementRecord.state.in_(states)
    )
    return session.scalar(query.limit(1)) is not None
