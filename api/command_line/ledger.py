"""`piste ledger`: hold the database against the chain, restore it from the chain, show and export what stands there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from kernel.errors import PisteError
from kernel.settings import load_settings

if TYPE_CHECKING:
    from ledger.reconciliation.checking import Checked
    from ledger.reconciliation.differences import Difference

EQUAL, DIFFERENT, UNCHECKED = 0, 1, 2
app = typer.Typer(name="ledger", help="Check, restore, show and export the ledger.", no_args_is_help=True)
console = Console()
errors = Console(stderr=True)


class Form(StrEnum):
    """How an export is written."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def check(*, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Hold database, evidence log, archive and chain against each other and name every difference.

    Ends with 0 where all are equal, 1 where something differs, 2 where it could not be checked.
    """
    from api.command_line.reconciling import differences, reconciliation_of  # noqa: PLC0415 - takes long to load

    settings = load_settings()
    tell = _Json() if as_json else _Words()
    try:
        with progress(shown=not as_json) as watch:
            reconciliation = reconciliation_of(settings, watch)
            for difference in differences(settings, reconciliation, watch):
                tell.difference(difference)
    except PisteError as fault:
        tell.unchecked(fault)
        raise typer.Exit(UNCHECKED) from None
    tell.checked(reconciliation.checked)
    raise typer.Exit(DIFFERENT if tell.count else EQUAL)


@app.command()
def rebuild(
    into: Annotated[str, typer.Option(help="Address of an empty database.")],
    archive: Annotated[Path | None, typer.Option(help="Folder of the archive [default: this one's].")] = None,
    evidence: Annotated[Path | None, typer.Option(help="Folder of the evidence log's files.")] = None,
) -> None:
    """Restore all recorded decisions from chain and archive into an empty database."""
    from api.command_line.restoring import restore  # noqa: PLC0415 - takes long to load

    settings = load_settings()
    try:
        with progress() as watch:
            done = restore(settings, into, archive=archive, evidence=evidence, watch=watch)
    except PisteError as fault:
        errors.print(f"[red]{escape(fault.words().en)}[/]")
        errors.print(escape(fault.advice().en))
        raise typer.Exit(1) from None
    chain = done.chain
    console.print(f"Restored up to block {chain.last_block}: {chain.events} events of {chain.blocks} blocks,")
    console.print(
        f"{chain.statements} recorded and {chain.refusals} refused statements, {done.leaves} leaves."
    )
    console.print(f"Of {done.decisions_kept} decisions the archive knows case and documents.")
    for digest in chain.unread:
        console.print(f"[yellow]Message unknown, sent by another contract:[/] {digest}")
    console.print("Not restored:")
    for what in done.not_restored:
        console.print(f"  - {escape(what)}")


@app.command()
def export(
    *,
    form: Annotated[Form, typer.Option("--format", help="One JSON object a line, or a table.")] = Form.JSONL,
    out: Annotated[Path | None, typer.Option(help="File [default: standard output].")] = None,
    case: Annotated[UUID | None, typer.Option(help="Only what is about this case.")] = None,
    officer: Annotated[UUID | None, typer.Option(help="Only what this officer signed.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only blocks from this time on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only blocks before this time, UTC.")] = None,
    node: Annotated[str, typer.Option(help="Read from this node alone, without any database.")] = "",
    deployment: Annotated[Path | None, typer.Option(help="With --node: deployment.json.")] = None,
    archive: Annotated[Path | None, typer.Option(help="With --node: folder of the archive.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="With --node: folder of the evidence log.")] = None,
) -> None:
    """Write what the ledger recorded, decoded and raw, with signatures and where the evidence log vouches for it."""
    from api.command_line import exporting  # noqa: PLC0415 - takes long to load
    from ledger.explorer.exporting import Wanted  # noqa: PLC0415 - as above

    wanted = Wanted(case, officer, _utc(since), _utc(until))
    settings = load_settings()
    try:
        with ExitStack() as opened:
            watch = opened.enter_context(progress())
            if node:
                file = deployment or settings.data_dir / "deployment.json"
                source = exporting.from_node(node, file, archive, evidence, watch)
            else:
                source = exporting.installed(settings)
            database, contracts = opened.enter_context(source)
            stream = opened.enter_context(out.open("wb")) if out is not None else sys.stdout.buffer
            for line in exporting.lines(database, contracts, wanted, form.value):
                stream.write(line)
            stream.flush()
    except PisteError as fault:
        errors.print(f"[red]{escape(fault.words().en)}[/]")
        errors.print(escape(fault.advice().en))
        raise typer.Exit(1) from None


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@contextmanager
def progress(*, shown: bool = True) -> Iterator[Callable[[str, int, int], None]]:
    """Draw how far the work is; on a terminal only."""
    if not shown or not errors.is_terminal:
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def watch(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield watch


class _Words:
    """Tells people."""

    def __init__(self) -> None:
        self.count = 0

    def difference(self, found: Difference) -> None:
        """Name one."""
        self.count += 1
        said = found.to_json()
        place = "  ".join(
            f"{name} {_short(value)}" for name, value in said["where"].items() if value is not None
        )
        console.print(f"[red]{found.code}[/]  {escape(found.words.en)}  {escape(found.words.zh)}")
        console.print(escape(f"    {place}"))
        console.print(escape(f"    here {_short(said['here'])}   there {_short(said['there'])}"))
        console.print(escape(f"    {found.next_step.en}"), style="dim")

    def unchecked(self, fault: PisteError) -> None:
        """Say why nothing can be said."""
        errors.print(f"[yellow]Not checked.[/] {escape(fault.words().en)}")
        errors.print(escape(fault.advice().en))

    def checked(self, done: Checked) -> None:
        """Say what was compared."""
        for name, count in done.counts.items():
            console.print(f"{name:<24}{count:>10}")
        for name, count in done.notices.items():
            console.print(f"[dim]{name:<24}{count:>10}[/]")
        behind = f"; the chain has {done.behind} blocks more" if done.behind else ""
        verdict = f"[red]{self.count} differences[/]" if self.count else "[green]Equal[/]"
        console.print(f"{verdict} at block {done.block}{behind}.")


class _Json(_Words):
    """Tells programs: one object, written as the check goes on."""

    def difference(self, found: Difference) -> None:
        """Write one."""
        typer.echo(("," if self.count else '{"differences":[') + orjson.dumps(found.to_json()).decode())
        self.count += 1

    def unchecked(self, fault: PisteError) -> None:
        """Write why nothing can be said."""
        self._end({"result": "unchecked", "fault": {"code": fault.code, "message": fault.words().en}})

    def checked(self, done: Checked) -> None:
        """Write what was compared."""
        self._end({"result": "different" if self.count else "equal", "checked": asdict(done)})

    def _end(self, rest: dict[str, Any]) -> None:
        begun = "" if self.count else '{"differences":['
        typer.echo(begun + "]," + orjson.dumps(rest).decode()[1:])


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 70 else f"{text[:66]}…"  # noqa: PLR2004 - a line of a terminal
