"""The others that the ledger is measured against, in a Node process that is asked line by line."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ledger.stage import Stage, progress
from ledger.keys.signing import Secp256k1Signer

FOLDER = Path(__file__).resolve().parent.parent / "rivals"
ROOT = FOLDER.parent.parent
ABSENT = "absent: run `npm ci` in bench/rivals"


class Rivals:
    """Document store, tt-verify and EAS on the stage's node.

    Args:
        process: `node rivals.cjs`.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **request: object) -> dict[str, float]:
        """Give the answer to one request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the rivals ended; see the error stream"
        found: dict[str, float] = json.loads(answer)
        return found


def are_installed() -> bool:
    """Tell whether the rivals' packages lie where `npm ci` puts them."""
    return (FOLDER / "node_modules" / "ethers6" / "package.json").is_file()


@contextmanager
def rivals(stage: Stage) -> Iterator[Rivals | None]:
    """Run the rivals for as long as the block lasts; None where their packages are not installed."""
    node: Any = shutil.which("node", path=str(ROOT / ".venv" / "bin")) or shutil.which("node")
    if node is None or not are_installed():
        progress(f"rivals {ABSENT}")
        yield None
        return
    secret = "0x" + Secp256k1Signer.generate().secret.hex()
    with subprocess.Popen(
        [node, FOLDER / "rivals.cjs", stage.chain.url, secret],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Rivals(process)
        if process.stdin is not None:
            # Its loop ends with its input; waiting is the block's end.
            process.stdin.close()
