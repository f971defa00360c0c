"""The log's tree against RFC 6962's definition, its known answers, and everything that is no proof."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    nodes_of,
    root,
    root_of,
    verify_consistency,
    verify_inclusion,
)

KNOWN_LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
leaves_strategy = st.lists(st.binary(max_size=4).map(leaf_hash), min_size=1, max_size=70)


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_consistency(first: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if first <= split:
        return [*naive_consistency(first, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [*naive_consistency(first - split, leaves[split:], whole=False), naive_root(leaves[:split])]


def test_known_answers() -> None:
    leaves = [leaf_hash(data) for data in KNOWN_LEAVES]
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_of(leaves[: size + 1]).hex() for size in range(8)] == KNOWN_ROOTS
    nodes = nodes_of(leaves)
    assert [node.hex() for node in inclusion_proof(nodes, 5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [node.hex() for node in consistency_proof(nodes, 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(leaves_strategy)
def test_roots_and_proofs_are_those_of_the_definition(leaves: list[bytes]) -> None:
    nodes = nodes_of(leaves)
    size = len(leaves)
    assert root(nodes, size) == naive_root(leaves)
    for index in range(size):
        proof = inclusion_proof(nodes, index, size)
        assert list(proof) == naive_path(index, leaves)
        assert verify_inclusion(leaves[index], index, size, proof, root(nodes, size))
    for first in range(1, size + 1):
        proof = consistency_proof(nodes, first, size)
        assert list(proof) == naive_consistency(first, leaves)
        assert verify_consistency(first, size, root(nodes, first), root(nodes, size), proof)


@given(leaves_strategy, st.data())
def test_whatever_is_changed_no_longer_proves(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    nodes = nodes_of(leaves)
    tree_root = root(nodes, size)
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(nodes, index, size))
    other = leaf_hash(b"something else")
    assert not verify_inclusion(other, index, size, proof, tree_root)
    assert not verify_inclusion(leaves[index], index, size, proof, other)
    assert not verify_inclusion(leaves[index], index, size, [*proof, other], tree_root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], tree_root)
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], other, *proof[place + 1 :]]
        assert not verify_inclusion(leaves[index], index, size, changed, tree_root)


@given(leaves_strategy, st.data())
def test_a_changed_past_is_no_beginning(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    nodes = nodes_of(leaves)
    first = data.draw(st.integers(1, size))
    proof = list(consistency_proof(nodes, first, size))
    old, new, other = root(nodes, first), root(nodes, size), leaf_hash(b"something else")
    assert not verify_consistency(first, size, other, new, proof)
    assert not verify_consistency(first, size, old, other, proof)
    assert not verify_consistency(first, size, old, new, [*proof, other])
    if proof:
        assert not verify_consistency(first, size, old, new, proof[:-1])
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], other, *proof[place + 1 :]]
        assert not verify_consistency(first, size, old, new, changed)


def test_sizes_that_make_no_sense() -> None:
    leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]
    nodes = nodes_of(leaves)
    assert consistency_proof(nodes, 0, 3) == ()
    assert verify_consistency(0, 3, EMPTY_ROOT, root(nodes, 3), ())
    assert not verify_consistency(0, 3, leaves[0], root(nodes, 3), ())
    assert not verify_consistency(3, 2, root(nodes, 3), root(nodes, 2), ())
    assert not verify_consistency(3, 4, root(nodes, 3), root(nodes, 3), ())
    assert not verify_inclusion(leaves[0], 3, 3, (), root(nodes, 3))
    with pytest.raises(IndexError):
        inclusion_proof(nodes, 3, 3)
    with pytest.raises(IndexError):
        consistency_proof(nodes, 3, 2)
