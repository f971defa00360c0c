"""The document archive."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from kernel.archive import ArchivedFileAltered, ArchivedFileMissing, FolderArchive
from kernel.errors import Kind

SCAN = b"%PDF-1.7 invoice"
SHA256 = hashlib.sha256(SCAN).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def folder(root: Path) -> FolderArchive:
    return FolderArchive(root)


def test_a_file_is_filed_under_its_digest(folder: FolderArchive, root: Path) -> None:
    assert folder.put(SCAN) == SHA256
    assert (root / SHA256[:2] / SHA256[2:4] / SHA256).read_bytes() == SCAN
    assert folder.get(SHA256) == SCAN
    assert folder.holds(SHA256)


def test_storing_twice_keeps_one(folder: FolderArchive, root: Path) -> None:
    folder.put(SCAN)
    written = (root / SHA256[:2] / SHA256[2:4] / SHA256).stat().st_mtime_ns
    folder.put(SCAN)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [SHA256]
    assert files[0].stat().st_mtime_ns == written


def test_an_empty_file_is_a_file(folder: FolderArchive) -> None:
    assert folder.get(folder.put(b"")) == b""


def test_what_is_not_there_is_missing(folder: FolderArchive) -> None:
    assert not folder.holds(SHA256)
    with pytest.raises(ArchivedFileMissing) as refused:
        folder.get(SHA256)
    assert refused.value.kind is Kind.MISSING
    assert SHA256 in refused.value.words().zh


def test_an_altered_file_is_never_given(folder: FolderArchive, root: Path) -> None:
    folder.put(SCAN)
    (root / SHA256[:2] / SHA256[2:4] / SHA256).write_bytes(SCAN + b" ")
    with pytest.raises(ArchivedFileAltered) as refused:
        folder.get(SHA256)
    assert refused.value.kind is Kind.UNAVAILABLE


@pytest.mark.parametrize(
    "name", ["", "ab", "../../etc/passwd", "/etc/passwd", SHA256.upper(), "g" * 64, "a" * 65]
)
def test_what_is_no_digest_reaches_no_file(folder: FolderArchive, name: str) -> None:
    with pytest.raises(ArchivedFileMissing):
        folder.get(name)
    assert not folder.holds(name)
