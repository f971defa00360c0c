"""Both verifiers, Python's and the page's, say the same of every file: outcome, reason, words and facts."""

from __future__ import annotations

import base64
import copy
import json
import os
import random
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.verifier.anchor import TrustAnchor, TrustAnchorMalformed
from ledger.verifier.procedure import verify
from ledger.verifier.reading import canonical
from tests.api.verifier.making import (
    CHAIN_ID,
    DOCUMENT,
    RELEASED_AT,
    Json,
    Town,
    base45,
    bytes32,
    codes,
    disclosed,
    entry,
    hex_of,
    key_of,
)
from tests.test_house import ROOT

pytestmark = pytest.mark.contracts

JUDGE = ROOT / "api" / "verifier" / "source" / "judge.js"
GOLDEN = Path(__file__).parent / "golden"
BIT_FLIPS = 40
Case = tuple[str, bytes, bytes]
"""Name, trust anchor, file."""
TOWN = Town()
ANCHOR = TOWN.anchor()


def ask_the_page(cases: list[Case]) -> list[Json]:
    """Let the page's verifier judge files under Node."""
    lines = "".join(
        json.dumps({"trust": base64.b64encode(anchor).decode(), "file": base64.b64encode(file).decode()})
        + "\n"
        for _, anchor, file in cases
    )
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["node", str(JUDGE)],
        input=lines,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def ask_python(cases: list[Case]) -> list[Json]:
    anchors: dict[bytes, TrustAnchor | None] = {}
    found = []
    for _, anchor, file in cases:
        if anchor not in anchors:
            try:
                anchors[anchor] = TrustAnchor.from_bytes(anchor)
            except TrustAnchorMalformed:
                anchors[anchor] = None
        trust = anchors[anchor]
        found.append(verify(file, trust).to_json() if trust else {"refused": True})
    return found


def differences(cases: list[Case]) -> list[str]:
    """Judge files by both and tell where they differ."""
    page, python = ask_the_page(cases), ask_python(cases)
    assert len(page) == len(python) == len(cases)
    return [
        f"{name}: the page says {here.get('reason', 'refused')}, Python says {there.get('reason', 'refused')}"
        for (name, _, _), here, there in zip(cases, page, python, strict=True)
        if ("refused" in here) != ("refused" in there) or ("refused" not in here and here != there)
    ]


# ------------------------------------------------------------------------------------------------------- whole files


