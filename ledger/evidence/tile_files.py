"""The files of a tile log (C2SP tlog-tiles): their names, how they get safely onto the disk, how they are found.

A tile of level L and index N holds 256 neighbouring hashes of tree level 8·L; an entry bundle holds the data of 256
leaves. The one at the right edge is partial and named after how much it holds. No file is ever read beyond the size
that the database has committed, so what a killed writer left behind is simply written over.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kernel.errors import Kind, PisteError, Text

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile, entries of a full bundle."""
HASH = 32
ENTRIES = "entries"
MOST_ENTRY_BYTES = 0xFFFF
Shelf = int | str
"""Level of a tile, or `ENTRIES`."""
_MOST_SINGLE_SYNCS = 24
_GROUP = 1000
_LOOKS = 3


class TileDamaged(PisteError):
    """A file of the evidence log is missing, cut off or altered."""

    code = "evidence.tile-damaged"
    kind = Kind.UNAVAILABLE
    message = Text("The evidence log's file {file} is damaged or missing.", "证据日志文件{file}损坏或缺失。")
    next_step = Text(
        "The log's keeper restores it from the database; ask again in some minutes.",
        "日志管理进程将从数据库恢复该文件，请稍后重试。",
    )
    file: str


class LogHasAnotherWriter(PisteError):
    """Another process lengthens the evidence log."""

    code = "evidence.another-writer"
    kind = Kind.UNAVAILABLE
    message = Text(
        "Another process writes the evidence log in {folder}.", "另一进程正在写入{folder}中的证据日志。"
    )
    next_step = Text("Run one relay process for one database.", "每个数据库只运行一个中继进程。")
    folder: str


def file_name(shelf: Shelf, index: int, width: int = WIDTH) -> str:
    """Name a file relative to the log's folder, for example `tile/0/x001/x234/067.p/5`.

    Args:
        shelf: Level of the tile, or `ENTRIES`.
        index: Its place on the shelf, from 0.
        width: How much it holds; 256 is a full one.
    """
    groups = [f"{index % _GROUP:03d}"]
    while index := index // _GROUP:
        groups.append(f"x{index % _GROUP:03d}")
    name = f"tile/{shelf}/{'/'.join(reversed(groups))}"
    return name if width == WIDTH else f"{name}.p/{width}"


def parse_index(text: str) -> int | None:
    """Read an index as it stands in a file's name, for example `x001/234`; None where it is written in another way."""
    groups = text.split("/")
    digits = [group[1:] if place < len(groups) - 1 else group for place, group in enumerate(groups)]
    if not all(len(it) == 3 and it.isascii() and it.isdigit() for it in digits):  # noqa: PLR2004  # three digits a group
        return None
    index = int("".join(digits))
    return index if file_name(ENTRIES, index) == f"tile/{ENTRIES}/{text}" else None


def joined(entries: list[bytes]) -> bytes:
    """Write entries as a bundle: each behind its length, two bytes."""
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def split(bundle: bytes) -> list[bytes] | None:
    """Read the entries of a bundle; None where it is cut off."""
    entries, at = [], 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        entries.append(bundle[start:at])
    return entries if at == len(bundle) else None


class TileFolder:
    """The files of one log.

    Args:
        root: The log's folder; made with the first file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._written: list[Path] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer; the lock goes with the process.

        Raises:
            LogHasAnotherWriter: There is one.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LogHasAnotherWriter(folder=str(self.root)) from None
            yield

    def read(self, shelf: Shelf, index: int, width: int) -> bytes | None:
        """Give the file of this width, or a longer one that has meanwhile taken its place; None where there is none."""
        for _ in range(
            _LOOKS
        ):  # a writer may take files away between the look into the folder and the opening
            for held in (width, *self._longer(shelf, index, width), WIDTH):
                with suppress(FileNotFoundError):
                    return (self.root / file_name(shelf, index, held)).read_bytes()
        return None

    def write(self, shelf: Shelf, index: int, width: int, data: bytes) -> None:
        """Write a file that nobody reads yet; it is safe after the next `sync`."""
        path = self.root / file_name(shelf, index, width)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with open(handle, "wb", buffering=0) as stream:  # noqa: PTH123  # opened above
            stream.write(data)
        self._written.append(path)

    def replace(self, shelf: Shelf, index: int, width: int, data: bytes) -> None:
        """Write a file in place of a damaged one, whole or not at all."""
        path = self.root / file_name(shelf, index, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        side = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        side.write_bytes(data)
        side.replace(path)
        self._written.append(path)

    def sync(self) -> None:
        """Wait until all that was written is on the disk."""
        written, self._written = self._written, []
        if len(written) > _MOST_SINGLE_SYNCS and _sync_file_system(self.root):
            return
        folders = {folder for path in written for folder in path.parents if folder.is_relative_to(self.root)}
        for path in (*written, *folders):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def trim(self, shelf: Shelf, index: int, width: int) -> None:
        """Remove at the right edge what is not committed, and what a longer file has replaced.

        Args:
            shelf: Level, or `ENTRIES`.
            index: The one partial file of the shelf.
            width: How much of it is committed.
        """
        with suppress(FileNotFoundError):
            (self.root / file_name(shelf, index)).unlink()
        for other in self._longer(shelf, index, 0):
            if other != width:
                (self.root / file_name(shelf, index, other)).unlink(missing_ok=True)
        if index:
            self.drop_partial(shelf, index - 1)

    def drop_partial(self, shelf: Shelf, index: int) -> None:
        """Remove the partial files of a full one."""
        folder = self._partial(shelf, index)
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def _partial(self, shelf: Shelf, index: int) -> Path:
        return (self.root / file_name(shelf, index, 1)).parent

    def _longer(self, shelf: Shelf, index: int, width: int) -> list[int]:
        try:
            names = [path.name for path in self._partial(shelf, index).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isdigit() and int(name) > width)


def _sync_file_system(folder: Path) -> bool:
    """Write back the whole file system of a folder at once, where the system can; many times faster for many files."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        return bool(syncfs(handle) == 0)
    finally:
        os.close(handle)
