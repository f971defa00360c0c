"""Draw the life cycles out of the rule tables: `docs/life-cycles.md`. With --check, only say whether it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workflow.bonded import rules as bonded
from workflow.certificates import rules as certificates
from workflow.declarations import rules as declarations
from workflow.engine.life_cycle import LifeCycle, names_of
from workflow.examination import rules as examination

PAGE = Path(__file__).parent.parent / "docs" / "life-cycles.md"
INTRODUCTION = (
    "Written by `make docs` from the tables in `workflow/*/rules.py`; change the tables, not this page. "
    "A signed step takes effect when the ledger has recorded its statement; until then the case waits."
)
LIFE_CYCLES = (
    certificates.LIFE_CYCLE,
    declarations.LIFE_CYCLE,
    bonded.LIFE_CYCLE,
    examination.HOLD_LIFE_CYCLE,
    examination.EXAMINATION_LIFE_CYCLE,
)


def page() -> str:
    """Give the whole page."""
    parts = [
        "# Life cycles",
        INTRODUCTION,
    ]
    for life_cycle in LIFE_CYCLES:
        parts += section(life_cycle)
    parts += decision_table()
    return "\n\n".join(parts) + "\n"


def section(life_cycle: LifeCycle) -> list[str]:
    """Give one life cycle: diagram, states, steps."""
    states = [f"| `{name}` | {words.en} | {words.zh} |" for name, words in life_cycle.states.items()]
    steps = [
        f"| `{edge.source}` | `{edge.event}` | `{edge.target}` | {'system' if edge.by_system else names_of(edge.who)} "
        f"| {f'`{edge.signed}`' if edge.signed else '–'} | {edge.guard or '–'} |"
        for edge in life_cycle.edges
    ]
    return [
        f"## {life_cycle.title.en} ({life_cycle.title.zh}), version {life_cycle.version}",
        f"```mermaid\n{life_cycle.mermaid()}\n```",
        "\n".join(["| state | meaning | 含义 |", "|---|---|---|", *states]),
        "\n".join(
            ["| from | step | to | who | signed statement | only if |", "|---|---|---|---|---|---|", *steps]
        ),
    ]


def decision_table() -> list[str]:
    """Give the disposition table."""
    rows = [
        f"| {row.anomaly.words.en} ({row.anomaly.words.zh}) "
        f"| {'; '.join(option.words.en for option in row.allowed)} | {row.because.en} |"
        for row in examination.TABLE
    ]
    return [
        "## Dispositions (异常处置)",
        "An officer picks only among what the table allows for every anomaly of the hold.",
        "\n".join(["| anomaly | allowed | because |", "|---|---|---|", *rows]),
    ]


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args().check:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
            return 0
        sys.stderr.write(f"{PAGE.name} is not what the tables say: run `make docs`\n")
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
