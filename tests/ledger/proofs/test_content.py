"""Content hashes: one byte changes them, one field can be shown, nothing hidden can be guessed."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.evidence.merkle import leaf_hash, root_of
from ledger.proofs.content import (
    ContentUnsealable,
    Disclosure,
    FieldMissing,
    disclose,
    new_seed,
    seal,
    verify_disclosure,
)

SEED = bytes(range(32))
CERTIFICATE = {
    "number": "MC-2026-0001",
    "lines": [
        {"line": 1, "name": {"en": "timing mat", "zh": "计时垫"}, "quantity": "2.5"},
        {"line": 2, "name": {"en": "cable", "zh": "电缆"}, "quantity": "100"},
    ],
    "attachments": [],
    "carnet": None,
    "paperless": True,
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(st.text(max_size=4), json_values, max_size=5)


def test_the_root_is_the_one_that_the_format_says() -> None:
    document = {"a": 1, "b": [True]}
    leaves = []
    fields: list[tuple[list[str | int], int]] = [(["a"], 1), (["b", 0], True)]
    for path, value in fields:
        salt = hmac.digest(SEED, rfc8785.dumps(path), "sha256")
        leaves.append(leaf_hash(rfc8785.dumps([path, salt.hex(), value])))
    assert seal(document, SEED).root == root_of(leaves)


def test_every_leaf_path_is_one_field() -> None:
    content = seal(CERTIFICATE, SEED)
    assert {field.pointer for field in content.fields} >= {
        "/number",
        "/lines/0/name/zh",
        "/lines/1/quantity",
        "/attachments",
        "/carnet",
        "/paperless",
    }
    assert len({field.salt for field in content.fields}) == len(content.fields) == 12


def test_order_of_keys_makes_no_difference_and_anything_else_does() -> None:
    root = seal(CERTIFICATE, SEED).root
    assert seal(dict(reversed(CERTIFICATE.items())), SEED).root == root
    assert seal({**CERTIFICATE, "number": "MC-2026-0002"}, SEED).root != root
    assert seal({**CERTIFICATE, "carnet": {}}, SEED).root != root
    assert seal(CERTIFICATE, new_seed()).root != root


def test_a_key_and_an_index_are_two_things() -> None:
    assert seal({"a": [1]}, SEED).root != seal({"a": {"0": 1}}, SEED).root


@given(documents, documents)
@settings(max_examples=40, deadline=None)
def test_two_documents_share_a_root_only_when_they_are_one(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = rfc8785.dumps(one) == rfc8785.dumps(other)
    assert (seal(one, SEED).root == seal(other, SEED).root) == same


@given(documents)
@settings(max_examples=40, deadline=None)
def test_each_field_can_be_shown_alone(document: dict[str, Any]) -> None:
    content = seal(document, SEED)
    for field in content.fields:
        shown = disclose(content, field.path)
        assert verify_disclosure(shown, content.root)
        again = Disclosure.from_json(json.loads(json.dumps(shown.to_json())))
        assert again == shown
        assert not verify_disclosure(Disclosure(**{**vars(shown), "value": "forged"}), content.root)
        assert not verify_disclosure(Disclosure(**{**vars(shown), "salt": bytes(32)}), content.root)


def test_a_disclosure_holds_nothing_of_the_other_fields() -> None:
    content = seal(CERTIFICATE, SEED)
    shown = disclose(content, "/lines/0/quantity")
    text = json.dumps(shown.to_json())
    assert "timing" not in text
    assert SEED.hex() not in text
    others = {field.salt.hex() for field in content.fields if field.pointer != "/lines/0/quantity"}
    assert not any(salt in text for salt in others)
    guesses = [
        leaf_hash(rfc8785.dumps([list(field.path), value])) for field in content.fields for value in ("2.5",)
    ]
    assert not set(guesses) & set(shown.proof)


@pytest.mark.parametrize(
    "document",
    [{"a": 2**53}, {"a": float("nan")}, {"a": b"bytes"}, {1: "a"}, {"a": "\ud800"}, {"\ud800": 1}],
)
def test_what_json_cannot_say_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ContentUnsealable):
        seal(document, SEED)


def test_a_value_that_json_cannot_say_proves_nothing() -> None:
    content = seal({"a": 1}, SEED)
    shown = disclose(content, "/a")
    assert not verify_disclosure(Disclosure(**{**vars(shown), "value": b"x"}), content.root)
    assert shown.pointer == "/a"


def test_a_field_that_is_not_there_cannot_be_shown() -> None:
    content = seal(CERTIFICATE, SEED)
    absent: list[str | list[str | int]] = ["/nothing", "/lines", ["lines", 9]]
    for pointer in absent:
        with pytest.raises(FieldMissing):
            disclose(content, pointer)


def test_a_seed_has_its_length() -> None:
    with pytest.raises(ValueError, match="3"):
        seal({}, b"abc")
    assert len(new_seed()) == 32
    assert seal({}, SEED).fields[0].pointer == ""
