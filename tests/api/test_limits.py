"""How large a body may be, and how fast a caller may send."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from api.foundation.limits import Buckets, Rate, Rates
from api.foundation.refusals import TooManyRequests
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from tests.api import probe
from tests.api.world import World, serving

MOST_BODY, MOST_UPLOAD = 4096, 65536


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    small = {"request_limit_bytes": MOST_BODY, "upload_limit_bytes": MOST_UPLOAD}
    return settings.model_copy(update=small)


def chunks(total: int, sent: list[int]) -> Iterator[bytes]:
    for _ in range(0, total, 1024):
        sent.append(1024)
        yield b"x" * 1024


def test_the_anonymous_is_refused_before_his_body_is_read(sqlite_world: World) -> None:
    answer = sqlite_world.browser().post("/api/v1/probe/write", content=b"x" * (MOST_BODY + 1))
    assert answer.status_code == 401


def test_a_body_at_the_limit_is_taken(sqlite_world: World) -> None:
    http = sqlite_world.visitor().http
    frame = len('{"name":""}')
    assert http.post("/api/v1/probe/write", json={"name": "x" * (100)}).status_code == 201
    full = '{"name":"%s"}' % ("x" * (MOST_BODY - frame))
    answer = http.post("/api/v1/probe/look", content=full, headers={"Content-Type": "application/json"})
    assert (len(full), answer.status_code) == (MOST_BODY, 200)


def test_a_declared_length_over_the_limit(sqlite_world: World) -> None:
    answer = sqlite_world.visitor().http.post("/api/v1/probe/write", content=b"x" * (MOST_BODY + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too-large")
    assert str(MOST_BODY) in answer.json()["detail"]
    assert answer.headers["connection"] == "close"


def test_a_stream_that_grows_over_the_limit(sqlite_world: World) -> None:
    sent: list[int] = []
    answer = sqlite_world.visitor().http.post("/api/v1/probe/write", content=chunks(MOST_BODY * 8, sent))
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too-large")


def test_an_upload_has_a_limit_of_its_own(sqlite_world: World) -> None:
    http = sqlite_world.visitor().http
    good = http.post("/api/v1/probe/upload", files={"file": ("scan.pdf", b"x" * (MOST_UPLOAD - 500))})
    assert good.json() == {"name": "scan.pdf", "count": MOST_UPLOAD - 500}
    large = http.post("/api/v1/probe/upload", files={"file": ("scan.pdf", b"x" * MOST_UPLOAD)})
    assert large.status_code == 413


def test_a_length_that_is_no_number(sqlite_world: World) -> None:
    """HTTP servers refuse it themselves; nothing of ours may break on it."""
    with socket.create_connection(("127.0.0.1", sqlite_world.context.settings.port), timeout=20) as line:
        line.sendall(b"POST /api/v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n")
        assert line.recv(64).startswith(b"HTTP/1.1 400")


# ------------------------------------------------------------------------------------------------ rates


@pytest.fixture
def quick(
    fresh_database: Callable[[str], str], settings: Settings, archive: FolderArchive, clock: ManualClock
) -> Iterator[World]:
    rates = Rates(
        signed_in=Rate(name="caller", burst=3, per_second=0.001),
        anonymous=Rate(name="address", burst=40, per_second=0.001),
        credentials=Rate(name="credentials", burst=12, per_second=0.001),
    )
    with serving(
        fresh_database("sqlite"), settings, archive, clock, doors=(ACCOUNTS, probe.DOOR), rates=rates
    ) as world:
        yield world


def until_refused(send: Callable[[], httpx.Response], most: int = 60) -> tuple[int, httpx.Response]:
    for number in range(most):
        answer = send()
        if answer.status_code == 429:
            return number, answer
    raise AssertionError


def test_each_caller_has_his_own_measure(quick: World) -> None:
    one = quick.program()
    taken, refused = until_refused(lambda: one.http.get("/api/v1/session"))
    assert taken == 3
    assert refused.json()["code"] == "request.too-many"
    assert int(refused.headers["retry-after"]) >= 1
    assert quick.program().http.get("/api/v1/session").status_code == 200


def test_what_is_left_is_told(quick: World) -> None:
    answer = quick.program().http.get("/api/v1/session")
    assert answer.headers["ratelimit-policy"] == '"caller";q=3;w=3000'
    assert answer.headers["ratelimit"].startswith('"caller";r=2;')


def test_secrets_are_tried_slowly(quick: World) -> None:
    taken, _ = until_refused(lambda: quick.browser().post("/api/v1/probe/guess", json={}))
    assert taken <= 12
    refused = quick.browser().post("/api/v1/token", data={"grant_type": "client_credentials"})
    assert refused.status_code == 429
    assert quick.browser().get("/api/v1/probe/whoever").status_code == 200, "other addresses go on"


def test_the_anonymous_have_one_measure_for_each_address(quick: World) -> None:
    taken, _ = until_refused(lambda: quick.browser().get("/api/v1/probe/whoever"))
    assert taken <= 40


def test_health_is_never_limited(quick: World) -> None:
    for _ in range(60):
        assert quick.browser().get("/healthz").status_code == 200


class Hands:
    """Time that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_again() -> None:
    time = Hands()
    buckets, rate = Buckets(time), Rate(name="x", burst=2, per_second=0.5)
    for _ in range(2):
        buckets.take(rate, "a")
    with pytest.raises(TooManyRequests) as refused:
        buckets.take(rate, "a")
    assert refused.value.retry_after_s == 2
    time.now = 2.0
    buckets.take(rate, "a")
    with pytest.raises(TooManyRequests):
        buckets.take(rate, "a")
    time.now = 1000.0
    assert buckets.take(rate, "a")["RateLimit"] == '"x";r=1;t=4'


def test_the_oldest_buckets_are_forgotten() -> None:
    buckets, rate = Buckets(Hands(), most=2), Rate(name="x", burst=1, per_second=0.001)
    for who in ("a", "b", "c"):
        buckets.take(rate, who)
    buckets.take(rate, "a")
    with pytest.raises(TooManyRequests):
        buckets.take(rate, "c")
