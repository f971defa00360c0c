"""`python -m ledger.verifier FILE … --trust FILE`: judge files and folders with nothing else of Piste."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ledger.verifier.anchor import TrustAnchorMalformed
from ledger.verifier.many import COULD_NOT_BEGIN, files_in, judge, worst
from ledger.verifier.results import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Judge the files named; write one JSON object a line; give the exit code of the worst."""
    parser = argparse.ArgumentParser(prog="python -m ledger.verifier", description="Verify Piste files.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file or a folder")
    parser.add_argument("--trust", required=True, type=Path, help="trust anchor")
    given = parser.parse_args(arguments)
    files, _ = files_in(given.files)
    try:
        judged = judge(files, given.trust.read_bytes())
    except (OSError, TrustAnchorMalformed) as fault:
        sys.stderr.write(f"{fault}\n")
        return COULD_NOT_BEGIN
    if not files:
        sys.stderr.write("The folders hold no .pdf, .json or .txt file.\n")
        return COULD_NOT_BEGIN
    outcomes: list[Outcome | None] = []
    for one in judged:
        told = one.result.to_json() if one.result else {"unreadable": one.fault}
        outcomes.append(one.result.outcome if one.result else None)
        sys.stdout.write(json.dumps({"file": str(one.file), **told}, ensure_ascii=False) + "\n")
    return worst(outcomes)


if __name__ == "__main__":
    sys.exit(main())
