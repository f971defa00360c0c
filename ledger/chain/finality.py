"""When a block is final: at once, after so many more, or once the embedded node's state is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kernel.errors import Kind, PisteError, Text
from ledger.chain.node_state import read_final_block


class FinalityUnknown(PisteError):
    """The setting names no way of telling when a block is final."""

    code = "ledger.finality-unknown"
    kind = Kind.INVALID
    message = Text("There is no finality `{name}`.", "不存在最终性策略“{name}”。")
    next_step = Text(
        "Set PISTE_FINALITY to embedded, immediate or depth:N.",
        "请将PISTE_FINALITY设为embedded、immediate或depth:N。",
    )
    name: str


@dataclass(frozen=True)
class Tip:
    """A block that is known to be on the chain."""

    number: int
    hash: bytes | None
    """None where any block of this number on the chain that was followed will do."""


class Finality(Protocol):
    """Tells up to which block nothing can be undone."""

    @property
    def may_be_undone(self) -> bool:
        """Whether a disaster may take back what was final, so that the indexer starts over instead of stopping."""

    @property
    def forks(self) -> bool:
        """Whether the newest blocks may be replaced by others, so that two answers of a node may not fit."""

    def final(self, tip: Tip) -> Tip | None:
        """Give the newest final block, seen from the newest block that was followed."""


class ImmediateFinality:
    """Every block is final at once: a network with Byzantine agreement."""

    may_be_undone = False
    forks = False

    def final(self, tip: Tip) -> Tip | None:
        """Give the newest block."""
        return tip


@dataclass(frozen=True)
class DepthFinality:
    """A block is final once so many follow it: a chain that can fork."""

    depth: int
    may_be_undone = False
    forks = True

    def final(self, tip: Tip) -> Tip | None:
        """Give the block at the depth, none while the chain is shorter."""
        number = tip.number - self.depth
        return Tip(number, None) if number >= 0 else None


@dataclass(frozen=True)
class EmbeddedFinality:
    """A block is final once the embedded node's keeper has written the state to disk."""

    published: Path
    """The file in which the keeper says which."""
    may_be_undone = True
    forks = True

    def final(self, tip: Tip) -> Tip | None:
        """Give the block that the keeper published last."""
        del tip
        found = read_final_block(self.published)
        return None if found is None else Tip(found.number, found.hash)


def finality_named(name: str, published: Path) -> Finality:
    """Read the setting.

    Args:
        name: `embedded`, `immediate` or `depth:N`.
        published: Where the embedded node's keeper says which block is final.

    Raises:
        FinalityUnknown: It is none of these.
    """
    kind, _, depth = name.partition(":")
    if kind == "depth" and depth.isascii() and depth.isdigit():
        return DepthFinality(int(depth))
    if name == "immediate":
        return ImmediateFinality()
    if name == "embedded":
        return EmbeddedFinality(published)
    raise FinalityUnknown(name=name)
