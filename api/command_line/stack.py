"""The embedded stack from outside: start it, stop it, see how it stands."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import orjson
import psutil

from api.command_line.logs import tail
from api.command_line.processes import ProcessSpec, embedded_stack, log_folder, run_folder
from api.command_line.supervisor import MARK, SETTINGS_MARK, ProcessState, live_pid
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings

START_WITHIN_S = 120.0
_HOPELESS_DEATHS = 3
_TURN_WITHIN_S = 300.0
_POLL_S = 0.1
_LEFTOVER_GRACE_S = 5.0
Watch = Callable[[list[ProcessState]], None]
"""Told again and again how the processes stand while a command waits."""


class PortTaken(PisteError):
    """Somebody else listens on a port that the stack needs."""

    code = "stack.port-taken"
    kind = Kind.CONFLICT
    message = Text(
        "Port {port} for {process} is taken by {holder}.", "{process}所需的端口{port}已被{holder}占用。"
    )
    next_step = Text(
        "End that program, or choose another port with {setting}.", "请结束该程序，或用{setting}另选端口。"
    )
    port: int
    process: str
    holder: str
    setting: str


class StackNotWell(PisteError):
    """Some processes did not come up; the end of each one's log is attached."""

    code = "stack.not-well"
    kind = Kind.UNAVAILABLE
    message = Text("Not running: {names}.", "未能运行：{names}。")
    next_step = Text(
        "Read the log below, mend the cause and say `piste up` again; `piste stop` ends the rest.",
        "请查看下方日志，排除原因后再次执行`piste up`；`piste stop`可停止其余进程。",
    )
    names: str
    tails: dict[str, list[str]]


class StackBusy(PisteError):
    """Another command starts or stops this stack and does not come to an end."""

    code = "stack.busy"
    kind = Kind.CONFLICT
    message = Text("Another `piste` starts or stops this stack.", "另一个`piste`命令正在启动或停止本系统。")
    next_step = Text("Wait until it has ended, or end it.", "请等待其结束或将其终止。")


@dataclass(frozen=True)
class ProcessView:
    """How a process stands, as `piste status` shows it."""

    state: ProcessState
    memory_mb: float | None


