"""A whole embedded stack for a journey, and browsers in which people walk."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

from api.command_line.demo.cast import Cast, Company
from api.command_line.demo.dossiers import Dossier, load_dossiers
from api.command_line.demo.run import KEYS_PATIENCE_S, examples_folder
from api.command_line.processes import run_folder
from api.command_line.stack import Stack
from api.command_line.supervisor import MARK
from kernel.database import Database
from kernel.settings import Settings
from migrations import migrate
from tests.journeys.town import Town
from workflow.engine.context import installed_context

STARTS_WITHIN_S = 300.0
BROWSER_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Find every living process of the stack in a data folder, whoever its parent is now."""
    wanted = str(run_folder(Settings(data_dir=data_dir)))
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture(scope="session")
def timing_equipment() -> Dossier:
    """Give the dossier of story 1."""
    return load_dossiers(examples_folder())[0]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, timing_equipment: Dossier) -> Iterator[Town]:
    """Start a stack in a folder of its own, with everybody admitted; always stopped."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("PISTE_")]:
            environment.delenv(name)
        settings = Settings(data_dir=tmp_path_factory.mktemp("town"), port=free_port(), demo=True)
        stack = Stack(settings, prepare=lambda it: migrate(it.database))
        try:
            stack.up(within_s=STARTS_WITHIN_S)
            database = Database(settings.database, evidence=settings.evidence)
            company = Company(settings, installed_context(settings), database)
            admitted = company.assemble(timing_equipment)
            links = company.links(admitted)
            company.await_keys(KEYS_PATIENCE_S * 3)
            cast = company.sign_in(admitted, settings.origin)
            yield Town(settings, database, timing_equipment, cast, links)
            _hang_up(cast)
            database.dispose()
        finally:
            stack.stop()
        assert not processes_of(settings.data_dir)


def _hang_up(cast: Cast) -> None:
    for agent in vars(cast).values():
        agent.http.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; its absence is a failure, not a reason to skip."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(BROWSER_OPTIONS)
        )
        yield chromium
        chromium.close()
