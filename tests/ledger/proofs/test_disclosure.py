"""Views of sealed documents: what is shown is proven, what is hidden stays hidden."""

from __future__ import annotations

import hmac
import itertools
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import Text
from ledger.evidence.merkle import leaf_hash, nodes_of, root_of
from ledger.proofs.content import disclose, new_seed, seal
from ledger.proofs.disclosure import ANY, REST, VIEWS, NothingToShow, View, redact, shared_proof
from ledger.verifier import TrustAnchor, verify
from ledger.verifier.hashing import shared_root
from tests.verifier.cases import bundle, trusts
from tests.verifier.scene import DOCUMENT, Scene

HIDDEN_FROM = {
    "gate": {"value", "total_value", "currency"},
    "gate-summary": {"value", "total_value", "currency", "lines", "holder_name"},
    "carrier": {"lines", "value", "total_value", "currency", "holder_name"},
    "venue": {"value", "total_value", "currency", "holder_name", "declarant_name", "transport"},
    "public": set(DOCUMENT) - {"reference"} | {"value"},
}


def shown_by(view: str) -> dict[str, Any]:
    return redact(seal(DOCUMENT, new_seed()), VIEWS[view])


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_shows_nothing_that_it_must_hide(view: str) -> None:
    names = {part for shown in shown_by(view)["fields"] for part in shown["path"]}
    assert names
    assert not names & HIDDEN_FROM[view]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_redacted_copy_verifies_and_tells_how_much_is_hidden(view: str) -> None:
    scene = Scene()
    disclosed = redact(scene.content, VIEWS[view])
    result = verify(
        scene.copy(bundle(scene), disclosed, view), TrustAnchor.from_bytes(trusts(scene)["strict"])
    )
    assert (result.reason, result.facts["view"]) == ("valid", view)
    told = result.facts["disclosed"]
    assert told["hidden"] + len(told["fields"]) == len(scene.content.fields)
    assert told["hidden"] > 0


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 70), st.data())
def test_one_proof_for_any_set_of_leaves_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([place])) for place in range(size)]
    shown = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    proof = shared_proof(nodes_of(leaves), shown, size)
    pairs = [(place, leaves[place]) for place in shown]
    assert shared_root(pairs, size, proof) == root_of(leaves)
    assert shared_root(pairs, size, [*proof, leaves[0]]) is None
    if proof:
        assert shared_root(pairs, size, proof[:-1]) is None
        other = [bytes(32), *proof[1:]]
        assert shared_root(pairs, size, other) != root_of(leaves)


def test_one_proof_is_smaller_than_single_ones() -> None:
    lines = [{**DOCUMENT["lines"][0], "line_no": number} for number in range(1, 101)]  # type: ignore[index]  # JSON of a known shape
    content = seal({**DOCUMENT, "lines": lines}, new_seed())
    disclosed = redact(content, VIEWS["gate"])
    single = sum(len(disclose(content, shown["path"]).proof) for shown in disclosed["fields"])
    assert len(disclosed["proof"]) * 5 < single


def test_hidden_values_cannot_be_guessed_even_with_every_likely_word() -> None:
    """Whoever knows names, shape and a dictionary of values still finds no leaf: each has a salt of 256 bits."""
    content = seal({**DOCUMENT, "total_value": "46001", "currency": "CHF"}, new_seed())
    disclosed = redact(content, VIEWS["carrier"])
    public = {bytes.fromhex(node[2:]) for node in disclosed["proof"]}
    salts = [bytes.fromhex(shown["salt"][2:]) for shown in disclosed["fields"]]
    likely = [str(number) for number in range(45_990, 46_010)] + [
        "CHF",
        "EUR",
        "timing equipment",
        "计时设备",
    ]
    paths: list[list[str | int]] = [
        ["total_value"],
        ["currency"],
        ["lines", 0, "name_en"],
        ["lines", 0, "name_zh"],
        ["lines", 0, "value"],
    ]
    guessed_salts = [bytes(32), *salts]
    for path, value, salt in itertools.product(paths, likely, guessed_salts):
        derived = hmac.digest(salt, rfc8785.dumps(list(path)), "sha256")
        for one in (salt, derived):
            assert leaf_hash(rfc8785.dumps([list(path), one.hex(), value])) not in public


def test_nothing_hidden_stands_in_a_copy() -> None:
    text = json.dumps(shown_by("carrier"), ensure_ascii=False)
    for hidden in ("46001", "CHF", "8000.50", "计时设备", "Timing Ltd", "total_value", "hs_code"):
        assert hidden not in text


def test_salts_of_two_documents_differ_though_they_say_the_same() -> None:
    one, two = (
        {tuple(shown["path"]): shown["salt"] for shown in shown_by("public")["fields"]} for _ in range(2)
    )
    assert one.keys() == two.keys()
    assert all(one[path] != two[path] for path in one)


def test_what_two_verifiers_could_read_differently_is_not_shown() -> None:
    content = seal({"reference": "R", "number": 0.5}, new_seed())
    assert [shown["path"] for shown in redact(content, VIEWS["public"])["fields"]] == [["reference"]]
    with pytest.raises(NothingToShow):
        redact(seal({"number": 0.5}, new_seed()), VIEWS["public"])


def test_patterns_take_what_they_say() -> None:
    view = View("v", Text("a", "一"), (("a",), ("b", ANY, "c"), ("d", REST)))
    taken = [path for path in (("a",), ("b", 0, "c"), ("d", "e", "f"), ("d", 1)) if view.takes(path)]
    assert len(taken) == 4
    assert not any(view.takes(path) for path in (("a", "b"), ("b", "c"), ("d",), ("e",), ("b", 0, "x")))
