"""The hashes that the verifier needs: Keccak-256, and the trees of RFC 6962 with SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

try:
    from sha3 import keccak_256
except ImportError:
    # A verifier that is carried to another machine also does without; one call then takes six times as long.
    from Crypto.Hash import keccak as _keccak

    def keccak_256(data: bytes) -> _keccak.Keccak_Hash:
        """Begin a Keccak-256."""
        return _keccak.new(digest_bits=256, data=data)


def keccak(data: bytes) -> bytes:
    """Give the Keccak-256 of bytes, as Ethereum uses it."""
    digest: bytes = keccak_256(data).digest()
    return digest


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962 §2.1)."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours (RFC 6962 §2.1)."""
    return sha256(b"\1" + left + right).digest()


def inclusion_root(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Give the root that an audit path leads to (RFC 9162 §2.1.3.2); None where it is too short or too long."""
    if not 0 <= index < size:
        return None
    place, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            current = node_hash(sibling, current)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        place, last = place >> 1, last >> 1
    return current if last == 0 else None


def shared_root(leaves: Sequence[tuple[int, bytes]], size: int, proof: Sequence[bytes]) -> bytes | None:
    """Give the root that several leaves and one proof for all of them lead to; None where they do not fit.

    Args:
        leaves: Index and hash of each leaf, in rising order of the index.
        size: Number of leaves of the whole tree.
        proof: Roots of the parts without such a leaf, from left to right.
    """
    unused = iter(proof)

    def root(start: int, end: int, first: int, beyond: int) -> bytes:
        if first == beyond:
            return next(unused)
        if end - start == 1:
            return leaves[first][1]
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        cut = first
        while cut < beyond and leaves[cut][0] < middle:
            cut += 1
        return node_hash(root(start, middle, first, cut), root(middle, end, cut, beyond))

    try:
        found = root(0, size, 0, len(leaves))
    except StopIteration:
        return None
    return found if next(unused, None) is None else None
