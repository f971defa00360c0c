"""The processes of the embedded stack: what each is for, how it is started, how one sees that it is well."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson

from api.command_line.beats import Health, StopSignal, beat_health
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings

HEALTH_PATH = "/readyz"
_WORKER_BEAT_S = 1.0


class ProcessUnknown(PisteError):
    """No process of the stack has this name."""

    code = "stack.process-unknown"
    kind = Kind.MISSING
    message = Text("The stack has no process {name}.", "系统中没有名为{name}的进程。")
    next_step = Text("Name one of: {known}.", "请使用以下名称之一：{known}。")
    name: str
    known: str


class ProcessRunsAlready(PisteError):
    """The process runs already on this data folder."""

    code = "stack.process-runs-already"
    kind = Kind.CONFLICT
    message = Text("Process {name} runs already on this data folder.", "进程{name}已在此数据目录上运行。")
    next_step = Text(
        "See `piste status`; end it with `piste stop`.", "请用`piste status`查看，用`piste stop`停止。"
    )
    name: str


@dataclass(frozen=True)
class ProcessSpec:
    """One process of a stack."""

    name: str
    meaning: str
    command: tuple[str, ...]
    health: Callable[[Settings], Health]
    after: tuple[str, ...] = ()
    """Processes that must have been well once before this one is started; it is also stopped before them."""
    stop_within_s: float = 15.0
    """How long it may take to end by itself before it is killed."""
    port: Callable[[Settings], int] | None = None
    """The port that it will listen on; 0 where it takes a free one."""


def embedded_stack(settings: Settings) -> tuple[ProcessSpec, ...]:
    """List the processes that a whole Piste on one machine has."""
    # The node founds the consortium before it says that it is well; without it nobody has anything to talk to.
    ground = ("node",)
    processes = (
        # The node writes its whole state once more when it ends, the worker finishes what it has in hand.
        _process("node", "the local Ethereum node", stop_within_s=30.0, port=lambda it: it.node_port),
        _process("registrar", "plays the founding members' part in the demo", after=ground),
        _process("witness", "signs the evidence log's checkpoints for the founding members", after=ground),
        _process("relay", "sends signed statements to the contracts", after=ground),
        _process("indexer", "reads back what the contracts recorded", after=ground),
        _process("dispatcher", "hands due work to the worker", after=ground),
        _process("worker", "reads documents, judges readings", after=ground, stop_within_s=30.0),
        _process("api", "pages and JSON routes", after=ground, port=lambda it: it.port, health=_api_health),
    )
    absent = {"node"} if settings.node_url else set()
    if not settings.demo:
        absent |= {"registrar", "witness"}
    return tuple(
        replace(process, after=tuple(name for name in process.after if name not in absent))
        for process in processes
        if process.name not in absent
    )


def _process(
    name: str,
    meaning: str,
    *,
    after: tuple[str, ...] = (),
    health: Callable[[Settings], Health] | None = None,
    port: Callable[[Settings], int] | None = None,
    stop_within_s: float = 15.0,
) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        meaning=meaning,
        command=_run_command(name),
        health=health or (lambda settings: beat_health(beat_of(settings, name), within_s=60.0)),
        after=after,
        stop_within_s=stop_within_s,
        port=port,
    )


def _run_command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "api.command_line.main", "run", name)


def _api_health(settings: Settings) -> Health:
    connection = HTTPConnection(settings.host, settings.port, timeout=2.0)
    try:
        connection.request("GET", HEALTH_PATH)
        answer = connection.getresponse()
        said: dict[str, Any] = orjson.loads(answer.read())
    except (OSError, HTTPException) as fault:
        return Health(well=False, says=f"does not answer ({type(fault).__name__})")
    finally:
        connection.close()
    amiss = [check["name"] for check in said["checks"] if not check["good"]]
    says = f"{said['status']}, without {', '.join(amiss)}" if amiss else str(said["status"])
    return Health(well=answer.status == HTTPStatus.OK, says=says)


def run_folder(settings: Settings) -> Path:
    """Name the folder in which a stack keeps locks, process numbers and signs of life."""
    return settings.data_dir.absolute() / "run"


def log_folder(settings: Settings) -> Path:
    """Name the folder in which each process has its log."""
    return settings.data_dir.absolute() / "logs"


def beat_of(settings: Settings, name: str) -> Path:
    """Name the file whose time is a process's last sign of life."""
    return run_folder(settings) / f"{name}.beat"


# What each process does once it runs. Modules are imported only there: none pays for another's libraries.

Entry = Callable[[Settings, StopSignal], None]


def entry_of(name: str) -> Entry:
    """Give what the process of this name does.

    Raises:
        ProcessUnknown: There is no such process.
    """
    if name not in _ENTRIES:
        raise ProcessUnknown(name=name, known=", ".join(sorted(_ENTRIES)))
    return _ENTRIES[name]


def _loop(module: str) -> Entry:
    def run(settings: Settings, stop: StopSignal) -> None:
        importlib.import_module(module).run(settings, stop)

    return run


def _index(settings: Settings, stop: StopSignal) -> None:
    from ledger.recording.indexer import run  # noqa: PLC0415  # only this process needs it
    from workflow.engine.context import installed_context  # noqa: PLC0415  # the same
    from workflow.processes import case_recorder  # noqa: PLC0415  # the same

    run(settings, stop, case_recorder(installed_context(settings)))


def _serve_api(settings: Settings, stop: StopSignal) -> None:
    import uvicorn  # noqa: PLC0415  # only this process needs it

    del stop  # the server ends by the same signals, after answering what it has begun
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _follow_chain(settings: Settings, stop: StopSignal) -> None:
    from ledger.recording.indexer import run  # noqa: PLC0415  # only this process needs it
    from workflow.engine.context import installed_context  # noqa: PLC0415  # the same
    from workflow.processes import case_recorder  # noqa: PLC0415  # the same

    run(settings, stop, case_recorder(installed_context(settings)))


def _serve_jobs(settings: Settings, stop: StopSignal) -> None:
    from celery import signals  # noqa: PLC0415  # only this process needs it

    from workflow.engine.worker import configure  # noqa: PLC0415  # the same

    def keep_logging(**_: object) -> None:
        """Leave the logs as they are: a receiver stops Celery from setting up its own."""

    def start_beating(sender: object, **_: object) -> None:
        stop.beat()
        sender.timer.call_repeatedly(_WORKER_BEAT_S, stop.beat)  # type: ignore[attr-defined]  # Celery's consumer, untyped

    signals.setup_logging.connect(keep_logging, weak=False)
    signals.worker_ready.connect(start_beating, weak=False)
    options = ["--pool=prefork", f"--concurrency={os.environ.get('PISTE_WORKERS', '1')}", "--loglevel=INFO"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    configure(settings).worker_main(["worker", *options, *quiet])


_ENTRIES: dict[str, Entry] = {
    "node": _loop("ledger.chain.node"),
    "relay": _loop("ledger.recording.relay"),
    "indexer": _follow_chain,
    "dispatcher": _loop("workflow.engine.dispatcher"),
    "registrar": _loop("workflow.parties.registrar"),
    "witness": _loop("ledger.evidence.witness"),
    "worker": _serve_jobs,
    "api": _serve_api,
}