def whole() -> Iterator[tuple[str, Json]]:
    """Give bundles that reach every verdict that a well-formed file can get."""
    plain = TOWN.bundle()
    stranger, revoked = key_of(99), TOWN.change(3, revocations=[key_id(TOWN.officer)])
    yield "valid", plain
    yield "red", TOWN.bundle(channel=3)
    yield "signers-missing", TOWN.bundle(channel=3, signers=(TOWN.officer,))
    yield "key-unknown", TOWN.bundle(signers=(stranger,))
    yield "key-role", TOWN.bundle(signers=(TOWN.witnesses[0],))
    yield "key-role of the green channel", TOWN.bundle(channel=1)
    yield "key-validity", TOWN.bundle(record_parts={"blockTime": 5})
    yield "log-key", TOWN.sealed(plain, key=stranger)
    yield "witness-key", TOWN.bundle(witnesses=[witness_of(plain, stranger)])
    yield "witness", TOWN.bundle(witnesses=[witness_of(plain, stranger, size="6")])
    yield "no witness", TOWN.bundle(witnesses=[])
    yield "not-recorded", TOWN.bundle(record=None, leaf=None, inclusion=None, checkpoint=None, witnesses=[])
    yield "no-checkpoint", TOWN.bundle(inclusion=None, checkpoint=None, witnesses=[])
    yield "key-revoked", TOWN.bundle(changes=[*TOWN.founding(), revoked])
    yield (
        "revoked later",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.change(60, revocations=[key_id(TOWN.officer)])]),
    )
    yield (
        "log-key-revoked",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.change(3, revocations=[key_id(TOWN.log)])]),
    )
    yield (
        "log key revoked after it sealed",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.change(900, revocations=[key_id(TOWN.log)])]),
    )
    yield (
        "witness revoked",
        TOWN.bundle(
            changes=[*TOWN.founding(), TOWN.change(3, revocations=[key_id(key) for key in TOWN.witnesses])]
        ),
    )
    yield "change-order", TOWN.bundle(changes=TOWN.founding()[::-1])
    yield "change-not-founders", TOWN.bundle(changes=[signed_by_one(change) for change in TOWN.founding()])
    yield "no changes", TOWN.bundle(changes=[])
    yield "founder replaced", TOWN.bundle(changes=[*TOWN.founding(), TOWN.replacement(3, 1, stranger)])
    yield "founder unknown", TOWN.bundle(changes=[*TOWN.founding(), TOWN.replacement(3, 7, stranger)])
    yield "founder twice", TOWN.bundle(changes=[*TOWN.founding(), TOWN.replacement(3, 1, TOWN.founders[1])])
    yield (
        "old founder",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.replacement(3, 1, stranger), TOWN.change(4)]),
    )
    yield "other-network", TOWN.sealed(plain | {"network": plain["network"] | {"chainId": CHAIN_ID + 1}})
    yield "other contract", TOWN.bundle(record_parts={"contract": "CheckNotes"})
    yield "contract unheard of", TOWN.bundle(record_parts={"contract": "Inbox"})
    yield "nothing shown", TOWN.bundle(disclosed=None)
    yield "other document", TOWN.bundle(message=TOWN.decision(content_hash=bytes32(5)))
    yield (
        "role taken away",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.change(3, organisations=[entry(bytes32(1), 512)])]),
    )
    yield (
        "granted anew",
        TOWN.bundle(changes=[*TOWN.founding(), TOWN.change(3, grants=[granted(TOWN.officer, 1)])]),
    )
    yield "copy", TOWN.redacted(plain)
    yield "copy of another", TOWN.sealed(TOWN.redacted(plain), "piste.redacted", key=stranger)
    yield "change as statement", founders_matter(TOWN.founders[:2])
    yield "change by one", founders_matter(TOWN.founders[:1])
    yield "change by a stranger", founders_matter([TOWN.founders[0], stranger])


def key_id(key: Any) -> str:  # noqa: ANN401 - any signer
    return hex_of(key.key_id)


def granted(key: Any, roles: int) -> Json:  # noqa: ANN401 - any signer
    return {"officer": bytes32(101), "signer": hex_of(key.signer)} | entry(bytes32(1), roles)


def witness_of(bundle: Json, key: Any, **parts: str) -> Json:  # noqa: ANN401 - any signer
    point = bundle["checkpoint"]["message"] | parts
    return {"message": point, "signatures": TOWN.signed("CheckpointWitness", point, key)}


def signed_by_one(change: Json) -> Json:
    return change | {"signatures": change["signatures"][:1]}


def founders_matter(by: list[Any]) -> Json:
    message = TOWN.change(3)["message"]
    return TOWN.bundle(kind="ConsortiumChange", message=message, signers=tuple(by), disclosed=None)


def correction(of: Json) -> Json:
    digest = verify(canonical(of), TrustAnchor.from_bytes(ANCHOR)).facts["digest"]
    message = {
        "declaration": of["statement"]["message"]["declaration"],
        "version": 1,
        "corrects": digest,
        "outcome": 7,
        "reasonHash": bytes32(1),
        "evidenceHash": bytes32(2),
        "decideBy": str(RELEASED_AT + 600),
        "signedAt": str(RELEASED_AT + 300),
    }
    signatures = TOWN.signed("DecisionCorrection", message, TOWN.officer, TOWN.second)
    return {"message": message, "primaryType": "DecisionCorrection", "signatures": signatures}


