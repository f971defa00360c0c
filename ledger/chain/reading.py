"""Blocks read from a node that is not trusted: what it says must agree with the hash that a block stands under.

A header's hash is computed from its fields; transactions and receipts must give the header's roots. So a node
can neither forge nor leave out an event without another hash of the block, and every later block names that
hash. What it can still do is to stop, or to serve another chain from the start.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import structlog
from eth_hash.auto import keccak

from kernel.errors import PisteError
from ledger.chain.answers import Log, to_log
from ledger.chain.client import Chain, LedgerUnavailable, NodeRefused
from ledger.chain.headers import (
    bloom_bits,
    header_hash,
    ordered_root,
    receipt_bytes,
    transaction_bytes,
    unhex,
)
from ledger.chain.incidents import NodeDisagrees

FIRST_SPAN = 32
MOST_GAS = 240_000_000
"""Most gas of the blocks whose events are fetched in one request: some thousands of events."""
LEAST_GAS = 1_000_000
QUICK_S = 1.0
"""An answer that came sooner lets the next request ask for more."""
KEPT_OUTCOMES = 256
_log = structlog.get_logger()


@dataclass(frozen=True)
class Header:
    """A block's header whose hash was computed from its fields."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    """Unix seconds."""
    gas_used: int
    bloom: int
    receipts_root: bytes
    transactions_root: bytes


@dataclass(frozen=True)
class ReadBlock:
    """A header and the events of our contracts that stand under it."""

    header: Header
    logs: tuple[Log, ...] = ()


