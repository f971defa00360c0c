"""Resolve the packages that pyproject.toml asks for into the two lock files, with hashes and without addresses.

Usage: python tools/lock.py [--upgrade]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LOCKS = (
    ("requirements.lock", ["--group", "setup"]),
    ("requirements-dev.lock", ["--group", "dev", "--constraints", "requirements.lock"]),
)
_OPTIONS = (
    "--python-version=3.11",
    "--python-platform=linux",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=make lock",
    "--quiet",
)


def main() -> None:
    """Write both files; versions stay as they are unless `--upgrade` is given or pyproject.toml forbids them."""
    for name, groups in _LOCKS:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "compile",
                "pyproject.toml",
                *groups,
                *_OPTIONS,
                *sys.argv[1:],
                "--output-file",
                name,
            ],
            cwd=ROOT,
            check=True,
        )
        print(f"{name}: {sum('==' in line for line in (ROOT / name).read_text().splitlines())} packages")


if __name__ == "__main__":
    main()
