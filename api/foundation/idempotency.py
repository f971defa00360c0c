"""The same request sent twice is done once (draft-ietf-httpapi-idempotency-key-header).

The key is claimed and the answer is kept in the transaction of the change itself, so there is no moment at
which one exists without the other. Who comes with a key that another request is just using waits until that
transaction ends: on SQLite because there is one writer, on PostgreSQL because the second insert of a key
waits for the first. Then he gets the first one's answer; where that was refused, nothing was kept and he is
the first.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.foundation.refusals import (
    ChangedMeanwhile,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    ShownOnce,
)
from workflow.parties.models import AnsweredRequest
from workflow.parties.rules import ANSWER_LIFETIME

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{8,200}")
_NOT_KEPT = frozenset({b"content-length", b"set-cookie", b"date"})


def key_of(request: Request) -> str | None:
    """Read the key; None where the caller gave none.

    Raises:
        IdempotencyKeyInvalid: It is too short, too long, or holds blanks.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    key = key.strip('"')
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyInvalid
    return key


def fingerprint(request: Request, body: bytes) -> bytes:
    """Digest of what makes two requests the same: method, address and body."""
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + hashlib.sha256(body).digest()).digest()


def claim(
    session: Session, actor: str, key: str, request_digest: bytes, *, now: datetime
) -> AnsweredRequest | None:
    """Take the key for this request; give the first answer where it was taken before.

    Raises:
        IdempotencyKeyReused: It was taken for another request.
        ChangedMeanwhile: The first answer was forgotten at this very moment.
    """
    row = {"actor": actor, "key": key, "fingerprint": request_digest, "answered_at": now}
    statement = _insert_once(session.get_bind().dialect, {**row, "status": 0, "headers": []})
    if session.execute(statement).first() is not None:
        return None
    first = session.get(AnsweredRequest, (actor, key))
    if first is None:
        raise ChangedMeanwhile
    if first.fingerprint != request_digest:
        raise IdempotencyKeyReused
    return first


def keep(session: Session, actor: str, key: str, answer: Response, *, secret: bool) -> None:
    """Keep the answer of the request that took the key.

    Args:
        session: The transaction of the change.
        actor: Who acted.
        key: The key that was taken.
        answer: What is answered.
        secret: Whether the answer holds a secret; then only the fact is kept.
    """
    row = session.get_one(AnsweredRequest, (actor, key))
    row.status = answer.status_code
    row.headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in answer.raw_headers
        if name.lower() not in _NOT_KEPT
    ]
    row.body = None if secret else bytes(answer.body)


def replay(first: AnsweredRequest) -> Response:
    """Give the first answer again.

    Raises:
        ShownOnce: It held a secret.
    """
    if first.body is None:
        raise ShownOnce
    answer = Response(first.body, first.status)
    for name, value in first.headers:
        answer.headers[name] = value
    answer.headers[REPLAYED] = "true"
    return answer


def forget_old_answers(session: Session, *, now: datetime) -> None:
    """Forget the answers whose time is over."""
    session.execute(delete(AnsweredRequest).where(AnsweredRequest.answered_at < now - ANSWER_LIFETIME))


def _insert_once(dialect: Dialect, row: dict[str, Any]) -> Any:  # noqa: ANN401 - each dialect has a class of its own
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(AnsweredRequest).values(**row).on_conflict_do_nothing().returning(AnsweredRequest.actor)
