"""The tree on disk: equal to the plain tree at every size, whatever dies while it is written, whatever is damaged."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.evidence import merkle, tile_files
from ledger.evidence.tile_files import (
    ENTRIES,
    WIDTH,
    LogHasAnotherWriter,
    TileDamaged,
    TileFolder,
    file_name,
    parse_index,
    split,
)
from ledger.evidence.tiles import EMPTY, LogContradicted, TileTree, TreeHead

POINTS = (
    "tiles.trimmed",
    "tiles.entries",
    "tiles.level-0",
    "tiles.level-1",
    "tiles.synced",
)


def entries(start: int, end: int, story: str = "true") -> list[bytes]:
    return [f"{story} {place}".encode() * (place % 5) for place in range(start, end)]


def plain(leaves: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves]


def grown(folder: Path, *sizes: int) -> TreeHead:
    """Append in steps up to the last size."""
    head = EMPTY
    for start, end in pairwise((0, *sizes)):
        head = TileTree(folder).append(head, entries(start, end))
    return head


class Died(Exception):
    pass


def dying(point: str, after: int = 0) -> Callable[[str], None]:
    """Fail when a point is reached for the nth time."""
    left = [after]

    def at(reached: str) -> None:
        if reached == point:
            if not left[0]:
                raise Died(point)
            left[0] -= 1

    return at


@pytest.mark.parametrize(
    ("shelf", "index", "width", "name"),
    [
        (0, 0, WIDTH, "tile/0/000"),
        (0, 5, 7, "tile/0/005.p/7"),
        (1, 1234067, WIDTH, "tile/1/x001/x234/067"),
        (ENTRIES, 1000, 255, "tile/entries/x001/000.p/255"),
    ],
)
def test_files_are_named_after_the_specification(shelf: int | str, index: int, width: int, name: str) -> None:
    assert file_name(shelf, index, width) == name
    written = name.removeprefix(f"tile/{shelf}/").partition(".p/")[0]
    assert parse_index(written) == index


@pytest.mark.parametrize(
    "text", ["", "0", "0000", "x000/001", "001/002", "x001", "-01", "x001/x002", "٠٠١", "../001", "x1/001"]
)
def test_an_index_is_written_in_one_way_only(text: str) -> None:
    assert parse_index(text) is None


@given(st.integers(0, 10**12))
def test_every_index_can_be_read_back(index: int) -> None:
    assert parse_index(file_name(0, index).removeprefix("tile/0/")) == index


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 30))
def test_bundles_can_be_read_back(given_entries: list[bytes], cut: int) -> None:
    bundle = tile_files.joined(given_entries)
    assert split(bundle) == given_entries
    if given_entries and cut <= len(given_entries[-1]) + 1:
        assert split(bundle[:-cut]) is None


@given(st.lists(st.one_of(st.integers(1, 9), st.integers(200, 700)), min_size=1, max_size=6), st.randoms())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tree_is_the_plain_tree(tmp_path: Path, counts: list[int], random: Random) -> None:
    folder = tmp_path / str(random.getrandbits(60))
    head, leaves, tree = EMPTY, list[bytes](), TileTree(folder, most_tiles=2)
    for count in counts:
        fresh = [random.randbytes(random.randrange(40)) for _ in range(count)]
        head, leaves = tree.append(head, fresh), leaves + fresh
        hashes = plain(leaves)
        assert head == TreeHead(len(leaves), merkle.root_of(hashes))
        nodes, expected = TileTree(folder).nodes(head), merkle.nodes_of(hashes)
        index, size = random.randrange(len(leaves)), random.randrange(1, len(leaves) + 1)
        assert merkle.root(nodes, size) == merkle.root_of(hashes[:size])
        assert merkle.inclusion_proof(nodes, index, head.size) == merkle.inclusion_proof(
            expected, index, head.size
        )
        assert merkle.consistency_proof(nodes, size, head.size) == merkle.consistency_proof(
            expected, size, head.size
        )
        start = random.randrange(len(leaves))
        assert tree.entries(head, start, len(leaves)) == leaves[start:]
    assert set(TileTree(folder).examine(head)) == {None}
    shutil.rmtree(folder)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 65535, 65537])
def test_the_tree_holds_at_the_edges_of_its_tiles(tmp_path: Path, size: int) -> None:
    head = grown(tmp_path, *(near for near in (size - 2, size - 1, size) if near > 0))
    hashes = plain(entries(0, size))
    assert head.root == merkle.root_of(hashes)
    nodes = TileTree(tmp_path).nodes(head)
    for index in {0, size // 2, size - 1}:
        proof = merkle.inclusion_proof(nodes, index, size)
        assert merkle.verify_inclusion(hashes[index], index, size, proof, head.root)
    for first in {1, size // 2, size - 1, size} - {0}:
        proof = merkle.consistency_proof(nodes, first, size)
        assert merkle.verify_consistency(first, size, merkle.root_of(hashes[:first]), head.root, proof)
    after = TileTree(tmp_path).append(head, entries(size, size + 1))
    assert after.root == merkle.root_of(plain(entries(0, size + 1)))


def test_nothing_beyond_the_head_is_read(tmp_path: Path) -> None:
    head = grown(tmp_path, 300, 600)
    early = TreeHead(300, merkle.root_of(plain(entries(0, 300))))
    tree = TileTree(tmp_path)
    for level, index in ((0, 300), (0, -1), (8, 1), (2, 75)):
        with pytest.raises(IndexError):
            tree.nodes(early)(level, index)
    for index, width in ((1, 45), (2, 1), (1, 256), (0, 0), (0, 257), (-1, 1)):
        with pytest.raises(IndexError):
            tree.tile(early, 0, index, width)
        with pytest.raises(IndexError):
            tree.bundle(early, index, width)
    for level, index in ((1, 0), (2, 0), (-1, 0)):
        with pytest.raises(IndexError):
            tree.tile(head, level, index)
    for start, end in ((0, 301), (-1, 4), (5, 4)):
        with pytest.raises(IndexError):
            tree.entries(early, start, end)
    assert tree.entries(early, 300, 300) == []
    assert tree.tile(early, 0, 1, 44) == b"".join(plain(entries(256, 300)))
    assert tree.tile(head, 1, 0, 2) == merkle.nodes_of(plain(entries(0, 512)))(8, 0) + tree.nodes(head)(8, 1)
    assert split(tree.bundle(head, 1, 3)) == entries(256, 259)


def test_what_is_too_long_is_refused_and_nothing_is_nothing(tmp_path: Path) -> None:
    tree = TileTree(tmp_path)
    with pytest.raises(ValueError, match="65535"):
        tree.append(EMPTY, [bytes(65536)])
    assert tree.append(EMPTY, []) == EMPTY
    assert merkle.root(tree.nodes(EMPTY), 0) == EMPTY.root
    head = tree.append(EMPTY, [bytes(65535), b""])
    assert tree.entries(head, 0, 2) == [bytes(65535), b""]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    ("before", "lost", "kept"), [(0, 700, 3), (250, 30, 2), (256, 600, 1), (300, 1, 400)]
)
def test_what_was_not_committed_is_written_over(
    tmp_path: Path, point: str, before: int, lost: int, kept: int
) -> None:
    head = grown(tmp_path, before) if before else EMPTY
    tree = TileTree(tmp_path, at=dying(point))
    try:
        tree.append(head, entries(before, before + lost, "never committed"))
    except Died:
        pass
    else:
        assert point == "tiles.level-1"  # the tiles of the level above come only with a full one
    assert set(TileTree(tmp_path).examine(head)) <= {None}
    after = TileTree(tmp_path).append(head, entries(before, before + kept))
    assert after.root == merkle.root_of(plain(entries(0, before + kept)))
    last = TileTree(tmp_path).append(after, entries(before + kept, before + kept + 600))
    assert last.root == merkle.root_of(plain(entries(0, before + kept + 600)))
    assert set(TileTree(tmp_path).examine(last)) == {None}
    assert TileTree(tmp_path).entries(last, 0, last.size) == entries(0, last.size)


WRITER = """
import os, signal, sys
from pathlib import Path
from ledger.evidence.tiles import TileTree, TreeHead
folder, size, root, point = Path(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3]), sys.argv[4]
def at(reached):
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)
TileTree(folder, at=at).append(TreeHead(size, root), [b"never committed"] * 700)
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_writer_leaves_a_log_that_goes_on(tmp_path: Path, point: str) -> None:
    head = grown(tmp_path, 300)
    command = [sys.executable, "-c", WRITER, str(tmp_path), "300", head.root.hex(), point]
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert ended.returncode == -signal.SIGKILL
    assert set(TileTree(tmp_path).examine(head)) == {None}
    after = TileTree(tmp_path).append(head, entries(300, 310))
    assert after.root == merkle.root_of(plain(entries(0, 310)))
    last = TileTree(tmp_path).append(after, entries(310, 1500))
    TileTree(tmp_path).append(last, entries(1500, 1501))
    assert set(TileTree(tmp_path).examine(last)) == {None}
    assert not list(tmp_path.rglob("*.p/232"))  # 300 + 700, of what was never committed


