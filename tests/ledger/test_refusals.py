"""Every reason that a contract can give has words in both languages."""

from __future__ import annotations

import re

import pytest
from eth_abi.abi import encode

from ledger.chain.interfaces import decode_error, decode_event, errors, event_topic, event_types
from ledger.refusals import (
    NO_VERDICT,
    OUT_OF_GAS,
    REFUSAL_WORDS,
    STATE_WORDS,
    UNKNOWN,
    Refusal,
    plain_refusal,
    refusal_of,
)

PLACES = re.compile(r"\{(\w+)\}")
SAMPLES: dict[str, object] = {
    "string": "text",
    "address": "0x" + "11" * 20,
    "bytes": b"\1\2",
    "bytes3": b"KGM",
    "bytes32": b"\xab" * 32,
    "bool": True,
}


def revert_data(name: str, **values: object) -> bytes:
    entry = next(entry for entry in errors().values() if entry.name == name)
    arguments = [
        values.get(item["name"], SAMPLES.get(item["type"], 1 if item["type"].startswith("uint") else None))
        for item in entry.inputs
    ]
    return entry.topic[:4] + encode(entry.types, arguments)


@pytest.mark.parametrize("name", sorted({entry.name for entry in errors().values()}))
def test_every_custom_error_has_words_with_all_places_filled(name: str) -> None:
    words = REFUSAL_WORDS[name]
    entry = next(entry for entry in errors().values() if entry.name == name)
    known = {item["name"] for item in entry.inputs}
    for sentence in words:
        assert set(PLACES.findall(sentence)) <= known
    refusal = refusal_of(revert_data(name))
    assert refusal.error_name == name
    for sentence in refusal.words:
        assert sentence
        assert "{" not in sentence
    assert re.search(r"[一-鿿]", refusal.words.zh)
    assert Refusal.from_json(refusal.to_json()) == refusal


def test_no_words_for_errors_that_do_not_exist() -> None:
    assert REFUSAL_WORDS.keys() - {entry.name for entry in errors().values()} == {
        OUT_OF_GAS,
        NO_VERDICT,
        UNKNOWN,
    }
    assert STATE_WORDS.keys() <= REFUSAL_WORDS.keys()


@pytest.mark.parametrize(
    ("name", "values", "en", "zh"),
    [
        (
            "MaterialCertificatesLineOverdrawn",
            {"line": 3, "left": 1_500_000, "asked": 2_000_000},
            "Line 3 has 1.5 left; 2 were asked for.",
            "第3行剩余数量为1.5，申报数量为2。",
        ),
        (
            "ConsortiumRoleMissing",
            {"held": 5, "needed": 32},
            "The key holds broker, documents officer; this needs releasing officer.",
            "密钥的角色为报关行、审单关员，此操作需要放行关员。",
        ),
        (
            "ConsortiumRoleMissing",
            {"held": 0, "needed": 2},
            "The key holds nothing; this needs organising committee.",
            "密钥的角色为无，此操作需要组委会。",
        ),
        (
            "ConsortiumKeyRevoked",
            {"keyId": b"\x12" * 32, "revokedAt": 1_770_000_000},
            "Key 0x12121212… was revoked at 2026-02-02 02:40:00 UTC.",
            "密钥0x12121212…已于2026-02-02 02:40:00 UTC被吊销。",
        ),
        (
            "ConsortiumKeyNotValid",
            {"keyId": b"\x12" * 32, "validFrom": 0, "validUntil": (1 << 64) - 1, "blockTime": 5},
            "Key 0x12121212… is valid from 1970-01-01 00:00:00 UTC until 18446744073709551615, not now.",
            "密钥0x12121212…的有效期为1970-01-01 00:00:00 UTC至18446744073709551615，当前无效。",
        ),
        (
            "CheckNotesStateWrong",
            {"state": 3},
            "The check note is passed; that does not allow this.",
            "核放单状态为已过卡，不能进行此操作。",
        ),
        (
            "MaterialCertificatesStateWrong",
            {"state": 99},
            "The certificate is 99; that does not allow this.",
            "证明函状态为99，不能进行此操作。",
        ),
        (
            "MaterialCertificatesLineUnproven",
            {"line": 2, "unit": b"EA\0", "ceiling": 7_000_000},
            "The certificate has no line 2 in EA with a ceiling of 7.",
            "证明函中没有单位为EA、上限为7的第2行。",
        ),
        ("Error", {"message": "no"}, "The contract refused: no", "合约拒绝：no"),
    ],
)
def test_values_are_told_as_people_write_them(name: str, values: dict[str, object], en: str, zh: str) -> None:
    refusal = refusal_of(revert_data(name, **values))
    assert refusal.words == (en, zh)


def test_no_reason_an_unknown_reason_and_a_broken_reason() -> None:
    assert refusal_of(b"").error_name == OUT_OF_GAS
    assert refusal_of(b"\1\2").error_name == UNKNOWN
    unknown = refusal_of(b"\xde\xad\xbe\xef" + bytes(32))
    assert unknown.values == {"data": "0xdeadbeef" + "00" * 32}
    assert "0xdeadbeef" in unknown.words.en
    cut = revert_data("ConsortiumKeyRevoked")[:20]
    assert decode_error(cut) is None
    assert refusal_of(cut).error_name == UNKNOWN
    assert plain_refusal(NO_VERDICT).words.zh


def test_events_that_no_contract_declares_are_none() -> None:
    assert decode_event("Consortium", [], b"") is None
    assert decode_event("Consortium", [b"\1" * 32], b"") is None
    for look in (event_types, event_topic):
        with pytest.raises(KeyError):
            look("Consortium", "Wished")
