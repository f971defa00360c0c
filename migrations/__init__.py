"""The database's shape and how it came to be: Alembic revisions, applied when Piste starts."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlalchemy.types import TypeDecorator

from kernel.database import Base

_PACKAGES = ("kernel", "ledger", "workflow")


def migrate(address: str) -> None:
    """Bring a database to the newest revision; nothing happens where it is there already.

    Two that start at once take turns; one that is killed half-way leaves the database as it was.

    Args:
        address: SQLAlchemy address of the database. The folder of an SQLite file must exist.
    """
    config = alembic_config(address)
    config.attributes["compares"] = False
    command.upgrade(config, "head")


def newest_revision() -> str | None:
    """Name the revision that this version of Piste needs; None while there is none."""
    return ScriptDirectory.from_config(alembic_config("")).get_current_head()


def alembic_config(address: str) -> Config:
    """Describe the revisions to Alembic, wherever the package is installed."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["address"] = address
    return config


def all_tables() -> MetaData:
    """Give the tables that the code declares, after importing every module that declares one."""
    for package in _PACKAGES:
        for name in _modules_with_tables(package):
            importlib.import_module(name)
    return Base.metadata


def rendered_type(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    """Write the house's own column types as what the database has, so that a revision never changes."""
    del context
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def _modules_with_tables(package: str) -> list[str]:
    found = []
    for folder in importlib.import_module(package).__path__:
        for path in sorted(Path(folder).rglob("*.py")):
            if "__tablename__" in path.read_text(encoding="utf-8"):
                parts = (package, *path.relative_to(folder).with_suffix("").parts)
                found.append(".".join(part for part in parts if part != "__init__"))
    return found
