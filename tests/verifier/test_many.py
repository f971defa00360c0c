"""Many files at once: folders, all cores, unreadable files; what is remembered makes no verdict."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.verifier import Outcome, TrustAnchor, verify
from ledger.verifier.kept import Kept
from ledger.verifier.many import FEW, NOT_READ, files_in, judge, worst
from ledger.verifier.reading import Fault, Reason, canonical, check_plain
from tests.verifier.scene import Json

GOLDEN = Path(__file__).parent / "golden" / "v1"
STRICT = (GOLDEN / "trust-strict.json").read_bytes()


def valid_bundle() -> bytes:
    """Give a bundle that is valid under the strict anchor."""
    anchor = TrustAnchor.from_bytes(STRICT)
    for file in sorted(GOLDEN.glob("*.json")):
        data = file.read_bytes()
        if data.startswith(b'{"changes":[{') and verify(data, anchor).outcome is Outcome.VALID:
            return data
    raise AssertionError


VALID = valid_bundle()


def test_a_folder_is_read_through_and_what_is_no_proof_by_its_ending_is_counted(tmp_path: Path) -> None:
    inner = tmp_path / "b" / "inner"
    inner.mkdir(parents=True)
    for name in ("b/inner/2.json", "b/1.PDF", "a.txt", "b/readme.md", "picture.png"):
        (tmp_path / name).write_bytes(VALID)
    files, others = files_in([tmp_path, tmp_path / "picture.png"])
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        "a.txt",
        "b/1.PDF",
        "b/inner/2.json",
        "picture.png",
    ]
    assert others == 2


def test_one_unreadable_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(VALID)
    (tmp_path / "b.json").symlink_to(tmp_path / "gone.json")
    os.mkfifo(tmp_path / "c.json")  # would be waited for without end
    (tmp_path / "d.json").write_bytes(VALID[:-1])
    found = list(judge(files_in([tmp_path])[0], STRICT))
    outcomes = [one.result.outcome if one.result else None for one in found]
    assert outcomes == [Outcome.VALID, None, None, Outcome.ALTERED]
    assert all(one.fault for one in found if one.result is None)
    assert worst(outcomes) == 1
    assert worst(outcomes[:3]) == NOT_READ
    assert worst([]) == worst([Outcome.VALID]) == 0


def test_thousands_on_several_processes_are_judged_as_one_by_one_and_stay_in_order(tmp_path: Path) -> None:
    sources = sorted(GOLDEN.glob("*.json"))
    files = [sources[place % len(sources)] for place in range(FEW + 100)]
    files[7] = tmp_path / "missing.json"
    alone = TrustAnchor.from_bytes(STRICT)
    found = list(judge(files, STRICT, processes=2))
    assert [one.file for one in found] == files
    for place, one in enumerate(found):
        if place == 7:
            assert one.result is None
        else:
            assert one.result == verify(one.file.read_bytes(), alone)


def test_kept_work_is_found_by_all_its_bytes_and_bounded() -> None:
    kept = Kept[int](most=3, most_bytes=100)
    made = []

    def make(value: int) -> int:
        made.append(value)
        return value

    for place in (1, 2, 1, 3, 4, 1, 2):
        assert kept.get_or(bytes([place]), partial(make, place)) == place
    assert made == [1, 2, 3, 4, 2]  # 2 had gone, as the longest unused
    assert kept.get_or(bytes(99), lambda: make(5)) == 5
    assert len(kept) == 2
    assert kept.get_or(bytes(101), lambda: make(6)) == 6
    assert len(kept) == 0
    with pytest.raises(ZeroDivisionError):
        kept.get_or(b"fault", lambda: 1 // 0)
    assert kept.get_or(b"fault", lambda: make(7)) == 7


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(VALID) - 1), st.integers(0, 7))
def test_a_verifier_that_has_seen_the_whole_file_refuses_it_with_one_bit_changed(
    place: int, bit: int
) -> None:
    anchor = TrustAnchor.from_bytes(STRICT)
    assert verify(VALID, anchor).outcome is Outcome.VALID
    altered = VALID[:place] + bytes([VALID[place] ^ 1 << bit]) + VALID[place + 1 :]
    seen, fresh = verify(altered, anchor), verify(altered, TrustAnchor.from_bytes(STRICT))
    assert seen == fresh
    assert seen.outcome is not Outcome.VALID
    assert verify(VALID, anchor).outcome is Outcome.VALID


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Give the paths of everything inside a JSON value."""
    found: list[tuple[str | int, ...]] = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        found += places(inner, (*path, name))
    return found


ODD = [1.5, -0.5, 1e300, 2**53, 2**60, -(2**60), {"é": 1}, {"a": 0.5}, [[[[0.25]]]], True, None, {}, []]


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_what_breaks_a_rule_of_canonical_json_is_called_so_wherever_it_stands(
    chosen: random.Random, depth: int
) -> None:
    body: Json = json.loads(VALID)
    path = chosen.choice(places(body))
    parent: Any = body
    for part in path[:-1]:
        parent = parent[part]
    value: object = chosen.choice(ODD)
    for _ in range(depth):
        value = [value]
    parent[path[-1]] = value
    data = canonical(body)
    try:
        check_plain(data)
        plain = True
    except Fault:
        plain = False
    result = verify(data, TrustAnchor.from_bytes(STRICT))
    assert (result.reason is not Reason.NOT_CANONICAL_JSON) is plain
    if body != json.loads(VALID):
        assert result.outcome is not Outcome.VALID


def test_without_the_quick_keccak_everything_is_judged_the_same() -> None:
    code = (
        "import sys; sys.modules['sha3'] = None\n"
        "from ledger.verifier.__main__ import main\n"
        f"sys.exit(main([{str(GOLDEN / 'release-note.pdf')!r}, '--trust', {str(GOLDEN / 'trust-strict.json')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["outcome"] == "valid"
