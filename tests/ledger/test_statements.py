"""Typed statements: their digests are the contracts' own, and their JSON loses nothing."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.errors import Kind
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment
from ledger.chain.interfaces import decode_result, encode_call
from ledger.statements import (
    STATEMENT_TYPES,
    STATEMENT_WORDS,
    Checkpoint,
    ConsortiumChange,
    Draw,
    Statement,
    StatementTypeUnknown,
    digest,
    id_bytes,
    id_from_bytes,
    key_id,
    statement_from,
    typed_data,
    unit_bytes,
    unit_from_bytes,
)
from ledger.typed_data import StatementMalformed, Struct, members, type_string

ON_A_NODE = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def values_of(struct: type[Struct]) -> st.SearchStrategy[Any]:
    """Give instances of a typed message with any values that fit."""
    parts = {}
    for member in members(struct):
        item: st.SearchStrategy[Any]
        if member.struct is not None:
            item = values_of(member.struct)
        elif member.solidity.startswith("uint"):
            item = st.integers(0, (1 << int(member.solidity[4:])) - 1)
        elif member.solidity == "bytes":
            item = st.binary(max_size=90)
        else:
            size = int(member.solidity[5:])
            item = st.binary(min_size=size, max_size=size)
        parts[member.attribute] = st.lists(item, max_size=3).map(tuple) if member.is_array else item
    return st.builds(struct, **parts)


@pytest.mark.parametrize("name", sorted(STATEMENT_TYPES))
@given(data=st.data())
@ON_A_NODE
def test_the_digest_is_the_contracts_own(
    name: str, data: st.DataObject, chain: Chain, deployment: Deployment
) -> None:
    statement: Statement = data.draw(values_of(STATEMENT_TYPES[name]))
    call = encode_call(statement.contract, f"hash{name}", statement)
    answer = chain.call(deployment.address(statement.contract), call)
    assert decode_result(statement.contract, f"hash{name}", answer) == digest(statement, deployment)


@pytest.mark.parametrize("name", sorted(STATEMENT_TYPES))
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wallet_signs_the_same_digest(name: str, data: st.DataObject, deployment: Deployment) -> None:
    statement: Statement = data.draw(values_of(STATEMENT_TYPES[name]))
    full = json.loads(json.dumps(typed_data(statement, deployment)))
    wallet = Account.create()
    signed = wallet.sign_message(encode_typed_data(full_message=full))
    assert bytes(signed.message_hash) == digest(statement, deployment)


@pytest.mark.parametrize("name", sorted(STATEMENT_TYPES))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_message_survives_json(name: str, data: st.DataObject) -> None:
    statement: Statement = data.draw(values_of(STATEMENT_TYPES[name]))
    message = json.loads(json.dumps(statement.message()))
    assert statement_from(name, message) == statement


def test_every_type_has_words_and_the_planned_shape() -> None:
    assert STATEMENT_WORDS.keys() == STATEMENT_TYPES.keys()
    assert type_string(STATEMENT_TYPES["DeclarationFiling"]) == (
        "DeclarationFiling(bytes32 declaration,uint32 version,bytes32 contentHash,Draw[] draws,uint64 signedAt)"
        "Draw(bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity)"
    )
    assert type_string(ConsortiumChange).startswith(
        "ConsortiumChange(uint64 sequence,Organisation[] organisations,KeyGrant[] grants,bytes32[] revocations)"
        "KeyGrant("
    )


def test_another_chain_and_another_contract_give_another_digest(deployment: Deployment) -> None:
    statement = Checkpoint(1, b"\1" * 32, 5)
    elsewhere = Deployment(deployment.chain_id + 1, deployment.addresses)
    moved = Deployment(deployment.chain_id, {"EvidenceLog": deployment.address("Inbox")})
    assert len({digest(statement, where) for where in (deployment, elsewhere, moved)}) == 3


def test_the_subject_is_what_the_statement_is_about(deployment: Deployment) -> None:
    assert Checkpoint(258, bytes(32), 0).subject == (258).to_bytes(32, "big")
    assert ConsortiumChange(7, (), (), ()).subject == (7).to_bytes(32, "big")
    for kind in STATEMENT_TYPES.values():
        if members(kind)[0].solidity == "bytes32":
            values: dict[str, Any] = {
                member.attribute: () if member.is_array else b"\7" * 32 if member.solidity == "bytes32" else 0
                for member in members(kind)
            }
            assert kind(**values).subject == b"\7" * 32


@pytest.mark.parametrize(
    "values",
    [
        {"size": -1},
        {"size": 1 << 64},
        {"size": True},
        {"size": "1"},
        {"root": b"\1" * 31},
        {"root": b"\1" * 33},
        {"root": "0x" + "01" * 32},
    ],
)
def test_a_value_that_does_not_fit_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(StatementMalformed) as caught:
        Checkpoint(**{"size": 1, "root": b"\1" * 32, "signed_at": 0, **values})
    assert caught.value.kind is Kind.INVALID
    assert caught.value.pointer() == f"/{next(iter(values))}"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"size": "1", "root": "0x" + "01" * 32},
        {"size": "1", "root": "01" * 32, "signedAt": "0"},
        {"size": "1", "root": "0x" + "01" * 32, "signedAt": "0", "more": 1},
        {"size": 1.5, "root": "0x" + "01" * 32, "signedAt": "0"},
        {"size": "١", "root": "0x" + "01" * 32, "signedAt": "0"},
        {"size": None, "root": "0x" + "01" * 32, "signedAt": "0"},
        {"size": True, "root": "0x" + "01" * 32, "signedAt": "0"},
    ],
)
def test_a_message_that_is_none_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(StatementMalformed):
        statement_from("Checkpoint", message)


@pytest.mark.parametrize("draws", ["no", {"a": 1}, 5, [{"line": 1}]])
def test_an_array_that_is_none_is_refused(draws: object) -> None:
    message = {
        "declaration": "0x" + "01" * 32,
        "version": 1,
        "contentHash": "0x" + "01" * 32,
        "draws": draws,
        "signedAt": "0",
    }
    with pytest.raises(StatementMalformed):
        statement_from("DeclarationFiling", message)


def test_a_struct_of_another_type_is_refused() -> None:
    with pytest.raises(StatementMalformed):
        ConsortiumChange(1, (Draw(bytes(32), 1, b"KGM", 1),), (), ())  # type: ignore[arg-type]  # a wrong type is the point


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(StatementTypeUnknown):
        statement_from("Wish", {})


def test_identifiers_and_units_go_there_and_back() -> None:
    identifier = uuid4()
    assert id_from_bytes(id_bytes(identifier)) == identifier
    assert id_bytes(UUID(int=1)) == bytes(15) + b"\1" + bytes(16)
    with pytest.raises(ValueError, match="01"):
        id_from_bytes(bytes(31) + b"\1")
    assert unit_bytes("EA") == b"EA\0"
    assert unit_from_bytes(unit_bytes("KGM")) == "KGM"
    for bad, words in (("", "^$"), ("KGMM", "KGMM"), ("千克", "ascii")):
        with pytest.raises(ValueError, match=words):
            unit_bytes(bad)
    assert len(key_id(b"signer")) == 32
