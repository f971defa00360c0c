"""Settings, from the environment (`PISTE_…`) or a file `piste.env` in the data folder."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from kernel.database import evidence_beside


class Settings(BaseSettings):
    """What differs between one installation and another. The defaults are the embedded stack."""

    model_config = SettingsConfigDict(env_prefix="PISTE_", extra="ignore")

    data_dir: Path = Path("var")
    """Where the embedded stack keeps everything: database, node state, documents, keys, logs."""
    database_url: str = ""
    """SQLAlchemy address; empty means SQLite in the data folder."""
    evidence_dir: str = ""
    """Folder of the evidence log's tree; empty means `piste.evidence` beside the SQLite file or in the data folder."""
    node_url: str = ""
    """JSON-RPC address of an Ethereum node; empty means the embedded node."""
    node_port: int = 0
    """Port of the embedded node; 0 takes a free one and keeps it in the data folder."""
    finality: str = "embedded"
    """When a block is final: `embedded` (after the node's state dump), `immediate`, or `depth:N`."""
    node_header_hash: Literal["ethereum", "asked"] = "ethereum"
    """How the hash of a block is checked: computed from the header's fields, or, on networks whose headers carry
    signatures that the hash leaves out (IBFT, QBFT), by asking for the block once more by its hash."""
    most_gas_price_wei: int = Field(default=100 * 10**9, ge=0)
    """The relay pays no more for a unit of gas; above it, it waits. Networks without fees never come near."""
    most_waiting: int = Field(default=20_000, ge=1)
    """When so many statements wait to be recorded, those that can wait are asked to come back later."""
    broker_url: str = ""
    """Celery broker; empty means a queue on disk in the data folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=1, le=65535)
    public_url: str = ""
    """Address that people use; the passkeys are bound to its host name. Empty means http://localhost:<port>."""
    site_time_zone: str = "Asia/Shanghai"
    """Time zone in which pages show times; storage is UTC."""
    upload_limit_bytes: int = 20 * 1024 * 1024
    request_limit_bytes: int = 2 * 1024 * 1024
    """Largest JSON or XML body."""
    checkpoint_interval_s: float = 60.0
    witnesses_demanded: int = Field(default=0, ge=0)
    """How many members must have witnessed a checkpoint before a release note is written under it."""
    session_hours: float = 12.0
    token_minutes: float = 30.0
    decision_hours: int = Field(default=72, ge=1)
    """How long a signed release decision may wait for its record, a second signature included."""
    weighbridge_tolerance: float = 0.03
    demo: bool = False
    """Whether this installation plays the founding members' part with own keys. Never in production."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @cached_property
    def database(self) -> str:
        """The database address in force."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'piste.sqlite3'}"

    @cached_property
    def evidence(self) -> Path:
        """The folder of the evidence log in force."""
        beside = evidence_beside(self.database) or self.data_dir.absolute() / "piste.evidence"
        return Path(self.evidence_dir) if self.evidence_dir else beside

    @cached_property
    def origin(self) -> str:
        """The address in force, without a trailing slash."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


def load_settings() -> Settings:
    """Read the settings: environment first, then `piste.env` in the data folder."""
    data_dir = Path(os.environ.get("PISTE_DATA_DIR", "var"))
    return Settings(_env_file=data_dir / "piste.env")