class Stack:
    """All processes of one data folder.

    Args:
        settings: Where the data lies and which ports are used.
        table: Where the supervising process finds the list of processes, as `module:function`.
        processes: The same function.
        prepare: Called before the processes start, while nothing of the stack runs.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        table: str = f"{embedded_stack.__module__}:{embedded_stack.__name__}",
        processes: Callable[[Settings], tuple[ProcessSpec, ...]] = embedded_stack,
        prepare: Callable[[Settings], None] = lambda _: None,
    ) -> None:
        self._settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
        self._table = table
        self._processes = processes(self._settings)
        self._prepare = prepare
        self._run = run_folder(settings)
        self._logs = log_folder(settings)

    def up(
        self,
        *,
        watch: Watch = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
        within_s: float = START_WITHIN_S,
    ) -> list[ProcessState]:
        """Start what does not run and wait until all is well; a stack with other settings is started anew.

        Raises:
            PortTaken: Another program listens where the stack has to.
            StackNotWell: A process keeps dying or does not get well in time; the others run on.
            StackBusy: Another command has held the stack for minutes.
        """
        with self._turn(tell):
            if self._supervised() and self._published()[0] not in ("", self._settings_digest()):
                tell("the settings have changed since the stack was started; starting it anew")
                self._end_supervised(watch)
            if self._supervised():
                self._signal_supervisor(signal.SIGHUP)
                return self._await(None, watch, within_s)
            self._end_leftovers()
            for process in self._processes:
                self._check_port(process)
            self._prepare(self._settings)
            return self._await(self._start_supervisor(), watch, within_s)

    def stop(self, *, watch: Watch = lambda _: None, tell: Callable[[str], None] = lambda _: None) -> bool:
        """End everything, gently first; tell whether anything ran."""
        with self._turn(tell):
            ran = self._supervised()
            if ran:
                self._end_supervised(watch)
            ran = self._end_leftovers() or ran
            for name in ("status.json", "supervisor.pid"):
                (self._run / name).unlink(missing_ok=True)
            return ran

    def status(self) -> list[ProcessView]:
        """Tell how each process stands."""
        supervised = self._supervised()
        published = {state.name: state for state in self._published()[1]} if supervised else {}
        views = []
        for process in self._processes:
            state = published.pop(process.name, None) or self._unsupervised(process)
            views.append(ProcessView(state, _memory_mb(state.pid)))
        # It may have been started with other settings, and so with processes that these do not have.
        views.extend(ProcessView(state, _memory_mb(state.pid)) for state in published.values())
        return views

    def logs(self) -> dict[str, Path]:
        """Give the log of each process, the supervising one last."""
        names = [process.name for process in self._processes]
        others = sorted(path.stem for path in self._logs.glob("*.log"))
        every = dict.fromkeys(name for name in (*names, *others) if name != "supervisor")
        return {name: self._logs / f"{name}.log" for name in (*every, "supervisor")}

    def _unsupervised(self, process: ProcessSpec) -> ProcessState:
        state = ProcessState(process.name, process.meaning, "stopped", "")
        pid = live_pid(self._run / f"{process.name}.pid")
        return (
            state
            if pid is None
            else replace(state, pid=pid, says="runs on without its supervisor; `piste up` renews it")
        )

    @contextmanager
    def _turn(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Let one command at a time start or stop this stack."""
        self._run.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self._run / "stack.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            tell("another piste starts or stops this stack; waiting for it")
            try:
                lock.acquire(timeout=_TURN_WITHIN_S)
            except filelock.Timeout:
                raise StackBusy from None
        try:
            yield
        finally:
            lock.release()

    def _supervised(self) -> bool:
        """Tell whether the supervising process lives: its lock dies with it."""
        if not self._run.exists():
            return False
        lock = filelock.FileLock(self._run / "supervisor.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return True
        lock.release()
        return False

    def _signal_supervisor(self, number: signal.Signals) -> None:
        pid = live_pid(self._run / "supervisor.pid")
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _end_supervised(self, watch: Watch) -> None:
        """Ask the supervisor to end everything, and wait for it as long as the slowest may take."""
        self._signal_supervisor(signal.SIGTERM)
        deadline = time.monotonic() + sum(process.stop_within_s for process in self._processes) + 10.0
        while self._supervised() and time.monotonic() < deadline:
            watch(self._published()[1])
            time.sleep(_POLL_S)

    def _start_supervisor(self) -> subprocess.Popen[bytes]:
        (self._run / "status.json").unlink(missing_ok=True)
        with (self._logs / "supervisor.log").open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-P", "-m", "api.command_line.supervisor", self._table],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **self._environment()},
            )
        # It outlives this command; where the caller lives on (a test), somebody must take its exit code.
        threading.Thread(target=supervisor.wait, daemon=True).start()
        return supervisor

    def _environment(self) -> dict[str, str]:
        chosen = self._settings.model_fields_set | {"data_dir"}
        return {
            **{f"PISTE_{name.upper()}": str(getattr(self._settings, name)) for name in sorted(chosen)},
            MARK: str(self._run),
            SETTINGS_MARK: self._settings_digest(),
        }

    def _await(
        self, supervisor: subprocess.Popen[bytes] | None, watch: Watch, within_s: float
    ) -> list[ProcessState]:
        deadline = time.monotonic() + within_s
        restarts_before = {state.name: state.restarts for state in self._published()[1]}
        while True:
            _, states = self._published()
            watch(states)
            if states and all(state.state == "running" for state in states):
                return states
            late = time.monotonic() > deadline
            if supervisor is not None and supervisor.poll() not in (None, 0):
                raise StackNotWell(names="supervisor", tails=self._tails(["supervisor"]))
            hopeless = [
                state.name
                for state in states
                if state.restarts - restarts_before.get(state.name, 0) >= _HOPELESS_DEATHS
            ]
            if hopeless or late:
                names = (
                    hopeless or [state.name for state in states if state.state != "running"] or ["supervisor"]
                )
                raise StackNotWell(names=", ".join(names), tails=self._tails(names))
            time.sleep(_POLL_S)

    def _published(self) -> tuple[str, list[ProcessState]]:
        """Read what the supervisor says: the digest of its settings, and how its processes stand."""
        try:
            content = orjson.loads((self._run / "status.json").read_bytes())
        except FileNotFoundError:
            return "", []
        return content["settings"], [ProcessState(**state) for state in content["processes"]]

    def _settings_digest(self) -> str:
        return hashlib.sha256(self._settings.model_dump_json().encode()).hexdigest()

    def _tails(self, names: list[str]) -> dict[str, list[str]]:
        return {name: tail(self._logs / f"{name}.log", 15) for name in names}

    def _end_leftovers(self) -> bool:
        """End processes of this stack that outlived their supervisor; tell whether there were any."""
        left = self._marked()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, stubborn = psutil.wait_procs(left, timeout=_LEFTOVER_GRACE_S)
        for process in stubborn:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn, timeout=_LEFTOVER_GRACE_S)
        return bool(left)

    def _marked(self) -> list[psutil.Process]:
        """Find every process that carries this stack's mark, whoever its parent is now."""
        own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid not in own and process.environ().get(MARK) == str(self._run):
                    found.append(process)
        return found

    def _check_port(self, process: ProcessSpec) -> None:
        port = process.port(self._settings) if process.port else 0
        if port == 0:
            return
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._settings.host, port))
            except OSError:
                setting = "PISTE_PORT" if port == self._settings.port else "PISTE_NODE_PORT"
                raise PortTaken(
                    port=port, process=process.name, holder=_holder(port), setting=setting
                ) from None


def _holder(port: int) -> str:
    """Name who listens on a port, as far as this user may know."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
                continue
            if connection.laddr.port == port:
                process = psutil.Process(connection.pid)
                return f"process {connection.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
    return "another program"


def _memory_mb(pid: int | None) -> float | None:
    """Add up the resident memory of a process and its descendants."""
    if pid is None:
        return None
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += member.memory_info().rss
    return total / 2**20 if total else None
