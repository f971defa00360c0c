"""The ledger's processes as an installation runs them: node, relay and indexer from one data folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.errors import Kind, NotFound
from kernel.settings import Settings
from ledger.chain import node
from ledger.chain.client import LedgerUnavailable
from ledger.chain.deployment import check_deployment, deployment_file, load_deployment
from ledger.chain.installation import (
    await_ledger,
    finality_of,
    founding_signers,
    log_signer,
    open_chain,
    relay_account,
)
from ledger.consortium import enqueue_change, key_grant, organisation
from ledger.evidence.log import append_leaf
from ledger.keys.roles import Role
from ledger.mirrors import LedgerCheckpoint
from ledger.models import StatementRecord, StatementState
from ledger.recording import indexer, relay
from ledger.recording.looping import loop
from tests.ledger.world import Recorder, until


@contextmanager
def running(*processes: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run processes in threads until the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=process, args=(stop,)) for process in processes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_installation_from_nothing_to_an_anchored_checkpoint(
    database_address: str, data_dir: Path
) -> None:
    settings = Settings(data_dir=data_dir, database_url=database_address, checkpoint_interval_s=0)
    sink = Recorder()
    database = Database(database_address)
    with running(
        lambda stop: node.run(settings, stop),
        lambda stop: relay.run(settings, stop),
        lambda stop: indexer.run(settings, stop, sink),
    ):
        until(lambda: deployment_file(data_dir).exists())
        deployment = load_deployment(data_dir)
        check_deployment(open_chain(settings), deployment)
        window, log = uuid4(), log_signer(data_dir)
        with database.write() as session:
            name = enqueue_change(
                session,
                deployment,
                organisations=[organisation(window, Role.LOG)],
                grants=[key_grant(window, uuid4(), log.signer, Role.LOG)],
                founders=founding_signers(data_dir)[:2],
                now=SystemClock().now(),
            ).digest
            append_leaf(
                session, kind="test", subject=uuid4(), content_hash=bytes(32), now=SystemClock().now()
            )
        checkpoint = until(lambda: first_checkpoint(database))
        assert checkpoint.size in {1, 2}  # the change itself may have its leaf by then
    assert ("recorded", name) in sink.heard
    with database.read() as session:
        states = set(session.scalars(select(StatementRecord.state)))
    assert states == {StatementState.RECORDED}
    assert relay_account(data_dir).address != relay_account(data_dir.parent).address
    database.dispose()


def first_checkpoint(database: Database) -> LedgerCheckpoint | None:
    with database.read() as session:
        return session.scalar(select(LedgerCheckpoint).limit(1))


def test_processes_that_are_stopped_before_the_ledger_stands_end(settings: Settings) -> None:
    stop = threading.Event()
    with running(lambda own: relay.run(settings, own), lambda own: indexer.run(settings, own, Recorder())):
        pass
    stop.set()
    assert await_ledger(settings, stop) is None
    with pytest.raises(LedgerUnavailable):
        open_chain(settings)
    assert finality_of(settings).may_be_undone


def test_the_ledger_is_waited_for(tmp_path: Path) -> None:
    """A deployment is known but the node is away; it comes back while a process waits."""
    settings = Settings(data_dir=tmp_path)
    with running(lambda stop: node.run(settings, stop)):
        until(lambda: deployment_file(tmp_path).exists())
    found: list[object] = []
    with running(lambda stop: found.append(await_ledger(settings, stop))):
        assert not found
        with running(lambda stop: node.run(settings, stop)):
            opened = until(lambda: found and found[0])
    assert opened


def test_the_loop_waits_out_what_is_away_and_stops_on_what_is_wrong() -> None:
    stop = threading.Event()
    said: list[str] = []
    locked = OperationalError("select", {}, Exception("locked"))
    faults = iter(
        [
            LedgerUnavailable(detail="away"),
            locked,
            None,
            NotFound(what="thing", name="x"),
        ]
    )

    def step() -> int:
        fault = next(faults)
        if fault is not None:
            raise fault
        return 1

    def say(fault: str) -> None:
        said.append(fault)
        if len(said) == 1:
            raise locked

    with pytest.raises(NotFound) as caught:
        loop("test", stop, step, say)
    assert caught.value.kind is Kind.MISSING
    assert "away" not in said[-1]
    assert len(said) >= 2
    assert "ledger.unavailable" in said[0]
