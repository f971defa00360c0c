"""Asking what the answer would be without anything being done: `?dry_run=true`.

The route does what it always does, in its transaction, and the door undoes it instead of committing. So a rehearsal
finds exactly the faults that the real thing would find, and nothing of it stays.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from starlette.requests import Request


async def _dry_run(
    request: Request,
    dry_run: Annotated[  # noqa: FBT002 - a query parameter is given by name
        bool,
        Query(description="Only check: the faults that the real request would have, and nothing is written."),
    ] = False,
) -> bool:
    request.state.rehearses = dry_run
    return dry_run


def is_rehearsal(request: Request) -> bool:
    """Tell whether what the route did is to be undone."""
    return getattr(request.state, "rehearses", False)


DryRun = Annotated[bool, Depends(_dry_run)]
"""Parameter type: whether the request is only a rehearsal; the door commits nothing then."""
