"""Logs a second from the node into PostgreSQL: our indexer and a plain loop of web3.py over the same chain."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, cast
from uuid import UUID, uuid4

import psutil
from hexbytes import HexBytes
from sqlalchemy import func, select
from web3 import HTTPProvider, Web3

from bench.figures import Figure
from bench.ledger.stage import (
    DECIDER,
    LINES,
    NoSink,
    Signed,
    Size,
    Stage,
    progress,
)
from kernel.database import Database
from ledger.chain.client import Chain
from ledger.contracts import load_artifact
from ledger.models import ChainBlock, ChainEvent, StatementRecord, StatementState
from ledger.statements import digest
from tests.ledger.world import World

DRAWS = 12
"""Draws of one declaration."""
IN_ONE_TRANSACTION = 8
MEBIBYTE = 1 << 20
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class CaughtUp:
    """What catching up took."""

    logs: int
    statements: int
    seconds: float
    grown_mb: float
    """Peak of resident memory above what it was after the first step."""
    used_s: float
    """Processor time of the indexer."""
    steady_mb: float
    """Peak in the second half above the peak in the first."""


def measure(stage: Stage, size: Size) -> list[Figure]:
    """Grow a chain of so many logs, then follow it from its first block with both."""
    logs = _grow(stage, size.logs)
    progress("indexer: plain loop")
    plain = [_plain_loop(stage, size.plain_logs)]
    progress("indexer: catching up")
    caught = _catch_up(stage, logs)
    plain.append(_plain_loop(stage, size.plain_logs))
    rate, plain_rate = caught.logs / caught.seconds, sum(it[0] for it in plain) / sum(it[1] for it in plain)
    work = f"{caught.logs:,} logs: fetched, stored, projected, verdicts on {caught.statements:,} statements"
    return [
        Figure("indexer_logs_per_s", rate, "1/s", f"{work}, committed; to reach: 5,000"),
        Figure(
            "indexer_plain_logs_per_s", plain_rate, "1/s", "web3.py get_logs, process_log, ORM insert a block"
        ),
        Figure(
            "indexer_logs_per_cpu_s",
            caught.logs / caught.used_s,
            "1/s",
            "for a second of the indexer's processor time",
        ),
        Figure("indexer_ratio", rate / plain_rate, "×", "indexer_plain_logs_per_s"),
        Figure("indexer_memory_mb", caught.grown_mb, "MiB", "peak over all of it above the first step's"),
        Figure(
            "indexer_memory_late_mb", caught.steady_mb, "MiB", "second half's peak above the first half's"
        ),
    ]


def _grow(stage: Stage, wanted: int) -> Sequence[StatementRecord]:
    """Bring declarations and decisions onto the chain until it has so many logs; give their statements' rows."""
    head = stage.chain.head().number
    addresses = list(stage.world.deployment.addresses.values())
    have = sum(len(stage.chain.logs(at, min(at + 49, head), addresses)) for at in range(0, head + 1, 50))
    rows: list[StatementRecord] = []
    # A declaration with its draws, and the decision that commits them.
    each = 2 + DRAWS + 2 + DRAWS
    while have < wanted:
        progress(f"indexer: a chain of {have:,} of {wanted:,} logs")
        names = [uuid4() for _ in range(min(400, (wanted - have) // each + 1))]
        filings = [
            stage.filing(name, [(place + step) % LINES + 1 for step in range(DRAWS)])
            for place, name in enumerate(names)
        ]
        decisions = [stage.sign(stage.world.decision(name), DECIDER) for name in names]
        for signed in (filings, decisions):
            stage.record(signed, most=IN_ONE_TRANSACTION)
            rows += [_row(stage, one) for one in signed]
        have += len(names) * each
    return rows


def _row(stage: Stage, signed: Signed) -> StatementRecord:
    """Give the outbox's row of a statement that was sent; the indexer finds its verdict on the chain."""
    now, statement = stage.world.clock.now(), signed.statement
    return StatementRecord(
        digest=digest(statement, stage.world.deployment),
        primary_type=statement.primary_type,
        contract=statement.contract,
        subject=statement.subject,
        message=statement.message(),
        arguments=None,
        required=1,
        state=StatementState.SENT,
        case_kind="bench",
        case_id=UUID(bytes=statement.subject[:16]),
        intent={},
        attempts=0,
        created_at=now,
        queued_at=now,
    )


def _catch_up(stage: Stage, rows: Sequence[StatementRecord]) -> CaughtUp:
    """Follow the whole chain into an empty database, in a process of its own."""
    database = stage.fresh_database()
    with database.write() as session:
        session.add_all(rows)
    database.dispose()
    world = replace(stage.world, database=database, chain=Chain(stage.chain.url), sink=NoSink())
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=_follow, args=(world, theirs), daemon=True)
    process.start()
    theirs.close()
    seconds, used_s, peaks = cast("tuple[float, float, list[float]]", ours.recv())
    process.join()
    with database.read() as session:
        logs = session.scalar(select(func.count(ChainEvent.id))) or 0
        left = session.scalar(select(func.count(ChainBlock.number)).where(~ChainBlock.is_final)) or 0
        recorded = StatementRecord.state == StatementState.RECORDED
        statements = session.scalar(select(func.count(StatementRecord.id)).where(recorded)) or 0
    database.dispose()
    assert not left, f"{left} blocks are not final"
    assert statements == len(rows), f"{statements} of {len(rows)} statements are recorded"
    half = max(len(peaks) // 2, 1)
    late = max(0.0, max(peaks[half:], default=0) - max(peaks[:half]))
    return CaughtUp(logs, statements, seconds, max(peaks) - peaks[0], used_s, late)


def _follow(world: World, answers: Connection) -> None:
    """Step until nothing is left; send the seconds and the resident memory after each step."""
    indexer, memory, peaks = world.indexer, psutil.Process(), list[float]()
    begun, used = time.perf_counter(), time.process_time()
    while indexer.step():
        peaks.append(memory.memory_info().rss / MEBIBYTE)
    answers.send((time.perf_counter() - begun, time.process_time() - used, peaks))


def _plain_loop(stage: Stage, wanted: int) -> tuple[int, float]:
    """Follow the newest blocks as one would without thinking of speed; give how many logs in how many seconds."""
    w3 = Web3(HTTPProvider(stage.chain.url))
    deployment = stage.world.deployment
    decoders = _decoders(w3)
    names = {address: name for name, address in deployment.addresses.items()}
    database = stage.fresh_database()
    number, count, begun = int(w3.eth.block_number), 0, time.perf_counter()
    while count < wanted and number > deployment.deployed_at_block:
        count += _plain_block(w3, database, number, names, decoders)
        number -= 1
    seconds = time.perf_counter() - begun
    database.dispose()
    return count, seconds


def _plain_block(
    w3: Web3, database: Database, number: int, names: dict[str, str], decoders: dict[bytes, Any]
) -> int:
    block = w3.eth.get_block(cast("Any", number))
    addresses = [Web3.to_checksum_address(address) for address in names]
    logs = w3.eth.get_logs(
        {"fromBlock": cast("Any", number), "toBlock": cast("Any", number), "address": addresses}
    )
    with database.write() as session:
        session.add(
            ChainBlock(
                number=number,
                hash=bytes(block["hash"]),
                parent_hash=bytes(block["parentHash"]),
                timestamp=datetime.fromtimestamp(block["timestamp"], UTC),
                is_final=True,
            )
        )
        session.flush()
        for log in logs:
            found = decoders[bytes(log["topics"][0])].process_log(log)
            session.add(
                ChainEvent(
                    block_number=number,
                    block_hash=bytes(block["hash"]),
                    transaction_hash=bytes(log["transactionHash"]),
                    transaction_index=log["transactionIndex"],
                    log_index=log["logIndex"],
                    contract=names[log["address"]],
                    name=found["event"],
                    values={name: _plain_value(value) for name, value in found["args"].items()},
                )
            )
    return len(logs)


def _plain_value(value: object) -> object:
    return "0x" + bytes(value).hex() if isinstance(value, bytes | HexBytes) else str(value)


def _decoders(w3: Web3) -> dict[bytes, Any]:
    """Give web3's decoder of each event of our contracts, by its first topic."""
    found: dict[bytes, Any] = {}
    for name in (
        "Consortium",
        "MaterialCertificates",
        "ReleaseDecisions",
        "CheckNotes",
        "EvidenceLog",
        "Inbox",
    ):
        contract: Any = w3.eth.contract(abi=load_artifact(name).abi)
        found |= {bytes(HexBytes(event().topic)): event() for event in contract.events}
    return found
