"""Processes that kill themselves at a named point, as a power cut would."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable

import pytest

FORK = multiprocessing.get_context("fork")


def killer(point: str, occurrence: int = 1) -> Callable[[str], None]:
    """Make a hook that kills its process when a point is passed for the n-th time."""
    seen = 0

    def at(passed: str) -> None:
        nonlocal seen
        seen += passed == point
        if seen == occurrence:
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def dies(work: Callable[[], None], *, timeout_s: float = 30.0) -> bool:
    """Do work in a process of its own; tell whether it was killed."""
    process = FORK.Process(target=work)
    process.start()
    process.join(timeout_s)
    if process.is_alive():
        process.kill()
        process.join()
        pytest.fail("the process did not end")
    return process.exitcode == -signal.SIGKILL
