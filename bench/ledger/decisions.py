"""Recorded decisions a second: through outbox, relay and indexer, the plain way, and the node's own ceiling."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import psutil
from sqlalchemy import func, select
from web3 import HTTPProvider, Web3

from bench.figures import Figure
from bench.ledger.stage import PATIENCE_S, Signed, Size, Stage, pack, progress
from ledger.chain.interfaces import as_abi
from ledger.contracts import load_artifact
from ledger.models import ChainBlock, LedgerTransaction, StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from tests.ledger.world import World

EAGER_S = 0.005
_FORK = multiprocessing.get_context("fork")


@dataclass
class Turns:
    """How many decisions were taken in how many seconds."""

    count: int = 0
    seconds: float = 0.0
    rates: list[float] = field(default_factory=list)

    def add(self, count: int, seconds: float) -> None:
        """Add a turn."""
        self.count += count
        self.seconds += seconds
        self.rates.append(count / seconds)

    @property
    def best(self) -> float:
        """Decisions a second in the best turn."""
        return max(self.rates)

    @property
    def rate(self) -> float:
        """Decisions a second over all turns."""
        return self.count / self.seconds


def measure(stage: Stage, size: Size) -> list[Figure]:
    """Let each way take its turn, round after round, on the same node."""
    progress(f"decisions: filing and signing for {size.rounds} rounds")
    turn = 2 * size.decisions + 2 * size.plain
    signed = stage.decisions(size.rounds * turn)
    piste, outbox, ceiling, plain, eager = (Turns() for _ in range(5))
    with _processes(stage) as running:
        used = 0.0
        for number in range(size.rounds):
            progress(f"decisions: round {number + 1} of {size.rounds}")
            part = signed[number * turn : (number + 1) * turn]
            ours, part = part[: size.decisions], part[size.decisions :]
            straight, part = part[: size.decisions], part[size.decisions :]
            ceiling.add(len(straight), _straight(stage, straight))
            _await_indexer(stage)
            used -= _processor_s(running)
            written, seconds = _through_outbox(stage, ours)
            used += _processor_s(running)
            piste.add(len(ours), seconds)
            outbox.add(len(ours), written)
            plain.add(size.plain, _plainly(stage, part[: size.plain], 0.1))
            eager.add(size.plain, _plainly(stage, part[size.plain :], EAGER_S))
    per_transaction = _statements_per_transaction(stage)
    clock = "outbox filled → relay → contracts → indexer → recorded in PostgreSQL"
    return [
        Figure("decisions_per_s", piste.rate, "1/s", f"{clock}; release decisions, signed beforehand"),
        Figure("decisions_plain_per_s", plain.rate, "1/s", "web3.py as it comes: send, wait for the receipt"),
        Figure(
            "decisions_ceiling_per_s",
            ceiling.best,
            "1/s",
            "the same calls, pre-signed, straight to the node; best turn",
        ),
        Figure("decisions_ratio", piste.rate / plain.rate, "×", "decisions_plain_per_s; to reach: 20"),
        Figure("ceiling_ratio", piste.rate / ceiling.best, "×", "decisions_ceiling_per_s; to reach: 0.5"),
        Figure(
            "decisions_eager_ratio", piste.rate / eager.rate, "×", "web3.py asking for the receipt every 5 ms"
        ),
        Figure(
            "decisions_cpu_ms",
            1000 * used / piste.count,
            "ms",
            "processor time of relay and indexer for one, the node's besides",
        ),
        Figure("outbox_per_s", outbox.rate, "1/s", "statements written into the outbox by one process"),
        Figure("relay_batch", per_transaction, "", "statements in one transaction of the relay, mean"),
    ]


def _straight(stage: Stage, signed: Sequence[Signed]) -> float:
    """Hand the calls to the node, packed as the relay packs them, all at once."""
    most = stage.world.relay.most_statements
    packed = [stage.raw(calls) for calls in pack([one.call for one in signed], most)]
    seconds = stage.pipeline([raw for raw, _ in packed])
    for _, name in packed:
        stage.check(name)
    return seconds


def _through_outbox(stage: Stage, signed: Sequence[Signed]) -> tuple[float, float]:
    """Write statements into the outbox, all at once visible, and wait for their records; give the seconds of either."""
    world = stage.world
    begun = time.perf_counter()
    with world.database.write() as session:
        for one in signed:
            enqueue_statement(
                session,
                one.statement,
                world.deployment,
                signatures=one.signatures,
                case_kind="bench",
                case_id=UUID(bytes=one.statement.subject[:16]),
                intent={},
                arguments=one.arguments,
                now=world.clock.now(),
            )
    committed = time.perf_counter()
    while _waiting(world):
        assert time.perf_counter() - committed < PATIENCE_S, "statements are not recorded"
        time.sleep(0.01)
    return committed - begun, time.perf_counter() - committed


def _await_indexer(stage: Stage) -> None:
    """Wait until the indexer is done with the turns of the others, which are not its own to answer for."""
    head, until = stage.chain.head().number, time.perf_counter() + PATIENCE_S
    while True:
        with stage.world.database.read() as session:
            done = session.scalar(select(func.max(ChainBlock.number)).where(ChainBlock.is_final)) or 0
        if done >= head:
            return
        assert time.perf_counter() < until, "the indexer does not catch up"
        time.sleep(0.05)


def _waiting(world: World) -> bool:
    open_states = (StatementState.QUEUED, StatementState.SENT)
    with world.database.read() as session:
        one = select(StatementRecord.id).where(StatementRecord.state.in_(open_states)).limit(1)
        return session.scalar(one) is not None


def _plainly(stage: Stage, signed: Sequence[Signed], poll_s: float) -> float:
    """Send one transaction a record with web3.py and wait for each receipt."""
    w3 = Web3(HTTPProvider(stage.chain.url))
    address = Web3.to_checksum_address(stage.world.deployment.address("ReleaseDecisions"))
    contract = w3.eth.contract(address=address, abi=load_artifact("ReleaseDecisions").abi)
    begun = time.perf_counter()
    for one in signed:
        pairs = [(by.signer, by.signature) for by in one.signatures]
        call: Any = contract.functions.decide(as_abi(one.statement), pairs)
        transaction = call.build_transaction(
            {
                "from": stage.payer.address,
                "nonce": stage.taken_number(),
                "gas": one.call.gas,
                "gasPrice": 0,
                "chainId": stage.world.deployment.chain_id,
            }
        )
        raw = stage.payer.sign_transaction(transaction).raw_transaction
        receipt = w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw), poll_latency=poll_s)
        assert receipt["status"] == 1, "a decision of the plain way was refused"
    return time.perf_counter() - begun


def _statements_per_transaction(stage: Stage) -> float:
    with stage.world.database.read() as session:
        transactions = session.scalar(
            select(func.count(func.distinct(StatementRecord.transaction_id))).where(
                StatementRecord.case_kind == "bench"
            )
        )
        statements = session.scalar(
            select(func.count(StatementRecord.id))
            .join(LedgerTransaction, LedgerTransaction.id == StatementRecord.transaction_id)
            .where(StatementRecord.case_kind == "bench")
        )
    return (statements or 0) / (transactions or 1)


def _processor_s(running: Sequence[psutil.Process]) -> float:
    """Give the processor time of relay and indexer so far, seconds."""
    return sum(sum(process.cpu_times()[:2]) for process in running)


@contextmanager
def _processes(stage: Stage) -> Iterator[list[psutil.Process]]:
    """Run relay and indexer as the product does, each in a process of its own."""
    stop = _FORK.Event()
    # The world's own connections would be shared by all processes.
    stage.world.database.dispose()
    running = [_FORK.Process(target=run, args=(stage, stop), daemon=True) for run in (_relay, _indexer)]
    for process in running:
        process.start()
    try:
        yield [psutil.Process(process.pid) for process in running]
    finally:
        stop.set()
        for process in running:
            process.join(PATIENCE_S)
    assert not any(process.exitcode for process in running), "relay or indexer ended with an error"


def _relay(stage: Stage, stop: Any) -> None:  # noqa: ANN401 - an event between processes looks like one of threads
    stage.world_apart().relay.run(cast("Any", stop))


def _indexer(stage: Stage, stop: Any) -> None:  # noqa: ANN401 - the same
    stage.world_apart().indexer.run(cast("Any", stop))
