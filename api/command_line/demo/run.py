"""`piste demo`: start the stack, assemble the cast, carry the three dossiers through, verify, show where to look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.command_line.demo.cast import Cast, Company
from api.command_line.demo.dossiers import Dossier, load_dossiers
from api.command_line.demo.show import Stage
from api.command_line.demo.stories import Outcome, Story, Told
from api.command_line.demo.verdicts import Verdict, verify_story
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.evidence.log import request_checkpoint
from workflow.engine.context import installed_context

KEYS_PATIENCE_S = 60.0


class NotVerified(PisteError):
    """A story ended, but not everything of it could be verified."""

    code = "demo.not-verified"
    kind = Kind.UNAVAILABLE
    message = Text("{failed} statement(s) could not be verified.", "有{failed}项声明未能验证。")
    next_step = Text(
        "Look at the table above and at `piste logs indexer`.", "请查看上表及`piste logs indexer`。"
    )
    failed: int


def demonstrate(settings: Settings, examples: Path, console: Console, up: Callable[[], None]) -> None:
    """Run the demonstration; run again, it goes on where it was.

    Args:
        settings: Of the embedded stack, with the demo's registrar.
        examples: Folder of the example dossiers.
        console: Where to tell.
        up: Starts the stack and waits until it is well.

    Raises:
        NotVerified: Something of a story could not be verified.
        PisteError: Whatever stopped a story.
    """
    begun = time.monotonic()
    dossiers = load_dossiers(examples)
    up()
    database = Database(settings.database, evidence=settings.evidence)
    try:
        company = Company(settings, installed_context(settings), database)
        stage = Stage(console)
        cast, links = _assemble(company, dossiers[0], stage, settings)
        outcomes: list[Outcome] = []
        for number, dossier in enumerate(dossiers, 1):
            stage.title(number, dossier.title)
            outcomes.append(Story(dossier, cast, stage.tell).run())
        verdicts = _verify(cast, outcomes, stage, console, partial(_ask_for_checkpoint, database))
    finally:
        database.dispose()
    _show_where(console, settings, links, outcomes)
    console.print(
        f"\n{stage.steps} steps, {stage.done_before} of them done before, in {time.monotonic() - begun:.1f} s. "
        "The service goes on in the background; [bold]make stop[/] ends it."
    )
    failed = sum(not verdict.good for verdict in verdicts)
    if failed:
        raise NotVerified(failed=failed)


def _assemble(
    company: Company, dossier: Dossier, stage: Stage, settings: Settings
) -> tuple[Cast, dict[str, str]]:
    found: dict[str, Cast] = {}
    links: dict[str, str] = {}

    def admit() -> Told:
        cast = company.assemble(dossier)
        found["cast"] = company.sign_in(cast, settings.origin)
        links.update(company.links(cast))
        return Told(
            f"{len(cast['persons'])} persons with passkeys, {len(cast['programs'])} programs and devices"
        )

    def await_keys() -> Told:
        waited = company.await_keys(KEYS_PATIENCE_S)
        return Told(f"{waited} keys granted by 2 of 3 founding members")

    stage.tell(Text("Parties are admitted and sign in", "各方登记并登录"), admit)
    stage.tell(Text("Their keys enter the consortium's register on the chain", "密钥登记上链"), await_keys)
    return found["cast"], links


def _ask_for_checkpoint(database: Database) -> None:
    with database.write() as session:
        request_checkpoint(session)


def _verify(
    cast: Cast, outcomes: list[Outcome], stage: Stage, console: Console, hurry: Callable[[], None]
) -> list[Verdict]:
    verdicts: list[Verdict] = []

    def check() -> Told:
        for outcome in outcomes:
            verdicts.extend(verify_story(cast.auditor, outcome, hurry))
        good = sum(verdict.good for verdict in verdicts)
        return Told(f"{good} of {len(verdicts)} statements recorded on the chain and verified")

    console.print("\n[bold]Verification[/] as an auditor does it")
    stage.tell(Text("Every statement of the three stories is verified", "逐项验证三个案例的全部声明"), check)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("story", "statement", "block", "verdict"):
        table.add_column(heading)
    for verdict in verdicts:
        says = "[green]recorded, verified[/]" if verdict.good else f"[red]{verdict.says}[/]"
        table.add_row(verdict.story, verdict.what, str(verdict.block or "–"), says)
    console.print(table)
    return verdicts


def _show_where(console: Console, settings: Settings, links: dict[str, str], outcomes: list[Outcome]) -> None:
    console.print("\n[bold]Where to look[/]")
    console.print(f"  Pages            {settings.origin}")
    console.print(f"  API description  {settings.origin}/developers")
    for outcome in outcomes:
        case = outcome.declaration
        console.print(
            f"  {case['number']}  {settings.origin}/declarations/{case['id']}  [dim]{outcome.dossier.slug}[/]"
        )
    console.print(
        "\n[bold]To sign in yourself[/]: open one of these once, on this machine, and make a passkey (valid for a day)"
    )
    for name, url in links.items():
        console.print(f"  {name:<18}{url}", soft_wrap=True)


def examples_folder() -> Path:
    """Name the folder of the example dossiers: `PISTE_EXAMPLES`, else `examples` beside the packages."""
    return Path(os.environ.get("PISTE_EXAMPLES") or Path(__file__).parents[3] / "examples")
