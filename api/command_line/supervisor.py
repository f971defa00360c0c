"""The supervising process of a stack: starts the others, restarts what died, ends them in order.

It is started by `Stack.up` and lives for as long as it holds the lock `run/supervisor.lock`; the lock goes
with the process, however that ends, so nobody has to guess from a process number whether it still lives.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

import filelock
import orjson
import psutil
import structlog

from api.command_line.beats import Health
from api.command_line.logs import configure_logging, rotate
from api.command_line.processes import ProcessSpec, beat_of, log_folder, run_folder
from kernel.settings import Settings, load_settings

log = structlog.get_logger()

State = Literal["waiting", "starting", "running", "stalled", "restarting", "stopped"]
MARK = "PISTE_STACK"
"""Environment variable that every process of a stack inherits: names the stack's folder."""
SETTINGS_MARK = "PISTE_STACK_SETTINGS"
"""Environment variable with the digest of the settings that a stack was started with."""
TICK_S = 1.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
"""A process that has been well for so long starts again without a pause when it dies."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass
class ProcessState:
    """How one process of a stack stands."""

    name: str
    meaning: str
    state: State
    says: str
    pid: int | None = None
    since: float | None = None
    """Start, in seconds of Unix time."""
    restarts: int = 0


class _Child:
    """One process under supervision."""

    def __init__(self, spec: ProcessSpec, settings: Settings) -> None:
        self.spec = spec
        self.now = ProcessState(spec.name, spec.meaning, "waiting", "waits for others")
        self.was_well = False
        self._settings = settings
        self._deaths_in_a_row = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._retry_at = 0.0
        self._log = log_folder(settings) / f"{spec.name}.log"
        self._pid_file = run_folder(settings) / f"{spec.name}.pid"

    @property
    def lives(self) -> bool:
        return self._process is not None

    def start_if_due(self) -> None:
        if self._process is not None or time.monotonic() < self._retry_at:
            return
        beat_of(self._settings, self.spec.name).unlink(missing_ok=True)
        with self._log.open("ab") as stream:
            self._process = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self.now.pid, self.now.since = self._process.pid, time.time()
        self.now.state, self.now.says = "starting", "is starting"
        self.was_well = False
        write_pid(self._pid_file, self._process.pid)
        log.info("process.started", name=self.spec.name, pid=self._process.pid)

    def look(self) -> None:
        """See whether it lives and is well."""
        if self._process is None:
            return
        if _has_ended(self._process):
            self._bury(self._process)
            return
        health = _judged(self.spec, self._settings)
        self.now.says = health.says
        if health.well:
            self.was_well = True
            self.now.state = "running"
            if time.time() - (self.now.since or 0.0) > _STEADY_S:
                self._deaths_in_a_row = 0
        else:
            self.now.state = "stalled" if self.was_well else "starting"
        rotate(self._log)

    def retry_now(self) -> None:
        self._retry_at, self._deaths_in_a_row = 0.0, 0

    def ask_to_stop(self) -> None:
        if self._process is not None and not _has_ended(self._process):
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for it to end by itself, then kill whatever is left of it."""
        process = self._process
        if process is None:
            return
        while time.monotonic() < deadline and not _has_ended(process):
            time.sleep(0.05)
        forced = not _has_ended(process)
        _kill_group(process)
        process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        self.now.state, self.now.says, self.now.pid = (
            "stopped",
            "was killed" if forced else "ended by itself",
            None,
        )
        log.info("process.stopped", name=self.spec.name, forced=forced)

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        """Clear up after its death and set the time of its next start."""
        _kill_group(process)  # before the process is reaped, so that its number cannot belong to another yet
        code = process.wait()
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        lived_s = time.time() - (self.now.since or 0.0)
        if self.was_well and lived_s > _STEADY_S:
            self._deaths_in_a_row = 0
        pause_s = min(_FIRST_PAUSE_S * 2**self._deaths_in_a_row, _LONGEST_PAUSE_S)
        self._retry_at = time.monotonic() + pause_s
        self._deaths_in_a_row += 1
        self.now.restarts += 1
        self.now.pid = None
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self.now.state, self.now.says = "restarting", f"died ({how}), starts again in {pause_s:.0f} s"
        log.error("process.died", name=self.spec.name, how=how, lived_s=round(lived_s, 1), pause_s=pause_s)


