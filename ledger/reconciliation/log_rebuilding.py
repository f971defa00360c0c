"""The leaves of the evidence log restored from its entry files, each root held against the checkpoints on the chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from ledger.evidence import merkle
from ledger.evidence.log import LEAF_FORMAT, leaf_data
from ledger.evidence.tile_files import ENTRIES, WIDTH, TileFolder, split
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, EvidenceLogHead
from ledger.reconciliation.log_reconciliation import GrowingRoot
from ledger.reconciliation.rebuilding import Watch, unwatched

LEAVES_AT_ONCE = 4 * WIDTH


class EntryUnreadable(PisteError):
    """An entry of the evidence log is not one of ours."""

    code = "rebuild.entry-unreadable"
    kind = Kind.UNAVAILABLE
    message = Text(
        "Entry {position} of the evidence log cannot be read.", "证据日志的第{position}条记录无法读取。"
    )
    next_step = Text("Restore the log's files from a backup or a witness.", "请从备份或见证方恢复日志文件。")
    position: int


class RootNotAnchored(PisteError):
    """The entries do not give the root that is on the chain."""

    code = "rebuild.root-not-anchored"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The first {size} entries do not give the root that is anchored on the chain.",
        "前{size}条记录与链上锚定的根不一致。",
    )
    next_step = Text("Restore the log's files from a backup or a witness.", "请从备份或见证方恢复日志文件。")
    size: int


@dataclass(frozen=True)
class Entry:
    """A leaf as its entry tells it."""

    kind: str
    subject: UUID
    content_hash: bytes
    at: datetime

    @classmethod
    def read(cls, data: bytes, position: int) -> Self:
        """Read an entry.

        Raises:
            EntryUnreadable: It is none of ours.
        """
        try:
            form, kind, subject, content_hash, at = orjson.loads(data)
            found = cls(kind, UUID(subject), bytes.fromhex(content_hash), datetime.fromtimestamp(at, UTC))
        except (ValueError, TypeError, OverflowError, OSError):
            raise EntryUnreadable(position=position) from None
        if form != LEAF_FORMAT or leaf_data(found.kind, found.subject, found.content_hash, found.at) != data:
            raise EntryUnreadable(position=position)
        return found


def entries_in(folder: Path) -> Iterator[bytes]:
    """Give the entries of a log's files in their order, up to the first that is not there."""
    files, index = TileFolder(folder), 0
    while (data := files.read(ENTRIES, index, WIDTH)) is not None:
        yield from split(data) or ()
        index += 1
    width = next((width for width in range(WIDTH - 1, 0, -1) if files.read(ENTRIES, index, width)), 0)
    if width:
        yield from split(files.read(ENTRIES, index, width) or b"") or ()


def restore_leaves(database: Database, entries: Iterable[bytes], watch: Watch = unwatched) -> int:
    """Write the leaves of an empty log; give how many.

    Args:
        database: Holds the checkpoints of the chain already, and no leaf.
        entries: The data of the leaves, from the first on.
        watch: Hears how far it is.

    Raises:
        EntryUnreadable: An entry is none of ours.
        RootNotAnchored: The entries do not give the anchored roots, or there are fewer than were anchored.
    """
    with database.read() as session:
        anchored = {
            checkpoint.size: checkpoint.root for checkpoint in session.scalars(select(LedgerCheckpoint))
        }
    growing, count = GrowingRoot(), 0
    source = iter(entries)
    while True:
        with database.write() as session:
            written = 0
            for data in source:
                session.add(_leaf(data, count, growing))
                count, written = count + 1, written + 1
                if anchored.pop(count, growing.root()) != growing.root():
                    raise RootNotAnchored(size=count)
                if written == LEAVES_AT_ONCE:
                    break
            _write_head(session, count, growing.root())
        watch("evidence", count, max(count, *anchored, 0) if anchored else count)
        if written < LEAVES_AT_ONCE:
            break
    if anchored:
        raise RootNotAnchored(size=min(anchored))
    return count


def _leaf(data: bytes, position: int, growing: GrowingRoot) -> EvidenceLeaf:
    entry, hashed = Entry.read(data, position), merkle.leaf_hash(data)
    growing.add(hashed)
    return EvidenceLeaf(
        position=position,
        kind=entry.kind,
        subject=entry.subject,
        content_hash=entry.content_hash,
        at=entry.at,
        leaf_hash=hashed,
    )


def _write_head(session: Session, size: int, root: bytes) -> None:
    session.merge(EvidenceLogHead(id=1, size=size, root=root, checkpoint_wanted=False, checkpointed_at=None))
