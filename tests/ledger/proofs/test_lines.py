"""The tree over a certificate's lines is OpenZeppelin's."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proofs.lines import LineRepeated, LinesEmpty, LineTree, LineUnknown, leaf_of, verify_line

CERTIFICATE = UUID("01234567-89ab-7def-8123-456789abcdef")


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40, unique=True))
def test_each_line_is_proven_and_no_other(numbers: list[int]) -> None:
    tree = LineTree(CERTIFICATE, [(line, "KGM", line * 7) for line in numbers])
    for line in numbers:
        assert tree.ceiling(line) == line * 7
        leaf = leaf_of(CERTIFICATE, line, "KGM", line * 7)
        assert verify_line(leaf, tree.proof(line), tree.root)
        raised = leaf_of(CERTIFICATE, line, "KGM", line * 7 + 1)
        assert not verify_line(raised, tree.proof(line), tree.root)
        elsewhere = leaf_of(UUID(int=1), line, "KGM", line * 7)
        assert not verify_line(elsewhere, tree.proof(line), tree.root)


def test_the_order_of_the_lines_makes_no_difference() -> None:
    lines = [(line, "C62", line) for line in range(1, 8)]
    assert LineTree(CERTIFICATE, lines).root == LineTree(CERTIFICATE, reversed(lines)).root


def test_one_line_is_its_own_root() -> None:
    tree = LineTree(CERTIFICATE, [(1, "KGM", 5)])
    assert tree.proof(1) == ()
    assert tree.root == leaf_of(CERTIFICATE, 1, "KGM", 5)


def test_lists_that_are_none() -> None:
    with pytest.raises(LinesEmpty):
        LineTree(CERTIFICATE, [])
    with pytest.raises(LineRepeated) as repeated:
        LineTree(CERTIFICATE, [(1, "KGM", 1), (1, "KGM", 2)])
    assert repeated.value.line == 1
    tree = LineTree(CERTIFICATE, [(1, "KGM", 1)])
    for look in (tree.proof, tree.ceiling):
        with pytest.raises(LineUnknown):
            look(2)
