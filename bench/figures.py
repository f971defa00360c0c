"""How a benchmark tells its figures: a table for people, a JSON array for programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import orjson
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One figure and what it is held against."""

    figure: str
    value: float
    unit: str
    against: str


def tell(title: str, measure: Callable[[], Sequence[Figure]]) -> int:
    """Measure, then print a table, or JSON with `--json`."""
    as_json = parser_of(title).parse_args().json
    return show(title, measure(), as_json=as_json)


def parser_of(title: str) -> argparse.ArgumentParser:
    """Give the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--json", action="store_true", help="a JSON array of {figure, value, unit, against}")
    return parser


def show(title: str, figures: Sequence[Figure], *, as_json: bool) -> int:
    """Print figures as a table, or as JSON."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([asdict(figure) for figure in figures]) + b"\n")
        return 0
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    for heading in ("figure", "value", "unit", "against"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for figure in figures:
        table.add_row(figure.figure, f"{figure.value:,.3f}", figure.unit, figure.against)
    Console(width=140).print(table)
    return 0
