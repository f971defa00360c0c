"""The evidence log: an append-only tree (RFC 6962) over digests of everything that a decision may rest on.

A leaf is written in the transaction of what it vouches for and gets its place afterwards, from one
sequencer, together with thousands of others; a signed checkpoint of the tree goes to the chain through the outbox, with
the proof that it continues the one before. The tree itself is files, see `tiles`; the database holds the leaves and the
head, and the tree can be built from either alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock, unix
from kernel.database import EVIDENCE, Database
from kernel.errors import Kind, PisteError, Text
from ledger.chain.deployment import Deployment
from ledger.evidence import merkle
from ledger.evidence.tile_files import TileDamaged
from ledger.evidence.tiles import EMPTY, LogContradicted, TileTree, TreeHead
from ledger.keys.roles import Role
from ledger.keys.signing import Signer, sign_with
from ledger.mirrors import LedgerCheckpoint, LedgerKey
from ledger.models import EvidenceLeaf, EvidenceLogHead, StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from ledger.points import nothing
from ledger.statements import Checkpoint, digest

LEAF_FORMAT = "piste-evidence-v1"
CASE_KIND = "evidence"
LOG_CASE = UUID("65766964-656e-8365-8c6f-670000000000")
"""The case that all checkpoints belong to, so that they go to the chain one after the other."""
MOST_LEAVES = 20_000
"""Leaves that get their place in one transaction."""
EXAMINED_EVERY = timedelta(hours=1)
"""How often the keeper goes through all files of the tree."""
_LEAD = 12
"""A checkpoint is signed a twelfth of the interval early, so that the chain has it in time."""
_HEAD = 1
_log = structlog.get_logger()


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


class LeafAltered(PisteError):
    """A leaf was altered before it had its place; nothing gets a place until somebody has looked."""

    code = "evidence.leaf-altered"
    kind = Kind.UNAVAILABLE
    message = Text(
        "Leaf {leaf} of the evidence log no longer has the hash that it was written with.",
        "证据日志记录{leaf}与其写入时的哈希不符。",
    )
    next_step = Text(
        "Call the operator: the database was changed by hand, or is damaged.",
        "请联系运维：数据库被人为改动或已损坏。",
    )
    leaf: int


class EvidenceFolderUnknown(PisteError):
    """Nobody has said where the files of the evidence log are."""

    code = "evidence.folder-unknown"
    kind = Kind.UNAVAILABLE
    message = Text("The folder of the evidence log is not known.", "未设置证据日志目录。")
    next_step = Text("Set PISTE_EVIDENCE_DIR.", "请设置PISTE_EVIDENCE_DIR。")


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
    leaf = EvidenceLeaf(**leaf_values(kind=kind, subject=subject, content_hash=content_hash, now=now))
    session.add(leaf)
    return leaf


def leaf_values(*, kind: str, subject: UUID, content_hash: bytes, now: datetime) -> dict[str, Any]:
    """Give the columns of a leaf, see `append_leaf`."""
    return {
        "kind": kind,
        "subject": subject,
        "content_hash": content_hash,
        "at": now,
        "leaf_hash": merkle.leaf_hash(leaf_data(kind, subject, content_hash, now)),
    }


def leaf_data(kind: str, subject: UUID, content_hash: bytes, at: datetime) -> bytes:
    """Give the bytes that a leaf hashes: canonical JSON (RFC 8785) of format, kind, subject, hash, Unix seconds."""
    # For strings and whole numbers this is the canonical form, at a tenth of the price.
    return orjson.dumps([LEAF_FORMAT, kind, str(subject), content_hash.hex(), unix(at)])


def request_checkpoint(session: Session) -> None:
    """Ask for a checkpoint as soon as one can be made, instead of when its time has come."""
    _head(session).checkpoint_wanted = True


def log_size(session: Session) -> int:
    """Give how many leaves have their place."""
    head = session.get(EvidenceLogHead, _HEAD)
    return head.size if head is not None else 0


def tree_head(session: Session) -> TreeHead:
    """Give how long the log is and what its root is.

    Raises:
        TileDamaged: The tree of an older installation is not on disk yet.
    """
    head = session.get(EvidenceLogHead, _HEAD)
    return _tree_head(head) if head is not None else EMPTY


def tiles_of(session: Session) -> TileTree:
    """Give the tree on disk that belongs to a session's database.

    Raises:
        EvidenceFolderUnknown: The database does not say where it is.
    """
    folder = session.info.get(EVIDENCE)
    if folder is None:
        raise EvidenceFolderUnknown
    return _tree(folder)


def root_at(session: Session, size: int) -> bytes:
    """Give the root of the log as it was at a size.

    Raises:
        LeafMissing: The log is not that long.
    """
    if not 0 <= size <= log_size(session):
        raise LeafMissing(leaf=size, size=log_size(session))
    return merkle.root(_nodes(session), size)


def inclusion_proof(session: Session, leaf_id: int, size: int) -> InclusionProof:
    """Prove that the log of a size holds a leaf.

    Raises:
        LeafMissing: It does not.
    """
    leaf = session.get(EvidenceLeaf, leaf_id)
    if leaf is None or leaf.position is None or not leaf.position < size <= log_size(session):
        raise LeafMissing(leaf=leaf_id, size=size)
    nodes = _nodes(session)
    path = merkle.inclusion_proof(nodes, leaf.position, size)
    return InclusionProof(leaf.leaf_hash, leaf.position, size, merkle.root(nodes, size), path)


def consistency_proof(session: Session, first: int, second: int) -> tuple[bytes, ...]:
    """Prove that the log of one size is the beginning of the log of another.

    Raises:
        LeafMissing: The log is not that long, or the sizes are not in order.
    """
    if not 0 <= first <= second <= log_size(session):
        raise LeafMissing(leaf=second, size=log_size(session))
    return merkle.consistency_proof(_nodes(session), first, second)


def covering_checkpoint(session: Session, position: int) -> LedgerCheckpoint | None:
    """Find the first checkpoint on the chain that covers a place of the log."""
    return session.scalar(
        select(LedgerCheckpoint)
        .where(LedgerCheckpoint.size > position)
        .order_by(LedgerCheckpoint.size, LedgerCheckpoint.id)
        .limit(1)
    )


def sequence(session: Session, *, most: int = MOST_LEAVES) -> int:
    """Give leaves without one their place, without gaps, in the order in which they were written; tell how many.

    The tree is on the disk before the caller commits.

    Raises:
        LeafAltered: A leaf does not have the hash that it was written with.
        TileDamaged: The edge of the tree is not what the database says.
    """
    head = _head(session)
    before = _tree_head(head)
    waiting = (
        select(EvidenceLeaf.id)
        .where(EvidenceLeaf.position.is_(None))
        .order_by(EvidenceLeaf.id)
        .limit(most)
        .subquery()
    )
    place = (func.row_number().over(order_by=waiting.c.id) - 1 + before.size).label("place")
    numbered = select(waiting.c.id, place).subquery()
    columns = EvidenceLeaf.__table__.c
    leaves = session.execute(
        update(EvidenceLeaf.__table__)  # type: ignore[arg-type]  # declared as FromClause
        .where(columns.id == numbered.c.id)
        .values(position=numbered.c.place)
        .returning(*columns)
    ).all()
    leaves = sorted(leaves, key=lambda leaf: int(leaf.position))
    entries = [leaf_data(leaf.kind, leaf.subject, leaf.content_hash, leaf.at) for leaf in leaves]
    if merkle.leaf_hashes(entries) != b"".join([leaf.leaf_hash for leaf in leaves]):
        pairs = zip(leaves, entries, strict=True)
        raise LeafAltered(leaf=next(it.id for it, entry in pairs if merkle.leaf_hash(entry) != it.leaf_hash))
    after = tiles_of(session).append(before, entries)
    head.size, head.root = after.size, after.root
    session.flush()
    return len(leaves)


def mend(database: Database) -> list[str]:
    """Build the tree from the leaves where files are missing or damaged; give the names of what was written.

    Raises:
        LogContradicted: The leaves do not give the root that the database or the chain has.
    """
    with database.read() as session:
        head = session.get(EvidenceLogHead, _HEAD)
        if head is None:
            return []

        def source(start: int, end: int) -> list[bytes]:
            query = (
                select(EvidenceLeaf.kind, EvidenceLeaf.subject, EvidenceLeaf.content_hash, EvidenceLeaf.at)
                .where(EvidenceLeaf.position >= start, EvidenceLeaf.position < end)
                .order_by(EvidenceLeaf.position)
            )
            return [leaf_data(*leaf) for leaf in session.execute(query)]

        tiles = tiles_of(session)
        found, mended = tiles.mend(head.size, source, head.root)
        anchored = session.scalar(
            select(LedgerCheckpoint)
            .where(LedgerCheckpoint.size <= head.size)
            .order_by(LedgerCheckpoint.size.desc())
            .limit(1)
        )
        if anchored is not None and merkle.root(tiles.nodes(found), anchored.size) != anchored.root:
            raise LogContradicted(size=anchored.size)
    if head.root is None:
        with database.write() as session:
            _head(session).root = found.root
    return mended


@dataclass
class EvidenceLogKeeper:
    """The log's sequencer and signer of checkpoints; one at a time.

    Args:
        database: Where the log is.
        deployment: Where the contracts stand.
        signer: The log's key.
        clock: Tells the time.
        interval: Longest time between two checkpoints while leaves come in.
        at: Called at each named point between two steps, for tests that kill there.
    """

    database: Database
    deployment: Deployment
    signer: Signer
    clock: Clock = field(default_factory=SystemClock)
    interval: timedelta = timedelta(seconds=60)
    at: Callable[[str], None] = nothing
    _examination: Iterator[str | None] = field(default_factory=lambda: iter(()), init=False)
    _examined_at: datetime | None = field(default=None, init=False)

    def step(self) -> int:
        """Give new leaves their place and sign a checkpoint where one is due; tell how many leaves and checkpoints.

        With nothing else to do, look at one file of the tree. What is damaged is built anew from the leaves.
        """
        try:
            return self._step()
        except TileDamaged as fault:
            _log.warning("evidence.damaged", file=fault.file)
            _log.info("evidence.mended", files=mend(self.database)[:100])
            return 1

    def _step(self) -> int:
        with self.database.read() as session:
            if not _has_new_leaves(session) and not self._is_due(session):
                self._examine(session)
                return 0
        with self.database.write() as session:
            count = sequence(session)
            self.at("checkpoint.sequenced")
            if self._is_due(session):
                self._checkpoint(session)
                count += 1
            self.at("checkpoint.signed")
        self.at("checkpoint.committed")
        return count

    def _examine(self, session: Session) -> None:
        """Look at the next file of the tree; begin again every hour."""
        now = self.clock.now()
        if self._examined_at is None or now - self._examined_at >= EXAMINED_EVERY:
            self._examined_at = now
            head = tree_head(session)
            self._examination = tiles_of(session).examine(head) if head.size else iter(())
        damaged = next(self._examination, None)
        if damaged is not None:
            self._examined_at = None
            raise TileDamaged(file=damaged)

    def _is_due(self, session: Session) -> bool:
        head = session.get(EvidenceLogHead, _HEAD)
        if head is None or head.size <= _anchored_size(session):
            return False
        rest = self.interval - self.interval / _LEAD
        rests = head.checkpointed_at is not None and self.clock.now() - head.checkpointed_at < rest
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


@lru_cache(maxsize=8)
def _tree(folder: Path) -> TileTree:
    """Give one tree for each folder, so that all sessions of a process share its memory."""
    return TileTree(folder)


def _tree_head(head: EvidenceLogHead) -> TreeHead:
    if head.root is None and head.size:
        raise TileDamaged(file="tile")
    return TreeHead(head.size, head.root or EMPTY.root)


def _nodes(session: Session) -> merkle.Nodes:
    return tiles_of(session).nodes(tree_head(session))


def _head(session: Session) -> EvidenceLogHead:
    """Give the log's one row, locked."""
    head = session.get(EvidenceLogHead, _HEAD, with_for_update=True)
    if head is None:
        head = EvidenceLogHead(
            id=_HEAD, size=0, root=EMPTY.root, checkpoint_wanted=False, checkpointed_at=None
        )
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
