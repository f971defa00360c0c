"""What was signed, sealed and hashed by an earlier version of the formats verifies for ever."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from ledger.chain.deployment import Deployment
from ledger.evidence.log import leaf_data
from ledger.evidence.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from ledger.keys.signing import verify_signature
from ledger.proofs.content import Disclosure, seal, verify_disclosure
from ledger.proofs.lines import LineTree, leaf_of, verify_line
from ledger.statements import STATEMENT_TYPES, digest, statement_from
from ledger.typed_data import from_hex, type_string

FOLDER = Path(__file__).parent / "golden"
TOOL = Path(__file__).resolve().parents[3] / "tools" / "golden.py"
GOLDEN = {
    "v1/leaves.json": "3970e79c7945ad6ab5d6004018643ef2e1c49093fdfa22e5b9a568a722b8d3e3",
    "v1/lines.json": "8e55c3df555e18bf44eb81678d1e42279d2a4da77b759b07dac1421d7dfd9d16",
    "v1/sealed.json": "61291f798d50f626fb12b8dc2875b3f83a17c2d4c0ac4fefc1f4e9a17e9bdc93",
    "v1/statements.json": "d3e2f94952d4327dd3ab0ec430ee75e5f167f065deec5d23f5439fc6340e67e9",
}
"""SHA-256 of every golden file. A file is never changed; a new version gets a folder of its own."""
VERSIONS = sorted({name.split("/")[0] for name in GOLDEN})


def read(version: str, name: str) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads((FOLDER / version / f"{name}.json").read_bytes())


def test_no_golden_file_was_changed_added_or_lost() -> None:
    there = {str(path.relative_to(FOLDER)): path for path in FOLDER.rglob("*.json")}
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in there.items()} == GOLDEN


def test_every_type_of_statement_has_a_golden_one() -> None:
    found = {one["primaryType"] for version in VERSIONS for one in read(version, "statements")["statements"]}
    assert found >= STATEMENT_TYPES.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_statements_keep_type_digest_and_signatures(version: str) -> None:
    golden = read(version, "statements")
    deployment = Deployment.from_json(golden["deployment"])
    for one in golden["statements"]:
        statement = statement_from(one["primaryType"], one["message"])
        assert statement.contract == one["contract"]
        assert type_string(type(statement)) == one["type"]
        assert statement.message() == one["message"]
        name = digest(statement, deployment)
        assert "0x" + name.hex() == one["digest"]
        assert {signed["kind"] for signed in one["signatures"]} == {"secp256k1", "p256", "passkey"}
        for signed in one["signatures"]:
            signer, signature = from_hex(signed["signer"]), from_hex(signed["signature"])
            assert verify_signature(signer, name, signature, deployment), (one["primaryType"], signed["kind"])
            assert not verify_signature(signer, bytes(32), signature, deployment)


@pytest.mark.parametrize("version", VERSIONS)
def test_leaves_keep_their_bytes_and_their_tree(version: str) -> None:
    golden = read(version, "leaves")
    hashes = []
    for one in golden["leaves"]:
        at = datetime.fromtimestamp(one["at"], UTC)
        data = leaf_data(one["kind"], UUID(one["subject"]), from_hex(one["contentHash"]), at)
        assert data.decode() == one["data"]
        hashes.append(leaf_hash(data))
        assert "0x" + hashes[-1].hex() == one["leafHash"]
    roots, size = [from_hex(root) for root in golden["roots"]], len(hashes)
    assert [root_of(hashes[:count]) for count in range(size + 1)] == roots
    for place, proof in enumerate(golden["inclusion"]):
        assert verify_inclusion(hashes[place], place, size, [from_hex(node) for node in proof], roots[size])
    for count, proof in enumerate(golden["consistency"], 1):
        nodes = [from_hex(node) for node in proof]
        assert verify_consistency(count, size, roots[count], roots[size], nodes)


@pytest.mark.parametrize("version", VERSIONS)
def test_sealed_documents_keep_their_hash_and_their_fields(version: str) -> None:
    for one in read(version, "sealed"):
        root = from_hex(one["contentHash"])
        assert seal(one["document"], from_hex(one["seed"])).root == root
        for shown in one["disclosures"]:
            assert verify_disclosure(Disclosure.from_json(shown), root)
            assert not verify_disclosure(Disclosure.from_json({**shown, "value": "other"}), root)


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_keep_their_root_and_their_proofs(version: str) -> None:
    golden = read(version, "lines")
    certificate = UUID(golden["certificate"])
    given = [(one["line"], one["unit"], int(one["ceiling"])) for one in golden["lines"]]
    tree, root = LineTree(certificate, given), from_hex(golden["root"])
    assert tree.root == root
    for one, line in zip(golden["lines"], given, strict=True):
        leaf = leaf_of(certificate, *line)
        assert "0x" + leaf.hex() == one["leaf"]
        assert verify_line(leaf, [from_hex(node) for node in one["proof"]], root)
        assert not verify_line(bytes(32), [from_hex(node) for node in one["proof"]], root)


def test_the_tool_never_writes_a_version_twice() -> None:
    answer = subprocess.run(
        [sys.executable, str(TOOL), VERSIONS[0]],
        capture_output=True,
        text=True,
        check=False,
        cwd=TOOL.parents[1],
        env={"PYTHONPATH": str(TOOL.parents[1])},
    )
    assert answer.returncode == 1
    assert "never written twice" in answer.stderr
