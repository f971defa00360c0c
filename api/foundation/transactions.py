"""One transaction of the database, held open while a request is served by threads that come and go."""

from __future__ import annotations

from contextlib import ExitStack

import anyio
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from kernel.database import Database


class Undone(Exception):
    """Leaves a transaction so that nothing of it is kept."""


class Transaction:
    """Begins with its first query; ends by `commit`, or undone by `leave`."""

    def __init__(self, database: Database, *, writes: bool) -> None:
        self._way_out = ExitStack()
        self._open = True
        self.session: Session = self._way_out.enter_context(database.write() if writes else database.read())

    async def commit(self) -> None:
        """Commit; whatever the database objects to is raised here, before anything is answered."""
        self._open = False
        await run_in_threadpool(self._way_out.close)

    async def leave(self) -> None:
        """Undo what was not committed, even where the request is being cancelled."""
        if not self._open:
            return
        self._open = False
        with anyio.CancelScope(shield=True):
            await run_in_threadpool(self._undo)

    def _undo(self) -> None:
        fault = Undone()
        try:
            self._way_out.__exit__(Undone, fault, None)
        except Undone:
            return
