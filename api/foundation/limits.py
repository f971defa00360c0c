"""Limits at the door: how large a body may be, how fast a caller may send."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from api.foundation.refusals import MalformedJson, MalformedRequest, RequestTooLarge, TooManyRequests


async def read_body(request: Request, most: int) -> bytes:
    """Read the body and refuse it as soon as it is known to be too large.

    The request keeps what was read: whoever reads the body later gets the same bytes.

    Raises:
        RequestTooLarge: It is larger than `most` bytes.
        MalformedRequest: The length is no number.
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal():
        raise MalformedRequest(fault="Content-Length")
    if int(declared) > most:
        raise RequestTooLarge(most=most)
    chunks, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > most:
            raise RequestTooLarge(most=most)
        chunks.append(chunk)
    body = b"".join(chunks)
    request._body = body  # noqa: SLF001 - the place where Request.body() keeps what it has read
    return body


def read_json(request: Request, body: bytes) -> None:
    """Read a JSON body before the framework would, with a reader that bears any nesting.

    The standard reader recurses as deep as Python's limit lets it, and a library of the ledger lifts that limit so
    far that a body of brackets would end the process.

    Raises:
        MalformedJson: It is no JSON, or nested deeper than anything of ours.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body or not kind.startswith("application/") or not kind.endswith(("/json", "+json")):
        return
    try:
        request._json = orjson.loads(body)  # noqa: SLF001 - where Request.json() keeps it
    except orjson.JSONDecodeError as fault:
        raise MalformedJson(fault=fault.msg, position=fault.pos) from None


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many requests at once, and so many a second in the long run."""

    name: str
    burst: int
    per_second: float

    @property
    def window_s(self) -> int:
        """Seconds in which an empty bucket fills."""
        return max(1, round(self.burst / self.per_second))


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The rates of one installation."""

    signed_in: Rate = Rate(name="caller", burst=1200, per_second=120)
    """For each person or client."""
    anonymous: Rate = Rate(name="address", burst=300, per_second=20)
    """For each network address that is not signed in."""
    credentials: Rate = Rate(name="credentials", burst=60, per_second=2)
    """For each network address that tries secrets: tokens, sign-in, enrolment."""


class Buckets:
    """Token buckets by caller, in this process; the oldest are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = 20_000) -> None:
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, rate: Rate, who: str) -> dict[str, str]:
        """Take one token and give the headers that tell what is left (draft-ietf-httpapi-ratelimit-headers).

        Raises:
            TooManyRequests: The bucket is empty.
        """
        now = self._clock()
        name = f"{rate.name}:{who}"
        level, since = self._levels.pop(name, (float(rate.burst), now))
        level = min(float(rate.burst), level + (now - since) * rate.per_second)
        self._levels[name] = (max(level - 1, 0.0) if level >= 1 else level, now)
        while len(self._levels) > self._most:
            self._levels.popitem(last=False)
        if level < 1:
            raise TooManyRequests(retry_after_s=max(1, round((1 - level) / rate.per_second)))
        return {
            "RateLimit-Policy": f'"{rate.name}";q={rate.burst};w={rate.window_s}',
            "RateLimit": f'"{rate.name}";r={int(level - 1)};t={rate.window_s}',
        }
