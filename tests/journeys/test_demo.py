"""`piste demo` from outside: killed in mid-story, run again, run a third time, stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import OperationalError

from api.command_line.demo.dossiers import Dossier
from tests.journeys.conftest import free_port, processes_of
from workflow.declarations.models import Declaration

pytestmark = pytest.mark.journey

PATIENCE_S = 1200.0
CHECKOUT = Path(__file__).parents[2]
_ONLY_LOOKS = ("The worker ", "The scans ", "The release ")
"""How steps begin in which nobody acts: the story looks whether the service has done its part."""


class Piste:
    """The command, on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "demo.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith("PISTE_")}
        self._environment = own | {"PISTE_DATA_DIR": str(self.data_dir), "PISTE_PORT": str(free_port())}

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start the command and let it run."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "api.command_line.main", command],
                cwd=CHECKOUT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def run(self, command: str) -> str:
        """Run the command to its end and give what it said."""
        status = self.start(command).wait(PATIENCE_S)
        said = self.log.read_text("utf-8")
        assert status == 0, said
        return said

    def kill(self, running: subprocess.Popen[bytes]) -> None:
        """Kill the command and everything that it has started, all at once, without a warning."""
        for process in (*processes_of(self.data_dir), psutil.Process(running.pid)):
            process.kill()
        running.wait(PATIENCE_S)
        until(lambda: not processes_of(self.data_dir), "the killed processes to be gone")


@pytest.fixture
def piste(tmp_path: Path) -> Iterator[Piste]:
    """Give the command; whatever it leaves is ended."""
    command = Piste(tmp_path)
    yield command
    command.run("stop")


@pytest.fixture
def reading(piste: Piste) -> Iterator[Engine]:
    """Give a look into the database of the stack."""
    engine = create_engine(f"sqlite:///{piste.data_dir / 'piste.sqlite3'}")
    yield engine
    engine.dispose()


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain for {what}"
        time.sleep(0.1)


def test_the_demonstration_goes_on_after_a_kill_and_can_be_run_again(
    piste: Piste, reading: Engine, timing_equipment: Dossier
) -> None:
    running = piste.start("demo")
    try:
        until(lambda: _filed(reading, timing_equipment.reference, running), "the declaration of story 1")
    finally:
        piste.kill(running)
    assert _state(reading, timing_equipment.reference) not in {"released", "closed"}

    again = piste.run("demo")
    assert _verified(again) == _statements(again) > 0
    assert _done_before(again) > 0

    third = piste.run("demo")
    assert _verified(third) == _statements(third) == _statements(again)
    assert _done_before(third) >= _done_before(again)
    _all_done_before(third)

    piste.run("stop")
    assert processes_of(piste.data_dir) == []


def _state(reading: Engine, reference: str) -> str | None:
    """Tell where a declaration stands; None while there is none."""
    try:
        with reading.connect() as connection:
            return connection.scalar(select(Declaration.state).where(Declaration.reference == reference))
    except OperationalError:  # the stack has not made its tables yet
        return None


def _filed(reading: Engine, reference: str, running: subprocess.Popen[bytes]) -> bool:
    assert running.poll() is None, "the demonstration ended before its time"
    return _state(reading, reference) not in {None, "draft", "submitted"}


def _verified(said: str) -> int:
    return int(_found(r"(\d+) of \d+ statements recorded on the chain and verified", said))


def _statements(said: str) -> int:
    return int(_found(r"\d+ of (\d+) statements recorded on the chain and verified", said))


def _done_before(said: str) -> int:
    return int(_found(r"\d+ steps, (\d+) of\s+them done\s+before", said))


def _all_done_before(said: str) -> None:
    """Make sure that every step of the stories was told as done before."""
    stories = said.partition("Story 1.")[2].partition("Verification")[0]
    marks = re.findall(r"^  ([·✓]) (.*)$", stories, re.MULTILINE)
    assert [words for mark, words in marks if mark != "·" and not words.startswith(_ONLY_LOOKS)] == []
    assert len(marks) > 20


def _found(pattern: str, said: str) -> str:
    found = re.search(pattern, said)
    assert found, said
    return found[1]
