"""Write the next revision from what the models declare and the revisions do not yet have.

Usage: python tools/migration.py "what changes"
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script

from migrations import alembic_config, migrate

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Compare the models with an empty database brought to the newest revision."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():  # noqa: PLR2004  # the program and the message
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/shape.sqlite3"
        migrate(address)
        config = Config(toml_file=ROOT / "pyproject.toml")
        config.set_main_option("script_location", alembic_config("").get_main_option("script_location") or "")
        config.attributes["address"] = address
        written = command.revision(config, message=sys.argv[1].strip(), autogenerate=True)
    if not isinstance(written, Script):
        sys.exit("nothing was written")
    path = Path(written.path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "# ###" not in line), encoding="utf-8")


if __name__ == "__main__":
    main()
