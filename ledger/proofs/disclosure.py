"""Selective disclosure: a view of a sealed document shows some fields, with one proof for all of them.

Everything that a view does not name stays hidden, new fields too. Of what is hidden nobody learns name or
value, only how many fields there are: their leaves are hashed with salts that only the document's seed gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import Kind, PisteError, Text
from ledger.evidence.merkle import Nodes, nodes_of, root
from ledger.proofs.content import Path, SealedContent

ANY = "*"
"""In a pattern: any name or index at this place."""
REST = "**"
"""At the end of a pattern: everything below."""
GREATEST_NUMBER = (1 << 53) - 1
MOST_FIELDS = 500


class NothingToShow(PisteError):
    """The document has none of the fields that the view shows."""

    code = "disclosure.nothing-to-show"
    kind = Kind.CONFLICT
    message = Text("The view {view} shows nothing of this document.", "视图{view}不显示该单证的任何字段。")
    next_step = Text("Choose another view.", "请选择其他视图。")
    view: str


@dataclass(frozen=True)
class View:
    """What one kind of reader sees of a document."""

    name: str
    words: Text
    shows: tuple[Path, ...]
    """Patterns of paths."""

    def takes(self, path: Path) -> bool:
        """Tell whether the view shows a field."""
        return any(_fits(pattern, path) for pattern in self.shows)


_HEAD: tuple[Path, ...] = (("reference",), ("number",), ("direction",), ("event",), ("venue",))
_TRANSPORT: tuple[Path, ...] = (("transport", REST), ("total_packages",), ("gross_kg",))
VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "gate",
            Text("Gate: goods and vehicle, no prices", "卡口：货物与车辆，不含价格"),
            (
                *_HEAD,
                *_TRANSPORT,
                ("holder_name",),
                ("declarant_name",),
                *(
                    ("lines", ANY, name)
                    for name in (
                        "line_no",
                        "name_zh",
                        "name_en",
                        "quantity",
                        "unit",
                        "packages",
                        "package_kind",
                    )
                ),
            ),
        ),
        View(
            "gate-summary",
            Text("Gate: vehicle and totals", "卡口：车辆与合计"),
            (
                ("reference",),
                ("direction",),
                ("transport", "vehicle_plate"),
                ("total_packages",),
                ("gross_kg",),
            ),
        ),
        View(
            "carrier",
            Text("Carrier: transport and weights, no goods", "承运人：运输与重量，不含货物"),
            (
                *_HEAD,
                *_TRANSPORT,
                ("arrival_date",),
                ("departure_date",),
                ("export_country",),
                ("destination_country",),
                ("declarant_name",),
            ),
        ),
        View(
            "venue",
            Text("Venue: goods and packages, no prices or parties", "场馆：货物与件数，不含价格与当事人"),
            (
                ("event",),
                ("venue",),
                ("arrival_date",),
                ("total_packages",),
                ("gross_kg",),
                *(("lines", ANY, name) for name in ("name_zh", "name_en", "quantity", "unit", "packages")),
            ),
        ),
        View("public", Text("Public: the number only", "公众：仅编号"), (("reference",), ("number",))),
    )
}
"""By name; who sees what is decided here and nowhere else."""


def redact(content: SealedContent, view: View) -> dict[str, Any]:
    """Show what a view shows of a document, as bundles and redacted copies carry it.

    Args:
        content: The sealed document.
        view: What is to be seen; at most 500 fields of it are shown, in the order of the tree.

    Raises:
        NothingToShow: The document has none of its fields.
    """
    shown = [
        index for index, field in enumerate(content.fields) if view.takes(field.path) and _exact(field.value)
    ][:MOST_FIELDS]
    if not shown:
        raise NothingToShow(view=view.name)
    leaves = [field.leaf() for field in content.fields]
    proof = shared_proof(nodes_of(leaves), shown, len(leaves))
    return {
        "contentHash": "0x" + content.root.hex(),
        "fields": [
            {
                "index": index,
                "path": list(content.fields[index].path),
                "salt": "0x" + content.fields[index].salt.hex(),
                "value": content.fields[index].value,
            }
            for index in shown
        ],
        "proof": ["0x" + node.hex() for node in proof],
        "size": len(leaves),
    }


def shared_proof(nodes: Nodes, shown: Sequence[int], size: int) -> list[bytes]:
    """Give the roots of the parts of a tree without any of some leaves, from left to right.

    Args:
        nodes: Look-up of the tree's complete subtrees.
        shown: Indexes of the leaves, rising.
        size: Number of leaves.
    """
    return list(_hidden_parts(nodes, shown, 0, size))


def _hidden_parts(nodes: Nodes, shown: Sequence[int], start: int, end: int) -> Iterator[bytes]:
    if not shown:
        yield _root_of_range(nodes, start, end)
    elif end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        yield from _hidden_parts(nodes, [index for index in shown if index < middle], start, middle)
        yield from _hidden_parts(nodes, [index for index in shown if index >= middle], middle, end)


def _root_of_range(nodes: Nodes, start: int, end: int) -> bytes:
    # A part that is hidden whole starts where a complete subtree starts, so it is a small tree of its own.
    return root(lambda level, index: nodes(level, (start >> level) + index), end - start)


def _fits(pattern: Path, path: Path) -> bool:
    if pattern and pattern[-1] == REST:
        head = pattern[:-1]
        return len(path) > len(head) and _fits(head, path[: len(head)])
    return len(pattern) == len(path) and all(
        want in {ANY, part} for want, part in zip(pattern, path, strict=True)
    )


def _exact(value: object) -> bool:
    """Tell whether every verifier reads a value as the same: no fractions, no numbers beyond 2^53."""
    if isinstance(value, float):
        return False
    return not isinstance(value, int) or abs(value) <= GREATEST_NUMBER
