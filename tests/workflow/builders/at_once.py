"""Many callers at the same moment, each in a thread and a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from kernel.errors import PisteError

Result = TypeVar("Result")
DEADLINE_S = 60


def at_once(calls: Sequence[Callable[[], Result]]) -> tuple[list[Result], list[PisteError]]:
    """Make all calls start together; give what they returned and what they refused. Any other error is raised."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | PisteError:
        start.wait(DEADLINE_S)
        try:
            return call()
        except PisteError as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(run, calls, timeout=DEADLINE_S))
    refusals = [answer for answer in answers if isinstance(answer, PisteError)]
    return [answer for answer in answers if not isinstance(answer, PisteError)], refusals
