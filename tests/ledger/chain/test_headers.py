"""Hashes and roots as a real node computes them."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account

from ledger.chain.headers import header_hash, ordered_root, receipt_bytes, transaction_bytes, unhex
from ledger.chain.node import EmbeddedNode

CODE = bytes.fromhex("60006000a0") + bytes.fromhex("6001602052") * 50
"""Writes an event, and is long enough for every form of prefix."""


def test_a_nodes_hashes_and_roots_are_recomputed(own_node: EmbeddedNode) -> None:
    chain, account = own_node.chain, Account.create()
    chain.request("anvil_setBalance", account.address, hex(10**20))
    chain.request("evm_setAutomine", False)  # noqa: FBT003 - parameters of JSON-RPC have no names
    access = [{"address": account.address, "storageKeys": ["0x" + "11" * 32]}]
    for nonce in range(140):
        fields: dict[str, Any] = {"chainId": 20260, "nonce": nonce, "gas": 300_000, "value": 5}
        match nonce % 3:
            case 0:
                fields |= {"gasPrice": 1, "data": CODE, "value": 0}
            case 1:
                fields |= {"type": 1, "gasPrice": 1, "to": account.address, "accessList": access}
            case _:
                fields |= {"type": 2, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1, "to": account.address}
        chain.send_raw(bytes(account.sign_transaction(fields).raw_transaction))
    chain.request("anvil_mine", "0x1")
    for number in range(chain.head().number + 1):
        block = chain.request("eth_getBlockByNumber", hex(number), True)  # noqa: FBT003 - as above
        receipts = chain.request("eth_getBlockReceipts", hex(number))
        assert header_hash(block) == unhex(block["hash"])
        raw = [transaction_bytes(transaction) for transaction in block["transactions"]]
        assert ordered_root(raw) == unhex(block["transactionsRoot"])
        assert ordered_root([receipt_bytes(receipt) for receipt in receipts]) == unhex(block["receiptsRoot"])
        assert len(raw) in {0, 140}


def test_what_is_no_hexadecimal_is_refused() -> None:
    for wrong in ("", "00", "0x0", "0xzz", "0x 00"):
        with pytest.raises(ValueError, match=r".*"):
            unhex(wrong)
