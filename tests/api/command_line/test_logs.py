"""Logs: readable by programs, without secrets, of bounded size."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.command_line.logs import WITHHELD, follow, readable, rotate, tail, withhold_secrets

_WRITES = """
import logging, structlog
from api.command_line.logs import configure_logging
from kernel.settings import Settings

configure_logging(Settings(), "relay")
log = structlog.get_logger("ledger.recording.relay")
log.info("batch.sent", statements=3, password="hunter2", places={"token": "hunter2", "gate": 1})
logging.getLogger("library").warning("connecting to %s", "postgresql://piste:hunter2@db/piste")
try:
    raise ValueError("Authorization: Bearer hunter2hunter2")
except ValueError:
    log.exception("step.failed")
logging.getLogger("library").debug("never written")
"""


def written() -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", _WRITES], capture_output=True, check=True, timeout=60)
    assert done.stdout == b""
    return [orjson.loads(line) for line in done.stderr.splitlines()]


def test_each_line_is_one_object_with_time_process_level_and_event() -> None:
    sent, warned, failed = written()
    assert (sent["event"], sent["process"], sent["level"]) == ("batch.sent", "relay", "info")
    assert sent["statements"] == 3
    assert sent["at"].endswith("Z")
    assert warned["level"] == "warning"
    assert "ValueError" in failed["exception"]


def test_no_secret_reaches_a_log() -> None:
    assert "hunter2" not in orjson.dumps(written()).decode()


@pytest.mark.parametrize(
    ("entry", "clean"),
    [
        ({"password": "x"}, {"password": WITHHELD}),
        ({"client_secret": "x"}, {"client_secret": WITHHELD}),
        ({"Authorization": "Basic abc"}, {"Authorization": WITHHELD}),
        ({"private_key": b"x"}, {"private_key": WITHHELD}),
        ({"seed": "x"}, {"seed": WITHHELD}),
        ({"key_id": "0x01"}, {"key_id": "0x01"}),
        ({"a": [{"access_token": "x"}]}, {"a": [{"access_token": WITHHELD}]}),
        ({"event": "see ?token=abc&x=1"}, {"event": f"see ?token={WITHHELD}&x=1"}),
        ({"url": "amqp://user:pw@broker/"}, {"url": f"amqp://user:{WITHHELD}@broker/"}),
        ({"count": 3, "ok": True}, {"count": 3, "ok": True}),
    ],
)
def test_what_is_named_or_looks_like_a_secret_is_withheld(
    entry: dict[str, Any], clean: dict[str, Any]
) -> None:
    assert withhold_secrets(None, "info", entry) == clean


def test_a_log_that_grew_too_large_is_moved_aside_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("ab", buffering=0) as writer:
        for number in range(5):
            writer.write(f"{number}".encode() * 100)
            assert rotate(path, largest_bytes=50, kept=2)
        assert not rotate(path, largest_bytes=50, kept=2)
        writer.write(b"after")
    assert path.read_bytes() == b"after"
    assert [(tmp_path / f"x.log.{n}").read_bytes()[:1] for n in (1, 2)] == [b"4", b"3"]
    assert not (tmp_path / "x.log.3").exists()


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "x.log", 5) == []
    assert not rotate(tmp_path / "x.log")


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert tail(path, 2) == ["line 4998", "line 4999"]
    assert tail(path, 0) == []


def test_following_gives_whole_new_lines_across_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("old\n")
    ended = threading.Event()
    lines = follow({"x": path}, ended=ended.is_set)
    with path.open("ab", buffering=0) as writer:
        writer.write(b"new and ")
        writer.write(b"whole\n")
        assert next(lines) == ("x", "new and whole")
        rotate(path, largest_bytes=1)
        writer.write(b"cut\n")
        assert next(lines) == ("x", "cut")
        ended.set()
        assert list(lines) == []


def test_a_line_is_readable_for_people() -> None:
    line = '{"at":"2026-02-03T08:00:01Z","level":"info","event":"batch.sent","process":"relay","count":3}'
    assert readable(line) == "08:00:01 info     batch.sent  count=3"
    assert readable("Traceback (most recent call last):") == "Traceback (most recent call last):"
    assert readable("[1]") == "[1]"
