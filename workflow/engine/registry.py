"""What the engine must know of each kind of case: its table, its life cycle, what follows a recorded step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from kernel.errors import Text
from workflow.engine.cases import Case
from workflow.engine.context import Context
from workflow.engine.life_cycle import LifeCycle
from workflow.engine.principals import Principal


@dataclass(frozen=True, kw_only=True)
class RecordedStep:
    """A signed step that the ledger has recorded or refused, as the process sees it."""

    event: str
    intent: Mapping[str, Any]
    statement: bytes
    primary_type: str
    message: Mapping[str, Any]
    by: Principal
    """Who signed first."""


Follow = Callable[[Session, Context, Any, RecordedStep], None]
Refuse = Callable[[Session, Context, Any, RecordedStep, Text], None]


def nothing_follows(session: Session, context: Context, case: object, step: RecordedStep) -> None:
    """Do nothing after a recorded step."""
    del session, context, case, step


def nothing_to_undo(session: Session, context: Context, case: object, step: RecordedStep, words: Text) -> None:
    """Do nothing after a refused step."""
    del session, context, case, step, words


@dataclass(frozen=True, kw_only=True)
class CaseKind:
    """One kind of case."""

    kind: str
    model: type[Case]
    life_cycle: LifeCycle
    recorded: Follow = nothing_follows
    refused: Refuse = nothing_to_undo


class CaseKinds:
    """The kinds of case that this installation knows, by name."""

    def __init__(self, *kinds: CaseKind) -> None:
        self._by_name = {kind.kind: kind for kind in kinds}

    def get(self, name: str) -> CaseKind | None:
        """Give a kind, or None where a statement belongs to no case (a checkpoint, a change of the consortium)."""
        return self._by_name.get(name)

    def all(self) -> tuple[CaseKind, ...]:
        """Give every kind."""
        return tuple(self._by_name.values())
