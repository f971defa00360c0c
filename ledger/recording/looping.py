"""How a process of the ledger goes round: step by step until told to stop, waiting out what is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import OperationalError

from kernel.errors import Kind, PisteError
from ledger.chain.incidents import LedgerIncident

POLL_S = 0.1
LONGEST_PAUSE_S = 5.0
SAY_EVERY_S = 5.0
_log = structlog.get_logger()


def loop(
    name: str,
    stop: threading.Event,
    step: Callable[[], int],
    say: Callable[[str], None],
    *,
    alarm: Callable[[str], None] | None = None,
    patience: int = 0,
) -> None:
    """Step until told to stop; a node or database that is away is waited for with growing pauses.

    Args:
        name: Name of the process, for the log.
        stop: Set when it shall end.
        step: Does what there is to do and gives how much that was.
        say: Writes the status, with what is wrong or nothing; called at every change and every few seconds.
        alarm: Writes the status of an incident, before the process ends with it; `say` where it is None.
        patience: How many incidents in a row are met by trying again, where they may be a fork's doing.

    Raises:
        LedgerIncident: The node cannot be believed.
    """
    pause, said, fault, incidents = 0.0, float("-inf"), "", 0
    while not stop.wait(pause):
        before, fault = fault, ""
        try:
            pause = 0.0 if step() else POLL_S
            incidents = 0
        except (PisteError, OperationalError) as caught:
            fault = str(caught)
            if isinstance(caught, LedgerIncident):
                incidents += 1
                if incidents > patience:
                    _log.critical(f"{name}.incident", fault=fault)
                    _say(name, alarm or say, fault)
                    raise
            elif isinstance(caught, PisteError) and caught.kind is not Kind.UNAVAILABLE:
                raise
            pause = min(max(pause, POLL_S) * 2, LONGEST_PAUSE_S)
            _log.warning(f"{name}.waiting", fault=fault[:300], pause_s=pause)
        if fault or before or time.monotonic() - said >= SAY_EVERY_S:
            said = time.monotonic()
            _say(name, say, fault)


def _say(name: str, say: Callable[[str], None], fault: str) -> None:
    try:
        say(fault)
    except OperationalError as caught:
        _log.warning(f"{name}.cannot-say", fault=str(caught)[:300])
