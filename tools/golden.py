"""Write golden files of a version of the formats, once: what was signed then must verify for ever.

    python tools/golden.py v2

A version that is there is never written again: make a new one when a type is added or a format changes.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from eth_utils.crypto import keccak

from ledger.chain.deployment import CONTRACTS, Deployment
from ledger.evidence.log import leaf_data
from ledger.evidence.merkle import consistency_proof, inclusion_proof, leaf_hash, nodes_of, root_of
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.signing import P256Signer, Secp256k1Signer, Signer, sign_with
from ledger.proofs.content import disclose, seal
from ledger.proofs.lines import LineTree, leaf_of
from ledger.statements import STATEMENT_TYPES, Statement, digest
from ledger.typed_data import Member, Struct, members, type_string

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "ledger" / "proofs" / "golden"
CHAIN_ID = 20260
ITEMS = 2
"""Length of every list in a message."""


def main(version: str) -> None:
    """Write a version that is not there yet."""
    folder = FOLDER / version
    if folder.exists():
        sys.exit(f"{folder} is there already; golden files are never written twice.")
    folder.mkdir(parents=True)
    for name, made in (
        ("statements", statements()),
        ("leaves", leaves()),
        ("sealed", sealed()),
        ("lines", lines()),
    ):
        (folder / f"{name}.json").write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n")


def statements() -> dict[str, Any]:
    """Sign one statement of each type with a key of each kind."""
    deployment = Deployment(CHAIN_ID, {name: f"0x{place:040x}" for place, name in enumerate(CONTRACTS, 1)})
    signers: dict[str, Signer] = {
        "secp256k1": Secp256k1Signer.generate(),
        "p256": P256Signer.generate(deployment),
        "passkey": SoftwarePasskey("piste.example", "https://piste.example").signer_on(deployment),
    }
    made = []
    for kind in STATEMENT_TYPES.values():
        statement: Statement = example(kind)
        name = digest(statement, deployment)
        made.append(
            {
                "primaryType": statement.primary_type,
                "contract": statement.contract,
                "type": type_string(kind),
                "message": statement.message(),
                "digest": _hex(name),
                "signatures": [
                    {"kind": key, "signer": _hex(signed.signer), "signature": _hex(signed.signature)}
                    for key, signed in ((key, sign_with(signer, name)) for key, signer in signers.items())
                ],
            }
        )
    return {"deployment": deployment.to_json(), "statements": made}


def example(kind: type[Any], name: str = "") -> Any:  # noqa: ANN401 - a message of the kind
    """Fill a typed message with values that follow from the names of its fields."""
    return kind(
        **{
            member.attribute: _value(member, f"{name}.{kind.__name__}.{member.name}")
            for member in members(kind)
        }
    )


def leaves() -> dict[str, Any]:
    """Write leaves of the evidence log with their tree."""
    kinds = ("record", "history", "document", "reading", "findings", "hold", "gate_event")
    made, hashes = [], []
    for place, kind in enumerate(kinds):
        subject = UUID(bytes=keccak(text=f"case {place}")[:16], version=4)
        at = datetime(2026, 2, 3, 8, place, tzinfo=UTC)
        content_hash = keccak(text=f"content {place}")
        data = leaf_data(kind, subject, content_hash, at)
        hashes.append(leaf_hash(data))
        made.append(
            {
                "kind": kind,
                "subject": str(subject),
                "contentHash": _hex(content_hash),
                "at": int(at.timestamp()),
                "data": data.decode(),
                "leafHash": _hex(hashes[-1]),
            }
        )
    nodes, size = nodes_of(hashes), len(hashes)
    return {
        "leaves": made,
        "roots": [_hex(root_of(hashes[:count])) for count in range(size + 1)],
        "inclusion": [[_hex(node) for node in inclusion_proof(nodes, place, size)] for place in range(size)],
        "consistency": [
            [_hex(node) for node in consistency_proof(nodes, count, size)] for count in range(1, size)
        ],
    }


def sealed() -> list[dict[str, Any]]:
    """Seal documents and disclose every field of them."""
    documents: list[dict[str, Any]] = [
        {
            "number": "CERT-1",
            "holder": "奥运代表团",
            "lines": [{"line": 1, "quantity": "12.5", "unit": "KGM"}],
        },
        {"reason": "", "empty": {}, "none": None, "list": [], "yes": True, "a/b~c": 9007199254740991},
    ]
    made = []
    for place, document in enumerate(documents):
        seed = keccak(text=f"seed {place}")
        content = seal(document, seed)
        made.append(
            {
                "document": document,
                "seed": _hex(seed),
                "contentHash": _hex(content.root),
                "disclosures": [disclose(content, field.path).to_json() for field in content.fields],
            }
        )
    return made


def lines() -> dict[str, Any]:
    """Write the tree over the lines of a certificate."""
    certificate = UUID(bytes=keccak(text="certificate")[:16], version=4)
    given = [(1, "KGM", 5_000_000), (2, "C62", 3), (7, "MTR", (1 << 112) - 1)]
    tree = LineTree(certificate, given)
    return {
        "certificate": str(certificate),
        "root": _hex(tree.root),
        "lines": [
            {
                "line": line,
                "unit": unit,
                "ceiling": str(ceiling),
                "leaf": _hex(leaf_of(certificate, line, unit, ceiling)),
                "proof": [_hex(node) for node in tree.proof(line)],
            }
            for line, unit, ceiling in given
        ],
    }


def _value(member: Member, name: str) -> object:
    if member.is_array:
        return tuple(_one(member, f"{name}.{place}") for place in range(ITEMS))
    return _one(member, name)


def _one(member: Member, name: str) -> object:
    if member.struct is not None:
        found: Struct = example(member.struct, name)
        return found
    hashed = keccak(text=name)
    if member.solidity.startswith("uint"):
        return int.from_bytes(hashed, "big") >> (256 - int(member.solidity.removeprefix("uint")))
    return hashed + hashed[:20] if member.solidity == "bytes" else hashed[: int(member.solidity[5:])]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the version
        sys.exit(__doc__)
    main(sys.argv[1])
