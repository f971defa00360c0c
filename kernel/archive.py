"""Documents and pictures, each stored once under its SHA-256."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from kernel.errors import Kind, PisteError, Text


class ArchivedFileMissing(PisteError):
    """The archive does not hold this content."""

    code = "archive.missing"
    kind = Kind.MISSING
    message = Text("The archive holds no file {sha256}.", "档案库中没有文件{sha256}。")
    next_step = Text("Upload the document again.", "请重新上传该文件。")
    sha256: str


class ArchivedFileAltered(PisteError):
    """A stored file no longer has the digest that it is filed under."""

    code = "archive.altered"
    kind = Kind.UNAVAILABLE
    message = Text("The stored file {sha256} was altered.", "已存档的文件{sha256}被改动。")
    next_step = Text("Restore it from a backup; do not rely on it.", "请从备份恢复，切勿采信该文件。")
    sha256: str


class Archive(Protocol):
    """A store of immutable files by content."""

    def put(self, data: bytes) -> str:
        """Store the bytes and give their SHA-256 in hexadecimal."""

    def get(self, sha256: str) -> bytes:
        """Give the bytes back, checked against their digest."""

    def holds(self, sha256: str) -> bool:
        """Tell whether the content is stored."""


class FolderArchive:
    """An archive in a local folder: `ab/cd/abcd…`, written to a side file, synced and renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, data: bytes) -> str:
        """Store the bytes and give their SHA-256 in hexadecimal; storing twice costs nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        side = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        with side.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        side.rename(path)
        _sync_folder(path.parent)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Give the bytes back, checked against their digest.

        Raises:
            ArchivedFileMissing: Nothing is stored under the digest.
            ArchivedFileAltered: What is stored has another digest.
        """
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise ArchivedFileMissing(sha256=sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ArchivedFileAltered(sha256=sha256)
        return data

    def holds(self, sha256: str) -> bool:
        """Tell whether the content is stored."""
        try:
            return self._path(sha256).exists()
        except ArchivedFileMissing:
            return False

    def stored(self) -> Iterator[str]:
        """Go through the digests of everything that is stored."""
        for path in sorted(self._root.glob("??/??/*")):
            if len(path.name) == hashlib.sha256().digest_size * 2:
                yield path.name

    def begins_with(self, sha256: str, beginning: bytes) -> bool:
        """Tell whether a stored file begins with some bytes, without reading all of it."""
        with self._path(sha256).open("rb") as stream:
            return stream.read(len(beginning)) == beginning

    def _path(self, sha256: str) -> Path:
        if len(sha256) != hashlib.sha256().digest_size * 2 or not set(sha256) <= set("0123456789abcdef"):
            raise ArchivedFileMissing(sha256=sha256[:80])
        return self._root / sha256[:2] / sha256[2:4] / sha256


def _sync_folder(folder: Path) -> None:
    """Make the new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
