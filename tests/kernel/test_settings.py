"""Settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from kernel.settings import Settings, load_settings


def test_the_defaults_are_the_embedded_stack() -> None:
    settings = Settings()
    assert settings.database == f"sqlite:///{Path.cwd() / 'var' / 'piste.sqlite3'}"
    assert settings.origin == "http://localhost:8700"
    assert not settings.demo


def test_addresses_in_force_follow_what_is_set() -> None:
    settings = Settings(
        database_url="postgresql+psycopg://db/piste", public_url="https://piste.example/", port=9000
    )
    assert settings.database == "postgresql+psycopg://db/piste"
    assert settings.origin == "https://piste.example"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_PORT", "9123")
    assert Settings().origin == "http://localhost:9123"


def test_the_file_in_the_data_folder_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "piste.env").write_text("PISTE_PORT=9001\nPISTE_LOG_LEVEL=debug\nPISTE_UNKNOWN=1\n")
    monkeypatch.setenv("PISTE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PISTE_PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.log_level, settings.data_dir) == (9002, "debug", tmp_path)


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(port=0)


def test_the_evidence_log_lies_with_the_database_unless_told(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).evidence == tmp_path / "piste.evidence"
    assert Settings(database_url=f"sqlite:///{tmp_path}/a/b.db").evidence == tmp_path / "a" / "b.evidence"
    server = Settings(data_dir=tmp_path, database_url="postgresql+psycopg://db/piste")
    assert server.evidence == tmp_path / "piste.evidence"
    assert Settings(evidence_dir="/srv/log").evidence == Path("/srv/log")
