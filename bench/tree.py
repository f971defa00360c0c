"""The evidence log's tree on disk, beside pymerkle's tree in SQLite and beside what the machine can do at all.

Leaves of the size that the log writes are appended at once and made safe on the disk; then proofs are made from the
files by a reader that has seen none of them. The limits, measured in the same run: SHA-256 over as many leaves and as
many pairs and nothing else; as many files of as many bytes written and made safe; one transaction of the database.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from uuid import UUID

from bench.figures import Figure, tell
from kernel.clock import SystemClock
from kernel.database import Database
from ledger.evidence import merkle
from ledger.evidence.log import append_leaf, leaf_data, sequence
from ledger.evidence.tile_files import WIDTH, TileFolder, joined
from ledger.evidence.tiles import EMPTY, TileTree
from ledger.models import EvidenceLeaf
from migrations import migrate

LEAVES = 1_000_000
RIVAL_LEAVES = 20_000
"""pymerkle takes too long for a million; its rate falls with the size, so fewer leaves flatter it."""
SEQUENCED = 60_000
PROOFS = 1000


def measure() -> Sequence[Figure]:
    """Measure all."""
    leaves = int(os.environ.get("BENCH_LEAVES", str(LEAVES)))
    with tempfile.TemporaryDirectory() as folder:
        return [*tree_figures(Path(folder), leaves), *sequencer_figures(Path(folder))]


def tree_figures(folder: Path, leaves: int = LEAVES) -> list[Figure]:
    """Append leaves at once and prove some of them, beside pymerkle and the bare work."""
    now = SystemClock().now()
    entries = [
        leaf_data("history", UUID(int=place), place.to_bytes(32, "big"), now) for place in range(leaves)
    ]
    bare, written = _seconds(lambda: _hash_only(entries)), _seconds(lambda: _write_only(folder, entries))
    began = time.perf_counter()
    head = TileTree(folder / "log").append(EMPTY, entries)
    per_s = leaves / (time.perf_counter() - began)
    nodes = TileTree(folder / "log").nodes(head)
    chosen = random.Random(6962).sample(range(leaves), min(PROOFS, leaves))  # noqa: S311  # the same ones each time
    inclusion, consistency = [], []
    for place in chosen:
        began = time.perf_counter()
        proof = merkle.inclusion_proof(nodes, place, leaves)
        inclusion.append(time.perf_counter() - began)
        assert merkle.verify_inclusion(merkle.leaf_hash(entries[place]), place, leaves, proof, head.root)
        began = time.perf_counter()
        merkle.consistency_proof(nodes, place + 1, leaves)
        consistency.append(time.perf_counter() - began)
    rival_per_s, rival_ms = _pymerkle(folder, entries[:RIVAL_LEAVES])
    return [
        Figure(
            "tree_append_per_s", per_s, "leaves/s", f"{leaves:,} leaves, hashed, filed and safe on the disk"
        ),
        Figure(
            "tree_append_pymerkle_per_s",
            rival_per_s,
            "leaves/s",
            f"pymerkle, SQLite, {RIVAL_LEAVES:,} leaves",
        ),
        Figure("tree_append_ratio", per_s / rival_per_s, "times", "pymerkle"),
        Figure(
            "tree_hash_limit_per_s", leaves / bare, "leaves/s", "SHA-256 over leaves and pairs, nothing else"
        ),
        Figure(
            "tree_write_limit_per_s", leaves / written, "leaves/s", "the same files written and safe, no tree"
        ),
        Figure(
            "tree_limit_ratio", per_s * (bare + written) / leaves, "times", "both limits one after the other"
        ),
        Figure(
            "tree_proof_ms", median(inclusion) * 1000, "ms", "inclusion, leaf not looked at before; median"
        ),
        Figure(
            "tree_proof_p99_ms", sorted(inclusion)[len(inclusion) * 99 // 100] * 1000, "ms", "the same, p99"
        ),
        Figure("tree_consistency_ms", median(consistency) * 1000, "ms", "consistency; median"),
        Figure(
            "tree_proof_pymerkle_ms",
            rival_ms,
            "ms",
            f"pymerkle, inclusion in {RIVAL_LEAVES:,} leaves; median",
        ),
    ]


def sequencer_figures(folder: Path, address: str = "") -> list[Figure]:
    """Pass leaves through the database's sequencer, beside one transaction that updates as many rows.

    Args:
        folder: Where files go.
        address: An empty database; SQLite in the folder where left out.
    """
    address = address or f"sqlite:///{folder / 'sequencer.sqlite3'}"
    migrate(address)
    database = Database(address, evidence=folder / "sequencer.evidence")
    now = SystemClock().now()
    with database.write() as session:
        for place in range(SEQUENCED):
            append_leaf(
                session,
                kind="history",
                subject=UUID(int=place),
                content_hash=place.to_bytes(32, "big"),
                now=now,
            )
    began, count = time.perf_counter(), 0
    while count < SEQUENCED:
        with database.write() as session:
            count += sequence(session)
    per_s = SEQUENCED / (time.perf_counter() - began)
    began = time.perf_counter()
    with database.write() as session:
        session.query(EvidenceLeaf).update({"position": EvidenceLeaf.position + SEQUENCED})
    limit = SEQUENCED / (time.perf_counter() - began)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    database.dispose()
    return [
        Figure(
            "sequencer_per_s", per_s, "leaves/s", f"{SEQUENCED:,} rows placed in {kind}, the tree on the disk"
        ),
        Figure(
            "sequencer_limit_per_s", limit, "rows/s", f"one UPDATE of as many rows in {kind}, nothing else"
        ),
    ]


def _hash_only(entries: Sequence[bytes]) -> None:
    for entry in entries:
        sha256(entry).digest()
    pair = bytes(65)
    for _ in entries:
        sha256(pair).digest()


def _write_only(folder: Path, entries: Sequence[bytes]) -> None:
    files = TileFolder(folder / "bytes")
    for start in range(0, len(entries), WIDTH):
        part = list(entries[start : start + WIDTH])
        files.write("entries", start // WIDTH, len(part), joined(part))
        files.write(0, start // WIDTH, len(part), bytes(32 * len(part)))
    files.sync()


def _pymerkle(folder: Path, entries: Sequence[bytes]) -> tuple[float, float]:
    """Append entries to pymerkle's tree in SQLite and prove some; give entries a second and a proof's milliseconds."""
    from pymerkle import SqliteTree  # type: ignore[import-untyped]  # noqa: PLC0415  # only this figure needs it

    tree = SqliteTree(str(folder / "pymerkle.sqlite3"))
    began = time.perf_counter()
    tree.append_entries(list(entries))
    tree.get_root()  # the root; ours is made while appending
    per_s = len(entries) / (time.perf_counter() - began)
    times = []
    for place in random.Random(6962).sample(range(1, len(entries) + 1), 20):  # noqa: S311  # the same ones each time
        began = time.perf_counter()
        tree.prove_inclusion(place)
        times.append(time.perf_counter() - began)
    return per_s, median(times) * 1000


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(tell("The evidence log's tree", measure))
