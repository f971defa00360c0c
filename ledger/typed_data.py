"""EIP-712: how a typed message becomes the 32 bytes that are signed.

A message is a frozen dataclass whose annotations name Solidity types; everything else (type strings, hashes,
the JSON that a wallet shows) follows from the annotations, so that a type is written down once.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin, get_type_hints

from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text

Bytes32 = Annotated[bytes, "bytes32"]
Bytes3 = Annotated[bytes, "bytes3"]
ByteString = Annotated[bytes, "bytes"]
UInt8 = Annotated[int, "uint8"]
UInt32 = Annotated[int, "uint32"]
UInt64 = Annotated[int, "uint64"]
UInt128 = Annotated[int, "uint128"]
UInt256 = Annotated[int, "uint256"]

WORD = 32
EXACT_IN_JSON = 32
"""Whole numbers of up to so many bits are JSON numbers; wider ones are decimal strings, as wallets expect."""
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
DOMAIN_FIELDS = (
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
)

_MEMBERS: dict[type[Any], tuple[Member, ...]] = {}
_TYPE_HASHES: dict[type[Any], bytes] = {}


class StatementMalformed(PisteError):
    """A value does not fit the field of the typed message."""

    code = "statement.malformed"
    kind = Kind.INVALID
    message = Text("{type}.{name} does not hold a {solidity}.", "{type}.{name}不是有效的{solidity}。")
    next_step = Text("Send exactly the statement that you were given to sign.", "请原样提交待签署的声明。")
    field = "/{name}"
    type: str
    name: str
    solidity: str


@dataclass(frozen=True)
class Member:
    """One field of a typed message."""

    attribute: str
    """Name in Python, snake case."""
    name: str
    """Name in the message, camel case."""
    solidity: str
    """Solidity type, for arrays without the brackets."""
    is_array: bool
    struct: type[Struct] | None
    """The dataclass where the type is a structure."""

    @property
    def type_name(self) -> str:
        """The full Solidity type."""
        return f"{self.solidity}[]" if self.is_array else self.solidity


@dataclass(frozen=True)
class Struct:
    """Root of all typed messages; a field's annotation names its Solidity type."""

    primary_type: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Name the type after the class."""
        super().__init_subclass__()
        cls.primary_type = cls.__name__

    def __post_init__(self) -> None:
        """Refuse values that the Solidity type cannot hold."""
        for member in members(type(self)):
            value = getattr(self, member.attribute)
            for item in value if member.is_array else (value,):
                if not _fits(member, item):
                    raise StatementMalformed(
                        type=self.primary_type, name=member.name, solidity=member.type_name
                    )

    def message(self) -> dict[str, Any]:
        """Give the message as JSON: camel case, bytes as 0x-strings, wide numbers as decimal strings."""
        return {
            member.name: _to_json(member, getattr(self, member.attribute)) for member in members(type(self))
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Read a message back.

        Raises:
            StatementMalformed: A field is missing, unknown, or holds something else.
        """
        for name in message.keys() - {member.name for member in members(cls)}:
            raise StatementMalformed(type=cls.primary_type, name=str(name), solidity="field of this type")
        values = {}
        for member in members(cls):
            try:
                values[member.attribute] = _from_json(member, message[member.name])
            except (KeyError, TypeError, ValueError):
                raise StatementMalformed(
                    type=cls.primary_type, name=member.name, solidity=member.type_name
                ) from None
        return cls(**values)

    def struct_hash(self) -> bytes:
        """Give the EIP-712 `hashStruct` of the message."""
        return keccak(
            type_hash(type(self))
            + b"".join(_encode(member, getattr(self, member.attribute)) for member in members(type(self)))
        )


def domain_separator(*, chain_id: int, contract: bytes, name: str = "Piste", version: str = "1") -> bytes:
    """Give the hash of the signing domain of one contract on one chain."""
    return keccak(
        keccak(text=DOMAIN_TYPE)
        + keccak(text=name)
        + keccak(text=version)
        + chain_id.to_bytes(WORD, "big")
        + contract.rjust(WORD, b"\0")
    )


