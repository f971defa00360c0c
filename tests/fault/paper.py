"""A node made of nothing but valid blocks: it serves any tree of them over JSON-RPC, in this process.

Headers, bloom filters and roots are right, so that the indexer has the same to check as on a real node; what no
test needs (execution, signatures, state) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from eth_abi.abi import encode
from eth_hash.auto import keccak

from ledger.chain.deployment import Deployment
from ledger.chain.headers import bloom_of, header_hash, ordered_root, receipt_bytes, transaction_bytes, unhex
from ledger.contracts import CONTRACT_NAMES, load_artifact

Json = dict[str, Any]
CHAIN_ID = 77_007
ZERO = "0x" + "00" * 32
GENESIS_TIME = 1_800_000_000


@dataclass(frozen=True)
class PaperLog:
    """An event before it stands in a block."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class PaperBlock:
    """A block with everything that a node says of it."""

    header: Json = field(repr=False)
    transactions: tuple[Json, ...] = field(repr=False)
    receipts: tuple[Json, ...] = field(repr=False)
    number: int
    hash: bytes
    parent: PaperBlock | None = field(repr=False)

    def line(self) -> dict[int, PaperBlock]:
        """Give the block and those that it stands on, by number."""
        found: dict[int, PaperBlock] = {}
        block: PaperBlock | None = self
        while block is not None:
            found[block.number] = block
            block = block.parent
        return found


def event(deployment: Deployment, contract: str, name: str, **values: object) -> PaperLog:
    """Encode an event of one of our contracts; what is not named is zero."""
    indexed, plain, topic = _shape(contract, name)
    topics = [topic, *(encode([kind], [values.get(it, _zero(kind))]) for it, kind in indexed)]
    data = encode([kind for _, kind in plain], [values.get(it, _zero(kind)) for it, kind in plain])
    return PaperLog(deployment.address(contract), tuple(topics), data)


@cache
def _shape(contract: str, name: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]], bytes]:
    [entry] = [
        item for item in load_artifact(contract).abi if (item["type"], item.get("name")) == ("event", name)
    ]
    kinds = [(item["name"], item["type"], item["indexed"]) for item in entry["inputs"]]
    topic = keccak(f"{name}({','.join(kind for _, kind, _ in kinds)})".encode())
    return (
        [(it, kind) for it, kind, indexed in kinds if indexed],
        [(it, kind) for it, kind, indexed in kinds if not indexed],
        topic,
    )


def _zero(kind: str) -> object:
    if kind == "bytes":
        return b""
    if kind == "address":
        return "0x" + "00" * 20
    return bytes(32) if kind == "bytes32" else 0


def paper_deployment() -> Deployment:
    """Give contracts at made-up addresses."""
    addresses = {name: "0x" + keccak(name.encode())[:20].hex() for name in CONTRACT_NAMES}
    return Deployment(CHAIN_ID, addresses, 0, {})


def transaction(number: int, salt: int, *, sender_nonce: int = 0) -> Json:
    """Make up a transaction."""
    made: Json = {
        "type": "0x0",
        "nonce": hex(sender_nonce),
        "gasPrice": "0x0",
        "gas": "0x186a0",
        "to": "0x" + "11" * 20,
        "value": "0x0",
        "input": "0x" + number.to_bytes(8, "big").hex() + salt.to_bytes(8, "big").hex(),
        "v": hex(CHAIN_ID * 2 + 35),
        "r": "0x1",
        "s": "0x1",
    }
    return made


