"""The command `piste`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import filelock
import orjson
import structlog
import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from api.command_line import ledger, verify
from api.command_line.beats import StopSignal
from api.command_line.logs import configure_logging, follow, readable, tail
from api.command_line.processes import ProcessRunsAlready, beat_of, entry_of, run_folder
from api.command_line.stack import ProcessView, Stack, StackNotWell
from api.command_line.supervisor import ProcessState
from kernel.errors import Language, PisteError
from kernel.settings import Settings, load_settings

app = typer.Typer(
    name="piste",
    help="Paperless customs clearance of Games material.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(ledger.app)
verify.register(app)
console = Console()
errors = Console(stderr=True)
_COLOURS = {
    "running": "green",
    "starting": "cyan",
    "waiting": "cyan",
    "restarting": "red",
    "stalled": "yellow",
}


@app.callback(invoke_without_command=True)
def choose(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of database, node, documents and logs [default: var].")
    ] = None,
    show_version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    """Paperless customs clearance of Games material."""
    if show_version:
        console.print(f"piste {version('piste')}")
        raise typer.Exit
    if data_dir is not None:
        os.environ["PISTE_DATA_DIR"] = str(data_dir.absolute())


@app.command()
def up() -> None:
    """Start what does not run yet and wait until all is well."""
    settings = load_settings()
    with refusals():
        begun = time.monotonic()
        with _progress() as watch:
            states = embedded(settings).up(watch=watch, tell=console.print)
        console.print(f"[green]{len(states)} processes are well[/] after {time.monotonic() - begun:.1f} s.")
        console.print(f"Pages and API: [bold]{settings.origin}[/]   Logs: piste logs   End: piste stop")


@app.command()
def demo(
    examples: Annotated[Path | None, typer.Option(help="Folder of the example dossiers.")] = None,
) -> None:
    """Start the stack with made-up parties and carry three dossiers from filing to recorded release."""
    from api.command_line.demo.run import demonstrate, examples_folder  # noqa: PLC0415  # only this command needs it

    settings = load_settings()
    if not settings.demo:
        settings = _made_a_demo(settings)
    with refusals():
        demonstrate(settings, examples or examples_folder(), console, up)


@app.command()
def stop() -> None:
    """End all processes of this data folder; what they were doing goes on at the next start."""
    with refusals():
        with _progress() as watch:
            ran = embedded(load_settings()).stop(watch=watch, tell=console.print)
        console.print("Stopped." if ran else "Nothing was running.")


@app.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show how each process stands; exit code 1 unless all run."""
    views = embedded(load_settings()).status()
    if as_json:
        rows = [{**asdict(view.state), "memory_mb": view.memory_mb} for view in views]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        console.print(_table(views))
    if any(view.state.state != "running" for view in views):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="Process; all where left out.")] = None,
    *,
    following: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Lines of each log to begin with.")] = 20,
    raw: Annotated[bool, typer.Option("--raw", help="As stored: one JSON object a line.")] = False,
) -> None:
    """Show what the processes wrote."""
    with refusals():
        paths = embedded(load_settings()).logs()
        if name is not None and name != "supervisor":
            entry_of(name)
        chosen = {name: paths[name]} if name in paths else paths
        for process, path in chosen.items():
            for line in tail(path, lines):
                _show(process, line, raw=raw, several=len(chosen) > 1)
        if following:
            for process, line in follow(chosen, ended=lambda: False):
                _show(process, line, raw=raw, several=len(chosen) > 1)


@app.command(hidden=True)
def run(name: Annotated[str, typer.Argument(help="Process of the stack.")]) -> None:
    """Run one process of the stack in the foreground; service managers call this."""
    settings = load_settings()
    with refusals():
        entry = entry_of(name)
        run_folder(settings).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(run_folder(settings) / f"{name}.lock")
        try:
            lock.acquire(timeout=5)
        except filelock.Timeout:
            raise ProcessRunsAlready(name=name) from None
    configure_logging(settings, name)
    stop_signal = StopSignal(beat_of(settings, name))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_signal.set())
    try:
        entry(settings, stop_signal)
    except Exception:  # noqa: BLE001  # whatever it is, it is logged and the supervisor starts the process again
        structlog.get_logger().exception("process.failed", name=name)
        sys.exit(1)


def _made_a_demo(settings: Settings) -> Settings:
    """Keep with the data folder that it belongs to a demo, so that every later command knows."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "piste.env").open("a", encoding="utf-8") as kept:
        kept.write("PISTE_DEMO=true\n")
    return load_settings()


def embedded(settings: Settings) -> Stack:
    """Give the embedded stack of these settings; before it starts, its database gets the newest shape."""
    return Stack(settings, prepare=_migrate)


def _migrate(settings: Settings) -> None:
    from migrations import migrate  # noqa: PLC0415  # Alembic takes longer to load than `piste status` takes

    migrate(settings.database)


@contextmanager
def refusals() -> Iterator[None]:
    """Tell a refusal in words, with what to do next, and end with exit code 1."""
    try:
        yield
    except PisteError as refusal:
        language = _language()
        errors.print(f"[red]{escape(refusal.words().in_language(language))}[/]")
        errors.print(escape(refusal.advice().in_language(language)))
        if isinstance(refusal, StackNotWell):
            for name, lines in refusal.tails.items():
                errors.rule(f"{name}.log", align="left")
                errors.print(escape("\n".join(readable(line) for line in lines) or "(empty)"))
        raise typer.Exit(1) from None


def _language() -> Language:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if spoken.startswith("zh") else "en"


@contextmanager
def _progress() -> Iterator[Callable[[list[ProcessState]], None]]:
    """Draw the processes while a command waits for them; on a terminal only."""
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield lambda states: live.update(_table([ProcessView(state, None) for state in states]))


def _table(views: list[ProcessView]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "since", "memory", "says"):
        table.add_column(heading, justify="right" if heading in {"pid", "memory"} else "left")
    for view in views:
        state = view.state
        since = (
            time.strftime("%d %b %H:%M:%S", time.localtime(state.since)) if state.pid and state.since else ""
        )
        memory = f"{view.memory_mb:.0f} MB" if view.memory_mb else ""
        restarts = f" (restarted {state.restarts} times)" if state.restarts else ""
        table.add_row(
            state.name,
            f"[{_COLOURS.get(state.state, 'dim')}]{state.state}[/]",
            str(state.pid or ""),
            since,
            memory,
            escape((state.says or state.meaning) + restarts),
        )
    return table


def _show(process: str, line: str, *, raw: bool, several: bool) -> None:
    text = line if raw else readable(line)
    typer.echo(f"{process:<11}{text}" if several and not raw else text)


if __name__ == "__main__":
    app()
