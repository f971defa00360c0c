"""How a process of the ledger goes round: step by step until told to stop, waiting out what is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import OperationalError

from kernel.errors import Kind, PisteError

POLL_S = 0.1
LONGEST_PAUSE_S = 5.0
SAY_EVERY_S = 5.0
_log = structlog.get_logger()


def loop(name: str, stop: threading.Event, step: Callable[[], int], say: Callable[[str], None]) -> None:
    """Step until told to stop; a node or database that is away is waited for with growing pauses.

    Args:
        name: Name of the process, for the log.
        stop: Set when it shall end.
        step: Does what there is to do and gives how much that was.
        say: Writes the status, with what is wrong or nothing; called at every change and every few seconds.
    """
    pause, said, fault = 0.0, float("-inf"), ""
    while not stop.wait(pause):
        before, fault = fault, ""
        try:
            pause = 0.0 if step() else POLL_S
        except (PisteError, OperationalError) as caught:
            if isinstance(caught, PisteError) and caught.kind is not Kind.UNAVAILABLE:
                raise
            fault = str(caught)
            pause = min(max(pause, POLL_S) * 2, LONGEST_PAUSE_S)
            _log.warning(f"{name}.waiting", fault=fault[:300], pause_s=pause)
        if fault or before or time.monotonic() - said >= SAY_EVERY_S:
            said = time.monotonic()
            try:
                say(fault)
            except OperationalError as caught:
                _log.warning(f"{name}.cannot-say", fault=str(caught)[:300])
