"""What a witness of the evidence log remembers, in a file of its own."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kernel.errors import Kind, PisteError, Text
from ledger.evidence import merkle

FORMAT = "piste-witness-v1"


class StateUnreadable(PisteError):
    """The witness's state file is not one; it signs nothing before a person has looked."""

    code = "witness.state-unreadable"
    kind = Kind.UNAVAILABLE
    message = Text("The state of the witness in {file} cannot be read.", "无法读取见证状态文件{file}。")
    next_step = Text(
        "Restore it from a backup. With an empty state the witness reads the whole log again.",
        "请从备份恢复；若状态为空，见证方将重新读取整个日志。",
    )
    file: str


@dataclass(frozen=True)
class WitnessState:
    """What a witness remembers; a new one has seen nothing.

    Args:
        key: Identifier of its key.
        size: Leaves of the last checkpoint that it signed.
        root: Its root.
        peaks: The complete subtrees that the leaves up to there consist of, largest first.
        next_block: First block of which it has not seen the events.
        unlogged: Hashes of records that are final on its node and of which the log has not told yet.
        anchored: The newest checkpoint that is final on its node.
        signed: The last statement as JSON, with its signature.
        delivered: Whether that was handed over.
    """

    key: str
    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    peaks: tuple[bytes, ...] = ()
    next_block: int = 0
    unlogged: frozenset[bytes] = frozenset()
    anchored: tuple[int, bytes] = (0, merkle.EMPTY_ROOT)
    signed: dict[str, Any] | None = None
    delivered: bool = True

    def to_json(self) -> dict[str, Any]:
        """Give the state as JSON."""
        return {
            "format": FORMAT,
            "key": self.key,
            "size": self.size,
            "root": self.root.hex(),
            "peaks": [peak.hex() for peak in self.peaks],
            "nextBlock": self.next_block,
            "unlogged": sorted(it.hex() for it in self.unlogged),
            "anchored": {"size": self.anchored[0], "root": self.anchored[1].hex()},
            "signed": self.signed,
            "delivered": self.delivered,
        }

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> WitnessState:
        """Read the state.

        Raises:
            KeyError: Something is missing.
            ValueError: Something is not what it should be.
        """
        if data["format"] != FORMAT:
            raise ValueError(data["format"])
        return cls(
            key=str(data["key"]),
            size=int(data["size"]),
            root=bytes.fromhex(data["root"]),
            peaks=tuple(bytes.fromhex(peak) for peak in data["peaks"]),
            next_block=int(data["nextBlock"]),
            unlogged=frozenset(bytes.fromhex(it) for it in data["unlogged"]),
            anchored=(int(data["anchored"]["size"]), bytes.fromhex(data["anchored"]["root"])),
            signed=data["signed"],
            delivered=bool(data["delivered"]),
        )


class StateFile:
    """The file of a witness's state, replaced whole and on the disk before anything is handed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, key: str) -> WitnessState:
        """Read the state of a key; a new one where there is no file.

        Raises:
            StateUnreadable: The file is damaged, or another key's.
        """
        try:
            state = WitnessState.of_json(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return WitnessState(key)
        except (KeyError, TypeError, ValueError):
            raise StateUnreadable(file=str(self._path)) from None
        if state.key != key:
            raise StateUnreadable(file=str(self._path))
        return state

    def save(self, state: WitnessState) -> None:
        """Write the state."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        side = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with side.open("wb") as stream:
            stream.write(orjson.dumps(state.to_json(), option=orjson.OPT_INDENT_2))
            stream.flush()
            os.fsync(stream.fileno())
        side.replace(self._path)
        handle = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
