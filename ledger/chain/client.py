"""The node behind one class: what Piste asks of an Ethereum node, in plain data, with typed errors."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import orjson
import requests
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3

from kernel.errors import Kind, PisteError, Text
from ledger.chain.answers import Block, Log, Receipt, to_block, to_log, to_quantity, to_receipt
from ledger.chain.headers import unhex as from_hex
from ledger.chain.incidents import NodeDisagrees

Transport = Callable[[bytes], bytes]
"""Carries a JSON-RPC request to the node and gives its answer; raises OSError or ValueError where it cannot."""
_checksummed = lru_cache(maxsize=1024)(to_checksum_address)

POLL_S = 0.02
T = TypeVar("T")


class LedgerUnavailable(PisteError):
    """The node does not answer; nothing is lost, work that must be recorded waits."""

    code = "ledger.unavailable"
    kind = Kind.UNAVAILABLE
    message = Text("The ledger's node does not answer.", "账本节点没有应答。")
    next_step = Text(
        "Nothing is lost: signed decisions wait and are recorded when the node is back.",
        "数据不会丢失：已签署的决定正在等待，节点恢复后将自动上链。",
    )
    detail: str


class NodeRefused(PisteError):
    """The node answered with an error."""

    code = "ledger.node-refused"
    kind = Kind.UNAVAILABLE
    message = Text("The ledger's node refused {method}: {detail}", "账本节点拒绝了{method}：{detail}")
    next_step = Text("Tell the operator, naming the trace id.", "请联系运维并提供追踪号。")
    method: str
    detail: str
    data: str = ""


class Sending(Enum):
    """What a node says to a raw transaction."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    NONCE_USED = "nonce used"


