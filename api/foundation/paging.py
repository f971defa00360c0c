"""Lists in pages, newest first, by an opaque cursor that stays right while rows are added."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.requests import Request
from starlette.responses import Response

from api.foundation.refusals import CursorInvalid

MOST = 200
USUAL = 50

Row = TypeVar("Row")
Shown = TypeVar("Shown")


class Position(NamedTuple):
    """The last row of a page."""

    at: datetime
    id: UUID


@dataclass(frozen=True)
class Paging:
    """Which page a caller asks for."""

    limit: int
    after: Position | None


class Page(BaseModel, Generic[Shown]):
    """One page of a list."""

    items: list[Shown]
    next: str | None = Field(
        default=None,
        description="Cursor of the next page; null on the last. The Link header holds its address.",
    )


async def paging(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of a page.")] = USUAL,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before.")] = None,
) -> Paging:
    """Read which page is asked for.

    Raises:
        CursorInvalid: The cursor is not one of ours.
    """
    return Paging(limit, None if cursor is None else _position(cursor))


WantedPage = Annotated[Paging, Depends(paging)]
"""Parameter type of list routes."""


def fetch_page(
    session: Session,
    query: Select[Row],
    wanted: Paging,
    *,
    at: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[UUID],
) -> tuple[list[Row], str | None]:
    """Fetch one page of a query, newest first, and the cursor of the next.

    Args:
        session: The request's session.
        query: What is listed, already narrowed to what the caller may see.
        wanted: The page.
        at: The column that orders the list.
        row_id: The column that orders rows of the same moment.
    """
    if wanted.after is not None:
        after = wanted.after
        query = query.where(or_(at < after.at, and_(at == after.at, row_id < after.id)))
    rows: Sequence[Row] = session.scalars(
        query.order_by(at.desc(), row_id.desc()).limit(wanted.limit + 1)
    ).all()
    shown = list(rows[: wanted.limit])
    if len(rows) <= wanted.limit:
        return shown, None
    last: Any = shown[-1]
    return shown, _cursor(Position(getattr(last, at.key), getattr(last, row_id.key)))


def page_of(
    request: Request, response: Response, found: tuple[list[Row], str | None], show: Callable[[Row], Shown]
) -> Page[Shown]:
    """Make the answer of a list route: the page, and the address of the next one in the Link header."""
    rows, cursor = found
    if cursor is not None:
        address = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    return Page(items=[show(row) for row in rows], next=cursor)


def _cursor(position: Position) -> str:
    text = json.dumps([position.at.isoformat(), position.id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _position(cursor: str) -> Position:
    try:
        at, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        position = Position(datetime.fromisoformat(at), UUID(row_id))
    except (ValueError, TypeError, AttributeError):
        raise CursorInvalid from None
    if position.at.tzinfo is None:
        raise CursorInvalid
    return position
