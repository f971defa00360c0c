"""Content hashes: roots of trees over salted fields, so that single fields can be shown and the rest hidden.

Every leaf of a JSON document (a scalar, or an empty object or list) is one leaf of an RFC 6962 tree: the
canonical JSON (RFC 8785) of [path, salt, value]. The salt of a field is HMAC-SHA256 of its path under the
document's seed: who does not know the seed cannot guess a hidden value by trying, and the salt of one field
tells nothing about another.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import rfc8785

from kernel.errors import Kind, PisteError, Text
from ledger.evidence.merkle import inclusion_proof, leaf_hash, nodes_of, root_of, verify_inclusion
from ledger.typed_data import from_hex

SEED_BYTES = 32
Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the document; kept apart by type, so that no two documents share a
root."""


class ContentUnsealable(PisteError):
    """The document holds something that JSON cannot say exactly."""

    code = "content.unsealable"
    kind = Kind.INVALID
    message = Text("The field {at} cannot be written as exact JSON.", "字段{at}无法以精确的JSON表示。")
    next_step = Text(
        "Write decimals and numbers beyond 2^53 as strings.", "小数及超过2的53次方的数请以字符串表示。"
    )
    field = "{at}"
    at: str


class FieldMissing(PisteError):
    """The document has no such field."""

    code = "content.field-missing"
    kind = Kind.MISSING
    message = Text("The document has no field {at}.", "单证中没有字段{at}。")
    next_step = Text("Name a field that holds a value.", "请指定含有值的字段。")
    at: str


@dataclass(frozen=True)
class SealedField:
    """One field with its salt."""

    path: Path
    salt: bytes
    value: Any

    @property
    def pointer(self) -> str:
        """The JSON pointer of the field, for people."""
        return _pointer(self.path)

    def leaf(self) -> bytes:
        """Give the leaf hash."""
        try:
            return leaf_hash(rfc8785.dumps([list(self.path), self.salt.hex(), self.value]))
        except (rfc8785.CanonicalizationError, UnicodeError):
            raise ContentUnsealable(at=self.pointer) from None


@dataclass(frozen=True)
class SealedContent:
    """A document with its content hash. The seed is a secret of those who may see the whole document."""

    root: bytes
    seed: bytes
    fields: tuple[SealedField, ...]


@dataclass(frozen=True)
class Disclosure:
    """One field, and the proof that the document behind a content hash holds it."""

    path: Path
    salt: bytes
    value: Any
    index: int
    size: int
    proof: tuple[bytes, ...]

    @property
    def pointer(self) -> str:
        """The JSON pointer of the field, for people."""
        return _pointer(self.path)

    def to_json(self) -> dict[str, Any]:
        """Give the disclosure as JSON."""
        return {
            "path": list(self.path),
            "salt": "0x" + self.salt.hex(),
            "value": self.value,
            "index": self.index,
            "size": self.size,
            "proof": ["0x" + sibling.hex() for sibling in self.proof],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a disclosure back.

        Raises:
            KeyError, TypeError, ValueError: It is none.
        """
        return cls(
            path=tuple(data["path"]),
            salt=from_hex(data["salt"]),
            value=data["value"],
            index=int(data["index"]),
            size=int(data["size"]),
            proof=tuple(from_hex(sibling) for sibling in data["proof"]),
        )


def new_seed() -> bytes:
    """Make the secret of one document."""
    return secrets.token_bytes(SEED_BYTES)


def seal(document: Mapping[str, Any], seed: bytes) -> SealedContent:
    """Compute the content hash of a document.

    Args:
        document: JSON object. Decimals belong into strings; floats are taken as RFC 8785 writes them.
        seed: The document's secret, 32 bytes.

    Raises:
        ContentUnsealable: A field holds something that JSON cannot say exactly.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(len(seed))
    found = sorted(_leaves((), document), key=lambda leaf: _path_bytes(leaf[0]))
    sealed = tuple(SealedField(path, _salt(seed, path), value) for path, value in found)
    return SealedContent(root_of([field.leaf() for field in sealed]), seed, sealed)


def disclose(content: SealedContent, pointer: str | Sequence[str | int]) -> Disclosure:
    """Show one field alone.

    Args:
        content: The sealed document.
        pointer: JSON pointer (`/lines/0/quantity`) or path of the field.

    Raises:
        FieldMissing: The document has no such field, or it is no leaf.
    """
    for index, field in enumerate(content.fields):
        if (field.pointer if isinstance(pointer, str) else field.path) == (
            pointer if isinstance(pointer, str) else tuple(pointer)
        ):
            leaves = [other.leaf() for other in content.fields]
            proof = inclusion_proof(nodes_of(leaves), index, len(leaves))
            return Disclosure(field.path, field.salt, field.value, index, len(leaves), proof)
    raise FieldMissing(at=pointer if isinstance(pointer, str) else _pointer(tuple(pointer)))


def verify_disclosure(disclosure: Disclosure, root: bytes) -> bool:
    """Tell whether the document behind a content hash holds the field that is shown."""
    try:
        leaf = SealedField(disclosure.path, disclosure.salt, disclosure.value).leaf()
    except ContentUnsealable:
        return False
    return verify_inclusion(leaf, disclosure.index, disclosure.size, disclosure.proof, root)


def _leaves(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            if not isinstance(key, str):
                raise ContentUnsealable(at=_pointer((*path, str(key))))
            yield from _leaves((*path, key), item)
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from _leaves((*path, index), item)
    else:
        yield path, value


def _path_bytes(path: Path) -> bytes:
    try:
        return rfc8785.dumps(list(path))
    except (rfc8785.CanonicalizationError, UnicodeError):
        raise ContentUnsealable(at=ascii(_pointer(path))) from None


def _salt(seed: bytes, path: Path) -> bytes:
    return hmac.digest(seed, _path_bytes(path), "sha256")


def _pointer(path: Path) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
