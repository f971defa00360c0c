"""How the demonstration looks on a terminal: each step as it happens, with a clock, then what it came to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.command_line.demo.stories import Do, Told
from kernel.errors import Language, Text


class Stage:
    """Tells steps on a terminal, or line by line where the output is no terminal."""

    def __init__(self, console: Console, language: Language = "en") -> None:
        self._console = console
        self._language = language
        self.steps = 0
        self.done_before = 0
        self.seconds: list[tuple[str, float]] = []

    def title(self, number: int, words: Text) -> None:
        """Begin a story."""
        self._console.print(f"\n[bold]Story {number}.[/] {escape(words.en)}  [dim]{escape(words.zh)}[/]")

    def tell(self, words: Text, do: Do) -> None:
        """Run one step and show it."""
        begun = time.monotonic()
        with self._spinning(words.in_language(self._language)):
            told: Told = do()
        took = time.monotonic() - begun
        self.steps += 1
        self.done_before += told.again
        self.seconds.append((words.en, took))
        mark = "[dim]·[/]" if told.again else "[green]✓[/]"
        self._console.print(f"  {mark} {escape(words.in_language(self._language))} [dim]{took:5.1f} s[/]")
        for line in told.words.splitlines():
            self._console.print(f"      [cyan]{escape(line)}[/]")

    @contextmanager
    def _spinning(self, words: str) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(escape(words))
            yield
