"""The outbox of follow-up work: jobs are rows written in the transaction that causes them.

A dispatcher sends due rows to Celery; a message that is lost is sent again when its lease runs out; a job
whose key is already there is not written twice. So a job is done once in the end, whatever dies when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.database import Base, BigId

LEASE = timedelta(seconds=30)
"""How long a sent or running job may stay silent before it is sent again."""
MOST_ATTEMPTS = 5


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    SENT = "sent"
    RUNNING = "running"
    DONE = "done"
    SET_ASIDE = "set_aside"


class Job(Base):
    """One piece of follow-up work."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    task: Mapped[str] = mapped_column(String(100))
    """Name of the Celery task."""
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12), default=JobState.WAITING)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    progress: Mapped[int] = mapped_column(default=0)
    """Share done, in per cent."""
    fault: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


def add_job(session: Session, task: str, key: str, payload: dict[str, Any], *, now: datetime) -> bool:
    """Write a job into the caller's transaction; tell whether it is new.

    Args:
        session: The transaction of the change that causes the work.
        task: Name of the Celery task.
        key: What makes the work unique, for example `documents.read:<id>`.
        payload: JSON arguments of the task.
        now: The present moment.
    """
    if session.scalar(select(Job.id).where(Job.key == key)) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(Job(key=key, task=task, payload=payload, due_at=now, created_at=now))
    except IntegrityError:  # somebody else committed the same key since we looked
        return False
    return True


def claim_due(session: Session, *, now: datetime, most: int = 50) -> Sequence[Job]:
    """Take jobs that are due for sending and lease them to the sender; a poisoned one is set aside."""
    open_states = (JobState.WAITING, JobState.SENT, JobState.RUNNING)
    due = session.scalars(
        select(Job)
        .where(Job.state.in_(open_states), Job.due_at <= now)
        .order_by(Job.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    taken = []
    for job in due:
        if job.attempts >= MOST_ATTEMPTS:
            job.state, job.fault = JobState.SET_ASIDE, job.fault or "the worker died on it each time"
            continue
        job.state, job.due_at = JobState.SENT, now + LEASE
        taken.append(job)
    return taken


def start_job(session: Session, job_id: int, *, now: datetime, lease: timedelta = LEASE * 4) -> Job | None:
    """Mark a job as running; None where it is done, set aside, or running in another worker."""
    changed = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_((JobState.WAITING, JobState.SENT)))
        .values(state=JobState.RUNNING, due_at=now + lease, attempts=Job.attempts + 1)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
        return None
    return session.get_one(Job, job_id)


def finish_job(session: Session, job: Job, *, now: datetime) -> None:
    """Mark a job as done, in the transaction that holds its result."""
    del session  # asked for so that nobody marks a job outside a transaction
    job.state, job.progress, job.done_at, job.fault = JobState.DONE, 100, now, None


def put_off(session: Session, job_id: int, why: str, *, until: datetime) -> None:
    """Let a job wait for something that is under way; that is no fault and uses up no attempt."""
    job = session.get_one(Job, job_id)
    job.state, job.due_at, job.fault = JobState.WAITING, until, why[:2000]
    job.attempts = max(job.attempts - 1, 0)


def fail_job(session: Session, job_id: int, fault: str, *, now: datetime) -> None:
    """Note what went wrong; the job is tried again with growing pauses, then set aside for a person."""
    job = session.get_one(Job, job_id)
    job.fault = fault[:2000]
    if job.attempts >= MOST_ATTEMPTS:
        job.state = JobState.SET_ASIDE
    else:
        job.state, job.due_at = JobState.WAITING, now + timedelta(seconds=2**job.attempts)
