"""The verifier's own table of types says the same as the product's, and judges signatures the same."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY
from ledger.keys.roles import Role
from ledger.keys.signing import verify_signature
from ledger.proofs.sealing import network_of
from ledger.proofs.verification import SIGNING_ROLES
from ledger.statements import STATEMENT_TYPES, digest
from ledger.typed_data import type_hash, types_of
from ledger.verifier.anchor import read_network
from ledger.verifier.membership import ROLES
from ledger.verifier.messages import STATEMENTS, TYPES, read_message
from ledger.verifier.signatures import SignedBy, Verifiers
from tests.verifier.scene import Scene

SCENE = Scene()
NETWORK = read_network(network_of(SCENE.deployment))
VERIFIERS = Verifiers(
    SCENE.deployment.address_bytes(VERIFIER_P256), SCENE.deployment.address_bytes(VERIFIER_PASSKEY)
)


def test_both_tables_of_types_are_equal() -> None:
    assert STATEMENTS.keys() == STATEMENT_TYPES.keys()
    for name, kind in STATEMENT_TYPES.items():
        assert TYPES[name].contract == kind.contract
        assert TYPES[name].type_hash == type_hash(kind)
        for inner, fields in types_of(kind).items():
            ours = [(field.name, field.kind + "[]" * field.is_list) for field in TYPES[inner].fields]
            assert ours == [(field["name"], field["type"]) for field in fields]


def test_digests_and_subjects_are_equal() -> None:
    for statement, _ in SCENE.every_statement().values():
        message = read_message(statement.primary_type, statement.message())
        assert message.digest(NETWORK) == digest(statement, SCENE.deployment)
        assert message.subject == statement.subject


def test_needed_roles_are_those_that_the_contracts_ask_for() -> None:
    own = {"Evidence", "ReleaseDecision", "CertificateReview"}  # off the chain; by channel; by party
    for name, roles in SIGNING_ROLES.items():
        if name not in own:
            assert ROLES[name] == int(roles)
    assert sum(Role) == 2**14 - 1


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["inspector", "documents", "broker"]),
    st.integers(0, 5000),
    st.integers(0, 7),
    st.binary(max_size=3),
)
def test_signatures_are_judged_as_the_product_judges_them(
    who: str, place: int, bit: int, tail: bytes
) -> None:
    key = SCENE.people[who]
    name = random.Random(place).randbytes(32)
    signature = bytearray(key.sign(name) + tail)
    if place % 3:
        signature[place % len(signature)] ^= 1 << bit
    given_signature = bytes(signature)
    ours = SignedBy(key.signer, given_signature).holds(name, VERIFIERS)
    assert ours == verify_signature(key.signer, name, given_signature, SCENE.deployment)
