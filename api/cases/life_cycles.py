"""The life cycles as everybody can read them: from the very tables that the engine steps through."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field

from api.cases.views import CaseKindName, Words
from workflow.engine.life_cycle import LifeCycle
from workflow.engine.schemas import Output, example
from workflow.parties.rules import role_names
from workflow.processes import KINDS


class StateView(Output):
    """A state and what it means."""

    name: str
    meaning: Words
    final: bool = Field(description="Whether nothing leads out of it.")


class StepView(Output):
    """A step from one state to another."""

    event: str
    label: Words
    source: str
    target: str
    who: list[str] = Field(description="Roles of which one takes it; empty: the system.")
    signed: str | None = Field(description="EIP-712 primary type of the statement; null for a step without.")
    waiting: str | None = Field(description="Where the case stands until the statement is recorded.")
    refused: str | None = Field(description="Where it stands after the contract refused the statement.")
    guard: str


class LifeCycleView(Output):
    """The life cycle of one kind of case."""

    kind: CaseKindName
    title: Words
    version: int
    initial: str
    states: list[StateView]
    steps: list[StepView]
    mermaid: str = Field(description="The same as a Mermaid state diagram.")


class LifeCycles(Output):
    """Every life cycle."""

    model_config = example(
        {
            "items": [
                {
                    "kind": "hold",
                    "title": {"en": "Hold", "zh": "布控"},
                    "version": 1,
                    "initial": "open",
                    "states": [
                        {
                            "name": "open",
                            "meaning": {
                                "en": "The goods are held; a person decides from the table.",
                                "zh": "货物已布控，待人工处置。",
                            },
                            "final": False,
                        }
                    ],
                    "steps": [
                        {
                            "event": "dispose",
                            "label": {"en": "Decide", "zh": "处置"},
                            "source": "open",
                            "target": "decided",
                            "who": ["documents_officer", "releasing_officer", "supervisor"],
                            "signed": "Disposition",
                            "waiting": "open",
                            "refused": "open",
                            "guard": "the table allows the disposition",
                        }
                    ],
                    "mermaid": "stateDiagram-v2\n    [*] --> open",
                }
            ]
        }
    )

    items: list[LifeCycleView]


@lru_cache(maxsize=1)
def life_cycles() -> LifeCycles:
    """Show every life cycle."""
    return LifeCycles(
        items=[LifeCycleView.model_validate(_shown(kind.kind, kind.life_cycle)) for kind in KINDS]
    )


def _shown(kind: str, table: LifeCycle) -> dict[str, object]:
    sources = {edge.source for edge in table.edges}
    return {
        "kind": kind,
        "title": Words.of(table.title),
        "version": table.version,
        "initial": table.initial,
        "states": [
            {"name": name, "meaning": Words.of(meaning), "final": name not in sources}
            for name, meaning in table.states.items()
        ],
        "steps": [
            {
                "event": edge.event,
                "label": Words.of(edge.label),
                "source": edge.source,
                "target": edge.target,
                "who": role_names(edge.who),
                "signed": edge.signed,
                "waiting": edge.waiting_state() if edge.signed else None,
                "refused": edge.refused_state() if edge.signed else None,
                "guard": edge.guard,
            }
            for edge in table.edges
        ],
        "mermaid": table.mermaid(),
    }
