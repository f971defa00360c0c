"""What the engine must know of each kind of case: its table, its life cycle, how its steps are built and finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from kernel.errors import Text
from workflow.engine.cases import Case
from workflow.engine.context import Context
from workflow.engine.decisions import Decision
from workflow.engine.life_cycle import Edge, LifeCycle, TransitionRefused
from workflow.engine.principals import Principal
from workflow.engine.schemas import ActionInput


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


@dataclass(frozen=True, kw_only=True)
class StepInput:
    """A step that somebody wants to take: who, which edge, with what."""

    principal: Principal
    edge: Edge
    given: ActionInput
    signed_at: datetime


class Load(Protocol):
    """Loads one case that the principal may know of."""

    def __call__(self, session: Session, principal: Principal, case_id: UUID, /, *, lock: bool) -> Any:  # noqa: ANN401 - each kind has its own class
        """Load it, locked on demand; raises `NotFound`."""


Decide = Callable[[Session, Context, Any, StepInput], Decision]
Signed = Callable[[Session, Context, Any, StepInput], None]
Plain = Callable[[Session, Context, Any, StepInput], None]
Recorded = Callable[[Session, Context, Any, RecordedStep], None]
Refused = Callable[[Session, Context, Any, RecordedStep, Text], None]


def _nothing_on_signing(session: Session, context: Context, case: object, step: StepInput) -> None:
    del session, context, case, step


def _nothing_plain(session: Session, context: Context, case: object, step: StepInput) -> None:
    del session, context, case
    raise TransitionRefused(
        case="case", state=step.edge.source, event=step.edge.event, possible="nothing unsigned"
    )


def _nothing_follows(session: Session, context: Context, case: object, step: RecordedStep) -> None:
    del session, context, case, step


def _nothing_to_undo(
    session: Session, context: Context, case: object, step: RecordedStep, words: Text
) -> None:
    del session, context, case, step, words


@dataclass(frozen=True, kw_only=True)
class CaseKind:
    """One kind of case and its process's part in the steps that the engine drives."""

    kind: str
    model: type[Case]
    life_cycle: LifeCycle
    load: Load
    """Load one that the principal may know of, locked on demand."""
    decide: Decide
    """Build the statement of a signed step; checks every guard."""
    action_input: type[ActionInput] = ActionInput
    """What the steps of this kind may carry."""
    signed: Signed = _nothing_on_signing
    """What goes with an accepted signature, in its transaction; for example holding quantities."""
    plain: Plain = _nothing_plain
    """Take a step that needs no signature."""
    recorded: Recorded = _nothing_follows
    """What follows once the ledger has recorded the step."""
    refused: Refused = _nothing_to_undo
    """What is undone when the contract refused it."""


class CaseKinds:
    """The kinds of case that this installation knows, by name."""

    def __init__(self, *kinds: CaseKind) -> None:
        self._by_name = {kind.kind: kind for kind in kinds}

    def get(self, name: str) -> CaseKind | None:
        """Give a kind, or None where a statement belongs to no case (a checkpoint, a change of the consortium)."""
        return self._by_name.get(name)

    def __getitem__(self, name: str) -> CaseKind:
        """Give a kind that must be there."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[CaseKind]:
        """Go through every kind."""
        return iter(self._by_name.values())
