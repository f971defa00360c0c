"""What all tests share: both databases, settings in a folder of their own, clocks, repeatable identifiers."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.database import Base, Database
from kernel.ids import CountingIds
from kernel.settings import Settings
from migrations import migrate, newest_revision
from tests.postgresql import PostgresqlServer

GAMES_MORNING = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
"""When tests take place: the week in which most of the material arrives."""
DATABASES = ("sqlite", "postgresql")
LONGEST = ("journey", "contracts")
UNTRACED = (
    "tests/fault/",
    "tests/verifier/",
    "tests/journeys/",
    "tests/bench/",
    "tests/api/verifier/",
    "tests/api/test_fuzz.py",
    "tests/ledger/proofs/test_disclosure.py",
    "tests/workflow/release/test_papers.py",
)
"""Tests that do the same thing thousands of times: tracing makes them three times as slow and finds nothing new."""
_numbers = itertools.count(1)

# A machine that is busy with other work is slow, which says nothing about a test. CI tries the same examples each
# time, so that a change is judged by what it changed; everywhere else new ones are looked for.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process waits for another at the end."""
    names = {item.nodeid for item in items}
    for item in items:
        # What runs on both databases runs through the same lines: once is enough to know which.
        twin = item.nodeid.replace("postgresql", "sqlite")
        traced_elsewhere = twin != item.nodeid and twin in names
        untraced = str(item.path.relative_to(item.config.rootpath)).startswith(UNTRACED)
        if untraced or traced_elsewhere:
            item.add_marker("no_cover")
    items.sort(key=lambda item: all(item.get_closest_marker(name) is None for name in LONGEST))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests free of what the developer has set for a stack of his own."""
    for name in [name for name in os.environ if name.startswith("PISTE_")]:
        if not name.startswith(("PISTE_TEST_", "PISTE_WCO_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """Give a PostgreSQL server; its absence is a failure, not a reason to skip."""
    with PostgresqlServer() as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "piste.sqlite3"
    _shape(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: PostgresqlServer) -> str:
    _shape(postgresql.create("template_piste"))
    return "template_piste"


def _shape(address: str) -> None:
    """Make the tables: from the revisions, or from the models while there is no revision."""
    if newest_revision() is not None:
        migrate(address)
        return
    database = Database(address)
    Base.metadata.create_all(database.engine)
    database.dispose()


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Give a maker of addresses of new, migrated, empty databases of the kind asked for.

    For tests that start processes of their own or need more than one database; others ask for `database`.
    """

    def make(kind: str) -> str:
        name = f"piste_{next(_numbers)}"
        if kind == "sqlite":
            path = tmp_path / f"{name}.sqlite3"
            shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
            return f"sqlite:///{path}"
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        address = server.create(name, request.getfixturevalue("_postgresql_template"))
        made.callback(server.drop, name)
        return address

    with ExitStack() as made:
        yield make


@pytest.fixture(params=DATABASES)
def database_address(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    """Give the address of an empty, migrated database; the test runs once on each kind."""
    return fresh_database(request.param)


@pytest.fixture
def database(database_address: str, tmp_path: Path) -> Iterator[Database]:
    """Give an empty, migrated database; the test runs once on each kind."""
    database = Database(database_address, evidence=tmp_path / "evidence")
    yield database
    database.dispose()


@pytest.fixture
def sqlite_database(fresh_database: Callable[[str], str]) -> Iterator[Database]:
    """Give an empty, migrated SQLite database, for tests in which the kind makes no difference."""
    database = Database(fresh_database("sqlite"))
    yield database
    database.dispose()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give an empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    """Give the embedded stack's settings in a folder of the test's own."""
    return Settings(data_dir=data_dir)


@pytest.fixture
def archive(data_dir: Path) -> FolderArchive:
    """Give an empty document archive."""
    return FolderArchive(data_dir / "archive")


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands until the test moves it."""
    return ManualClock(GAMES_MORNING)


@pytest.fixture
def ids() -> CountingIds:
    """Give identifiers that count up from one."""
    return CountingIds()