def damage(folder: Path, file: str, how: str) -> None:
    path = folder / file
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "cut off":
        path.write_bytes(data[:-1])
    elif how == "longer":
        path.write_bytes(data + b"\0")
    else:
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])


DAMAGED = (
    "tile/0/000",
    "tile/0/002.p/9",
    "tile/1/000.p/2",
    "tile/entries/000",
    "tile/entries/002.p/9",
)
SMALL, BIG = 2 * 256 + 9, 258 * 256 + 9


@pytest.mark.parametrize(
    ("size", "file", "how"),
    [
        *((SMALL, file, how) for file in DAMAGED for how in ("missing", "cut off", "altered", "longer")),
        (BIG, "tile/1/000", "altered"),
        (BIG, "tile/2/000.p/1", "missing"),
    ],
)
def test_damage_is_found_named_and_mended(tmp_path: Path, size: int, file: str, how: str) -> None:
    folder, head = tmp_path, grown(tmp_path, size - 3, size)
    damage(folder, file, how)
    if how == "longer" and ".p/" in file and "entries" not in file:
        assert set(TileTree(folder).examine(head)) == {None}  # as if a reader came while the log grew
        return
    tree = TileTree(folder)
    found = set(tree.examine(head)) - {None}
    assert file in found
    if file in {"tile/0/000", "tile/entries/000"}:
        with pytest.raises(TileDamaged) as caught:
            tree.entries(head, 0, 1)
        assert caught.value.file == file
    asked: list[tuple[int, int]] = []

    def source(start: int, end: int) -> list[bytes]:
        asked.append((start, end))
        return entries(start, end)

    mended = tree.mend(size, source, head.root)
    assert mended == (head, [file])
    assert all(end - start <= WIDTH for start, end in asked)
    assert len(asked) <= 1
    assert set(tree.examine(head)) == {None}
    assert tree.entries(head, 0, SMALL) == entries(0, SMALL)