class Supervisor:
    """Keeps the processes of one stack running until it is told to stop."""

    def __init__(self, settings: Settings, processes: tuple[ProcessSpec, ...]) -> None:
        self._settings = settings
        self._children = {spec.name: _Child(spec, settings) for spec in processes}
        self._reader, writer = socket.socketpair()
        self._reader.setblocking(False)
        writer.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the number itself comes through the socket
        self._writer = writer
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT; SIGHUP starts at once what waits for its next try."""
        write_pid(run_folder(self._settings) / "supervisor.pid", os.getpid())
        stopping = False
        while not stopping:
            for child in self._children.values():
                if all(self._children[name].was_well for name in child.spec.after):
                    child.start_if_due()
                child.look()
            self._publish()
            rotate(log_folder(self._settings) / "supervisor.log")
            received = self._wait()
            if signal.SIGHUP in received:
                for child in self._children.values():
                    child.retry_now()
            stopping = signal.SIGTERM in received or signal.SIGINT in received
        self._stop()

    def _wait(self) -> set[int]:
        readable, _, _ = select.select([self._reader], [], [], self._tick_s())
        return set(self._reader.recv(4096)) if readable else set()

    def _tick_s(self) -> float:
        settled = all(child.now.state == "running" for child in self._children.values())
        return TICK_S if settled else TICK_S / 4

    def _stop(self) -> None:
        for children in reversed(self._storeys()):
            for child in children:
                child.ask_to_stop()
            begun = time.monotonic()
            for child in children:
                child.end(begun + child.spec.stop_within_s)
            self._publish()

    def _storeys(self) -> list[list[_Child]]:
        """Sort the processes by how many others stand below them."""

        def height(child: _Child) -> int:
            below = [self._children[name] for name in child.spec.after]
            return 1 + max((height(other) for other in below), default=-1)

        storeys: dict[int, list[_Child]] = {}
        for child in self._children.values():
            storeys.setdefault(height(child), []).append(child)
        return [storeys[number] for number in sorted(storeys)]

    def _publish(self) -> None:
        write_json(
            run_folder(self._settings) / "status.json",
            {
                "at": time.time(),
                "settings": os.environ.get(SETTINGS_MARK, ""),
                "processes": [asdict(child.now) for child in self._children.values()],
            },
        )


def _judged(spec: ProcessSpec, settings: Settings) -> Health:
    try:
        return spec.health(settings)
    except Exception as fault:  # noqa: BLE001  # a broken health check must not take the supervisor down
        return Health(well=False, says=f"cannot be judged: {fault}")


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the process has ended, without taking its number away from it."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def write_json(path: Path, content: object) -> None:
    """Replace a file whole, so that a reader never sees half of it."""
    side = path.with_name(f"{path.name}.{os.getpid()}.part")
    side.write_bytes(orjson.dumps(content))
    side.replace(path)


def write_pid(path: Path, pid: int) -> None:
    """Keep a process's number with the moment of its start: a number used again is not taken for it."""
    with suppress(psutil.NoSuchProcess):
        write_json(path, {"pid": pid, "started": psutil.Process(pid).create_time()})


def live_pid(path: Path) -> int | None:
    """Give the process number from a file if that very process still lives."""
    try:
        kept = orjson.loads(path.read_bytes())
        process = psutil.Process(kept["pid"])
        same = abs(process.create_time() - kept["started"]) < 1.0
        lives = same and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess, KeyError, ValueError):
        return None
    return process.pid if lives else None


def main() -> None:
    """Supervise the stack whose table is named on the command line."""
    module, _, name = sys.argv[1].partition(":")
    settings = load_settings()
    configure_logging(settings, "supervisor")
    lock = filelock.FileLock(run_folder(settings) / "supervisor.lock")
    try:
        lock.acquire(timeout=5)
    except filelock.Timeout:
        log.info("supervisor.runs-already")
        sys.exit(0)
    processes = cast("tuple[ProcessSpec, ...]", getattr(importlib.import_module(module), name)(settings))
    Supervisor(settings, processes).run()


if __name__ == "__main__":
    main()
