"""Runs the revisions; Alembic loads this file by path.

The address of the database comes from the caller (`migrations.migrate`), from `alembic -x url=…`, or from
Piste's settings, in this order.
"""

from __future__ import annotations

from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from kernel.settings import load_settings
from migrations import all_tables, rendered_type

_TURN = 0x504953  # "PIS": the advisory lock under which migrations of one PostgreSQL database take turns


def _address() -> str:
    given = context.config.attributes.get("address") or context.get_x_argument(as_dictionary=True).get("url")
    if given:
        return str(given)
    settings = load_settings()
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings.database


def _engine(address: str) -> Engine:
    """Give an engine whose transactions hold the changes of the shape as well, on SQLite too."""
    engine = create_engine(address, poolclass=NullPool)
    if engine.dialect.name != "sqlite":
        return engine

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        del entry
        connection.isolation_level = None  # the driver would commit before each change of the shape
        cursor = connection.cursor()
        # Foreign keys stay off: a table that is rebuilt is dropped on the way, its children must stay.
        for pragma in ("journal_mode=WAL", "busy_timeout=60000", "foreign_keys=OFF"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _number(migration: MigrationContext, revision: object, directives: list[MigrationScript]) -> None:
    """Count the revisions, so that their order can be read from a listing."""
    del migration, revision
    if not directives:
        return
    newest = ScriptDirectory.from_config(context.config).get_current_head()
    directives[0].rev_id = f"{int(newest or 0) + 1:04d}"


def _run() -> None:
    engine = _engine(_address())
    compares = context.config.attributes.get(
        "compares", True
    )  # else nobody needs the models: a start is quicker
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        context.configure(
            connection=connection,
            target_metadata=all_tables() if compares else None,
            render_as_batch=True,
            compare_type=True,
            compare_server_default=True,
            render_item=rendered_type,
            process_revision_directives=_number,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


_run()
