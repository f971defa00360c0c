"""Random trees of blocks, and a database that is driven through them and compared with a replay."""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from kernel.database import Base, Database
from ledger.chain.client import Chain
from ledger.chain.finality import DepthFinality
from ledger.mirrors import MIRRORS
from ledger.models import ChainBlock, ChainEvent, EvidenceLeaf, LedgerLoad, StatementRecord, StatementState
from ledger.recording.indexer import Indexer
from ledger.refusals import Refusal
from migrations import migrate
from tests.fault.paper import PaperBlock, PaperLog, PaperNode, event, mine, paper_deployment

DEPLOYMENT = paper_deployment()
STATEMENTS = 4
NAMES = [bytes([0xA0 + place]) * 32 for place in range(STATEMENTS)]
CERTIFICATES = [bytes([0xB0 + place]) * 16 + bytes(16) for place in range(STATEMENTS)]
COMPARED: tuple[type[Base], ...] = (ChainBlock, ChainEvent, StatementRecord, EvidenceLeaf, *MIRRORS)
EMPTIED: tuple[type[Base], ...] = (*COMPARED[1:], ChainBlock, LedgerLoad)
SIGNED_AT = datetime(2027, 1, 15, tzinfo=UTC)


class Crash(Exception):
    """The process dies here."""


class Sink:
    """Counts in the database, so that what is undone is uncounted."""

    def recorded(self, session: Session, record: StatementRecord) -> None:
        """Count."""
        del session
        record.intent = {"recorded": record.intent.get("recorded", 0) + 1}

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        """Never happens here."""
        raise AssertionError(refusal)


@dataclass
class Tree:
    """Blocks on one another, with events that a contract could have written on that line."""

    dice: random.Random
    _recorded: dict[bytes, frozenset[int]] = field(default_factory=dict)
    _salts: Iterator[int] = field(default_factory=itertools.count)

    def grow(self, parent: PaperBlock | None, count: int) -> PaperBlock:
        """Put blocks on a block, each unlike any other; give the newest."""
        head = parent
        for _ in range(count):
            recorded = self._recorded[head.hash] if head is not None else frozenset()
            contents, recorded = self._contents(recorded)
            head = mine(head, contents, salt=next(self._salts))
            self._recorded[head.hash] = recorded
        assert head is not None
        return head

    def _contents(self, recorded: frozenset[int]) -> tuple[list[list[PaperLog]], frozenset[int]]:
        if self.dice.random() < 0.6:
            return [], recorded
        which = self.dice.randrange(STATEMENTS)
        certificate = CERTIFICATES[which]
        if which not in recorded:
            logs = [
                event(
                    DEPLOYMENT, "MaterialCertificates", "StatementRecorded",
                    statement=NAMES[which], subject=certificate,
                ),
                event(
                    DEPLOYMENT, "MaterialCertificates", "CertificateSubmitted",
                    certificate=certificate, version=1, validUntil=2**40,
                ),
            ]  # fmt: skip
            return [logs], recorded | {which}
        amount = self.dice.randrange(1000)
        changed = event(
            DEPLOYMENT, "MaterialCertificates", "LineReserved",
            certificate=certificate, line=1, reserved=amount, committed=amount // 2,
        )  # fmt: skip
        return [[], [changed]], recorded


class Unreliable:
    """A node that sometimes does not answer, answers in part, or gives one answer twice."""

    def __init__(self, node: PaperNode, dice: random.Random, share: float) -> None:
        self.node, self.dice, self.share = node, dice, share

    def __call__(self, body: bytes) -> bytes:
        """Answer, or fail to."""
        answer = self.node(body)
        if self.dice.random() >= self.share:
            return answer
        match self.dice.randrange(3):
            case 0:
                raise ConnectionError
            case 1:
                return answer[: len(answer) // 2]
            case _:
                return twice(answer)


def twice(answer: bytes) -> bytes:
    """Give the first of many answers twice and the last not at all; an only answer as a list of two."""
    if not answer.startswith(b"["):
        return b"[" + answer + b"," + answer + b"]"
    mark = b'{"jsonrpc"'
    parts = answer[1:-1].split(b"," + mark)
    whole = [parts[0], *(mark + part for part in parts[1:])]
    return b"[" + b",".join([whole[0], *whole[: max(len(whole) - 1, 1)]]) + b"]"


def crash_after(count: int) -> Callable[[str], None]:
    """Make a hook that crashes when the n-th named point is passed."""
    passed = itertools.count(1)

    def at(point: str) -> None:
        if next(passed) == count:
            raise Crash(point)

    return at


@dataclass
class Stage:
    """The database that goes through everything, and an empty one for the replay."""

    database: Database
    empty: Database

    def clear(self) -> None:
        """Start as an installation whose statements were just sent."""
        for database in (self.database, self.empty):
            with database.write() as session:
                for table in EMPTIED:
                    session.connection().exec_driver_sql(f"DELETE FROM {table.__tablename__}")
                session.execute(insert(StatementRecord), _statements())

    def indexer(self, node: Callable[[bytes], bytes], depth: int, **more: Any) -> Indexer:  # noqa: ANN401 - of any field
        """Give an indexer as a process just started has it."""
        return _indexer(self.database, node, depth, **more)

    def replay(self, node: PaperNode, depth: int) -> None:
        """Follow the line that won, from the first block, into the empty database."""
        indexer = _indexer(self.empty, node, depth)
        while indexer.step():
            pass


def _indexer(database: Database, node: Callable[[bytes], bytes], depth: int, **more: Any) -> Indexer:  # noqa: ANN401 - of any field
    chain = Chain("paper", transport=node)
    return Indexer(database, chain, DEPLOYMENT, DepthFinality(depth), Sink(), "0x" + "00" * 20, **more)


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row that the chain determines, without row numbers."""
    with database.read() as session:
        found = {}
        for table in COMPARED:
            # As the driver gives them: comparing needs no types.
            cursor = session.connection().exec_driver_sql(f"SELECT * FROM {table.__tablename__}")
            counted = [place for place, name in enumerate(cursor.keys()) if name == "id"]
            found[table.__tablename__] = sorted(
                tuple(str(value) for place, value in enumerate(row) if place not in counted) for row in cursor
            )
        return found


def _statements() -> Sequence[dict[str, Any]]:
    return [
        {
            "digest": name,
            "primary_type": "CertificateSubmission",
            "contract": "MaterialCertificates",
            "subject": certificate,
            "message": {},
            "arguments": None,
            "required": 1,
            "state": StatementState.SENT,
            "case_kind": "test",
            "case_id": UUID(bytes=certificate[:16]),
            "intent": {},
            "attempts": 0,
            "created_at": SIGNED_AT,
            "queued_at": SIGNED_AT,
        }
        for name, certificate in zip(NAMES, CERTIFICATES, strict=True)
    ]


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Give two migrated databases, in memory where the machine has a file system there."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
    databases = []
    try:
        for name in ("one", "two"):
            address = f"sqlite:///{folder}/{name}.sqlite3"
            migrate(address)
            databases.append(Database(address))
        yield Stage(*databases)
    finally:
        for database in databases:
            database.dispose()
        shutil.rmtree(folder)