def anchors() -> Iterator[tuple[str, bytes]]:
    """Give trust anchors, good ones and bad ones."""
    founding = TOWN.founding()
    known = {"changes": founding, "checkpoint": 40, "corrections": []}
    yield "no witness", TOWN.anchor(witnesses=0)
    yield "three witnesses", TOWN.anchor(witnesses=3)
    yield "knows the members", TOWN.anchor(known=known)
    yield (
        "knows a revocation",
        TOWN.anchor(
            known=known | {"changes": [*founding, TOWN.change(3, revocations=[key_id(TOWN.officer)])]}
        ),
    )
    yield "knows a correction", TOWN.anchor(known=known | {"corrections": [correction(TOWN.bundle())]})
    yield "knows another change", TOWN.anchor(known=known | {"changes": [founding[0], TOWN.change(2)]})
    yield "knows them in disorder", TOWN.anchor(known=known | {"changes": founding[::-1]})
    yield "signed by one", TOWN.anchor(known=known | {"changes": [signed_by_one(founding[0])]})
    yield "another chain", TOWN.anchor(chain_id=5)
    broken = json.loads(ANCHOR)
    for name in broken:
        yield f"without {name}", canonical({key: value for key, value in broken.items() if key != name})
    yield "too few", canonical(broken | {"threshold": 4})
    yield (
        "one organisation twice",
        canonical(broken | {"founders": [it | {"organisation": bytes32(1)} for it in broken["founders"]]}),
    )
    yield "laid out", json.dumps(broken, indent=1).encode()


def carried(name: str, bundle: Json) -> Iterator[tuple[str, bytes]]:
    yield name, canonical(bundle)
    if bundle["format"] == "piste-bundle-v1":
        yield f"{name}, on paper", TOWN.paper(bundle)
        yield f"{name}, in codes", "\n".join(codes(bundle)).encode()


def test_every_verdict() -> None:
    cases = [
        (f"{name} ({anchor_name})", anchor, file)
        for anchor_name, anchor in [("plain", ANCHOR), *anchors()]
        for name, file in [it for name, bundle in whole() for it in carried(name, bundle)][
            :: 2 if anchor == ANCHOR else 13
        ]
    ]
    assert differences(cases) == []
    reasons = {found.get("reason") for found in ask_python(cases)}
    assert reasons >= {
        *(
            "valid",
            "signers-missing",
            "key-unknown",
            "key-role",
            "key-validity",
            "log-key",
            "witness-key",
            "witness",
        ),
        *(
            "witnesses-missing",
            "not-recorded",
            "no-checkpoint",
            "key-revoked",
            "log-key-revoked",
            "change-order",
        ),
        *("change-not-founders", "other-network", "record", "disclosed", "corrected", "change-conflict"),
    }


