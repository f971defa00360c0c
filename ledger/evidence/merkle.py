"""The Merkle tree of RFC 6962 (SHA-256): roots, inclusion and consistency proofs, and their verification.

Pure functions. A tree is given by its leaf hashes, or by a look-up of complete subtrees where it is stored:
the subtree (level, index) covers the leaves from index·2^level up to but not including (index+1)·2^level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from struct import iter_unpack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hashlib

Nodes = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree by level and index."""
EMPTY_ROOT = sha256(b"").digest()
Rows = tuple[bytes, ...]
"""Hashes one behind the other, and the complete subtrees above them, one row a level, lowest first."""
_LEAF, _NODE = sha256(b"\0"), sha256(b"\1")
_TILE_HEIGHT = 8


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962 §2.1, prefix 0x00)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours (RFC 6962 §2.1, prefix 0x01)."""
    return sha256(b"\1" + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """Hash entries as leaves (RFC 6962 §2.1) and write the hashes one behind the other."""
    return _hashed(_LEAF, entries)


def rows_of(hashes: bytes) -> Rows:
    """Give the hashes of up to 256 neighbours and the complete subtrees above them, of two, of four, up to all 256."""
    rows = [hashes]
    for _ in range(_TILE_HEIGHT):
        below = rows[-1]
        pairs = iter_unpack("64s", below[: len(below) - len(below) % 64])
        rows.append(_hashed(_NODE, (pair for (pair,) in pairs)))
    return tuple(rows)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes."""
    return root(nodes_of(leaves), len(leaves))


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """Make a look-up of the complete subtrees over leaf hashes."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda level, index: levels[level][index]


def root(nodes: Nodes, size: int) -> bytes:
    """Give the root over the first `size` leaves, from the complete subtrees at its right edge."""
    return _range_hash(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> tuple[bytes, ...]:
    """Give the audit path of a leaf (RFC 6962 §2.1.1), sibling of the leaf first.

    Raises:
        IndexError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            path.append(_range_hash(nodes, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(nodes: Nodes, first: int, second: int) -> tuple[bytes, ...]:
    """Give the proof that the tree of `first` leaves is the beginning of that of `second` (RFC 6962 §2.1.2).

    Empty where the first tree is empty or both are of one size.

    Raises:
        IndexError: The sizes are not in order.
    """
    if not 0 <= first <= second:
        raise IndexError(first)
    if first in {0, second}:
        return ()
    proof = []
    start, end, old_is_whole = 0, second, True
    while first < end:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(_range_hash(nodes, middle, end))
            end = middle
        else:
            proof.append(_range_hash(nodes, start, middle))
            start, old_is_whole = middle, False
    if not old_is_whole:
        proof.append(_range_hash(nodes, start, end))
    return tuple(reversed(proof))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_root: bytes) -> bool:
    """Tell whether an audit path leads from a leaf hash to the root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            current = node_hash(sibling, current)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and current == tree_root


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that one tree is the beginning of the other (RFC 9162 §2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    if first == second:
        return not proof and first_root == second_root
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # Where the old size is a power of two, its root is itself a node of the new tree and left out of the
    # proof.
    rest = list(proof) if place else [first_root, *proof]
    if not rest:
        return False
    old = new = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(count: int) -> int:
    """Give the largest power of two below a count of at least two."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(nodes: Nodes, start: int, end: int) -> bytes:
    """Hash the leaves of a range that is a subtree of some tree, complete or at its right edge."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(nodes(level, start >> level))
        start += 1 << level
    current = parts.pop()
    while parts:
        current = node_hash(parts.pop(), current)
    return current


def _hashed(begun: hashlib._Hash, parts: Iterable[bytes]) -> bytes:
    """Hash each part behind what was begun; copying is quicker than beginning anew."""
    found, begin = [], begun.copy
    for part in parts:
        one = begin()
        one.update(part)
        found.append(one.digest())
    return b"".join(found)
