"""Every outcome and every reason, on files made now and on golden files that must be judged the same for ever."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ledger.verifier import Outcome, TrustAnchor, TrustAnchorMalformed, verify
from ledger.verifier.reading import Reason
from ledger.verifier.results import reasons
from tests.verifier.cases import bundle, every_case, put, trusts
from tests.verifier.scene import Json, Scene, plain

BEFORE_KEYS = {"other-network", "change-conflict", "change-not-founders"}
GOLDEN = Path(__file__).parent / "golden" / "v1"


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


@pytest.fixture(scope="module")
def anchors(scene: Scene) -> dict[str, TrustAnchor]:
    return {name: TrustAnchor.from_bytes(data) for name, data in trusts(scene).items()}


def test_every_case_made_now_has_its_reason(scene: Scene, anchors: dict[str, TrustAnchor]) -> None:
    seen: Counter[str] = Counter()
    for case in every_case(scene):
        result = verify(case.data, anchors[case.trust])
        assert (case.name, str(result.reason)) == (case.name, case.reason)
        unchecked = result.outcome is Outcome.ALTERED or case.reason in BEFORE_KEYS
        assert (result.facts == {}) == unchecked
        seen[case.reason] += 1
    assert {str(reason) for reason in Reason} - seen.keys() == {"too-large"}


def test_files_beyond_any_proof_are_not_read(anchors: dict[str, TrustAnchor]) -> None:
    for head, most in ((b"{", 1 << 20), (b"PISTE1:", 1 << 20), (b"%PDF-", 20 << 20)):
        assert verify(head + b" " * most, anchors["open"]).reason == "too-large"


def test_each_reason_has_words_in_both_languages() -> None:
    assert reasons().keys() == {str(reason) for reason in Reason}
    for entry in reasons().values():
        assert Outcome(entry["outcome"])
        for told in (entry["words"], entry["next"]):
            assert told["en"].endswith(".")
            assert told["zh"].endswith("。")


def test_words_carry_the_numbers(scene: Scene, anchors: dict[str, TrustAnchor]) -> None:
    missing = verify(bundle(scene, witnesses=["witness-1"]), anchors["strict"])
    assert missing.words["en"] == "1 of the 2 witnesses that you demand have signed."
    revoked = verify(bundle(scene), anchors["revoked-before"])
    assert "checkpoint 99" in revoked.words["en"]
    assert "检查点99" in revoked.words["zh"]


def test_facts_of_a_valid_paper_are_those_of_the_decision(
    scene: Scene, anchors: dict[str, TrustAnchor]
) -> None:
    cases = {case.name: case for case in every_case(scene)}
    facts = verify(cases["valid-paper"].data, anchors["strict"]).facts
    assert facts["type"] == "ReleaseDecision"
    assert facts["paper"] is True
    assert facts["record"]["blockNumber"] == 100
    assert facts["checkpoint"]["size"] == 11
    assert len(facts["witnesses"]) == 2
    shown = {tuple(one["path"]): one["value"] for one in facts["disclosed"]["fields"]}
    assert shown["transport", "vehicle_plate"] == "京A·12345"
    assert not any("value" in path or "total_value" in path for path in shown)
    assert json.loads(json.dumps(facts)) == facts


@pytest.mark.parametrize(
    "entry",
    json.loads((GOLDEN / "expected.json").read_bytes())["cases"],
    ids=lambda entry: str(entry["file"]),
)
def test_golden_files_are_judged_as_ever(entry: Json, golden: dict[str, TrustAnchor]) -> None:
    result = verify((GOLDEN / entry["file"]).read_bytes(), golden[entry["trust"]])
    assert (str(result.outcome), str(result.reason)) == (entry["outcome"], entry["reason"])


@pytest.fixture(scope="module")
def golden() -> dict[str, TrustAnchor]:
    return {
        path.stem.removeprefix("trust-"): TrustAnchor.from_bytes(path.read_bytes())
        for path in GOLDEN.glob("trust-*.json")
    }


def test_golden_files_cover_every_type_and_kind_of_key() -> None:
    names = {path.name for path in GOLDEN.glob("valid-*.json")}
    kinds = {"green-secp256k1", "yellow-passkey", "yellow-p256", "red"}
    assert {f"valid-ReleaseDecision-{kind}.json" for kind in kinds} <= names
    assert len(names) >= 30


@pytest.mark.parametrize(
    "edit",
    [
        put("format", value="piste-trust-v2"),
        put("threshold", value=4),
        put("threshold", value=0),
        put("witnesses", value=-1),
        put("founders", value=[]),
        put("more", value=1),
        put("founders", 0, "signer", value="0x12"),
        lambda anchor: anchor["founders"].append(anchor["founders"][0]),
        lambda anchor: anchor["known"]["changes"].reverse(),
        lambda anchor: anchor["known"]["changes"][0]["signatures"].pop(),
        lambda anchor: anchor["known"]["changes"][0]["message"].update({"sequence": "0"}),
        lambda anchor: anchor["known"]["corrections"][0]["message"].update({"version": 8}),
        lambda anchor: anchor["known"]["corrections"][0].update({"primaryType": "ReleaseDecision"}),
    ],
    ids=[
        "format",
        "threshold-above",
        "threshold-none",
        "witnesses",
        "no-founders",
        "more",
        "signer",
        "founder-twice",
        "order",
        "too-few",
        "altered",
        "correction-altered",
        "no-correction",
    ],
)
def test_a_trust_anchor_that_breaks_a_rule_is_refused(scene: Scene, edit: object) -> None:
    anchor = json.loads(trusts(scene)["revoked-after"])
    assert callable(edit)
    edit(anchor)
    with pytest.raises(TrustAnchorMalformed):
        TrustAnchor.from_bytes(plain(anchor))
