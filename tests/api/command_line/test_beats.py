"""Signs of life, and the wish to stop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from api.command_line.beats import StopSignal, beat_health


def test_the_wish_wakes_every_waiter_in_every_thread() -> None:
    stop = StopSignal()
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(stop.wait(60))) for _ in range(3)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    assert seen == [True] * 3
    assert stop.wait(0)


def test_it_may_be_set_by_a_signal_while_its_own_thread_waits() -> None:
    stop = StopSignal()
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.set())
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert stop.wait(60)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_may_be_set_twice_and_taken_back() -> None:
    stop = StopSignal()
    assert not stop.wait(0)
    stop.set()
    stop.set()
    assert stop.is_set()
    stop.clear()
    stop.clear()
    assert not stop.wait(0)


def test_asking_whether_to_stop_is_a_sign_of_life(tmp_path: Path) -> None:
    beat = tmp_path / "x.beat"
    stop = StopSignal(beat)
    assert beat_health(beat, within_s=60).says == "is starting"
    stop.is_set()
    assert beat_health(beat, within_s=60).well


def test_signs_of_life_are_not_written_more_than_once_a_second(tmp_path: Path) -> None:
    beat = tmp_path / "x.beat"
    stop = StopSignal(beat)
    stop.is_set()
    beat.unlink()
    stop.is_set()
    assert not beat.exists()


def test_a_loop_that_stands_is_seen(tmp_path: Path) -> None:
    beat = tmp_path / "x.beat"
    beat.touch()
    long_ago = beat.stat().st_mtime - 120
    os.utime(beat, (long_ago, long_ago))
    health = beat_health(beat, within_s=60)
    assert not health.well
    assert "has not gone round for 120 s" in health.says