def test_a_tile_altered_together_with_its_entries_is_mended(tmp_path: Path) -> None:
    head = grown(tmp_path, 700)
    forged = TileTree(tmp_path / "forged")
    forged.append(EMPTY, [b"another story", *entries(1, 700)])
    for file in ("tile/0/000", "tile/entries/000"):
        shutil.copy(tmp_path / "forged" / file, tmp_path / file)
    tree = TileTree(tmp_path)
    assert set(tree.examine(head)) - {None} == {"tile/0/000"}
    assert tree.mend(700, entries, head.root)[0] == head
    assert set(tree.examine(head)) == {None}


def test_a_tree_is_built_from_leaves_alone(tmp_path: Path) -> None:
    head = grown(tmp_path / "one", 1, 300, 1500)
    built, written = TileTree(tmp_path / "two").mend(1500, entries, None)
    assert built == head
    assert "tile/entries/005.p/220" in written
    tree = TileTree(tmp_path / "two")
    assert tree.entries(head, 0, 1500) == entries(0, 1500)
    assert tree.append(head, entries(1500, 1501)) == TileTree(tmp_path / "one").append(
        head, entries(1500, 1501)
    )
    assert TileTree(tmp_path / "none").mend(0, entries, None) == (EMPTY, [])


def test_leaves_that_give_another_root_are_an_incident(tmp_path: Path) -> None:
    head = grown(tmp_path, 300)

    def another(start: int, end: int) -> list[bytes]:
        return entries(start, end, "another story")

    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(LogContradicted):
        TileTree(tmp_path).mend(300, another, head.root)


def test_there_is_one_writer(tmp_path: Path) -> None:
    head = grown(tmp_path, 3)
    with TileFolder(tmp_path).locked(), pytest.raises(LogHasAnotherWriter):
        TileTree(tmp_path).append(head, entries(3, 4))
    assert TileTree(tmp_path).append(head, entries(3, 4)).size == 4


def test_readers_go_on_while_the_log_grows(tmp_path: Path) -> None:
    heads, done, faults = [grown(tmp_path, 250)], threading.Event(), list[BaseException]()
    hashes = plain(entries(0, 2000))

    def read(seed: int) -> None:
        tree, random = TileTree(tmp_path, most_tiles=1), Random(seed)
        try:
            while not done.is_set():
                head = heads[-1]  # by the time it is used the writer may be further
                index = random.randrange(head.size)
                proof = merkle.inclusion_proof(tree.nodes(head), index, head.size)
                assert merkle.verify_inclusion(hashes[index], index, head.size, proof, head.root)
                assert tree.entries(head, index, index + 1) == entries(index, index + 1)
        except BaseException as fault:
            faults.append(fault)
            raise

    readers = [threading.Thread(target=read, args=(seed,)) for seed in (1, 2)]
    for reader in readers:
        reader.start()
    writer, random = TileTree(tmp_path), Random(3)
    while heads[-1].size < 2000 and not faults:
        size = heads[-1].size
        heads.append(writer.append(heads[-1], entries(size, min(size + random.randrange(1, 90), 2000))))
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert heads[-1].root == merkle.root_of(hashes)


def test_memory_for_tiles_is_bounded(tmp_path: Path) -> None:
    head = grown(tmp_path, 20 * WIDTH)
    tree = TileTree(tmp_path, most_tiles=4)
    tree.entries(head, 0, head.size)
    assert len(tree._full) == 4


def test_many_files_are_safe_without_the_quick_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = TileFolder(tmp_path)
    for index in range(40):
        folder.write(0, index, WIDTH, bytes(8))
    monkeypatch.setattr(tile_files, "_MOST_SINGLE_SYNCS", 10**6)
    folder.sync()
    assert len(list((tmp_path / "tile/0").iterdir())) == 40
