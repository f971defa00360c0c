"""Whoever changes anything in a file that was valid is found out, whatever and wherever it is."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.proofs.disclosure import VIEWS, redact
from ledger.proofs.sealing import qr_texts
from ledger.verifier import Outcome, TrustAnchor, verify
from tests.verifier.cases import bundle, forged, paper, put, trusts
from tests.verifier.scene import Json, Scene, plain

GOLDEN = Path(__file__).parent / "golden" / "v1"
RANDOM_BITS = 2_000
SCENE = Scene()
TRUSTS = {name: TrustAnchor.from_bytes(data) for name, data in trusts(SCENE).items()}
KNOWING = TRUSTS["revoked-after"]
"""Knows the changes, so that a bundle of a few kilobytes is whole."""


def lean() -> bytes:
    """Give a small whole bundle: signature, record, inclusion, checkpoint, witness, a shown field."""

    def small(body: Json) -> None:
        body["changes"] = []
        body["witnesses"] = body["witnesses"][:1]
        body["disclosed"] = redact(SCENE.content, VIEWS["public"])

    return forged(SCENE, small)


def bits(data: bytes, places: Iterator[int] | range | None = None) -> Iterator[tuple[int, bytes]]:
    """Give a file with one bit changed, for each bit of some bytes."""
    for place in range(len(data)) if places is None else places:
        for bit in range(8):
            yield place, data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def refused(data: bytes, trust: TrustAnchor) -> bool:
    return verify(data, trust).outcome is not Outcome.VALID


ONE = TrustAnchor.from_bytes(
    json.dumps(
        {**json.loads(trusts(SCENE)["revoked-after"]), "witnesses": 1},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()
)


def test_every_bit_of_a_bundle_counts() -> None:
    whole = lean()
    assert verify(whole, ONE).outcome is Outcome.VALID
    assert [place for place, data in bits(whole) if not refused(data, ONE)] == []


def test_every_bit_of_the_seal_and_a_sample_of_the_rest_of_a_full_bundle_count() -> None:
    whole = bundle(SCENE, "releasing", disclosed=redact(SCENE.content, VIEWS["gate"]))
    assert verify(whole, TRUSTS["strict"]).outcome is Outcome.VALID
    places = random.sample(range(len(whole)), RANDOM_BITS // 8)
    assert [place for place, data in bits(whole, iter(places)) if not refused(data, TRUSTS["strict"])] == []


def test_every_bit_of_the_seal_of_a_paper_counts() -> None:
    whole = paper(SCENE, lean())
    assert verify(whole, ONE).outcome is Outcome.VALID
    start = whole.index(b"piste-seal-v1")
    frame = [*range(12), *range(start - 20, len(whole))]
    assert [place for place, data in bits(whole, iter(frame)) if not refused(data, ONE)] == []


def test_a_sample_of_bits_of_a_redacted_copy_counts() -> None:
    whole = (GOLDEN / "valid-redacted-carrier.json").read_bytes()
    trust = TrustAnchor.from_bytes((GOLDEN / "trust-strict.json").read_bytes())
    assert verify(whole, trust).outcome is Outcome.VALID
    places = random.sample(range(len(whole)), RANDOM_BITS // 8)
    assert [place for place, data in bits(whole, iter(places)) if not refused(data, trust)] == []


def test_no_piece_of_a_qr_set_can_be_changed() -> None:
    texts = qr_texts(lean(), longest=400)
    assert verify("\n".join(texts).encode(), ONE).outcome is Outcome.VALID
    for place in range(len(texts)):
        for other in ("A", "0"):
            changed = [*texts]
            changed[place] = changed[place][:40] + other + changed[place][41:]
            if changed != texts:
                assert refused("\n".join(changed).encode(), ONE)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Give the paths of all values inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from nodes(inner, (*path, key))


WHOLE = json.loads(bundle(SCENE, "releasing", disclosed=redact(SCENE.content, VIEWS["gate"])))
PATHS = sorted(nodes(WHOLE), key=repr)
ODD: list[object] = [
    None,
    True,
    0,
    -1,
    2**53 - 1,
    "",
    "0x",
    "0",
    "\u0000",
    [],
    {},
    [[]],
    {"": 0},
    "é",
    "1" * 90,
]


def at(body: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        body = body[part]
    return body


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
    st.sampled_from(["drop", "swap", "double", "odd"]),
    st.sampled_from(ODD),
    st.booleans(),
)
def test_dropped_swapped_and_doubled_parts_are_refused(
    one: tuple[Any, ...], other: tuple[Any, ...], how: str, odd: object, sealed: bool
) -> None:
    body = json.loads(json.dumps(WHOLE))
    parent, last = at(body, one[:-1]), one[-1]
    if how == "drop":
        del parent[last]
    elif how == "odd":
        parent[last] = odd
    elif how == "double" and isinstance(parent, list):
        parent.append(parent[last])
    elif one[: len(other)] != other and other[: len(one)] != one:
        there = at(body, other[:-1])
        parent[last], there[other[-1]] = there[other[-1]], parent[last]
    if body == WHOLE:
        return
    data = plain(body)
    if sealed and "seal" in body and "format" in body:
        # The log's own key cannot make a proof of what was not signed: only the changes of the consortium that
        # nothing here rests on may go.
        bare = {name: value for name, value in body.items() if name != "seal"}
        data = SCENE.seal(bare, SCENE.subject(WHOLE, SCENE.decision()))
        result = verify(data, TRUSTS["strict"])
        rests = {"statement", "signatures", "record", "leaf", "inclusion", "checkpoint", "witnesses"}
        assert result.outcome is not Outcome.VALID or not rests & {one[0], other[0]} or _same(body)
    else:
        assert refused(data, TRUSTS["strict"])


def _same(body: Json) -> bool:
    """Tell whether a forgery says the same: the order of witnesses does not matter, nor does what nothing rests on."""
    return all(
        body[name] == WHOLE[name] for name in ("statement", "record", "leaf", "inclusion", "checkpoint")
    )


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"{", b"%PDF-", b"PISTE1:", b'{"changes":[', b"stream\n"])
)
def test_no_bytes_whatever_break_the_verifier(data: bytes, head: bytes) -> None:
    assert refused(head + data, KNOWING)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=20,
    ),
    st.sampled_from(PATHS),
)
def test_no_json_whatever_in_any_place_breaks_the_verifier(value: object, path: tuple[Any, ...]) -> None:
    body = json.loads(json.dumps(WHOLE))
    at(body, path[:-1])[path[-1]] = value
    try:
        data = plain(body)
    except UnicodeEncodeError:
        return
    if body != WHOLE:
        assert refused(data, TRUSTS["strict"])


def test_the_verifier_runs_without_anything_else_of_piste(tmp_path: Path) -> None:
    code = (
        "import sys, ledger.verifier.__main__ as program\n"
        f"assert program.main([{str(GOLDEN / 'valid-paper.pdf')!r}, {str(GOLDEN / 'seal-broken.json')!r},"
        f" '--trust', {str(GOLDEN / 'trust-open.json')!r}]) == 1\n"
        "ours = ('kernel', 'ledger', 'inspection', 'workflow', 'migrations', 'api')\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ours]\n"
        "assert all(name == 'ledger' or name.startswith('ledger.verifier') for name in found), found\n"
        "assert not {'sqlalchemy', 'web3', 'httpx', 'pydantic', 'requests'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["outcome"] for line in lines] == ["valid", "altered"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["valid-paper.pdf"], 0),
        (["valid-paper.pdf", "not-recorded.json"], 4),
        (["not-recorded.json", "corrected.json"], 3),
        (["corrected.json", "key-of-a-broker.json"], 2),
        (["key-of-a-broker.json", "seal-broken.json"], 1),
        (["missing.json"], 6),
        (["missing.json", "valid-paper.pdf", "not-recorded.json"], 4),
    ],
    ids=["valid", "not-yet", "revoked", "unknown", "altered", "not-read", "not-read-and-not-yet"],
)
def test_the_exit_code_tells_the_worst(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    from ledger.verifier.__main__ import main  # noqa: PLC0415  # loads the command line alone

    trust = GOLDEN / "trust-revoked-after.json"
    assert main([*(str(GOLDEN / name) for name in arguments), "--trust", str(trust)]) == code
    assert main([str(GOLDEN / "valid-paper.pdf"), "--trust", str(GOLDEN / "expected.json")]) == 5
    capsys.readouterr()


def test_what_was_judged_before_does_not_make_a_verdict() -> None:
    whole = lean()
    assert verify(whole, ONE).outcome is Outcome.VALID
    assert refused(patched_signature(whole), ONE)
    assert refused(forged(SCENE, put("signatures", value=[])), TRUSTS["open"])
    assert verify(whole, ONE).outcome is Outcome.VALID


def patched_signature(data: bytes) -> bytes:
    body = json.loads(data)
    body["signatures"][0]["signature"] = body["signatures"][0]["signature"].replace("a", "b")
    return plain(body)
