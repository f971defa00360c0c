"""What binds a block together: RLP, the header's hash, the tries of transactions and receipts, the bloom filter.

Whoever knows a block's hash can check with these that a node neither forged nor left out a transaction or
an event of it.

Source: Ethereum Yellow Paper, sections 4.3 and 4.4, appendices B and D; EIP-2718, EIP-1559, EIP-4895, EIP-4844,
EIP-4788, EIP-7685, EIP-2930, EIP-7702.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eth_hash.auto import keccak

HEADER_FIELDS = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
)
LATER_HEADER_FIELDS = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
"""Fields that forks added, in their order; whether each is a number."""
_LEGACY = ("nonce", "gasPrice", "gas", "to", "value", "input")
_FEES = ("maxPriorityFeePerGas", "maxFeePerGas")
TRANSACTION_FIELDS: Mapping[int, tuple[str, ...]] = {
    1: ("chainId", "nonce", "gasPrice", "gas", "to", "value", "input", "accessList"),
    2: ("chainId", "nonce", *_FEES, "gas", "to", "value", "input", "accessList"),
    3: (
        *("chainId", "nonce", *_FEES, "gas", "to", "value", "input", "accessList"),
        *("maxFeePerBlobGas", "blobVersionedHashes"),
    ),
    4: ("chainId", "nonce", *_FEES, "gas", "to", "value", "input", "accessList", "authorizationList"),
}
"""Fields of each type of transaction before its signature."""
_DATA = frozenset({"to", "input", "address"})
SHORT = 55
BLOOM_BITS = 2048
HASH_BYTES = 32

Rlp = bytes | Sequence["Rlp"]


def encode_rlp(item: Rlp) -> bytes:
    """Encode bytes, or lists of them, as RLP."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:  # noqa: PLR2004 - the byte stands for itself
            return item
        return _prefix(len(item), 0x80) + item
    return _list(b"".join(map(encode_rlp, item)))


def unhex(value: str) -> bytes:
    """Read an 0x-string of the node's.

    Raises:
        ValueError: It is none.
    """
    if value[:2] != "0x":
        raise ValueError(value[:80])
    return unhexlify(value[2:])


def encode_number(number: int) -> bytes:
    """Give a number's bytes as RLP wants them, without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def header_hash(header: Mapping[str, Any]) -> bytes:
    """Compute a block's hash from the fields of its header.

    Args:
        header: As JSON-RPC gives it.

    Raises:
        KeyError: A field is missing.
        ValueError: A field cannot be read.
    """
    fields = HEADER_FIELDS + tuple(field for field in LATER_HEADER_FIELDS if header.get(field[0]) is not None)
    return keccak(
        encode_rlp([_number(header[name]) if number else unhex(header[name]) for name, number in fields])
    )


def ordered_root(values: Sequence[bytes]) -> bytes:
    """Give the root of the trie that maps each value's place in a list to it."""
    if not values:
        return keccak(encode_rlp(b""))
    items = sorted((_nibbles(encode_rlp(encode_number(place))), value) for place, value in enumerate(values))
    return keccak(_node(items, 0))


def receipt_bytes(receipt: Mapping[str, Any]) -> bytes:
    """Encode a receipt as the trie of receipts holds it."""
    status = receipt.get("status")
    body = encode_rlp(
        [
            _number(status) if status is not None else unhex(receipt["root"]),
            _number(receipt["cumulativeGasUsed"]),
            unhex(receipt["logsBloom"]),
            [
                [unhex(log["address"]), [unhex(topic) for topic in log["topics"]], unhex(log["data"])]
                for log in receipt["logs"]
            ],
        ]
    )
    kind = int(receipt.get("type") or "0x0", 16)
    return bytes([kind]) + body if kind else body


def transaction_bytes(transaction: Mapping[str, Any]) -> bytes:
    """Encode a transaction as the trie of transactions holds it; its hash is the transaction's.

    Raises:
        KeyError: A field is missing, or the type is unknown.
    """
    kind = int(transaction.get("type") or "0x0", 16)
    signature = [_number(transaction[name]) for name in ("r", "s")]
    if not kind:
        return encode_rlp(
            [*(_field(name, transaction[name]) for name in _LEGACY), _number(transaction["v"]), *signature]
        )
    parity = transaction.get("yParity", transaction.get("v"))
    fields = [_field(name, transaction[name]) for name in TRANSACTION_FIELDS[kind]]
    return bytes([kind]) + encode_rlp([*fields, _number(str(parity)), *signature])


def bloom_bits(value: bytes) -> int:
    """Give the three bits that an address or topic sets in a bloom filter."""
    hashed, bits = keccak(value), 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[place : place + 2], "big") % BLOOM_BITS)
    return bits


def bloom_of(logs: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """Give the bloom filter over addresses and topics of events."""
    bits = 0
    for address, topics in logs:
        bits |= bloom_bits(address)
        for topic in topics:
            bits |= bloom_bits(topic)
    return bits.to_bytes(BLOOM_BITS // 8, "big")


def _field(name: str, value: Any) -> Rlp:  # noqa: ANN401 - the node's JSON
    if name == "accessList":
        return [
            [unhex(entry["address"]), [unhex(key) for key in entry["storageKeys"]]] for entry in value or ()
        ]
    if name == "blobVersionedHashes":
        return [unhex(entry) for entry in value]
    if name == "authorizationList":
        return [
            [
                *(_field(part, entry[part]) for part in ("chainId", "address", "nonce")),
                _number(str(entry.get("yParity", entry.get("v")))),
                *(_number(entry[part]) for part in ("r", "s")),
            ]
            for entry in value
        ]
    if name in _DATA:
        return unhex(value) if value else b""
    return _number(value)


def _number(value: str) -> bytes:
    return encode_number(int(value, 16))


def _prefix(length: int, offset: int) -> bytes:
    if length <= SHORT:
        return bytes([offset + length])
    size = encode_number(length)
    return bytes([offset + SHORT + len(size)]) + size


def _list(payload: bytes) -> bytes:
    return _prefix(len(payload), 0xC0) + payload


def _nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(half for byte in key for half in (byte >> 4, byte & 15))


def _packed(nibbles: Sequence[int], *, leaf: bool) -> bytes:
    """Pack a path with the mark of its node's kind (hex prefix encoding)."""
    odd = len(nibbles) % 2
    flag = 2 * leaf + odd
    whole = [flag, *nibbles] if odd else [flag, 0, *nibbles]
    return bytes(16 * high + low for high, low in zip(whole[::2], whole[1::2], strict=True))


def _node(items: Sequence[tuple[tuple[int, ...], bytes]], depth: int) -> bytes:
    """Encode the node over items, sorted by key, that agree up to a depth."""
    first, last = items[0][0], items[-1][0]
    if len(items) == 1:
        return encode_rlp([_packed(first[depth:], leaf=True), items[0][1]])
    shared = depth
    while shared < len(first) and first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return _list(encode_rlp(_packed(first[depth:shared], leaf=False)) + _reference(items, shared))
    children = []
    for nibble in range(16):
        below = [item for item in items if item[0][depth] == nibble]
        children.append(_reference(below, depth + 1) if below else b"\x80")
    # No key is the beginning of another (RLP is free of prefixes), so that a branch holds no value.
    return _list(b"".join(children) + b"\x80")


def _reference(items: Sequence[tuple[tuple[int, ...], bytes]], depth: int) -> bytes:
    node = _node(items, depth)
    return node if len(node) < HASH_BYTES else encode_rlp(keccak(node))
