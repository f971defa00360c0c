"""Every figure of the ledger, in pairs, on one node and one PostgreSQL server, in one run of a few minutes.

Usage: python -m bench.ledger [--json] [--only PART …] [--tiny]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from bench.figures import Figure, parser_of, show
from bench.ledger import decisions, gas, indexing, limits, verifying
from bench.ledger.rivals import Rivals, rivals
from bench.ledger.stage import FULL, TINY, Size, Stage, progress, stage
from bench.tree import tree_figures

TITLE = "The ledger beside the plain way, the others and the physical limits"
Part = Callable[[Stage, Size, Rivals | None], list[Figure]]
PARTS: dict[str, Part] = {
    "limits": lambda stage, size, _: limits.measure(stage, size),
    "decisions": lambda stage, size, _: decisions.measure(stage, size),
    "gas": gas.measure,
    "verification": verifying.measure,
    "tree": lambda _, size, __: _tree(size.tree),
    "indexer": lambda stage, size, _: indexing.measure(stage, size),
}
"""In the order in which they run."""


def _tree(leaves: int) -> list[Figure]:
    """Grow the evidence log's tree on disk, see `bench.tree`."""
    progress("tree: appending and proving")
    with tempfile.TemporaryDirectory(prefix="piste-bench-") as folder:
        return tree_figures(Path(folder), leaves)


def measure(size: Size, parts: Sequence[str]) -> list[Figure]:
    """Set the stage and measure the parts."""
    # Logs of the product would stand between the figures, and cost time.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    begun, figures = time.perf_counter(), list[Figure]()
    with stage() as set_up, rivals(set_up) as others:
        for name, part in PARTS.items():
            if name in parts:
                figures += part(set_up, size, others)
    seconds = time.perf_counter() - begun
    progress(f"measured in {seconds:.0f} s")
    return [*figures, Figure("bench_s", seconds, "s", "this run")]


def main() -> int:
    """Read the options, measure, print."""
    parser = parser_of(TITLE)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument(
        "--tiny", action="store_true", help="a trial of the benchmark itself; its figures say nothing"
    )
    options = parser.parse_args()
    return show(TITLE, measure(TINY if options.tiny else FULL, options.only), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
