"""The evidence log held against itself and the chain: places, leaf hashes, and every anchored root from its leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.evidence import merkle
from ledger.evidence.log import leaf_data, log_size
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import Watch, unwatched

ROWS_AT_ONCE = 1000
_WHERE = {"table": EvidenceLeaf.__tablename__}


@dataclass
class GrowingRoot:
    """The root of a log that grows leaf by leaf; keeps the subtrees at its right edge alone.

    Args:
        edge: Complete subtrees as (leaves, hash), the largest first.
    """

    edge: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Take in the next leaf's hash."""
        width, node = 1, leaf
        while self.edge and self.edge[-1][0] == width:
            node = merkle.node_hash(self.edge.pop()[1], node)
            width *= 2
        self.edge.append((width, node))

    def root(self) -> bytes:
        """Give the root so far."""
        if not self.edge:
            return merkle.EMPTY_ROOT
        current = self.edge[-1][1]
        for _, node in reversed(self.edge[:-1]):
            current = merkle.node_hash(node, current)
        return current


def log_differences(session: Session, watch: Watch = unwatched) -> Iterator[Difference]:
    """Go through every leaf that has its place; hold its hash, its place and the roots that follow against the chain.

    Args:
        session: The database; its checkpoints are compared with the chain's events elsewhere.
        watch: Hears how far it is.
    """
    size = log_size(session)
    checkpoints = iter(
        session.execute(
            select(LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.block_number)
            .order_by(LedgerCheckpoint.size, LedgerCheckpoint.id)
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
    )
    wanted = next(checkpoints, None)
    growing, count = GrowingRoot(), 0
    leaves = session.execute(
        select(EvidenceLeaf)
        .where(EvidenceLeaf.position.is_not(None))
        .order_by(EvidenceLeaf.position)
        .execution_options(yield_per=ROWS_AT_ONCE)
    ).scalars()
    for leaf in leaves:
        if leaf.position != count:
            yield Difference("evidence.gap", _WHERE | {"position": count}, here=leaf.position, there=count)
            count = leaf.position or 0
        said = merkle.leaf_hash(leaf_data(leaf.kind, leaf.subject, leaf.content_hash, leaf.at))
        if said != leaf.leaf_hash:
            where = _WHERE | {"position": leaf.position, "case": leaf.subject}
            yield Difference("evidence.leaf-differs", where, here=leaf.leaf_hash, there=said)
        growing.add(said)
        count += 1
        while wanted is not None and wanted.size <= count:
            if wanted.size == count and growing.root() != wanted.root:
                yield _wrong_root(wanted.size, wanted.block_number, growing.root(), wanted.root)
            wanted = next(checkpoints, None)
        if count % ROWS_AT_ONCE == 0:
            session.expunge_all()
            watch("evidence", count, size)
    if count != size:
        yield Difference("evidence.size-differs", {"table": "evidence_log"}, here=size, there=count)
    while wanted is not None:
        yield _wrong_root(wanted.size, wanted.block_number, None, wanted.root)
        wanted = next(checkpoints, None)
    watch("evidence", count, size)


def _wrong_root(size: int, block: int, here: bytes | None, there: bytes) -> Difference:
    return Difference(
        "evidence.root-differs", _WHERE | {"size": size, "block": block}, here=here, there=there
    )
