"""`piste verify FILE…` judges release notes and proofs without a network; `piste trust` writes the trust anchor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kernel.errors import PisteError, Text
from kernel.settings import Settings, load_settings
from ledger.verifier import Outcome, Result, TrustAnchor, TrustAnchorMalformed
from ledger.verifier import verify as judge
from ledger.verifier.__main__ import COULD_NOT_BEGIN, worst

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
_console = Console()
_errors = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the commands to `piste`."""
    app.command(name="verify")(verify)
    app.command(name="trust")(trust)


def verify(
    files: Annotated[list[Path], typer.Argument(help="Release notes, bundles, redacted copies, QR texts.")],
    *,
    anchor: Annotated[
        Path | None, typer.Option("--trust", help="Trust anchor [default: trust.json in the data folder].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")] = False,
) -> None:
    """Judge files without network and database.

    Exit codes: 0 valid, 1 altered, 2 unknown issuer, 3 revoked, 4 not yet recorded, 5 could not begin.
    """
    path = anchor or trust_file(load_settings())
    try:
        trusted = TrustAnchor.from_bytes(path.read_bytes())
        contents = [(file, file.read_bytes()) for file in files]
    except (OSError, TrustAnchorMalformed) as fault:
        _errors.print(f"[red]{escape(str(fault))}[/]")
        _errors.print("Write a trust anchor with `piste trust`, or name one with --trust.")
        raise typer.Exit(COULD_NOT_BEGIN) from None
    results = [(file, judge(data, trusted)) for file, data in contents]
    for file, result in results:
        if as_json:
            typer.echo(json.dumps({"file": str(file), **result.to_json()}, ensure_ascii=False))
        else:
            _console.print(_table(file, result))
    raise typer.Exit(worst([result.outcome for _, result in results]))


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
