"""The outbox of follow-up work, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.jobs import (
    LEASE,
    MOST_ATTEMPTS,
    Job,
    JobState,
    add_job,
    claim_due,
    fail_job,
    finish_job,
    start_job,
)

WAIT_S = 20


def add(database: Database, clock: ManualClock, key: str = "documents.read:1") -> int:
    with database.write() as session:
        assert add_job(session, "documents.read", key, {"document": "1"}, now=clock.now())
        return session.scalars(select(Job.id).where(Job.key == key)).one()


def claim(database: Database, clock: ManualClock, most: int = 50) -> list[int]:
    with database.write() as session:
        return [job.id for job in claim_due(session, now=clock.now(), most=most)]


def start(database: Database, clock: ManualClock, job_id: int) -> bool:
    with database.write() as session:
        return start_job(session, job_id, now=clock.now()) is not None


def job_of(database: Database, job_id: int) -> Job:
    with database.read() as session:
        return session.get_one(Job, job_id)


def test_a_job_is_sent_started_and_done(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    assert job_of(database, job_id).state == JobState.WAITING
    assert claim(database, clock) == [job_id]
    assert job_of(database, job_id).state == JobState.SENT
    assert start(database, clock, job_id)
    running = job_of(database, job_id)
    assert (running.state, running.attempts) == (JobState.RUNNING, 1)
    with database.write() as session:
        finish_job(session, session.get_one(Job, job_id), now=clock.now())
    done = job_of(database, job_id)
    assert (done.state, done.progress, done.done_at) == (JobState.DONE, 100, clock.now())
    clock.advance(timedelta(days=1))
    assert claim(database, clock) == []
    assert not start(database, clock, job_id)


def test_a_job_is_written_with_its_cause_or_not_at_all(database: Database, clock: ManualClock) -> None:
    def fail_after_adding() -> None:
        with database.write() as session:
            add_job(session, "documents.read", "documents.read:1", {}, now=clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_adding()
    assert claim(database, clock) == []


def test_a_key_is_written_once(database: Database, clock: ManualClock) -> None:
    add(database, clock)
    with database.write() as session:
        assert not add_job(session, "documents.read", "documents.read:1", {}, now=clock.now())
        assert add_job(session, "documents.read", "documents.read:2", {}, now=clock.now())
    assert len(claim(database, clock)) == 2


def test_a_key_that_two_write_at_once_is_written_once_and_spoils_neither(
    database: Database, clock: ManualClock
) -> None:
    """The second comes to look before the first has committed; its own transaction goes through all the same."""
    outcomes: list[bool] = []
    begun = threading.Barrier(2, timeout=WAIT_S)

    def write(own: str) -> None:
        begun.wait()
        with database.write() as session:
            outcomes.append(add_job(session, "compare", "compare:1", {}, now=clock.now()))
            add_job(session, "compare", own, {}, now=clock.now())

    threads = [threading.Thread(target=write, args=(f"own:{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(outcomes) == [False, True]
    with database.read() as session:
        assert sorted(session.scalars(select(Job.key))) == ["compare:1", "own:0", "own:1"]


def test_a_lost_message_is_sent_again_when_its_lease_runs_out(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    claim(database, clock)
    clock.advance(LEASE - timedelta(seconds=1))
    assert claim(database, clock) == []
    clock.advance(timedelta(seconds=1))
    assert claim(database, clock) == [job_id]


def test_a_running_job_is_not_started_a_second_time(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    claim(database, clock)
    assert start(database, clock, job_id)
    assert not start(database, clock, job_id)


def test_a_job_whose_worker_died_is_done_by_another(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    claim(database, clock)
    start(database, clock, job_id)
    clock.advance(LEASE * 4)
    assert claim(database, clock) == [job_id]
    assert start(database, clock, job_id)
    assert job_of(database, job_id).attempts == 2


def test_a_job_on_which_workers_die_is_set_aside(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    for _ in range(MOST_ATTEMPTS):
        assert claim(database, clock) == [job_id]
        assert start(database, clock, job_id)
        clock.advance(LEASE * 4)
    assert claim(database, clock) == []
    poisoned = job_of(database, job_id)
    assert poisoned.state == JobState.SET_ASIDE
    assert poisoned.fault == "the worker died on it each time"
    clock.advance(timedelta(days=1))
    assert claim(database, clock) == []


def test_a_failed_job_is_tried_again_with_growing_pauses_then_set_aside(
    database: Database, clock: ManualClock
) -> None:
    job_id = add(database, clock)
    pauses = []
    failed = job_of(database, job_id)
    for _ in range(MOST_ATTEMPTS):
        assert claim(database, clock) == [job_id]
        assert start(database, clock, job_id)
        with database.write() as session:
            fail_job(session, job_id, "x" * 3000, now=clock.now())
        failed = job_of(database, job_id)
        pauses.append((failed.due_at - clock.now()).total_seconds())
        clock.advance(timedelta(minutes=5))
    assert pauses[:-1] == [2, 4, 8, 16]
    assert failed.state == JobState.SET_ASIDE
    assert failed.fault is not None
    assert len(failed.fault) == 2000


def test_a_job_is_not_sent_before_it_is_due(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    claim(database, clock)
    start(database, clock, job_id)
    with database.write() as session:
        fail_job(session, job_id, "the page was blank", now=clock.now())
    assert claim(database, clock) == []
    clock.advance(timedelta(seconds=2))
    assert claim(database, clock) == [job_id]


def test_jobs_go_out_in_order_and_in_portions(database: Database, clock: ManualClock) -> None:
    made = [add(database, clock, f"k:{number}") for number in range(5)]
    assert claim(database, clock, most=3) == made[:3]
    assert claim(database, clock, most=3) == made[3:]


def test_two_dispatchers_take_each_job_once(database: Database, clock: ManualClock) -> None:
    made = [add(database, clock, f"k:{number}") for number in range(40)]
    taken: list[int] = []
    begun = threading.Barrier(2, timeout=WAIT_S)

    def dispatch() -> None:
        begun.wait()
        while portion := claim(database, clock, most=3):
            taken.extend(portion)

    threads = [threading.Thread(target=dispatch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    # a dispatcher that found the other's rows locked may have stopped early; nothing is lost by it
    taken.extend(claim(database, clock))
    assert sorted(taken) == made


def test_two_workers_start_a_job_once(database: Database, clock: ManualClock) -> None:
    job_id = add(database, clock)
    claim(database, clock)
    started: list[bool] = []
    begun = threading.Barrier(2, timeout=WAIT_S)

    def work() -> None:
        begun.wait()
        started.append(start(database, clock, job_id))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert sorted(started) == [False, True]
