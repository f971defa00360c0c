"""The lines of a certificate as a Merkle tree, as OpenZeppelin's MerkleProof reads it.

The tree is the one of OpenZeppelin's StandardMerkleTree: leaves hashed twice and sorted, pairs hashed in
order of size. A certificate's submission holds its root; a draw proves the ceiling of its line.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text
from ledger.statements import id_bytes, unit_bytes


class LinesEmpty(PisteError):
    """A certificate without lines allows nothing and cannot be filed."""

    code = "lines.empty"
    kind = Kind.INVALID
    message = Text("The goods list has no line.", "物资清单没有任何行。")
    next_step = Text("Add at least one line.", "请至少添加一行。")
    field = "/lines"


class LineRepeated(PisteError):
    """Two lines have one number."""

    code = "lines.repeated"
    kind = Kind.INVALID
    message = Text("Line {line} stands in the list twice.", "清单中第{line}行重复。")
    next_step = Text("Number the lines anew.", "请重新编号。")
    field = "/lines"
    line: int


class LineUnknown(PisteError):
    """The certificate has no such line."""

    code = "lines.unknown"
    kind = Kind.MISSING
    message = Text("The certificate has no line {line}.", "证明函中没有第{line}行。")
    next_step = Text("Quote a line of the certificate's goods list.", "请引用证明函清单中的行号。")
    line: int


class LineTree:
    """The tree over the lines of one version of a certificate.

    Args:
        certificate: Identifier of the certificate.
        lines: (line number, UNECE Rec 20 unit, ceiling in millionths of the unit).

    Raises:
        LinesEmpty: There is no line.
        LineRepeated: A number stands twice.
    """

    def __init__(self, certificate: UUID, lines: Iterable[tuple[int, str, int]]) -> None:
        self._ceilings: dict[int, int] = {}
        leaves: list[tuple[bytes, int]] = []
        for line, unit, ceiling in lines:
            if line in self._ceilings:
                raise LineRepeated(line=line)
            self._ceilings[line] = ceiling
            leaves.append((leaf_of(certificate, line, unit, ceiling), line))
        if not leaves:
            raise LinesEmpty
        leaves.sort()
        inner = len(leaves) - 1
        self._tree = [b""] * inner + [leaf for leaf, _ in reversed(leaves)]
        self._places = {line: len(self._tree) - 1 - place for place, (_, line) in enumerate(leaves)}
        for place in reversed(range(inner)):
            self._tree[place] = _pair(self._tree[2 * place + 1], self._tree[2 * place + 2])

    @property
    def root(self) -> bytes:
        """The root that the submission holds."""
        return self._tree[0]

    def ceiling(self, line: int) -> int:
        """Give the ceiling of a line, in millionths of its unit.

        Raises:
            LineUnknown: There is no such line.
        """
        self._place(line)
        return self._ceilings[line]

    def proof(self, line: int) -> tuple[bytes, ...]:
        """Give the siblings that lead from a line to the root, nearest first.

        Raises:
            LineUnknown: There is no such line.
        """
        place = self._place(line)
        siblings = []
        while place:
            siblings.append(self._tree[place + 1 if place % 2 else place - 1])
            place = (place - 1) // 2
        return tuple(siblings)

    def _place(self, line: int) -> int:
        place = self._places.get(line)
        if place is None:
            raise LineUnknown(line=line)
        return place


def leaf_of(certificate: UUID, line: int, unit: str, ceiling: int) -> bytes:
    """Hash one line, twice, so that no inner node can pass for a leaf."""
    types = ("bytes32", "uint32", "bytes3", "uint128")
    return keccak(keccak(encode(types, (id_bytes(certificate), line, unit_bytes(unit), ceiling))))


def verify_line(leaf: bytes, proof: Iterable[bytes], root: bytes) -> bool:
    """Tell whether a proof leads from a leaf to the root."""
    for sibling in proof:
        leaf = _pair(leaf, sibling)
    return leaf == root


def _pair(one: bytes, other: bytes) -> bytes:
    return keccak(one + other if one < other else other + one)