# ---------------------------------------------------------------------------------------------------- altered files


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def holder(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for key in path[:-1]:
        value = value[key]
    return value


def dropped(value: Json, path: tuple[Any, ...], dice: random.Random) -> Json:
    del holder(value, path)[path[-1]]
    return value


def emptied(value: Json, path: tuple[Any, ...], dice: random.Random) -> Json:
    holder(value, path)[path[-1]] = dice.choice([None, "", 0, -1, [], {}, True, "0x", 2**53 - 1])
    return value


def swapped(value: Json, path: tuple[Any, ...], dice: random.Random) -> Json:
    place, other = holder(value, path), None
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    other = dice.choice(keys)
    place[path[-1]], place[other] = place[other], place[path[-1]]
    return value


def nudged(value: Json, path: tuple[Any, ...], dice: random.Random) -> Json:
    place, key = holder(value, path), path[-1]
    held = place[key]
    if isinstance(held, str) and held:
        at = dice.randrange(len(held))
        place[key] = held[:at] + dice.choice("0123456789abcdefAZ-é\ud7ff") + held[at + 1 :]
    elif isinstance(held, int):
        place[key] = held + 1
    elif isinstance(held, list):
        place[key] = held + held[:1]
    else:
        place[key] = {**held, "more": 1} if isinstance(held, dict) else "more"
    return value


WAYS: tuple[Callable[[Json, tuple[Any, ...], random.Random], Json], ...] = (dropped, emptied, swapped, nudged)


def test_altered_members() -> None:
    """Each way at members drawn by lot: as it is, and sealed anew as a dishonest log would."""
    dice = random.Random(20_260_206)
    cases: list[Case] = []
    for way in WAYS:
        for bundle in (TOWN.bundle(), TOWN.bundle(channel=3)):
            everywhere = list(places(bundle))
            for path in dice.sample(everywhere, 36):
                name = f"{way.__name__} {'/'.join(map(str, path))}"
                made = way(copy.deepcopy(bundle), path, dice)
                cases.append((name, ANCHOR, canonical(made)))
                if "seal" in made and "statement" in made:
                    cases.extend(resealed(name, made))
    assert len(cases) > 500
    assert differences(cases) == []
    counted = Counter(found["outcome"] for found in ask_python(cases))
    assert counted["altered"] > 400


def resealed(name: str, bundle: Json) -> Iterator[Case]:
    try:
        yield f"{name}, sealed anew", ANCHOR, canonical(TOWN.sealed(bundle))
    except Exception:  # noqa: BLE001 - what has lost its form cannot be sealed; as it is it was judged before
        return


def test_altered_bits() -> None:
    dice = random.Random(7)
    files = {
        "json": canonical(TOWN.bundle()),
        "paper": TOWN.paper(TOWN.bundle()),
        "codes": "\n".join(codes(TOWN.bundle())).encode(),
    }
    cases: list[Case] = []
    for name, file in files.items():
        for _ in range(BIT_FLIPS * 2):
            bit = dice.randrange(len(file) * 8)
            altered = bytearray(file)
            altered[bit // 8] ^= 1 << bit % 8
            cases.append((f"{name}, bit {bit}", ANCHOR, bytes(altered)))
        for _ in range(BIT_FLIPS // 2):
            at = dice.randrange(len(file))
            cases.append((f"{name}, without byte {at}", ANCHOR, file[:at] + file[at + 1 :]))
            cases.append((f"{name}, cut at {at}", ANCHOR, file[:at]))
            cases.append(
                (f"{name}, a byte more at {at}", ANCHOR, file[:at] + bytes([dice.randrange(256)]) + file[at:])
            )
    assert differences(cases) == []
    assert {found["outcome"] for found in ask_python(cases)} == {"altered"}


def test_hostile_files() -> None:
    """Files that stretch a reader: sizes, depths, numbers, names, repeated parts."""
    bundle = canonical(TOWN.bundle())
    paper, texts = TOWN.paper(TOWN.bundle()), codes(TOWN.bundle())
    files = [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"PISTE1:",
        b"%PDF-",
        b"%PDF-1.7\n",
        b" " + bundle,
        bundle + b"\n",
        bundle + bundle,
        b"\xef\xbb\xbf" + bundle,
        b"{" + b" " * (1 << 20) + b"}",
        b"x" * (1 << 20),
        b"x" * ((1 << 20) + 1),
        b'{"a":' * 31 + b"{}" + b"}" * 31,
        b'{"a":' * 32 + b"{}" + b"}" * 32,
        b'{"a":' * 40_000 + b"0" + b"}" * 40_000,
        b"{" * 200_000,
        b'{"format":1e3}',
        b'{"format":1.0}',
        b'{"format":-0}',
        b'{"format":9007199254740991}',
        b'{"format":9007199254740992}',
        b'{"format":100000000000000000000}',
        b'{"format":NaN}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"\\u0061":1}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xc3\x28"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"é":1}'.encode(),
        b'{"__proto__":{"format":"piste-bundle-v1"}}',
        b'{"constructor":1,"format":"piste-bundle-v1"}',
        b'{"format":"piste-bundle-v1"}',
        b'{"format":"piste-trust-v1"}',
        b'{"format":null}',
        b'{"a":"\x7f\xe2\x80\xa8"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u001f\\b\\f\\n\\r\\t"}',
        b'{"a":"\\u001F"}',
        ANCHOR,
        paper + paper,
        paper.replace(b"stream\npiste", b"stream\r\npiste"),
        paper + b"piste-seal-v1 ",
        paper + b'stream\n{"changes":[',
        paper.replace(b"\nendstream\nendobj\n2", b" \nendstream\nendobj\n2"),
        paper[9:],
        b"%PDF-" + bytes(20 << 20),
        "\r\n".join(texts).encode(),
        "\n\n".join([*texts, *texts[::-1], ""]).encode(),
        ("\n".join(texts) + "\r").encode(),
        "\n".join(texts[:-1]).encode(),
        "\n".join([*texts, texts[0][:-1]]).encode(),
        "\n".join([*texts, "PISTE1:"]).encode(),
        "\n".join([*texts, *codes(TOWN.redacted(TOWN.bundle()))]).encode(),
        "\n".join(text.lower() for text in texts).encode(),
        "\n".join(codes(TOWN.redacted(TOWN.bundle()))).encode(),
        b"PISTE1:00000000:1/1:",
        b"PISTE1:E3B0C442:1/1:",
        b"PISTE1:E3B0C442:0/1:A",
    ]
    cases = [(f"hostile {at} ({file[:30]!r})", ANCHOR, file) for at, file in enumerate(files)]
    assert differences(cases) == []


def test_deflated_data_are_read_alike() -> None:
    """Codes over zlib streams that end early, late, or are none."""
    whole_stream = zlib.compress(canonical(TOWN.bundle()), 9)
    check_sum = whole_stream[-4:]
    streams = [
        whole_stream,
        whole_stream[:-1],
        whole_stream[:-4],
        whole_stream + b"\0",
        whole_stream + b"\0" + check_sum,
        whole_stream + check_sum,
        whole_stream[:-4] + bytes(4),
        whole_stream[2:-4],
        b"",
        b"\x78",
        b"\x78\x9c",
        b"\x78\xbb" + whole_stream[2:],
        b"\x79\x9c" + whole_stream[2:],
        b"\x88\x1c" + whole_stream[2:],
        zlib.compress(bytes(1 << 20)),
        zlib.compress(bytes((1 << 20) + 1)),
        zlib.compress(bytes(30 << 20), 9),
        zlib.compress(b""),
        zlib.compress(canonical(TOWN.bundle()), 0),
        whole_stream[:50] + bytes(10) + whole_stream[60:],
    ]
    cases: list[Case] = []
    for at, stream in enumerate(streams):
        head = f"PISTE1:{sha256(stream).hexdigest()[:8].upper()}:1/1:"
        cases.append((f"stream {at}", ANCHOR, (head + base45(stream)).encode()))
    assert differences(cases) == []
    assert [found["reason"] for found in ask_python(cases)].count("valid") == 2


def test_golden_files() -> None:
    """Files of each version are judged as they were when they were written, by both."""
    cases, wanted = [], []
    for table in sorted(GOLDEN.glob("*/expected.json")):
        for case in json.loads(table.read_text(encoding="utf-8"))["cases"]:
            trust = table.parent / f"trust-{case['trust']}.json"
            cases.append((case["file"], trust.read_bytes(), (table.parent / case["file"]).read_bytes()))
            wanted.append((case["file"], case["outcome"], case["reason"]))
    assert len(cases) > 100
    page = ask_the_page(cases)
    assert [
        (name, it["outcome"], it["reason"]) for (name, _, _), it in zip(cases, page, strict=True)
    ] == wanted
    assert page == ask_python(cases)


def test_the_document_of_these_tests_is_shown() -> None:
    facts = ask_the_page([("valid", ANCHOR, canonical(TOWN.bundle()))])[0]["facts"]
    shown = {"/".join(map(str, it["path"])): it["value"] for it in facts["disclosed"]["fields"]}
    assert shown["number"] == DOCUMENT["number"]
    assert shown["lines/0/name_zh"] == "电子计时器"
    assert not any(path.endswith("value") for path in shown)
    assert facts["disclosed"]["hidden"] == disclosed()["size"] - len(shown)
