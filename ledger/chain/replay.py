"""The chain read from the node in stretches, and believed only as far as block hashes bind it.

Headers, events and receipts come from `reading.BlockReader`; the transactions that carried the statements are held
against the header's root here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment
from ledger.chain.headers import ordered_root, transaction_bytes, unhex
from ledger.chain.incidents import NodeDisagrees
from ledger.chain.reading import BlockReader, Header, ReadBlock


@dataclass(frozen=True)
class SentTransaction:
    """A transaction of a block, bound to the block's hash."""

    hash: bytes
    raw: bytes
    """As it was signed."""
    shown: dict[str, Any]
    """As the node shows it."""
    block: Header


@dataclass(frozen=True)
class Stretch:
    """Some blocks in a row."""

    blocks: tuple[ReadBlock, ...]
    transactions: tuple[SentTransaction, ...]
    """Every transaction of these blocks."""


@dataclass
class Replay:
    """Reads a chain from the first block of the contracts on.

    Args:
        chain: The node.
        deployment: Where the contracts stand.
        computes_hashes: See `BlockReader`.
    """

    chain: Chain
    deployment: Deployment
    computes_hashes: bool = True

    def __post_init__(self) -> None:
        """Make the reader."""
        self.reader = BlockReader(
            self.chain, list(self.deployment.addresses.values()), computes_hashes=self.computes_hashes
        )

    def stretches(self, last: int) -> Iterator[Stretch]:
        """Read all blocks up to a last one, a stretch at a time.

        Raises:
            LedgerUnavailable, NodeRefused: The node is away or refuses.
            NodeDisagrees: What it says does not fit together.
        """
        first = self.deployment.deployed_at_block
        before: bytes | None = None
        while first <= last:
            blocks = self.reader.stretch(first, last)
            if not blocks:
                raise NodeDisagrees(what=f"block {first} is missing")
            if before is not None and blocks[0].header.parent_hash != before:
                raise NodeDisagrees(what=f"block {first} does not follow the block before")
            yield Stretch(tuple(blocks), tuple(self._transactions([block.header for block in blocks])))
            before, first = blocks[-1].header.hash, blocks[-1].header.number + 1

    def transaction(self, name: bytes) -> SentTransaction | None:
        """Give one transaction, bound to its block; None where the chain does not hold it.

        Raises:
            LedgerUnavailable, NodeRefused, NodeDisagrees: As above.
        """
        shown = self.chain.transaction(name)
        if shown is None or shown.get("blockNumber") is None:
            return None
        number = int(shown["blockNumber"], 16)
        header = self.reader.stretch(number, number)[0].header
        return next((sent for sent in self._transactions([header]) if sent.hash == name), None)

    def _transactions(self, headers: Sequence[Header]) -> Iterator[SentTransaction]:
        filled = [header for header in headers if header.gas_used]
        answers = self.chain.batch(
            [("eth_getBlockByHash", ["0x" + header.hash.hex(), True]) for header in filled]
        )
        for header, block in zip(filled, answers, strict=True):
            try:
                shown = block["transactions"]
                raw = [transaction_bytes(transaction) for transaction in shown]
                names = [unhex(transaction["hash"]) for transaction in shown]
            except (KeyError, TypeError, ValueError, AttributeError) as fault:
                what = f"the transactions of block {header.number} cannot be read ({type(fault).__name__})"
                raise NodeDisagrees(what=what) from fault
            if ordered_root(raw) != header.transactions_root or names != [keccak(data) for data in raw]:
                what = f"the transactions of block {header.number} are not those of its header"
                raise NodeDisagrees(what=what)
            for name, data, transaction in zip(names, raw, shown, strict=True):
                yield SentTransaction(name, data, transaction, header)
