"""The ledger's benchmark in a size of seconds, so that it does not rot; its figures say nothing here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TO_REACH = {
    "decisions_ratio",
    "ceiling_ratio",
    "gas_evidence",
    "gas_draw_secp256k1",
    "gas_draw_passkey",
    "indexer_logs_per_s",
    "indexer_memory_mb",
    "verify_ratio",
    "verify_offline_ms",
    "tree_append_per_s",
    "tree_proof_ms",
}


def test_every_figure_is_measured() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.ledger", "--tiny", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    figures = {one["figure"]: one for one in json.loads(ran.stdout)}
    assert figures.keys() >= TO_REACH
    for name, one in figures.items():
        assert one.keys() == {"figure", "value", "unit", "against"}
        if one["value"] is None:
            # The other systems' packages are installed by whoever wants to compare.
            assert "npm ci" in one["against"], name
        else:
            assert math.isfinite(one["value"]), name
            assert one["value"] >= 0, name
