"""Rules of the parties."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.keys.roles import ROLE_WORDS, Role
from workflow.parties.rules import (
    KIND_WORDS,
    ROLES_OF_KIND,
    STANDING_WORDS,
    EntryState,
    KeyStanding,
    OrganisationKind,
    key_standing,
    possession_digest,
    role_names,
    roles_beyond,
    roles_from_names,
    token_digest,
)
from workflow.parties.schemas import RoleName

BYTES = st.binary(min_size=32, max_size=32)


def test_every_kind_has_words_and_roles() -> None:
    assert KIND_WORDS.keys() == ROLES_OF_KIND.keys() == set(OrganisationKind)
    assert STANDING_WORDS.keys() == set(KeyStanding)


def test_every_role_can_be_held_by_some_kind_and_be_asked_for() -> None:
    together = Role(0)
    for roles in ROLES_OF_KIND.values():
        together |= roles
    assert together == Role(sum(Role))
    assert list(get_args(RoleName)) == role_names(together)
    assert ROLE_WORDS.keys() == set(Role)


@given(st.integers(0, int(sum(Role))))
def test_role_names_come_back(bits: int) -> None:
    assert roles_from_names(role_names(Role(bits))) == Role(bits)


@given(st.integers(0, int(sum(Role))), st.integers(0, int(sum(Role))))
def test_nothing_beyond_what_is_held(asked: int, held: int) -> None:
    beyond = roles_beyond(Role(asked), Role(held))
    assert beyond & Role(held) == Role(0)
    assert (beyond | Role(held)) & Role(asked) == Role(asked)


def test_an_unknown_role() -> None:
    with pytest.raises(KeyError):
        roles_from_names(["king"])


@given(BYTES, BYTES, st.binary(min_size=20, max_size=84))
def test_a_proof_of_possession_is_of_one_challenge_and_one_key(one: bytes, two: bytes, signer: bytes) -> None:
    digest = possession_digest(one, signer)
    assert len(digest) == 32
    assert digest != one
    assert (possession_digest(two, signer) == digest) == (one == two)
    assert possession_digest(one, signer + b"\x00") != digest


def test_a_tokens_digest_is_no_plain_hash_of_it() -> None:
    assert token_digest("a") != token_digest("b")
    assert len(token_digest("a")) == 32


TRUTH = [True, False]
EVERY = list(itertools.product(TRUTH, [None, *EntryState], TRUTH, TRUTH, TRUTH))


@pytest.mark.parametrize(("revoked", "entry", "entered", "removed", "valid"), EVERY)
def test_where_a_key_stands(
    *, revoked: bool, entry: EntryState | None, entered: bool, removed: bool, valid: bool
) -> None:
    standing = key_standing(
        revoked_here=revoked, entry=entry, in_register=entered, register_revoked=removed, valid_now=valid
    )
    if standing is KeyStanding.ACTIVE:
        assert entered
        assert valid
        assert not revoked
        assert not removed
    if removed:
        assert standing is KeyStanding.REVOKED
    elif revoked:
        waits = entered or entry in (EntryState.WAITING, EntryState.SIGNING, EntryState.ENTERED)
        assert standing is (KeyStanding.REVOKING if waits else KeyStanding.REVOKED)
    elif not entered:
        expected = {None: KeyStanding.SIGN_IN_ONLY, EntryState.REFUSED: KeyStanding.REFUSED}
        assert standing is expected.get(entry, KeyStanding.ENTERING)
