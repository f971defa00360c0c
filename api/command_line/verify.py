"""`piste verify FILE…` judges release notes and proofs without a network; `piste trust` writes the trust anchor."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kernel.errors import PisteError, Text
from kernel.settings import Settings, load_settings
from ledger.verifier import Outcome, Result, TrustAnchorMalformed
from ledger.verifier.many import COULD_NOT_BEGIN, Judged, files_in, judge, worst

NAME = Text("Piste", "Piste无纸化通关")
COLOURS = {
    Outcome.VALID: "green",
    Outcome.ALTERED: "red",
    Outcome.UNKNOWN_ISSUER: "red",
    Outcome.REVOKED: "red",
    Outcome.NOT_YET_RECORDED: "yellow",
}
OUTCOME_WORDS = {
    Outcome.VALID: Text("VALID", "有效"),
    Outcome.ALTERED: Text("ALTERED", "被改动"),
    Outcome.UNKNOWN_ISSUER: Text("UNKNOWN ISSUER", "签发方不明"),
    Outcome.REVOKED: Text("REVOKED", "已撤销"),
    Outcome.NOT_YET_RECORDED: Text("NOT YET RECORDED", "尚未上链"),
}
NOT_READ_WORDS = Text("NOT READ", "无法读取")
MOST_TABLES = 20
"""More files than these are told of in a line each."""
_console = Console()
_errors = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the commands to `piste`."""
    app.command(name="verify")(verify)
    app.command(name="trust")(trust)


def verify(
    files: Annotated[
        list[Path],
        typer.Argument(help="Release notes, bundles, redacted copies, QR texts; or folders of them."),
    ],
    *,
    anchor: Annotated[
        Path | None, typer.Option("--trust", help="Trust anchor [default: trust.json in the data folder].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")] = False,
) -> None:
    """Judge files without network and database, thousands of them on all cores.

    Exit codes, of several files the worst: 1 altered, 2 unknown issuer, 3 revoked, 4 not yet recorded, 6 could not be
    read, 0 all valid; 5 could not begin.
    """
    path = anchor or trust_file(load_settings())
    found, others = files_in(files)
    try:
        judged = judge(found, path.read_bytes())
    except (OSError, TrustAnchorMalformed) as fault:
        _errors.print(f"[red]{escape(str(fault))}[/]")
        _errors.print("Write a trust anchor with `piste trust`, or name one with --trust.")
        raise typer.Exit(COULD_NOT_BEGIN) from None
    if not found:
        _errors.print("[red]The folders hold no .pdf, .json or .txt file.[/] Name the files themselves.")
        raise typer.Exit(COULD_NOT_BEGIN)
    outcomes: list[Outcome | None] = []
    for one in judged:
        outcomes.append(one.result.outcome if one.result else None)
        _tell(one, as_json=as_json, whole=len(found) <= MOST_TABLES)
    if len(found) > 1 and not as_json:
        _sum_up(outcomes, others)
    raise typer.Exit(worst(outcomes))


def trust(
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it [default: trust.json in the data folder].")
    ] = None,
    witnesses: Annotated[
        int | None, typer.Option(min=0, help="How many witnesses to demand [default: the setting].")
    ] = None,
) -> None:
    """Write the trust anchor of this installation, to be carried to verifiers by a way that they trust."""
    from kernel.database import Database  # noqa: PLC0415  # only `piste trust` needs the database
    from ledger.chain.deployment import load_deployment  # noqa: PLC0415  # only `piste trust` needs the ledger
    from ledger.proofs.anchors import founding_of, trust_anchor  # noqa: PLC0415  # only `piste trust` needs the ledger

    settings = load_settings()
    try:
        deployment = load_deployment(settings.data_dir)
        founders, threshold = founding_of(settings.data_dir)
        database = Database(settings.database, evidence=settings.evidence)
        with database.read() as session:
            data = trust_anchor(
                session,
                deployment,
                founders,
                threshold=threshold,
                witnesses=settings.witnesses_demanded if witnesses is None else witnesses,
                name=NAME,
            )
        database.dispose()
    except PisteError as refusal:
        _errors.print(f"[red]{escape(refusal.words().en)}[/] {escape(refusal.advice().en)}")
        raise typer.Exit(COULD_NOT_BEGIN) from None
    path = out or trust_file(settings)
    path.write_bytes(data)
    known = json.loads(data)["known"]
    _console.print(
        f"{path}: as of checkpoint {known['checkpoint']}, {len(known['changes'])} changes of the consortium, "
        f"{len(known['corrections'])} corrections."
    )


def trust_file(settings: Settings) -> Path:
    """Name the file in which an installation keeps its trust anchor."""
    return settings.data_dir / "trust.json"


def _tell(one: Judged, *, as_json: bool, whole: bool) -> None:
    """Tell of one file: as JSON, as a table, or in one line where there are too many for tables."""
    if as_json:
        told = one.result.to_json() if one.result else {"unreadable": one.fault}
        typer.echo(json.dumps({"file": str(one.file), **told}, ensure_ascii=False))
    elif one.result is None:
        typer.echo(f"{NOT_READ_WORDS.en} · {NOT_READ_WORDS.zh}  {one.file}  ({one.fault})")
    elif whole:
        _console.print(_table(one.file, one.result))
    else:
        words = OUTCOME_WORDS[one.result.outcome]
        typer.echo(f"{words.en} · {words.zh}  {one.file}  ({one.result.reason})")


def _sum_up(outcomes: Sequence[Outcome | None], others: int) -> None:
    counted = Counter(outcomes)
    parts = [f"{counted[it]} {OUTCOME_WORDS[it].en} {OUTCOME_WORDS[it].zh}" for it in Outcome if counted[it]]
    if counted[None]:
        parts.append(f"{counted[None]} {NOT_READ_WORDS.en} {NOT_READ_WORDS.zh}")
    typer.echo(f"{len(outcomes)} files: {', '.join(parts)}.")
    if others:
        typer.echo(f"{others} files with other endings in the folders were not looked at.")


def _table(file: Path, result: Result) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    words = OUTCOME_WORDS[result.outcome]
    table.add_row("file", escape(str(file)))
    table.add_row("outcome", f"[bold {COLOURS[result.outcome]}]{words.en} · {words.zh}[/]  ({result.reason})")
    for heading, told in (("", result.words), ("next", result.next)):
        for place, language in enumerate(("en", "zh")):
            table.add_row(heading if place == 0 else "", escape(told[language]))
    for heading, value in _facts(result.facts):
        table.add_row(heading, escape(value))
    table.add_row("", "")
    return table


def _facts(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Pick what a person compares with paper and vehicle."""
    if not facts:
        return []
    rows = [("statement", f"{facts['type']} {facts['digest']}")]
    rows += [("signed by", f"{one['organisation']} / {one['officer']}") for one in facts["signers"]]
    if facts["record"] is not None:
        rows.append(("recorded", f"block {facts['record']['blockNumber']} of {facts['record']['contract']}"))
    if facts["checkpoint"] is not None:
        size, count = facts["checkpoint"]["size"], len(facts["witnesses"])
        rows.append(("checkpoint", f"{size} leaves, {count} witnesses"))
    if facts["disclosed"] is not None:
        rows += [("/".join(map(str, one["path"])), str(one["value"])) for one in facts["disclosed"]["fields"]]
        rows.append(("hidden", f"{facts['disclosed']['hidden']} more fields"))
    return rows
