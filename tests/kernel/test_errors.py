"""Refusals: words, facts, and the rules that every class of them keeps."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

import pytest

import api
import inspection
import kernel
import ledger
import workflow
from kernel.errors import (
    Fault,
    Invalid,
    Kind,
    NotFound,
    NotPermitted,
    NotSignedIn,
    PisteError,
    RevisionStale,
    Text,
    collect,
)

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACE = re.compile(r"\{([a-z0-9_]*)[^}]*\}")


def subclasses(of: type[PisteError]) -> Iterator[type[PisteError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from subclasses(kind)


@pytest.fixture(scope="module")
def refusals() -> list[type[PisteError]]:
    """Give every class of refusal that any package defines."""
    for package in (kernel, ledger, inspection, workflow, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    packages = ("kernel", "ledger", "inspection", "workflow", "api")
    found = [kind for kind in subclasses(PisteError) if kind.__module__.partition(".")[0] in packages]
    return list(dict.fromkeys(found))


def test_every_refusal_has_a_code_of_its_own(refusals: list[type[PisteError]]) -> None:
    codes = Counter(kind.code for kind in refusals if "code" in vars(kind))
    assert [code for code, times in codes.items() if times > 1] == []
    assert [kind.__name__ for kind in refusals if not CODE.fullmatch(kind.code)] == []
    assert PisteError.code not in codes


def test_every_refusal_has_a_kind(refusals: list[type[PisteError]]) -> None:
    assert {kind.kind for kind in refusals} <= set(Kind)


def test_every_refusal_speaks_both_languages(refusals: list[type[PisteError]]) -> None:
    for kind in refusals:
        for words in (kind.message, kind.next_step):
            assert words.en.strip(), kind.__name__
            assert not CHINESE.search(words.en), kind.__name__
            # a refusal that passes on somebody else's words has no more than their place
            assert CHINESE.search(words.zh) or not PLACE.sub("", words.en).strip(), kind.__name__


def test_every_refusal_says_what_it_means(refusals: list[type[PisteError]]) -> None:
    assert [kind.__name__ for kind in refusals if not (kind.__doc__ or "").strip()] == []


def test_every_place_in_the_words_has_a_fact(refusals: list[type[PisteError]]) -> None:
    for kind in refusals:
        if kind is Invalid:  # counts what it found
            continue
        facts = set(kind.__dataclass_fields__)  # type: ignore[attr-defined]  # made so in __init_subclass__
        for text in (*kind.message, *kind.next_step, kind.field):
            assert {name for name in PLACE.findall(text) if name} <= facts, kind.__name__


def test_a_text_fills_what_it_knows_and_leaves_the_rest() -> None:
    text = Text("{a} and {b}", "{a}和{b}")
    assert text.fill({"a": 1}) == Text("1 and {b}", "1和{b}")


def test_facts_with_braces_are_not_filled_again() -> None:
    assert Text("{a}", "{a}").fill({"a": "{b}", "b": "x"}).en == "{b}"


def test_a_text_is_given_in_the_language_asked_for() -> None:
    text = Text("yes", "是")
    assert (text.in_language("en"), text.in_language("zh")) == ("yes", "是")


def test_a_refusal_names_its_facts() -> None:
    refusal = RevisionStale(current=4, seen=2)
    assert refusal.facts() == {"current": 4, "seen": 2}
    assert refusal.words().en.endswith("(it is at revision 4, you saw 2).")
    assert "4" in refusal.words().zh
    assert str(refusal) == f"case.revision-stale: {refusal.words().en}"
    assert refusal.args == (refusal.words().en,)


def test_a_refusal_is_one_fault_of_its_own() -> None:
    refusal = NotPermitted(action="release", roles="RELEASING_OFFICER")
    assert refusal.faults() == (
        Fault(field="", rule=refusal.code, message=refusal.words(), next_step=refusal.advice()),
    )
    assert "RELEASING_OFFICER" in refusal.advice().zh


def test_a_refusal_fills_its_field() -> None:
    class LineWrong(PisteError):
        """A line is wrong."""

        code = "test.line-wrong"
        field = "/lines/{line}/quantity"
        line: int

    assert LineWrong(line=3).pointer() == "/lines/3/quantity"
    assert LineWrong(line=3).faults()[0].field == "/lines/3/quantity"


def test_the_root_has_no_facts() -> None:
    assert PisteError().facts() == {}


def test_refusals_take_keywords_only() -> None:
    with pytest.raises(TypeError):
        NotFound("certificate", "1")  # type: ignore[call-arg]  # what is refused


@pytest.mark.parametrize(
    "refusal",
    [
        NotFound(what="certificate", name="X"),
        NotSignedIn(),
        PisteError(),
        Invalid(found=(Fault(field="/a", rule="r", message=Text("a", "甲"), next_step=Text("b", "乙")),)),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_a_refusal_travels_between_processes(refusal: PisteError) -> None:
    again = pickle.loads(pickle.dumps(refusal))
    assert type(again) is type(refusal)
    assert again.faults() == refusal.faults()


def test_invalid_gives_all_its_faults() -> None:
    faults = [
        Fault(field=f"/{name}", rule="r", message=Text("m", "甲"), next_step=Text("n", "乙")) for name in "ab"
    ]
    with pytest.raises(Invalid) as refused:
        collect(faults)
    assert refused.value.faults() == tuple(faults)
    assert refused.value.words().en == "The input has 2 fault(s)."


def test_no_fault_is_no_refusal() -> None:
    collect([])


def test_a_fault_is_placed_under_a_prefix() -> None:
    fault = Fault(field="/quantity", rule="r", message=Text("m", "甲"), next_step=Text("n", "乙"))
    assert fault.under("/lines/2").field == "/lines/2/quantity"
    assert fault.under("/lines/2").rule == "r"