def members(struct: type[Struct]) -> tuple[Member, ...]:
    """Give the fields of a typed message in their order."""
    found = _MEMBERS.get(struct)
    if found is None:
        hints = get_type_hints(struct, include_extras=True)
        found = _MEMBERS[struct] = tuple(_member(f.name, hints[f.name]) for f in fields(struct))
    return found


def types_of(struct: type[Struct]) -> dict[str, list[dict[str, str]]]:
    """Give the EIP-712 `types` of a message with everything that it refers to, without the domain."""
    return {
        used.primary_type: [{"name": m.name, "type": m.type_name} for m in members(used)]
        for used in (struct, *_references(struct))
    }


def type_string(struct: type[Struct]) -> str:
    """Give the EIP-712 `encodeType` string."""
    return "".join(
        f"{used.primary_type}({','.join(f'{m.type_name} {m.name}' for m in members(used))})"
        for used in (struct, *_references(struct))
    )


def type_hash(struct: type[Struct]) -> bytes:
    """Give the EIP-712 `typeHash`."""
    found = _TYPE_HASHES.get(struct)
    if found is None:
        found = _TYPE_HASHES[struct] = keccak(text=type_string(struct))
    return found


def _references(struct: type[Struct]) -> list[type[Struct]]:
    found: dict[str, type[Struct]] = {}
    waiting = [struct]
    while waiting:
        for member in members(waiting.pop()):
            if member.struct is not None and member.struct.primary_type not in found:
                found[member.struct.primary_type] = member.struct
                waiting.append(member.struct)
    return [found[name] for name in sorted(found)]


def _member(attribute: str, hint: Any) -> Member:  # noqa: ANN401 - a type annotation may be any object
    is_array = get_origin(hint) is tuple
    item = get_args(hint)[0] if is_array else hint
    first, *rest = attribute.split("_")
    name = first + "".join(part.title() for part in rest)
    if isinstance(item, type) and issubclass(item, Struct):
        return Member(attribute, name, item.primary_type, is_array, item)
    return Member(attribute, name, get_args(item)[1], is_array, None)


def _bits(solidity: str) -> int | None:
    found = re.fullmatch(r"uint(\d+)", solidity)
    return int(found[1]) if found else None


def _length(solidity: str) -> int | None:
    return int(solidity[5:]) if solidity != "bytes" else None


def _fits(member: Member, value: object) -> bool:
    if member.struct is not None:
        return isinstance(value, member.struct)
    bits = _bits(member.solidity)
    if bits is not None:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits
    length = _length(member.solidity)
    return isinstance(value, bytes) and (length is None or len(value) == length)


def _encode(member: Member, value: Any) -> bytes:  # noqa: ANN401 - holds what `_fits` has let through
    if member.is_array:
        return keccak(b"".join(_encode_one(member, item) for item in value))
    return _encode_one(member, value)


def _encode_one(member: Member, value: Any) -> bytes:  # noqa: ANN401 - holds what `_fits` has let through
    if member.struct is not None:
        hashed: bytes = value.struct_hash()
        return hashed
    if _bits(member.solidity) is not None:
        encoded: bytes = value.to_bytes(WORD, "big")
        return encoded
    return keccak(value) if member.solidity == "bytes" else value.ljust(WORD, b"\0")


def _to_json(member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
    if member.is_array:
        return [_to_json_one(member, item) for item in value]
    return _to_json_one(member, value)


def _to_json_one(member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
    if member.struct is not None:
        return value.message()
    bits = _bits(member.solidity)
    if bits is None:
        return "0x" + value.hex()
    return value if bits <= EXACT_IN_JSON else str(value)


def _from_json(member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
    if not member.is_array:
        return _from_json_one(member, value)
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise TypeError(member.name)
    return tuple(_from_json_one(member, item) for item in value)


def _from_json_one(member: Member, value: Any) -> Any:  # noqa: ANN401 - JSON values
    if member.struct is not None:
        return member.struct.from_message(value)
    if _bits(member.solidity) is not None:
        if isinstance(value, bool | float) or (isinstance(value, str) and not value.isascii()):
            raise TypeError(member.name)
        return int(value)
    return from_hex(value)


def from_hex(value: str) -> bytes:
    """Read an 0x-string.

    Raises:
        ValueError: It is none.
    """
    if value[:2] != "0x":
        raise ValueError(value)
    return unhexlify(value[2:])
