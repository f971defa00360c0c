"""What the embedded node keeps on disk: dumps of its state, and which block is final."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kernel.errors import Kind, PisteError, Text
from ledger.chain.client import LedgerUnavailable


class NodeStateBroken(PisteError):
    """Neither the last nor the previous dump of the node's state can be read."""

    code = "node.state-broken"
    kind = Kind.UNAVAILABLE
    message = Text("The node's state in {folder} cannot be read.", "无法读取{folder}中的节点状态。")
    next_step = Text(
        "Restore the folder from a backup; starting anew would lose what is recorded.",
        "请从备份恢复该目录；重新开始会丢失已上链的记录。",
    )
    folder: str


@dataclass(frozen=True)
class FinalBlock:
    """The newest block that a kill of the node cannot undo."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class NodeFolder:
    """Where the embedded node keeps what it keeps."""

    path: Path

    @property
    def state(self) -> Path:
        """The last dump, gzip."""
        return self.path / "state.json.gz"

    @property
    def previous(self) -> Path:
        """The dump before."""
        return self.path / "state.previous.json.gz"

    @property
    def final_block(self) -> Path:
        """What the keeper publishes."""
        return self.path / "final_block.json"

    @property
    def port(self) -> Path:
        """The port that was taken."""
        return self.path / "port"

    @property
    def log(self) -> Path:
        """What the node's program says."""
        return self.path / "anvil.log"


def node_folder(data_dir: Path) -> NodeFolder:
    """Give the embedded node's folder within the data folder."""
    return NodeFolder(data_dir / "node")


def node_url(data_dir: Path, port: int = 0) -> str:
    """Give the address of the embedded node.

    Raises:
        LedgerUnavailable: It was never started, so that its port is not known.
    """
    try:
        taken = port or int(node_folder(data_dir).port.read_text())
    except (FileNotFoundError, ValueError):
        raise LedgerUnavailable(detail="the embedded node was never started") from None
    return f"http://127.0.0.1:{taken}"


def read_final_block(path: Path) -> FinalBlock | None:
    """Read what the keeper published last; None where it published nothing yet."""
    try:
        data = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return FinalBlock(data["number"], bytes.fromhex(data["hash"].removeprefix("0x")))


def is_whole(state: dict[str, Any]) -> bool:
    """Tell whether a dump shows one moment: each sender's nonce is what its transactions make it.

    The node serialises blocks first and accounts afterwards; a block mined in between would leave the
    accounts ahead of the blocks, and its events lost for ever once such a dump is loaded.
    """
    counts: dict[str, int] = defaultdict(int)
    for transaction in state["transactions"]:
        info = transaction["info"]
        counts[info["from"]] = max(counts[info["from"]], info["nonce"] + 1)
    for address, account in state["accounts"].items():
        is_contract = account["code"] not in {"0x", "", None}
        if account["nonce"] != counts.pop(address, 0) and not is_contract:
            return False
    return not any(counts.values())


def unpack(dump: bytes) -> dict[str, Any] | None:
    """Read a dump as the node gives it, None where it is broken."""
    try:
        state: dict[str, Any] = orjson.loads(gzip.decompress(dump))
    except (OSError, EOFError, zlib.error, ValueError):
        return None
    return state


def read_dump(path: Path) -> bytes | None:
    """Give the unpacked dump, None where it is broken."""
    dump = path.read_bytes()
    state = unpack(dump)
    if state is None or "best_block_number" not in state or not is_whole(state):
        return None
    return gzip.decompress(dump)


def write_synced(path: Path, data: bytes, *, rename: bool = True) -> None:
    """Write a file so that it is on disk afterwards, by default beside the old one and renamed over it."""
    side = path.with_name(path.name + ".part") if rename else path
    with side.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if rename:
        side.rename(path)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """See to it that what was renamed in a folder is on disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
