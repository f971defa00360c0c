"""The dispatcher: sends due jobs of the outbox to Celery. Nothing is published from anywhere else."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import OperationalError

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.jobs import add_job, claim_due
from kernel.settings import Settings
from workflow.engine.worker import DAILY_TASKS, JobMessage, celery_app, configure

log = structlog.get_logger()
PAUSE_S = 0.2


def run(settings: Settings, stop: threading.Event) -> None:
    """Dispatch until told to stop; a database or broker that is away for a while is waited for."""
    configure(settings)
    database = Database(settings.database)
    clock = SystemClock()
    pause = PAUSE_S
    while not stop.wait(pause):
        try:
            dispatch_once(database, clock)
            pause = PAUSE_S
        except (OperationalError, OSError) as fault:
            pause = min(pause * 2, 10.0)
            log.warning("dispatch.waiting", fault=str(fault)[:200], pause_s=pause)
    database.dispose()


def dispatch_once(database: Database, clock: Clock) -> int:
    """Send what is due and tell how many. The lease is written first: a message lost after it is sent again."""
    now = clock.now()
    with database.write() as session:
        for task in DAILY_TASKS:
            add_job(session, task, f"{task}:{now:%Y-%m-%d}", {}, now=now)
        messages = [JobMessage(job.id, job.task) for job in claim_due(session, now=now)]
    for message in messages:
        celery_app.send_task(message.task, args=[message.job_id])
    return len(messages)
