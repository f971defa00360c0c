"""Life cycles as tables: one function steps through them; documentation, diagrams and tests come from the same table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kernel.errors import Kind, NotPermitted, PisteError, Text
from ledger.keys.roles import Role

SYSTEM = Role(0)
"""Who takes an edge that no person takes: a recorded statement, a finished check, a timer."""


class TransitionRefused(PisteError):
    """The case is not in a state in which this can happen."""

    code = "case.transition-refused"
    kind = Kind.CONFLICT
    message = Text(
        "A {case} that is {state} cannot take the step {event}.", "{case}当前状态为{state}，不能执行{event}。"
    )
    next_step = Text("Possible now: {possible}.", "当前可执行：{possible}。")
    case: str
    state: str
    event: str
    possible: str


class DecisionUnderWay(PisteError):
    """A signed decision on this case has not reached the ledger yet."""

    code = "case.decision-under-way"
    kind = Kind.CONFLICT
    message = Text(
        "The decision {event} on this case is signed and waits to be recorded.",
        "该业务的{event}决定已签署，正等待上链。",
    )
    next_step = Text(
        "Wait until the ledger has recorded it; the page tells you.", "请等待账本记录完成，页面会自动提示。"
    )
    event: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One step that a case can take.

    A signed edge takes effect when the ledger has recorded its statement; until then the case stands in `waiting`,
    and after a refusal by the contract in `refused` (both the source where not given).
    """

    source: str
    event: str
    target: str
    who: Role
    label: Text
    signed: str | None = None
    waiting: str = ""
    refused: str = ""
    guard: str = ""

    def waiting_state(self) -> str:
        """Where the case stands while the statement is under way."""
        return self.waiting or self.source

    def refused_state(self) -> str:
        """Where the case stands after the contract refused the statement."""
        return self.refused or self.source

    @property
    def by_system(self) -> bool:
        """Whether no person takes this edge."""
        return self.who == SYSTEM


@dataclass(frozen=True, kw_only=True)
class LifeCycle:
    """A table of states and edges, with a version so that old cases can keep theirs."""

    name: str
    title: Text
    version: int
    initial: str
    states: dict[str, Text]
    """Each state with a sentence of what it means."""
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        """Check the table: every state known, every (state, event) unambiguous."""
        seen: set[tuple[str, str]] = set()
        for edge in self.edges:
            for state in (edge.source, edge.target, edge.waiting_state(), edge.refused_state()):
                if state not in self.states:
                    msg = f"{self.name}: unknown state {state}"
                    raise ValueError(msg)
            if (edge.source, edge.event) in seen:
                msg = f"{self.name}: two edges for {edge.event} from {edge.source}"
                raise ValueError(msg)
            seen.add((edge.source, edge.event))

    @cached_property
    def _by_step(self) -> dict[tuple[str, str], Edge]:
        return {(edge.source, edge.event): edge for edge in self.edges}

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Every event of the table, in its order."""
        return tuple(dict.fromkeys(edge.event for edge in self.edges))

    def edge(self, state: str, event: str, roles: Role) -> Edge:
        """Find the edge that this event takes from this state.

        Raises:
            TransitionRefused: The state has no such edge.
            NotPermitted: None of the roles may take it; the system's edges are for `SYSTEM` alone.
        """
        found = self._by_step.get((state, event))
        if found is None:
            raise TransitionRefused(
                case=self.title.en,
                state=state,
                event=event,
                possible=", ".join(self.possible(state)) or "nothing",
            )
        if not self._may(found, roles):
            raise NotPermitted(action=found.label.en, roles=names_of(found.who))
        return found

    def allowed(self, state: str, roles: Role) -> tuple[Edge, ...]:
        """Give the edges that these roles may take from this state."""
        return tuple(edge for edge in self.edges if edge.source == state and self._may(edge, roles))

    def possible(self, state: str) -> tuple[str, ...]:
        """Give the events that the state knows, whoever takes them."""
        return tuple(edge.event for edge in self.edges if edge.source == state)

    @staticmethod
    def _may(edge: Edge, roles: Role) -> bool:
        return roles == SYSTEM if edge.by_system else bool(edge.who & roles)

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        left: set[str] = set()
        for edge in self.edges:
            who = "system" if edge.by_system else names_of(edge.who)
            mark = f" · signed {edge.signed}" if edge.signed else ""
            step = f"{edge.event} ({who}){mark}"
            left.add(edge.source)
            if not edge.waiting:
                lines.append(f"    {edge.source} --> {edge.target}: {step}")
                continue
            left.add(edge.waiting)
            lines.append(f"    {edge.source} --> {edge.waiting}: {step}")
            lines.append(f"    {edge.waiting} --> {edge.target}: recorded")
            lines.append(f"    {edge.waiting} --> {edge.refused_state()}: refused by the contract")
        lines.extend(f"    {state} --> [*]" for state in self.states if state not in left)
        return "\n".join(lines)


def names_of(roles: Role) -> str:
    """Write roles as words, for people."""
    return (
        ", ".join(role.name.lower().replace("_", " ") for role in Role if role & roles and role.name)
        or "nobody"
    )
