"""Signs of life: a loop that asks whether to stop shows by asking that it goes round."""

from __future__ import annotations

import os
import select
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_MOST_OFTEN_S = 1.0


@dataclass(frozen=True)
class Health:
    """Whether a process does its work, and what it says about it."""

    well: bool
    says: str


class StopSignal(threading.Event):
    """The wish that a process ends; it may be set from a signal handler and from any thread.

    `threading.Event` may not be set in a signal handler: the handler can meet the lock that its own thread
    holds. Here a pipe carries the wish. Each question (`is_set`, `wait`) is also a sign of life, kept as the
    time of a file, so that whoever watches the file sees a loop that stands.
    """

    def __init__(self, beat: Path | None = None) -> None:
        super().__init__()
        self._beat = beat
        self._last_beat = float("-inf")
        self._stopped = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def is_set(self) -> bool:
        """Tell whether to stop."""
        self.beat()
        return self._stopped

    def set(self) -> None:
        """Ask to stop."""
        if not self._stopped:
            self._stopped = True
            os.write(self._writer, b"!")

    def clear(self) -> None:
        """Take the wish back; only for tests, a process that was told to stop does."""
        if self._stopped:
            self._stopped = False
            os.read(self._reader, 1)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the wish, at most so many seconds, and tell whether it came."""
        self.beat()
        select.select([self._reader], [], [], None if timeout is None else max(timeout, 0.0))
        return self.is_set()

    def beat(self) -> None:
        """Leave a sign of life, at most once a second."""
        moment = time.monotonic()
        if self._beat is None or moment - self._last_beat < _MOST_OFTEN_S:
            return
        self._last_beat = moment
        self._beat.touch()


def beat_health(beat: Path, *, within_s: float) -> Health:
    """Judge a process by the age of its last sign of life."""
    try:
        age_s = time.time() - beat.stat().st_mtime
    except FileNotFoundError:
        return Health(well=False, says="is starting")
    if age_s > within_s:
        return Health(well=False, says=f"has not gone round for {age_s:.0f} s")
    return Health(well=True, says="goes round")
