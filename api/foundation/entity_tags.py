"""Entity tags: the revision of a case, in quotes (RFC 9110 §8.8.3)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header
from starlette.responses import Response

from api.foundation.refusals import EntityTagMalformed

_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def entity_tag(revision: int) -> str:
    """Write a revision as an entity tag."""
    return f'"{revision}"'


def tag(response: Response, revision: int) -> None:
    """Put the entity tag of a case on an answer."""
    response.headers["ETag"] = entity_tag(revision)


async def seen_revision(
    if_match: Annotated[
        str | None,
        Header(
            description="Entity tag of what the caller saw. Where the thing has changed since, the request "
            "is refused (412); where it is left out, the caller takes things as they are.",
            examples=['"3"'],
        ),
    ] = None,
) -> int | None:
    """Read the revision that the caller saw; None where he did not say or takes any.

    Raises:
        EntityTagMalformed: If-Match holds something else.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise EntityTagMalformed(given=if_match[:40])
    return int(found[1])


SeenRevision = Annotated[int | None, Depends(seen_revision)]
"""Parameter type of actions: the revision in If-Match, to be handed to the service."""


def matches(header: str, current: str) -> bool:
    """Tell whether If-None-Match names the current entity tag (weak comparison)."""
    if header.strip() == "*":
        return True
    wanted = current.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == wanted for candidate in header.split(","))
