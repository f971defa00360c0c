"""The relay's transactions in all the versions that were signed of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import rlp
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.chain.client import SignedTransaction, sign_transaction
from ledger.models import LedgerTransaction, TransactionState, TransactionVersion


@dataclass(frozen=True)
class Mined:
    """A version of a transaction that stands in a block."""

    hash: bytes
    raw: bytes
    number: int
    """The block's."""
    block_hash: bytes
    succeeded: bool


def live_versions(session: Session) -> list[tuple[int, bytes, bytes]]:
    """Give every version of every transaction that is not final: row of the transaction, hash, raw bytes."""
    rows = session.execute(
        select(LedgerTransaction.id, LedgerTransaction.hash, LedgerTransaction.raw).where(
            LedgerTransaction.state == TransactionState.LIVE
        )
    )
    versions = session.execute(
        select(TransactionVersion.transaction_id, TransactionVersion.hash, TransactionVersion.raw)
        .join(LedgerTransaction, LedgerTransaction.id == TransactionVersion.transaction_id)
        .where(LedgerTransaction.state == TransactionState.LIVE)
    )
    # The row itself holds the version mined or signed last, for those signed before versions were kept.
    return list({found: (row, found, raw) for row, found, raw in [*rows, *versions]}.values())


def versions_of(
    session: Session, transactions: Sequence[LedgerTransaction]
) -> dict[int, list[TransactionVersion]]:
    """Give the versions of transactions by row, oldest first."""
    found: dict[int, list[TransactionVersion]] = {transaction.id: [] for transaction in transactions}
    for version in session.scalars(
        select(TransactionVersion)
        .where(TransactionVersion.transaction_id.in_(found))
        .order_by(TransactionVersion.id)
    ):
        found[version.transaction_id].append(version)
    return found


def raised_price(price: int, asked: int) -> int:
    """Give the price at which nodes let a transaction replace one with its number; 0 where fees are unknown.

    Args:
        price: What the transaction offers, wei for a unit of gas.
        asked: What the node asks for.
    """
    if not price and not asked:
        return 0
    # Nodes want an eighth more at least.
    return max(price + -(-price // 8), asked, 1)


def signed_again(account: LocalAccount, raw: bytes, *, chain_id: int, gas_price: int) -> SignedTransaction:
    """Sign a transaction of ours once more: the same number and content, another price."""
    nonce, _, gas, to, _, data, *_ = rlp.decode(raw)
    return sign_transaction(
        account,
        chain_id=chain_id,
        nonce=int.from_bytes(nonce, "big"),
        gas=int.from_bytes(gas, "big"),
        gas_price=gas_price,
        to=to_checksum_address(to),
        data=data,
    )
