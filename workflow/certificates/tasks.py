"""Celery entry points of certificates."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from workflow.certificates.service import expire_certificates
from workflow.engine.context import Context
from workflow.engine.worker import DAILY_TASKS, Workshop, celery_app, run_job


@celery_app.task(name=DAILY_TASKS[0])
def expire(job_id: int) -> bool:
    """Put certificates whose validity is over out of use; the contract refuses draws on them in any case."""
    return run_job(job_id, _nothing_to_compute, _expire)


def _nothing_to_compute(shop: Workshop, payload: dict[str, Any]) -> None:
    del shop, payload


def _expire(session: Session, context: Context, payload: dict[str, Any], result: None) -> None:
    del payload, result
    expire_certificates(session, context)
