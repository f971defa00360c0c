"""Throwing away what is over: kept answers, challenges, browser sessions."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from api.foundation.idempotency import forget_old_answers
from workflow.parties.service import forget_what_is_over

EVERY = timedelta(minutes=10)


class Sweeper:
    """Sweeps with the first change of every ten minutes, in its transaction."""

    def __init__(self) -> None:
        self._next: datetime | None = None
        self._turn = threading.Lock()

    def sweep(self, session: Session, *, now: datetime) -> None:
        """Sweep if it is time."""
        with self._turn:
            if self._next is not None and now < self._next:
                return
            self._next = now + EVERY
        forget_old_answers(session, now=now)
        forget_what_is_over(session, now=now)
