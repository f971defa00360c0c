"""Write the next revision from what the models declare and the revisions do not yet have.

Usage: python tools/migration.py "what changes"
       python tools/migration.py --check      fails where a revision is missing
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script
from alembic.util import CommandError

from migrations import alembic_config, migrate

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Compare the models with an empty database brought to the newest revision."""
    match sys.argv[1:]:
        case ["--check"]:
            wish = ""
        case [message] if message.strip():
            wish = message.strip()
        case _:
            sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/shape.sqlite3"
        migrate(address)
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.set_main_option("script_location", alembic_config("").get_main_option("script_location") or "")
        config.attributes["address"] = address
        if wish:
            _write(config, wish)
        else:
            _check(config)


def _write(config: Config, message: str) -> None:
    written = command.revision(config, message=message, autogenerate=True)
    if not isinstance(written, Script):
        sys.exit("nothing was written")
    path = Path(written.path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "# ###" not in line), encoding="utf-8")
    for order in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *order, str(path)], cwd=ROOT, check=False)


def _check(config: Config) -> None:
    try:
        command.check(config)
    except CommandError as difference:
        sys.exit(f'{difference}\nWrite it down: make migration m="what changes"')


if __name__ == "__main__":
    main()