def mine(
    parent: PaperBlock | None,
    contents: Sequence[Sequence[PaperLog]] = (),
    *,
    salt: int = 0,
    transactions: Sequence[Json] | None = None,
    succeeded: Sequence[bool] = (),
) -> PaperBlock:
    """Make a block on another one.

    Args:
        parent: What it stands on.
        contents: The events of each of its transactions.
        salt: Makes twins differ.
        transactions: The transactions themselves, made up where they are left out.
        succeeded: Whether each did well; all did where it is left out.
    """
    number = parent.number + 1 if parent is not None else 0
    chosen = (
        transactions
        if transactions is not None
        else [transaction(number, salt * 1000 + place) for place in range(len(contents))]
    )
    raw = [transaction_bytes(it) for it in chosen]
    names = ["0x" + keccak(it).hex() for it in raw]
    receipts: list[Json] = []
    log_index = 0
    for place, logs in enumerate(contents):
        receipts.append(
            {
                "type": "0x0",
                "status": "0x1" if place >= len(succeeded) or succeeded[place] else "0x0",
                "cumulativeGasUsed": hex(50_000 * (place + 1)),
                "gasUsed": hex(50_000),
                "logsBloom": "0x" + bloom_of((unhex(log.address), log.topics) for log in logs).hex(),
                "transactionHash": names[place],
                "transactionIndex": hex(place),
                "logs": [
                    {
                        "address": log.address,
                        "topics": ["0x" + topic.hex() for topic in log.topics],
                        "data": "0x" + log.data.hex(),
                        "transactionHash": names[place],
                        "transactionIndex": hex(place),
                        "logIndex": hex(log_index + position),
                    }
                    for position, log in enumerate(logs)
                ],
            }
        )
        log_index += len(logs)
    bloom = 0
    for receipt in receipts:
        bloom |= int(receipt["logsBloom"], 16)
    header: Json = {
        "parentHash": "0x" + parent.hash.hex() if parent is not None else ZERO,
        "sha3Uncles": ZERO,
        "miner": "0x" + "00" * 20,
        "stateRoot": ZERO,
        "transactionsRoot": "0x" + ordered_root(raw).hex(),
        "receiptsRoot": "0x" + ordered_root([receipt_bytes(it) for it in receipts]).hex(),
        "logsBloom": "0x" + bloom.to_bytes(256, "big").hex(),
        "difficulty": "0x0",
        "number": hex(number),
        "gasLimit": "0x3938700",
        "gasUsed": hex(50_000 * len(receipts)),
        "timestamp": hex(GENESIS_TIME + 2 * number),
        "extraData": "0x" + salt.to_bytes(8, "big").hex(),
        "mixHash": ZERO,
        "nonce": "0x0000000000000000",
        "baseFeePerGas": "0x0",
    }
    block_hash = header_hash(header)
    name = "0x" + block_hash.hex()
    place_of = {"blockHash": name, "blockNumber": hex(number)}
    for receipt in receipts:
        receipt.update(place_of)
        for log in receipt["logs"]:
            log.update(place_of)
    whole = tuple(
        {**it, **place_of, "hash": names[place], "transactionIndex": hex(place)}
        for place, it in enumerate(chosen)
    )
    return PaperBlock({**header, "hash": name}, whole, tuple(receipts), number, block_hash, parent)


class PaperNode:
    """Serves the line of blocks under its head.

    Args:
        head: The newest block.
    """

    def __init__(self, head: PaperBlock) -> None:
        self.chain_id = CHAIN_ID
        self.claimed: dict[str, Json] = {}
        """Receipts that it makes up, by transaction."""
        self.show(head)

    def show(self, head: PaperBlock) -> None:
        """Take another head, and so another line of blocks."""
        self.head = head
        self.line = head.line()
        self._by_hash = {"0x" + block.hash.hex(): block for block in self.line.values()}
        self._receipts = {
            receipt["transactionHash"]: receipt for block in self.line.values() for receipt in block.receipts
        }

    def __call__(self, body: bytes) -> bytes:
        """Answer a JSON-RPC request, single or many."""
        asked = orjson.loads(body)
        if isinstance(asked, list):
            return orjson.dumps([self._answer(one) for one in asked])
        return orjson.dumps(self._answer(asked))

    def _answer(self, asked: Mapping[str, Any]) -> Json:
        return {"jsonrpc": "2.0", "id": asked["id"], "result": self.result(asked["method"], asked["params"])}

    def result(self, method: str, params: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
        """Give the answer to one question."""
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_getBlockByNumber":
                number = self.head.number if params[0] == "latest" else int(params[0], 16)
                return self._shown(self.line.get(number), full=params[1])
            case "eth_getBlockByHash":
                return self._shown(self._by_hash.get(params[0]), full=params[1])
            case "eth_getBlockReceipts":
                block = self.line.get(int(params[0], 16))
                return None if block is None else block.receipts
            case "eth_getTransactionReceipt":
                return self.claimed.get(params[0]) or self._receipts.get(params[0])
            case _:
                raise NotImplementedError(method)

    @staticmethod
    def _shown(block: PaperBlock | None, *, full: bool) -> Json | None:
        if block is None:
            return None
        return {
            **block.header,
            "transactions": block.transactions if full else [it["hash"] for it in block.transactions],
        }
