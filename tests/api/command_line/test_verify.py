"""`piste verify` and `piste trust`: files in, words and exit codes out, without network and database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.command_line.main import app

GOLDEN = Path(__file__).parents[2] / "verifier" / "golden" / "v1"
TRUST = ("--trust", str(GOLDEN / "trust-strict.json"))


def run(*arguments: str, data_dir: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_a_release_note_is_judged_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_DATA_DIR", str(tmp_path))
    code, told = run("verify", str(GOLDEN / "release-note.pdf"), *TRUST, data_dir=tmp_path)
    assert code == 0
    for expected in ("VALID", "有效", "next", "transport/vehicle_plate", "hidden"):
        assert expected in told
    assert list(tmp_path.iterdir()) == []


def test_programs_get_json_and_the_worst_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_DATA_DIR", str(tmp_path))
    names = ("release-note.pdf", "seal-broken.json", "witnesses-none.json")
    files = [str(GOLDEN / name) for name in names]
    code, told = run("verify", *files, "--json", *TRUST, data_dir=tmp_path)
    assert code == 1
    assert [json.loads(line)["reason"] for line in told.splitlines()] == [
        "valid",
        "seal",
        "witnesses-missing",
    ]


def test_the_trust_anchor_of_the_installation_is_taken_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PISTE_DATA_DIR", str(tmp_path))
    file = str(GOLDEN / "release-note.pdf")
    code, told = run("verify", file, data_dir=tmp_path)
    assert code == 5
    assert "piste trust" in told
    (tmp_path / "trust.json").write_bytes((GOLDEN / "trust-open.json").read_bytes())
    assert run("verify", file, data_dir=tmp_path)[0] == 0


def test_no_trust_anchor_comes_of_an_installation_that_was_never_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PISTE_DATA_DIR", str(tmp_path))
    code, told = run("trust", data_dir=tmp_path)
    assert code == 5
    assert "deployment" in told
    assert not (tmp_path / "trust.json").exists()
