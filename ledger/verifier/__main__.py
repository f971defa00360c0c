"""`python -m ledger.verifier FILE … --trust FILE`: judge files with nothing else of Piste."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ledger.verifier.anchor import TrustAnchor, TrustAnchorMalformed
from ledger.verifier.procedure import verify
from ledger.verifier.results import Outcome

EXIT_CODES = {
    Outcome.VALID: 0,
    Outcome.ALTERED: 1,
    Outcome.UNKNOWN_ISSUER: 2,
    Outcome.REVOKED: 3,
    Outcome.NOT_YET_RECORDED: 4,
}
COULD_NOT_BEGIN = 5


def main(arguments: list[str] | None = None) -> int:
    """Judge the files named; write one JSON object a line; give the exit code of the worst."""
    parser = argparse.ArgumentParser(prog="python -m ledger.verifier", description="Verify Piste files.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--trust", required=True, type=Path, help="trust anchor")
    given = parser.parse_args(arguments)
    try:
        trust = TrustAnchor.from_bytes(given.trust.read_bytes())
        contents = [(path, path.read_bytes()) for path in given.files]
    except (OSError, TrustAnchorMalformed) as fault:
        sys.stderr.write(f"{fault}\n")
        return COULD_NOT_BEGIN
    outcomes = []
    for path, data in contents:
        result = verify(data, trust)
        outcomes.append(result.outcome)
        sys.stdout.write(json.dumps({"file": str(path), **result.to_json()}, ensure_ascii=False) + "\n")
    return worst(outcomes)


def worst(outcomes: list[Outcome]) -> int:
    """Give the exit code of the gravest outcome; not being good yet is the mildest."""
    return min((EXIT_CODES[outcome] for outcome in outcomes if outcome is not Outcome.VALID), default=0)


if __name__ == "__main__":
    sys.exit(main())
