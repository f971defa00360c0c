"""The Celery worker: runs jobs of the outbox, each once in the end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import structlog
from celery import Celery
from celery.signals import worker_process_init
from sqlalchemy.orm import Session

from kernel.database import Database
from kernel.errors import Text
from kernel.jobs import LEASE, Job, fail_job, finish_job, put_off, start_job
from kernel.settings import Settings, load_settings
from workflow.engine.context import Context, installed_context

log = structlog.get_logger()
celery_app = Celery("piste")
TASK_MODULES = (
    "workflow.certificates.tasks",
    "workflow.documents.tasks",
    "workflow.examination.tasks",
    "workflow.release.tasks",
)


DAILY_TASKS = ("certificates.expire",)
"""Tasks that the dispatcher has done once a day."""


class JobMessage(NamedTuple):
    """What travels through the broker: no content, only which job is due."""

    job_id: int
    task: str


def configure(settings: Settings) -> Celery:
    """Point Celery at the broker of these settings; the embedded one is a queue of files in the data folder."""
    options: dict[str, Any] = {}
    address = settings.broker_url
    if not address:
        folder = (settings.data_dir / "queue").absolute()
        for name in ("messages", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        address = "filesystem://"
        options = {
            "polling_interval": 0.1,
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        }
    celery_app.conf.update(
        broker_url=address,
        broker_transport_options=options,
        imports=TASK_MODULES,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_max_memory_per_child=900_000,
        worker_hijack_root_logger=False,
        task_time_limit=300,
        task_soft_time_limit=240,
        broker_connection_retry_on_startup=True,
        timezone="UTC",
    )
    return celery_app


Work = Callable[[Session, Context, dict[str, Any]], None]
Prepare = Callable[[Database, Context, dict[str, Any]], Any]


class NotReady(Exception):
    """What a job needs is under way; it is put off, not failed."""

    def __init__(self, waits_for: Text | None, *, again_in: timedelta) -> None:
        super().__init__(f"waits for {waits_for.en}" if waits_for is not None else "waits")
        self.again_in = again_in


class Workshop(NamedTuple):
    """What a worker process keeps between jobs."""

    database: Database
    context: Context


@lru_cache(maxsize=1)
def workshop() -> Workshop:
    """Open the database and the archive, once a process."""
    settings = load_settings()
    return Workshop(Database(settings.database, evidence=settings.evidence), installed_context(settings))


@worker_process_init.connect
def _fresh_process(**_: object) -> None:
    workshop.cache_clear()


def run_job(
    job_id: int,
    compute: Callable[[Workshop, dict[str, Any]], Any],
    store: Callable[[Session, Context, dict[str, Any], Any], None],
    *,
    lease: timedelta = LEASE * 4,
) -> bool:
    """Run a job: compute outside any transaction, then store the result and finish the job in one.

    A result that comes in twice (a worker thought dead was not) is stored once: whoever finds the job already done
    stores nothing. Returns whether this call did the job.
    """
    shop = workshop()
    clock = shop.context.clock
    with shop.database.write() as session:
        job = start_job(session, job_id, now=clock.now(), lease=lease)
        if job is None:
            return False
        payload = dict(job.payload)
    try:
        result = compute(shop, payload)
        with shop.database.write() as session:
            job = session.get_one(Job, job_id, with_for_update=True)
            if job.done_at is not None:
                return False
            store(session, shop.context, payload, result)
            finish_job(session, job, now=clock.now())
    except NotReady as waiting:
        with shop.database.write() as session:
            put_off(session, job_id, str(waiting), until=clock.now() + waiting.again_in)
        return False
    except Exception as fault:  # any fault of a job is kept with the job, for a person to look at
        log.exception("job.failed", job=job_id)
        with shop.database.write() as session:
            fail_job(session, job_id, f"{fault}\n{traceback.format_exc(limit=3)}", now=clock.now())
        return False
    return True
