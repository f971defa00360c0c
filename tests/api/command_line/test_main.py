"""The command `piste`, as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import filelock
import orjson
import pytest
from typer.testing import CliRunner

from api.command_line.main import app
from api.command_line.processes import embedded_stack, entry_of
from kernel.settings import Settings

run = CliRunner()


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("PISTE_DATA_DIR", str(data_dir))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)


def test_without_words_it_says_what_it_can_do() -> None:
    answer = run.invoke(app, [])
    assert "up" in answer.output
    assert "status" in answer.output


def test_it_says_its_version() -> None:
    assert run.invoke(app, ["--version"]).output.startswith("piste ")


def test_status_of_nothing_is_stopped_and_not_well(data_dir: Path) -> None:
    answer = run.invoke(app, ["status", "--json"])
    assert answer.exit_code == 1
    rows = orjson.loads(answer.output)
    assert [row["name"] for row in rows] == [
        spec.name for spec in embedded_stack(Settings(data_dir=data_dir))
    ]
    assert {row["state"] for row in rows} == {"stopped"}
    assert "stopped" in run.invoke(app, ["status"]).output


def test_stopping_nothing_is_no_fault() -> None:
    answer = run.invoke(app, ["stop"])
    assert answer.exit_code == 0
    assert "Nothing was running" in answer.output


@pytest.mark.parametrize(
    ("language", "words"), [("en_GB.UTF-8", "has no process"), ("zh_CN.UTF-8", "没有名为")]
)
def test_an_unknown_process_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("LANG", language)
    for command in (["run", "baker"], ["logs", "baker"]):
        answer = run.invoke(app, command)
        assert answer.exit_code == 1
        assert words in answer.stderr
        assert "relay" in answer.stderr  # what there is instead


def test_logs_are_shown_for_people_or_as_stored(data_dir: Path) -> None:
    folder = data_dir / "logs"
    folder.mkdir()
    line = '{"at":"2026-02-03T08:00:01Z","level":"info","event":"batch.sent","count":3}'
    (folder / "relay.log").write_text(line + "\n")
    assert run.invoke(app, ["logs", "relay"]).output == "08:00:01 info     batch.sent  count=3\n"
    assert run.invoke(app, ["logs", "relay", "--raw"]).output == line + "\n"
    assert run.invoke(app, ["logs"]).output.startswith("relay      08:00:01")


def test_a_process_runs_once_on_a_data_folder(data_dir: Path) -> None:
    (data_dir / "run").mkdir()
    with filelock.FileLock(data_dir / "run" / "dispatcher.lock"):
        done = subprocess.run(
            [sys.executable, "-m", "api.command_line.main", "run", "dispatcher"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
    assert done.returncode == 1
    assert "runs already" in done.stderr


def test_every_process_of_the_stack_can_be_run(data_dir: Path) -> None:
    for spec in embedded_stack(Settings(data_dir=data_dir, demo=True)):
        assert callable(entry_of(spec.name))
        assert spec.command[-2:] == ("run", spec.name)


@pytest.mark.parametrize("demo", [True, False])
@pytest.mark.parametrize("node_url", ["", "http://127.0.0.1:8545"])
def test_what_one_process_waits_for_exists(data_dir: Path, node_url: str, demo: bool) -> None:
    specs = embedded_stack(Settings(data_dir=data_dir, node_url=node_url, demo=demo))
    names = {spec.name for spec in specs}
    assert {name for spec in specs for name in spec.after} <= names
    assert ("node" in names) == (not node_url)
    assert ("registrar" in names) == ("witness" in names) == demo