class Chain:
    """One node.

    Args:
        url: JSON-RPC address.
        timeout_s: How long an answer may take.
        transport: Another way to the node than HTTP.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, transport: Transport | None = None) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._carry = transport or _http(url, timeout_s)
        self._numbers = itertools.count(1)

    @cached_property
    def w3(self) -> Web3:
        """The library's own view of the node, for what this class does not offer."""
        return Web3(
            HTTPProvider(
                self.url, request_kwargs={"timeout": self._timeout_s}, exception_retry_configuration=None
            )
        )

    def request(self, method: str, *params: object) -> Any:  # noqa: ANN401 - the node's JSON
        """Ask the node.

        Raises:
            LedgerUnavailable: It does not answer.
            NodeRefused: It answers with an error.
            NodeDisagrees: It answers another question.
        """
        number = next(self._numbers)
        answer = self._send(method, _request(number, method, params))
        if not isinstance(answer, Mapping) or ("result" not in answer and "error" not in answer):
            raise LedgerUnavailable(detail=f"no answer at {method}")
        return _result(method, answer, number)

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Ask several things in one request; give the answers in the order of the questions.

        Args:
            calls: Method and parameters of each.

        Raises:
            LedgerUnavailable: The node does not answer, or not everything.
            NodeRefused: It answers one of them with an error.
            NodeDisagrees: It answers what was not asked, or twice.
        """
        if not calls:
            return []
        numbers = [next(self._numbers) for _ in calls]
        asked = [_request(number, *call) for number, call in zip(numbers, calls, strict=True)]
        answers = self._send("a batch", asked)
        if isinstance(answers, Mapping):
            # Nodes refuse a batch as a whole with one error.
            _result("a batch", answers, None)
        if not isinstance(answers, list) or len(answers) < len(calls):
            raise LedgerUnavailable(detail="a batch was not answered in full")
        found = {answer.get("id"): answer for answer in answers if isinstance(answer, Mapping)}
        for answer in found.values():
            if answer.get("error") is not None:
                _result("a batch", answer, None)
        if len(answers) > len(calls) or set(found) != set(numbers):
            raise NodeDisagrees(what="answers to other requests than were sent")
        return [
            _result(method, found[number], number) for number, (method, _) in zip(numbers, calls, strict=True)
        ]

    def _send(self, what: str, body: object) -> Any:  # noqa: ANN401 - the node's JSON
        try:
            return orjson.loads(self._carry(orjson.dumps(body)))
        except (OSError, ValueError) as fault:
            raise LedgerUnavailable(detail=f"{type(fault).__name__} at {what}") from fault

    def chain_id(self) -> int:
        """Give the number of the chain."""
        return to_quantity(self.request("eth_chainId"))

    def head(self) -> Block:
        """Give the newest block."""
        block = self._block("eth_getBlockByNumber", "latest")
        if block is None:
            raise LedgerUnavailable(detail="the node has no block")
        return block

    def block(self, number: int) -> Block | None:
        """Give a block by its number, None where the chain is not as long.

        Raises:
            NodeDisagrees: The node gave another one.
        """
        block = self._block("eth_getBlockByNumber", hex(number))
        if block is not None and block.number != number:
            raise NodeDisagrees(what=f"block {block.number} was given for block {number}")
        return block

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """Give a block by its hash, None where the chain does not hold it.

        Raises:
            NodeDisagrees: The node gave another one.
        """
        block = self._block("eth_getBlockByHash", _hex(block_hash))
        if block is not None and block.hash != block_hash:
            raise NodeDisagrees(what=f"block {_hex(block.hash)} was given for {_hex(block_hash)}")
        return block

    def blocks(self, numbers: Iterable[int]) -> list[Block]:
        """Give blocks by number in one request; those that are missing are left out."""
        found = self.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return sorted((to_block(data) for data in found if data), key=lambda block: block.number)

    def identity(self) -> tuple[int, Block]:
        """Give the number of the chain and its newest block, in one request.

        Raises:
            LedgerUnavailable: The node has no block.
        """
        number, block = self.batch([("eth_chainId", ()), ("eth_getBlockByNumber", ["latest", False])])
        if block is None:
            raise LedgerUnavailable(detail="the node has no block")
        return to_quantity(number), to_block(block)

    def logs(
        self, first: int, last: int, addresses: Sequence[str], topics: Sequence[object] = ()
    ) -> list[Log]:
        """Give the events of contracts in a range of blocks, both ends included, in their order."""
        found = self.request(
            "eth_getLogs",
            {
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "address": list(addresses),
                "topics": list(topics),
            },
        )
        return sorted((to_log(data) for data in found), key=lambda log: (log.block_number, log.log_index))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Tell what became of a transaction, None where it is in no block."""
        data = self.request("eth_getTransactionReceipt", _hex(transaction_hash))
        return None if data is None else to_receipt(data)

    def receipts(self, transaction_hashes: Sequence[bytes]) -> list[Receipt | None]:
        """Tell what became of transactions, in one request."""
        found = self.batch([("eth_getTransactionReceipt", [_hex(name)]) for name in transaction_hashes])
        return [None if data is None else to_receipt(data) for data in found]

    def unknown(self, transaction_hashes: Sequence[bytes]) -> set[bytes]:
        """Tell which transactions the node does not know, neither in a block nor waiting, in one request."""
        found = self.batch([("eth_getTransactionByHash", [_hex(name)]) for name in transaction_hashes])
        return {name for name, data in zip(transaction_hashes, found, strict=True) if data is None}

    def knows(self, transaction_hash: bytes) -> bool:
        """Tell whether the node knows a transaction, in a block or waiting."""
        return self.request("eth_getTransactionByHash", _hex(transaction_hash)) is not None

    def transaction(self, transaction_hash: bytes) -> Mapping[str, Any] | None:
        """Give a transaction as the node shows it."""
        found: Mapping[str, Any] | None = self.request("eth_getTransactionByHash", _hex(transaction_hash))
        return found

    def nonce(self, address: str) -> int:
        """Give how many transactions of an account are in blocks."""
        return to_quantity(self.request("eth_getTransactionCount", address, "latest"))

    def code(self, address: str) -> bytes:
        """Give the code at an address."""
        return from_hex(self.request("eth_getCode", address, "latest"))

    def gas_price(self) -> int:
        """Give what the node asks for a unit of gas, in wei; 0 on a network without fees."""
        return to_quantity(self.request("eth_gasPrice"))

    def call(self, to: str, data: bytes) -> bytes:
        """Call a contract without a transaction, at the newest block.

        Raises:
            NodeRefused: The contract reverted; its data is in `data`.
        """
        return from_hex(self.request("eth_call", {"to": to, "data": _hex(data)}, "latest"))

    def send_raw(self, raw: bytes) -> Sending:
        """Hand in a signed transaction.

        Raises:
            NodeRefused: The node will not take it.
        """
        try:
            self.request("eth_sendRawTransaction", _hex(raw))
        except NodeRefused as refused:
            words = refused.detail.lower()
            if "already" in words or "known transaction" in words:
                return Sending.KNOWN
            if "nonce too low" in words:
                return Sending.NONCE_USED
            raise
        return Sending.ACCEPTED

    def send_and_wait(
        self,
        account: LocalAccount,
        *,
        data: bytes,
        gas: int,
        nonce: int | None = None,
        to: str | None = None,
        timeout_s: float = 60.0,
    ) -> Receipt:
        """Sign a transaction, send it and wait until it is in a block.

        Raises:
            LedgerUnavailable: The node is away, or took longer.
        """
        raw = sign_transaction(
            account,
            chain_id=self.chain_id(),
            nonce=self.nonce(account.address) if nonce is None else nonce,
            gas=gas,
            gas_price=self.gas_price(),
            to=to,
            data=data,
        )
        self.send_raw(raw.raw)
        until = time.monotonic() + timeout_s
        while (receipt := self.receipt(raw.hash)) is None:
            if time.monotonic() > until:
                raise LedgerUnavailable(detail="the transaction is in no block")
            time.sleep(POLL_S)
        return receipt

    def _block(self, method: str, which: str) -> Block | None:
        data = self.request(method, which, False)  # noqa: FBT003 - parameters of JSON-RPC have no names
        return None if data is None else to_block(data)


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction ready to be sent."""

    raw: bytes
    hash: bytes


def sign_transaction(
    account: LocalAccount,
    *,
    chain_id: int,
    nonce: int,
    gas: int,
    gas_price: int,
    to: str | None,
    data: bytes,
) -> SignedTransaction:
    """Sign a transaction that carries no value; bound to its chain (EIP-155)."""
    fields: dict[str, Any] = {
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "gasPrice": gas_price,
        "value": 0,
        "data": data,
    }
    if to is not None:
        fields["to"] = to
    signed = account.sign_transaction(fields)
    return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash))


def _http(url: str, timeout_s: float) -> Transport:
    """Give the way to a node over HTTP, which keeps its connection."""
    session = requests.Session()
    session.trust_env = False

    def carry(body: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        answer = session.post(url, data=body, headers=headers, timeout=timeout_s)
        answer.raise_for_status()
        return answer.content

    return carry


def _request(number: int, method: str, params: Sequence[object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _result(method: str, answer: Mapping[str, Any], number: int | None) -> Any:  # noqa: ANN401 - the node's JSON
    error = answer.get("error")
    if error is None:
        if number is not None and answer.get("id") != number:
            raise NodeDisagrees(what=f"an answer to another request than {method}")
        return answer.get("result")
    if isinstance(error, Mapping):
        data = error.get("data")
        raise NodeRefused(
            method=method, detail=str(error.get("message"))[:500], data=data if isinstance(data, str) else ""
        )
    raise NodeRefused(method=method, detail=str(error)[:500])


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
