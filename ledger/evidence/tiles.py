"""The evidence log's tree on disk: appended to by one keeper, read by many, nothing read that is not checked.

The database holds the head of the log, size and root. Everything else is files (`tile_files`): the edge of the tree is
checked against the root, each full tile against its hash in the tile above, each entry against its leaf hash. So a
reader needs to trust the head alone, and a proof costs no query.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel.errors import Kind, PisteError, Text
from ledger.evidence import merkle
from ledger.evidence.merkle import Rows, leaf_hashes, rows_of
from ledger.evidence.tile_files import (
    ENTRIES,
    HASH,
    HEIGHT,
    MOST_ENTRY_BYTES,
    WIDTH,
    Shelf,
    TileDamaged,
    TileFolder,
    file_name,
    joined,
    split,
)
from ledger.points import nothing

FULL = WIDTH * HASH
MOST_TILES = 1024
"""Full tiles kept in memory, 16 KiB each."""
_MOST_EDGES = 4
Source = Callable[[int, int], Sequence[bytes]]
"""Gives the entries from one place up to but not including another, from where they were first written."""


class LogContradicted(PisteError):
    """The leaves do not give the root that the log has signed; somebody changed the past."""

    code = "evidence.log-contradicted"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The leaves of the evidence log do not give its root at size {size}.",
        "证据日志的记录与其规模{size}时的根不符。",
    )
    next_step = Text(
        "Call the auditor: restore the database from a backup; nothing is signed until then.",
        "请联系审计人员并从备份恢复数据库；在此之前不再签署任何检查点。",
    )
    size: int


@dataclass(frozen=True)
class TreeHead:
    """How long the log is and what its root is."""

    size: int
    root: bytes

    def width(self, level: int) -> int:
        """Tell how many hashes the partial tile of a level holds."""
        return (self.size >> HEIGHT * level) % WIDTH

    def full(self, level: int) -> int:
        """Tell how many full tiles a level has."""
        return self.size >> HEIGHT * (level + 1)

    def levels(self) -> range:
        """Give the levels that have tiles."""
        return range(-(-self.size.bit_length() // HEIGHT))


EMPTY = TreeHead(0, merkle.EMPTY_ROOT)


class TileTree:
    """One log's tree.

    Args:
        folder: Where its files are.
        most_tiles: Full tiles kept in memory.
        at: Called at each named point between two steps, for tests that kill there.
    """

    def __init__(
        self, folder: Path, *, most_tiles: int = MOST_TILES, at: Callable[[str], None] = nothing
    ) -> None:
        self._files = TileFolder(folder)
        self._most_tiles = most_tiles
        self._at = at
        self._full: OrderedDict[tuple[int, int], Rows] = OrderedDict()
        self._known_edges: OrderedDict[TreeHead, tuple[Rows, ...]] = OrderedDict()
        self._lock = threading.RLock()

    def append(self, head: TreeHead, entries: Sequence[bytes]) -> TreeHead:
        """Write entries behind a head and give the new head; it counts once the caller has committed it.

        All is on the disk when this returns. Whatever an earlier append wrote beyond the head is written over.

        Raises:
            TileDamaged: The edge of the log is not what the head says.
            LogHasAnotherWriter: Somebody else is writing.
            ValueError: An entry is longer than 65,535 bytes.
        """
        if not entries:
            return head
        if max(map(len, entries)) > MOST_ENTRY_BYTES:
            raise ValueError(MOST_ENTRY_BYTES)
        with self._files.locked():
            edge = [rows[0] for rows in self._edges(head)]
            self._trim(head)
            self._at("tiles.trimmed")
            self._write_entries(head, list(entries))
            self._at("tiles.entries")
            level, fresh = 0, leaf_hashes(entries)
            while fresh:
                before = edge[level] if level < len(edge) else b""
                above, left = self._write_level(head, level, before + fresh)
                edge[level : level + 1] = [left]
                self._at(f"tiles.level-{min(level, 1)}")
                level, fresh = level + 1, above
            self._files.sync()
            self._at("tiles.synced")
        known = tuple(rows_of(row) for row in edge)
        grown = TreeHead(head.size + len(entries), _root(known))
        self._remember(grown, known)
        return grown

    def nodes(self, head: TreeHead) -> merkle.Nodes:
        """Make a look-up of the complete subtrees of a log, for roots and proofs of any size up to the head's.

        Raises:
            TileDamaged: From the look-up, where a file is not what it should be.
            IndexError: From the look-up, where the subtree is not complete.
        """

        def node(level: int, index: int) -> bytes:
            if index < 0 or (index + 1) << level > head.size:
                raise IndexError(index)
            shelf, inner = divmod(level, HEIGHT)
            tile, offset = divmod(index, WIDTH >> inner)
            row = self._tile(head, shelf, tile)[inner]
            return row[offset * HASH : (offset + 1) * HASH]

        return node

    def tile(self, head: TreeHead, level: int, index: int, width: int = WIDTH) -> bytes:
        """Give a tile's hashes, checked.

        Raises:
            IndexError: The log has no such tile, or not of that width.
            TileDamaged: It is not what it should be.
        """
        _check_width(head, level, index, width)
        return self._tile(head, level, index)[0][: width * HASH]

    def bundle(self, head: TreeHead, index: int, width: int = WIDTH) -> bytes:
        """Give the entries of a bundle as its file holds them, checked; raises as `tile`."""
        _check_width(head, 0, index, width)
        return joined(self._entries(head, index)[:width])

    def entries(self, head: TreeHead, start: int, end: int) -> list[bytes]:
        """Give the data of leaves, checked.

        Raises:
            IndexError: The log does not hold them all.
            TileDamaged: A file is not what it should be.
        """
        if not 0 <= start <= end <= head.size:
            raise IndexError(end)
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            first = index * WIDTH
            found += self._entries(head, index)[max(start - first, 0) : end - first]
        return found

    def examine(self, head: TreeHead) -> Iterator[str | None]:
        """Go through all files, past the memory; give for each the name of what is damaged, or None."""
        try:
            self._edges(head, afresh=True)
        except TileDamaged as fault:
            yield fault.file
            return
        for level in reversed(head.levels()):
            for index in range(head.full(level)):
                try:
                    self._load(head, level, index)
                    yield None
                except TileDamaged as fault:
                    yield fault.file
        for index in range(-(-head.size // WIDTH)):
            try:
                self._entries(head, index)
                yield None
            except TileDamaged as fault:
                yield fault.file

    def mend(self, size: int, source: Source, root: bytes | None) -> tuple[TreeHead, list[str]]:
        """Write anew what is damaged or missing; give the head and the names of what was written.

        Args:
            size: Leaves of the log.
            source: Gives leaves from the database.
            root: What the leaves must give; None where nobody has said so yet.

        Raises:
            LogContradicted: The leaves do not give the root.
        """
        with self._files.locked(), self._lock:
            self.forget()
            mended: list[str] = []
            found = self._mend(size, source, mended)
            if root is not None and found != root:  # a tile and its entries may have been altered alike
                found = self._mend(size, source, mended, trusting=False)
                if found != root:
                    raise LogContradicted(size=size)
            self._files.sync()
        return TreeHead(size, found), mended

    def forget(self) -> None:
        """Drop what is kept in memory."""
        with self._lock:
            self._full.clear()
            self._known_edges.clear()

    def _write_entries(self, head: TreeHead, entries: list[bytes]) -> None:
        index, width = head.full(0), head.width(0)
        if width:
            entries = self._entries(head, index) + entries
        for start in range(0, len(entries), WIDTH):
            self._write(head, ENTRIES, index, joined(part := entries[start : start + WIDTH]), len(part))
            index += 1

    def _write_level(self, head: TreeHead, level: int, row: bytes) -> tuple[bytes, bytes]:
        """Write the tiles of a level from its edge on; give what goes to the level above and what is left at the edge."""
        above, index = [], head.full(level)
        for start in range(0, len(row), FULL):
            part = row[start : start + FULL]
            self._write(head, level, index, part, len(part) // HASH)
            if len(part) == FULL:
                above.append(rows_of(part)[HEIGHT])
                index += 1
        return b"".join(above), row[len(row) - len(row) % FULL :]

    def _write(self, head: TreeHead, shelf: Shelf, index: int, data: bytes, width: int) -> None:
        if width == WIDTH and index > head.full(0 if shelf == ENTRIES else int(shelf)):
            self._files.drop_partial(shelf, index)  # of an append that was never committed
        self._files.write(shelf, index, width, data)

    def _trim(self, head: TreeHead) -> None:
        self._files.trim(ENTRIES, head.full(0), head.width(0))
        for level in range(head.levels().stop + 1):
            self._files.trim(level, head.full(level), head.width(level))

    def _tile(self, head: TreeHead, level: int, index: int) -> Rows:
        if index == head.full(level):
            return self._edges(head)[level]
        with self._lock:
            if (rows := self._full.get((level, index))) is not None:
                self._full.move_to_end((level, index))
                return rows
        rows = self._load(head, level, index)
        with self._lock:
            self._full[level, index] = rows
            while len(self._full) > self._most_tiles:
                self._full.popitem(last=False)
        return rows

    def _load(self, head: TreeHead, level: int, index: int) -> Rows:
        """Read a full tile and check it against its hash in the tile above."""
        data = self._files.read(level, index, WIDTH)
        rows = rows_of(data) if data is not None and len(data) == FULL else ()
        above, offset = divmod(index, WIDTH)
        expected = self._tile(head, level + 1, above)[0][offset * HASH : (offset + 1) * HASH]
        if not rows or rows[HEIGHT] != expected:
            raise TileDamaged(file=file_name(level, index))
        return rows

    def _edges(self, head: TreeHead, *, afresh: bool = False) -> tuple[Rows, ...]:
        """Read the partial tiles and check them against the root; a level may have an empty one."""
        with self._lock:
            if head in self._known_edges and not afresh:
                return self._known_edges[head]
        edge = tuple(rows_of(self._partial(head, level)) for level in head.levels())
        if _root(edge) != head.root:
            raise TileDamaged(file=self._wrong_edge(head, edge))
        return self._remember(head, edge)

    def _remember(self, head: TreeHead, edge: tuple[Rows, ...]) -> tuple[Rows, ...]:
        with self._lock:
            self._known_edges[head] = edge
            while len(self._known_edges) > _MOST_EDGES:
                self._known_edges.popitem(last=False)
        return edge

    def _partial(self, head: TreeHead, level: int) -> bytes:
        index, width = head.full(level), head.width(level)
        data = self._files.read(level, index, width) if width else b""
        if data is None or len(data) < width * HASH:
            raise TileDamaged(file=file_name(level, index, width))
        return data[: width * HASH]

    def _wrong_edge(self, head: TreeHead, edge: Sequence[Rows]) -> str:
        """Name the partial tile that does not fit what lies below it; the lowest where all seem to."""
        for level in range(1, len(edge)):
            first = head.full(level) * WIDTH
            for offset in range(head.width(level)):
                below = self._files.read(level - 1, first + offset, WIDTH) or b""
                said = edge[level][0][offset * HASH : (offset + 1) * HASH]
                if len(below) == FULL and rows_of(below)[HEIGHT] != said:
                    return file_name(level, head.full(level), head.width(level))
        level = next((level for level in head.levels() if head.width(level)), 0)
        return file_name(level, head.full(level), head.width(level))

    def _entries(self, head: TreeHead, index: int) -> list[bytes]:
        """Read a bundle and check it against the leaf hashes."""
        row = self._tile(head, 0, index)[0]
        width = len(row) // HASH
        found = _bundle(self._files.read(ENTRIES, index, width), width)
        if found is None or leaf_hashes(found) != row:
            raise TileDamaged(file=file_name(ENTRIES, index, width))
        return found

    def _mend(self, size: int, source: Source, mended: list[str], *, trusting: bool = True) -> bytes:
        edge, above = [], []
        for index in range(-(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            entries = _bundle(self._files.read(ENTRIES, index, width), width) if trusting else None
            row = leaf_hashes(entries or ())
            if entries is None or not self._holds(0, index, row):
                first = index * WIDTH
                fresh = list(source(first, first + width))
                if fresh != entries:
                    self._put(ENTRIES, index, joined(fresh), width, mended)
                row = leaf_hashes(fresh)
                if not self._holds(0, index, row):
                    self._put(0, index, row, width, mended)
            above.append(row)
        level = 0
        while above:
            rows = [rows_of(row) for row in above]
            edge.append(rows.pop() if len(above[-1]) < FULL else rows_of(b""))
            level, above = level + 1, _parts(b"".join(it[HEIGHT] for it in rows))
            for index, row in enumerate(above):
                if not self._holds(level, index, row):
                    self._put(level, index, row, len(row) // HASH, mended)
        return _root(edge)

    def _holds(self, level: int, index: int, row: bytes) -> bool:
        found = self._files.read(level, index, len(row) // HASH) or b""
        return found == row if len(row) == FULL else found[: len(row)] == row

    def _put(self, shelf: Shelf, index: int, data: bytes, width: int, mended: list[str]) -> None:
        self._files.replace(shelf, index, width, data)
        mended.append(file_name(shelf, index, width))


def _root(edge: Sequence[Rows]) -> bytes:
    """Give the root of a log from the partial tiles at its right edge."""
    found: bytes | None = None
    for rows in edge:
        for row in rows[:HEIGHT]:
            if len(row) % (2 * HASH):
                found = row[-HASH:] if found is None else merkle.node_hash(row[-HASH:], found)
    return merkle.EMPTY_ROOT if found is None else found


def _parts(row: bytes) -> list[bytes]:
    return [row[start : start + FULL] for start in range(0, len(row), FULL)]


def _bundle(data: bytes | None, width: int) -> list[bytes] | None:
    """Read so many entries of a bundle; None where it has fewer."""
    entries = split(data) if data is not None else None
    return None if entries is None or len(entries) < width else entries[:width]


def _check_width(head: TreeHead, level: int, index: int, width: int) -> None:
    held = WIDTH if 0 <= index < head.full(level) else head.width(level) if index == head.full(level) else 0
    if not (level >= 0 and 0 < width <= held):
        raise IndexError(index)
