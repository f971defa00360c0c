"""Everything that Piste refuses, as one tree of typed errors.

Each error fixes a `code`, a `kind` and its words in English and Chinese, and carries facts as typed
fields. Only `api` knows what a kind means in HTTP.

    PisteError
    ├── Invalid          all faults of one input at once
    ├── NotFound         no such thing, or not for this caller
    ├── NotPermitted     the caller's roles do not allow it
    └── … one subclass per rule, beside the rule
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from string import Formatter
from typing import ClassVar, Literal, NamedTuple, dataclass_transform

Language = Literal["en", "zh"]


class Text(NamedTuple):
    """One sentence in the two languages of the house; may hold `{fact}` places."""

    en: str
    zh: str

    def fill(self, facts: dict[str, object]) -> Text:
        """Put facts into the places; a place without a fact stays as it is, so that no message ever fails."""
        known = _Facts(facts)
        return Text(*(Formatter().vformat(sentence, (), known) for sentence in self))

    def in_language(self, language: Language) -> str:
        """Give the sentence in one language."""
        return self.zh if language == "zh" else self.en


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class Kind(StrEnum):
    """What sort of refusal it is."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"


@dataclass_transform(kw_only_default=True, eq_default=False)
class PisteError(Exception):
    """Root of all refusals. Subclasses name their facts as annotated fields."""

    code: ClassVar[str] = "piste.error"
    kind: ClassVar[Kind] = Kind.INVALID
    message: ClassVar[Text] = Text("The request was refused.", "请求被拒绝。")
    next_step: ClassVar[Text] = Text("Ask the help desk, naming the trace id.", "请联系服务台并提供追踪号。")
    field: ClassVar[str] = ""
    """JSON pointer of the offending input, may hold `{fact}` places; empty where no one field is at fault."""

    def __init_subclass__(cls) -> None:
        """Make the subclass a keyword-only dataclass."""
        super().__init_subclass__()
        dataclass(kw_only=True, eq=False)(cls)

    def __post_init__(self) -> None:
        """Fill the exception's arguments, so that tracebacks are readable."""
        super().__init__(self.words().en)

    def facts(self) -> dict[str, object]:
        """Give the typed facts by name."""
        if type(self) is PisteError:
            return {}
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]  # subclasses are dataclasses, made so in __init_subclass__

    def words(self) -> Text:
        """Say what is wrong."""
        return self.message.fill(self.facts())

    def advice(self) -> Text:
        """Say what to do next."""
        return self.next_step.fill(self.facts())

    def pointer(self) -> str:
        """Name the field at fault."""
        return Text(self.field, self.field).fill(self.facts()).en

    def faults(self) -> tuple[Fault, ...]:
        """Give the refusal as a list of faults, one unless the class gathers several."""
        return (Fault(field=self.pointer(), rule=self.code, message=self.words(), next_step=self.advice()),)

    def __str__(self) -> str:
        return f"{self.code}: {self.words().en}"

    def __reduce__(self) -> tuple[Callable[..., PisteError], tuple[type[PisteError], dict[str, object]]]:
        """Let the refusal travel between processes: workers send it pickled."""
        named = {} if type(self) is PisteError else {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]  # as in facts
        return _rebuilt, (type(self), named)


@dataclass(frozen=True)
class Suggestion:
    """A value that could stand where a fault is."""

    value: str
    meaning: Text
    """What it is, for a person who chooses."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with one field."""

    field: str
    """JSON pointer into the input, for example `/lines/2/quantity`; an XPath where the input was XML."""
    rule: str
    """Code of the rule, for example `identifier.check-digit`."""
    message: Text
    next_step: Text
    suggestions: tuple[Suggestion, ...] = ()
    """What was probably meant, the likeliest first; empty where nothing is obvious."""

    def under(self, prefix: str) -> Fault:
        """Give the same fault with its field placed under a prefix."""
        return self.at(prefix + self.field)

    def at(self, field: str) -> Fault:
        """Give the same fault at another place."""
        return replace(self, field=field)


class Invalid(PisteError):
    """The input has faults; all of them are named at once."""

    code = "input.invalid"
    kind = Kind.INVALID
    message = Text("The input has {count} fault(s).", "输入有{count}处错误。")
    next_step = Text("Mend the fields named and send it again.", "请更正所列字段后重新提交。")
    found: tuple[Fault, ...]

    def facts(self) -> dict[str, object]:
        """Count the faults."""
        return {"count": len(self.found)}

    def faults(self) -> tuple[Fault, ...]:
        """Give every fault found."""
        return self.found


class NotFound(PisteError):
    """There is no such thing, or the caller may not know of it."""

    code = "input.not-found"
    kind = Kind.MISSING
    message = Text("There is no {what} {name}.", "找不到{what} {name}。")
    next_step = Text(
        "Check the number; you see only your own organisation's cases.",
        "请核对编号；您只能看到本单位的业务。",
    )
    what: str
    name: str


class NotPermitted(PisteError):
    """The caller holds none of the roles that may do this."""

    code = "access.not-permitted"
    kind = Kind.FORBIDDEN
    message = Text("Your roles do not allow: {action}.", "您的角色无权执行：{action}。")
    next_step = Text("Ask somebody who holds one of: {roles}.", "请由具有以下角色的人员办理：{roles}。")
    action: str
    roles: str


class NotSignedIn(PisteError):
    """Nobody is signed in, or the token is not valid."""

    code = "access.not-signed-in"
    kind = Kind.UNAUTHENTICATED
    message = Text("You are not signed in.", "您尚未登录。")
    next_step = Text(
        "Sign in with your passkey, or send a valid bearer token.", "请使用通行密钥登录，或携带有效令牌。"
    )


class RevisionStale(PisteError):
    """The case changed since the caller read it."""

    code = "case.revision-stale"
    kind = Kind.CONFLICT
    message = Text(
        "The case changed while you looked at it (it is at revision {current}, you saw {seen}).",
        "该业务在您查看期间已变更（当前版本{current}，您看到的是{seen}）。",
    )
    next_step = Text("Read it again and decide on what it says now.", "请重新查看后再作决定。")
    current: int
    seen: int


def _rebuilt(kind: type[PisteError], facts: dict[str, object]) -> PisteError:
    return kind(**facts)


MOST_FAULTS = 1000
"""How many faults one answer names; a list of ten thousand empty lines has more than anybody reads."""


def collect(found: Sequence[Fault]) -> None:
    """Raise `Invalid` with every fault found, or do nothing where there is none."""
    if found:
        raise Invalid(found=capped(found))


def capped(found: Sequence[Fault], *, beyond: int = 0) -> tuple[Fault, ...]:
    """Give the faults, or the first `MOST_FAULTS` of them and one that says how many were left out.

    Args:
        found: The faults.
        beyond: How many more there are that were not even put into words.
    """
    left_out = max(len(found) - MOST_FAULTS, 0) + beyond
    if left_out == 0:
        return tuple(found)
    more = Fault(
        field="",
        rule="input.more-faults",
        message=Text(f"There are {left_out} more faults.", f"另有{left_out}处错误。"),
        next_step=Text("Mend those named first.", "请先更正以上各项。"),
    )
    return (*found[:MOST_FAULTS], more)