@dataclass
class BlockReader:
    """Reads stretches of blocks, longer ones while the node answers quickly.

    Args:
        chain: The node.
        addresses: Contracts whose events are wanted.
        computes_hashes: Whether a block's hash is that of the header's fields as Ethereum computes it. Networks
            that leave signatures out of it (IBFT, QBFT) are asked for each block a second time, by its hash.
        most_blocks: Longest stretch.
    """

    chain: Chain
    addresses: Sequence[str]
    computes_hashes: bool = True
    most_blocks: int = 200
    _span: int = field(default=FIRST_SPAN, init=False)
    _gas: int = field(default=MOST_GAS // 4, init=False)
    _outcomes: OrderedDict[bytes, tuple[int, dict[bytes, bool]]] = field(
        default_factory=OrderedDict, init=False
    )
    """Of blocks read lately, by hash: number, and whether each transaction succeeded."""

    def __post_init__(self) -> None:
        """Compute what our contracts set in a bloom filter."""
        self._blooms = [bloom_bits(unhex(address)) for address in self.addresses]
        self._wanted = {address.lower() for address in self.addresses}

    def stretch(self, first: int, last: int) -> list[ReadBlock]:
        """Read blocks from a number on, as many as are good to ask for, at most up to a last one.

        Raises:
            LedgerUnavailable: The node is away.
            NodeDisagrees: What it says does not fit together.
        """
        last = min(last, first + min(self._span, self.most_blocks) - 1)
        began = time.monotonic()
        try:
            headers = self._headers(first, last)
            chosen = self._affordable(headers)
            blocks = self._contents(chosen)
        except (LedgerUnavailable, NodeRefused) as fault:
            self._ask_less(first, last, fault)
            raise
        if time.monotonic() - began < QUICK_S:
            self._span = min(2 * self._span, self.most_blocks)
            self._gas = min(2 * self._gas, MOST_GAS)
        return blocks

    def outcome(self, number: int, block_hash: bytes, transaction_hash: bytes) -> bool | None:
        """Tell whether a transaction of a block succeeded, None where the block does not hold it.

        Raises:
            NodeDisagrees: The node does not give that block, or gives it with other contents.
        """
        if block_hash not in self._outcomes:
            header = next(iter(self._headers(number, number)), None)
            if header is None or header.hash != block_hash:
                raise NodeDisagrees(what=f"block {number} is not the one that was followed")
            self._fill([header])
        return self._outcomes[block_hash][1].get(transaction_hash)

    def recent(self, transaction_hash: bytes) -> tuple[int, bytes] | None:
        """Tell in which block read lately a transaction stands, by number and hash; a fork may have replaced it."""
        for block_hash, (number, outcomes) in reversed(self._outcomes.items()):
            if transaction_hash in outcomes:
                return number, block_hash
        return None

    def _headers(self, first: int, last: int) -> list[Header]:
        """Read headers that follow one another; those that the chain does not have yet are left out."""
        found = self.chain.batch(
            [("eth_getBlockByNumber", [hex(number), False]) for number in range(first, last + 1)]
        )
        present = [data for data in found if data is not None]
        if None in found[: len(present)]:
            raise NodeDisagrees(what=f"a block between {first} and {last} is missing")
        headers = [self._header(data, number) for number, data in enumerate(present, first)]
        if not self.computes_hashes:
            again = self.chain.batch([("eth_getBlockByHash", [data["hash"], False]) for data in present])
            if again != present:
                raise NodeDisagrees(what=f"the blocks from {first} on differ when asked for by hash")
        for below, above in pairwise(headers):
            if above.parent_hash != below.hash:
                raise NodeDisagrees(what=f"block {above.number} does not follow block {below.number}")
            if above.timestamp < below.timestamp:
                raise NodeDisagrees(what=f"block {above.number} is older than the one before")
        return headers

    def _header(self, data: Mapping[str, Any], number: int) -> Header:
        try:
            header = Header(
                int(data["number"], 16),
                unhex(data["hash"]),
                unhex(data["parentHash"]),
                int(data["timestamp"], 16),
                int(data["gasUsed"], 16),
                int(data["logsBloom"], 16),
                unhex(data["receiptsRoot"]),
                unhex(data["transactionsRoot"]),
            )
            computed = header_hash(data) if self.computes_hashes else header.hash
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise NodeDisagrees(what=f"block {number} cannot be read ({type(fault).__name__})") from fault
        if header.number != number:
            raise NodeDisagrees(what=f"block {header.number} was given for block {number}")
        if header.hash != computed:
            raise NodeDisagrees(what=f"the hash of block {number} is not that of its header")
        return header

    def _affordable(self, headers: Sequence[Header]) -> Sequence[Header]:
        """Give the first of some headers, as far as the gas of the blocks to be fetched goes; at least one."""
        spent = 0
        for place, header in enumerate(headers):
            spent += header.gas_used if self._concerns(header) else 0
            if spent > self._gas and place:
                return headers[:place]
        return headers

    def _concerns(self, header: Header) -> bool:
        return any(bits & header.bloom == bits for bits in self._blooms)

    def _contents(self, headers: Sequence[Header]) -> list[ReadBlock]:
        logs = self._fill([header for header in headers if self._concerns(header)])
        return [ReadBlock(header, logs.get(header.number, ())) for header in headers]

    def _fill(self, headers: Sequence[Header]) -> dict[int, tuple[Log, ...]]:
        """Fetch transactions and receipts, hold them against the roots; give our contracts' events by number."""
        answers = self.chain.batch(
            [("eth_getBlockByHash", ["0x" + header.hash.hex(), True]) for header in headers]
            + [("eth_getBlockReceipts", [hex(header.number)]) for header in headers]
        )
        found = {}
        for header, block, receipts in zip(
            headers, answers[: len(headers)], answers[len(headers) :], strict=True
        ):
            try:
                found[header.number] = self._under(header, block, receipts)
            except (KeyError, TypeError, ValueError, AttributeError) as fault:
                what = f"the contents of block {header.number} cannot be read ({type(fault).__name__})"
                raise NodeDisagrees(what=what) from fault
        return found

    def _under(
        self, header: Header, block: Mapping[str, Any] | None, receipts: Sequence[Mapping[str, Any]] | None
    ) -> tuple[Log, ...]:
        if block is None or receipts is None:
            # A block that is reorganised away between two answers looks the same.
            raise NodeDisagrees(what=f"the contents of block {header.number} are missing")
        raw = [transaction_bytes(transaction) for transaction in block["transactions"]]
        if ordered_root(raw) != header.transactions_root:
            raise NodeDisagrees(what=f"the transactions of block {header.number} are not those of its header")
        if ordered_root([receipt_bytes(receipt) for receipt in receipts]) != header.receipts_root:
            raise NodeDisagrees(what=f"the receipts of block {header.number} are not those of its header")
        names = [unhex(transaction["hash"]) for transaction in block["transactions"]]
        if any(keccak(data) != name for data, name in zip(raw, names, strict=True)):
            raise NodeDisagrees(what=f"a transaction's hash in block {header.number} is not its own")
        if len(names) != len(receipts):
            raise NodeDisagrees(what=f"block {header.number} has other receipts than transactions")
        self._remember(header, names, receipts)
        return self._logs(header, names, receipts)

    def _remember(
        self, header: Header, names: Sequence[bytes], receipts: Sequence[Mapping[str, Any]]
    ) -> None:
        outcomes = {
            name: receipt.get("status") == "0x1" for name, receipt in zip(names, receipts, strict=True)
        }
        self._outcomes[header.hash] = header.number, outcomes
        while len(self._outcomes) > KEPT_OUTCOMES:
            self._outcomes.popitem(last=False)

    def _logs(
        self, header: Header, names: Sequence[bytes], receipts: Sequence[Mapping[str, Any]]
    ) -> tuple[Log, ...]:
        """Place each event by where its receipt stands; what the node writes beside it does not count."""
        logs, place = [], 0
        for position, (name, receipt) in enumerate(zip(names, receipts, strict=True)):
            for data in receipt["logs"]:
                if data["address"].lower() in self._wanted:
                    log = to_log(data)
                    told = (log.block_number, log.block_hash, log.transaction_hash, log.transaction_index)
                    if (*told, log.log_index) != (header.number, header.hash, name, position, place):
                        what = f"event {place} of block {header.number} says that it stands elsewhere"
                        raise NodeDisagrees(what=what)
                    logs.append(log)
                place += 1
        return tuple(logs)

    def _ask_less(self, first: int, last: int, fault: PisteError) -> None:
        if self._span == 1 and self._gas <= LEAST_GAS:
            return
        self._span = max((last - first + 1) // 2, 1)
        self._gas = max(self._gas // 2, LEAST_GAS)
        _log.info("indexer.asks-less", blocks=self._span, gas=self._gas, fault=str(fault)[:200])
