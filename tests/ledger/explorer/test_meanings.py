"""Every kind of statement and every event has a sentence, whole in both languages."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any
from uuid import UUID

import pytest

from kernel.errors import Text
from ledger.contracts import CONTRACT_NAMES, load_artifact
from ledger.explorer import codes
from ledger.explorer.codes import Known, meaning
from ledger.explorer.meanings import Signatory, event_meaning, standing_meaning, statement_meaning
from ledger.explorer.sentences import EVENT_SENTENCES, STANDINGS, STATEMENT_SENTENCES
from ledger.models import StatementState
from ledger.statements import STATEMENT_TYPES, Statement, id_bytes
from ledger.typed_data import Struct, members

CASE = UUID("0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01")
OFFICER = UUID("11112222-6c1e-7a52-9b0c-3f6f2d9a1b01")
ID = "0x" + id_bytes(CASE).hex()
DIGEST = "0x" + "ab" * 32
EVENTS = [
    pytest.param(item, id=f"{contract}.{item['name']}")
    for contract in CONTRACT_NAMES
    for item in load_artifact(contract).abi
    if item["type"] == "event" and item["name"] != "EIP712DomainChanged"
]
SIGNERS = (Signatory(DIGEST, OFFICER),)


def sample(solidity: str, name: str) -> Any:  # noqa: ANN401 - whatever the type holds
    """Give a value of a Solidity type as JSON."""
    if name in codes.CODES:
        return 1
    if solidity.startswith("uint"):
        return 2 if int(solidity[4:]) <= 32 else "2000000"
    samples = {"bytes3": "0x4b474d", "bytes": "0x" + "cd" * 20, "address": "0x" + "ef" * 20}
    return samples.get(solidity, ID)


def message_of(kind: type[Struct]) -> dict[str, Any]:
    """Give a message with every field filled."""
    found: dict[str, Any] = {}
    for member in members(kind):
        value = message_of(member.struct) if member.struct else sample(member.solidity, member.name)
        found[member.name] = [value] if member.is_array else value
    return found


def places(form: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(form) if name is not None}


def check_whole(said: Text) -> None:
    """A sentence begins as one, ends as one, has no place left open."""
    assert said.en[0].isupper()
    assert said.en.endswith(".")
    assert said.zh.endswith("。")
    for text in said:
        assert not re.search(r"[{}]|None|unknown code|未知代码|  |\.\.", text.replace("…", "")), text
    assert re.search(r"[\u4e00-\u9fff]", said.zh)
    assert not re.search(r"[\u4e00-\u9fff]", said.en)


def test_every_kind_of_statement_and_every_event_has_its_sentence() -> None:
    assert STATEMENT_SENTENCES.keys() == STATEMENT_TYPES.keys()
    assert EVENT_SENTENCES.keys() == {str(one.id).partition(".")[2] for one in EVENTS}
    assert STANDINGS.keys() == {state.value for state in StatementState}


@pytest.mark.parametrize("kind", STATEMENT_TYPES.values(), ids=STATEMENT_TYPES.keys())
def test_a_statement_is_told_whole(kind: type[Statement]) -> None:
    form = STATEMENT_SENTENCES[kind.primary_type]
    assert places(form.en) == places(form.zh)
    assert places(form.en) <= {member.name for member in members(kind)} | {"signers"}
    said = statement_meaning(kind.primary_type, message_of(kind), SIGNERS)
    check_whole(said)
    assert "11112222…" in said.en
    check_whole(statement_meaning(kind.primary_type, message_of(kind), [Signatory(DIGEST)]))
    check_whole(statement_meaning(kind.primary_type, message_of(kind), []))


@pytest.mark.parametrize("item", EVENTS)
def test_an_event_is_told_whole(item: dict[str, Any]) -> None:
    form = EVENT_SENTENCES[item["name"]]
    assert places(form.en) == places(form.zh) == {one["name"] for one in item["inputs"]}
    values = {one["name"]: sample(one["type"], one["name"]) for one in item["inputs"]}
    check_whole(event_meaning(item["name"], values))


def test_a_decision_is_told_with_names_channel_outcome_and_rule() -> None:
    message = message_of(STATEMENT_TYPES["ReleaseDecision"]) | {
        "version": 2,
        "channel": 2,
        "rule": codes.NOTHING,
    }
    known = Known({CASE: Text("0101", "0101"), OFFICER: Text("Wang Fang", "王芳")})
    said = statement_meaning("ReleaseDecision", message, SIGNERS, known)
    assert said.en == (
        f"Officer Wang Fang decided on declaration 0101 version 2, content {ID[:10]}…, on the yellow "
        f"channel: release, on evidence {ID[:10]}…."
    )
    assert "绿色" in statement_meaning("ReleaseDecision", message | {"channel": 1, "rule": ID}, SIGNERS).zh
    assert "under release rule 0198f2a4…" in (
        statement_meaning("ReleaseDecision", message | {"channel": 1, "rule": ID}, SIGNERS).en
    )
    two = [*SIGNERS, Signatory(DIGEST, CASE)]
    assert statement_meaning("ReleaseDecision", message | {"channel": 3}, two).en.startswith(
        "Officers 11112222… and 0198f2a4… decided"
    )


def test_quantities_are_told_with_the_unit_and_its_code() -> None:
    filing = message_of(STATEMENT_TYPES["DeclarationFiling"])
    filing["draws"][0]["quantity"] = "1500000"
    said = statement_meaning("DeclarationFiling", filing, SIGNERS)
    assert "1.5 kilogram (KGM) of line 2" in said.en
    assert "1.5 千克（KGM）" in said.zh
    reserved = {
        "certificate": ID,
        "line": 2,
        "declaration": ID,
        "quantity": "1500000",
        "reserved": "0",
        "committed": "20000000",
    }
    assert "1.5 (in the unit of the line)" in event_meaning("LineReserved", reserved).en
    told = event_meaning("LineReserved", reserved, Known(units={(ID, 2): "0x4b474d"}))
    assert "1.5 kilogram (KGM)" in told.en
    assert "20 kilogram (KGM) committed" in told.en


def test_a_delegation_that_ends_is_told_so() -> None:
    message = message_of(STATEMENT_TYPES["CertificateDelegation"]) | {"validFrom": "0", "validUntil": "0"}
    assert "took back" in statement_meaning("CertificateDelegation", message, SIGNERS).en
    assert "no longer" in event_meaning("CertificateDelegated", message).en


@pytest.mark.parametrize("state", list(StatementState))
def test_what_became_of_a_statement_is_told(state: StatementState) -> None:
    said = standing_meaning(state, 7, Text("The line has less left.", "余量不足。"))
    check_whole(said)
    assert ("block 7" in said.en) == (state is StatementState.RECORDED)
    assert ("less left" in said.en) == (state is StatementState.REFUSED)
    check_whole(standing_meaning(StatementState.REFUSED, None, None))


@pytest.mark.parametrize(
    ("path", "value", "means"),
    [
        ("outcome", 1, "release"),
        ("channel", 2, "yellow"),
        ("channel", 9, None),
        ("party", "2", "customs"),
        ("draws[0].quantity", "1500000", "1.5"),
        ("draws[0].unit", "0x483837", "piece (H87)"),
        ("unit", "0x5a5a5a", "units of code ZZZ"),
        ("signedAt", "1770105600", "2026-02-03 08:00:00 UTC"),
        ("validFrom", 0, "the beginning"),
        ("validUntil", str(2**64 - 1), "the end of time"),
        ("roles", "3", "broker, organising committee"),
        ("roles", "0", "no role"),
        ("version", 1, None),
    ],
)
def test_numbers_are_told_in_words(path: str, value: object, means: str | None) -> None:
    found = meaning(path, value)
    assert (found.en if found else None) == means


def test_what_no_list_knows_is_shown_as_it_is() -> None:
    assert codes.code("outcome", 77).en == "the unknown code 77"
    assert codes.named(DIGEST, Known()).en == "0xabababab…"
    assert codes.subject("0x" + (5).to_bytes(32, "big").hex(), Known()).zh == "第5号"
