"""How many requests work on the database at once.

Routes run in a pool of threads. Were every waiting request to hold a thread, those that wait for a lock could
take all threads, and whoever holds the lock would get none to finish with. So requests wait here instead.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

READERS_SQLITE, WRITERS_SQLITE = 12, 1
READERS, WRITERS = 14, 12
"""Together fewer than the threads (40) and than the connections of the pool (SQLite 15, PostgreSQL 30)."""


class Gate:
    """Lets so many through at once; one queue for each event loop."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def pass_through(self) -> asyncio.Semaphore:
        """Give what an `async with` waits at."""
        loop = asyncio.get_running_loop()
        if loop not in self._queues:
            self._queues[loop] = asyncio.Semaphore(self.width)
        return self._queues[loop]
