"""What a signed decision commits to, kept in the archive: the document with its seed, so that it can be shown again.

The chain holds digests alone. With these files a case can be restored, and any field of it proven, without the
database. Whoever can read them can read the documents: they belong under the same lock as the archive's other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson
import rfc8785

from kernel.archive import Archive, FolderArchive
from ledger.models import StatementRecord
from ledger.proofs.content import ContentUnsealable, seal
from ledger.reconciliation.rebuilding import CaseOf

FORMAT = "piste-sealed-v1"
_BEGINS = b'{"case":'
"""How such a file begins: its keys are sorted."""


@dataclass(frozen=True)
class SealedDocument:
    """A document and the seed of its salts."""

    document: Mapping[str, Any]
    seed: bytes

    @property
    def root(self) -> bytes:
        """The content hash."""
        return seal(self.document, self.seed).root


@dataclass(frozen=True)
class KeptDecision:
    """A signed decision as the archive holds it."""

    statement: bytes
    """Digest of the statement."""
    case: CaseOf
    sealed: tuple[SealedDocument, ...]

    def document(self, content_hash: bytes) -> SealedDocument | None:
        """Give the document behind a content hash; computed, so that an altered one is none."""
        for sealed in self.sealed:
            try:
                if sealed.root == content_hash:
                    return sealed
            except (ContentUnsealable, ValueError):
                continue
        return None

    def to_bytes(self) -> bytes:
        """Write the file: canonical JSON."""
        return rfc8785.dumps(
            {
                "format": FORMAT,
                "statement": self.statement.hex(),
                "case": {"kind": self.case.kind, "id": str(self.case.case_id), "intent": self.case.intent},
                "sealed": [{"document": one.document, "seed": one.seed.hex()} for one in self.sealed],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """Read a file; None where it is another one."""
        if not data.startswith(_BEGINS):
            return None
        try:
            read = orjson.loads(data)
            if read["format"] != FORMAT:
                return None
            return cls(
                bytes.fromhex(read["statement"]),
                CaseOf(read["case"]["kind"], UUID(read["case"]["id"]), read["case"]["intent"]),
                tuple(SealedDocument(one["document"], bytes.fromhex(one["seed"])) for one in read["sealed"]),
            )
        except (ValueError, KeyError, TypeError):
            return None


def keep(archive: Archive, record: StatementRecord, sealed: tuple[SealedDocument, ...]) -> str:
    """Keep what a signed statement commits to, and whose it is; give the file's digest."""
    case = CaseOf(record.case_kind, record.case_id, record.intent)
    return archive.put(KeptDecision(record.digest, case, sealed).to_bytes())


class KeptDecisions:
    """Finds kept decisions in an archive by the digest of their statement.

    Args:
        archive: The archive; every file of it is looked at once.
    """

    def __init__(self, archive: FolderArchive) -> None:
        self._archive = archive
        self._files = {kept.statement: sha256 for sha256, kept in _kept(archive)}

    def __len__(self) -> int:
        """Count them."""
        return len(self._files)

    def get(self, statement: bytes) -> KeptDecision | None:
        """Give what is kept of a statement, None where nothing is."""
        sha256 = self._files.get(statement)
        return None if sha256 is None else KeptDecision.from_bytes(self._archive.get(sha256))

    def case_of(self, statement: bytes) -> CaseOf | None:
        """Give the case of a statement, None where it is not known."""
        kept = self.get(statement)
        return None if kept is None else kept.case


def _kept(archive: FolderArchive) -> Iterator[tuple[str, KeptDecision]]:
    for sha256 in archive.stored():
        if archive.begins_with(sha256, _BEGINS):
            kept = KeptDecision.from_bytes(archive.get(sha256))
            if kept is not None:
                yield sha256, kept
