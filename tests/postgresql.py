"""A private PostgreSQL server for the tests: in a temporary folder, on its own socket, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import NullPool, create_engine, text

_MISSING = """PostgreSQL's server is not installed, and the tests run on it as well as on SQLite.
Install it with `make setup` or `apt-get install postgresql`,
or name its folder in PISTE_TEST_POSTGRESQL_BIN."""
_UNPRIVILEGED = "postgres"
_START_WITHIN_S = 60.0
_QUICK = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=120",
    "shared_buffers=64MB",
)


class PostgresqlServer:
    """A server that serves for as long as its `with` block lasts.

    PostgreSQL refuses to run as root; then it runs as the user that its Debian package has made.
    """

    def __init__(self) -> None:
        self._bin = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="piste-pg-"))
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._user:
            shutil.chown(self._folder, self._user)
        data = self._folder / "data"
        self._call(
            "initdb", "-D", str(data), "-U", "piste", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        options = [f"--{option}" for option in _QUICK]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *_dying_with_parent(),
                    self._bin / "postgres",
                    "-D",
                    data,
                    "-k",
                    self._folder,
                    "--listen_addresses=",
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self._folder,
            )
        self._await()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def address(self, name: str) -> str:
        """Give the SQLAlchemy address of one of the server's databases."""
        return f"postgresql+psycopg://piste@/{name}?host={self._folder}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database like another one and give its address."""
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.address(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _administer(self, command: str) -> None:
        engine = create_engine(self.address("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(command))

    def _await(self) -> None:
        if self._process is None:
            return
        deadline = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(subprocess.CalledProcessError):
                self._call("pg_isready", "-h", str(self._folder), "-d", "postgres", "-t", "5")
                return
        log = (self._folder / "log").read_text(errors="replace")
        msg = f"the tests' PostgreSQL server did not start:\n{log[-2000:]}"
        raise RuntimeError(msg)

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
        )


def _dying_with_parent() -> list[str]:
    """Give the command that ends the server when the tests are killed and cannot end it themselves (util-linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "QUIT", "--"] if setpriv else []


def _programs() -> Path:
    named = os.environ.get("PISTE_TEST_POSTGRESQL_BIN")
    if named:
        return Path(named)
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    on_path = shutil.which("postgres")
    found = [*([Path(on_path).resolve()] if on_path else []), *debian]
    if not found:
        raise RuntimeError(_MISSING)
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_UNPRIVILEGED)
        except KeyError:
            raise RuntimeError(_MISSING) from None
    return found[-1].parent
