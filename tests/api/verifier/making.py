"""A small consortium with keys of all three kinds, and the files that it would hand out: bundles, papers, QR codes."""

from __future__ import annotations

import copy
import hmac
import zlib
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ledger.evidence.merkle import inclusion_proof, leaf_hash, node_hash, nodes_of, root
from ledger.keys.passkeys import PasskeySigner, SoftwarePasskey
from ledger.keys.signing import P256Signer, Secp256k1Signer, Signer
from ledger.verifier.hashing import keccak
from ledger.verifier.messages import CONTRACTS, STATEMENTS, Network, read_message
from ledger.verifier.papers import BASE45
from ledger.verifier.reading import canonical

CHAIN_ID = 20261
BEGAN = 1_790_000_000
FOREVER = 4_000_000_000
RELEASED_AT = BEGAN + 5_000
CASE = "0192f0a1-7c3e-7d45-9b1a-2f6e8c4d1b70"
SEED = bytes(range(32))
RELEASING, SUPERVISOR, LOG, SYSTEM, WITNESS, BROKER = 32, 64, 512, 4096, 8192, 1
PIECE = 700
DOCUMENT: dict[str, Any] = {
    "number": "290420261234567890",
    "reference": "SF-2026-0042",
    "transport": {"mode": "road", "vehicle_plate": "京A·F7M21"},
    "total_packages": 14,
    "gross_kg": "812.5",
    "total_value": "48200.00",
    "lines": [
        {
            "line_no": 1,
            "name_zh": "电子计时器",
            "name_en": "Timing unit",
            "quantity": "6",
            "unit": "SET",
            "value": "30000",
        },
        {
            "line_no": 2,
            "name_zh": "终点摄像机",
            "name_en": "Finish camera",
            "quantity": "8",
            "unit": "EA",
            "value": "18200",
        },
    ],
}
HIDDEN = ("value", "total_value")
Json = dict[str, Any]


def bytes32(number: int) -> str:
    return f"0x{number:064x}"


def address(number: int) -> bytes:
    return number.to_bytes(20, "big")


def key_of(number: int) -> Secp256k1Signer:
    return Secp256k1Signer(number.to_bytes(32, "big"))


@dataclass
class Town:
    """Three founding members, customs officers, a log and two witnesses."""

    contracts: dict[str, bytes] = field(
        default_factory=lambda: {name: address(0xC0 + place) for place, name in enumerate(CONTRACTS)}
    )
    p256_at: bytes = address(0xE0)
    passkey_at: bytes = address(0xE1)

    def __post_init__(self) -> None:
        self.network = Network(CHAIN_ID, tuple((name, self.contracts[name]) for name in CONTRACTS))
        self.founders: list[Signer] = [
            key_of(11),
            P256Signer((12).to_bytes(32, "big"), self.p256_at),
            self._passkey(13),
        ]
        self.officer: Signer = self._passkey(21)
        self.second: Signer = P256Signer((22).to_bytes(32, "big"), self.p256_at)
        self.log = key_of(31)
        self.witnesses: list[Signer] = [key_of(41), P256Signer((42).to_bytes(32, "big"), self.p256_at)]

    def _passkey(self, number: int) -> Signer:
        passkey = SoftwarePasskey("localhost", "http://localhost:8700", secret=number.to_bytes(32, "big"))
        return PasskeySigner(passkey, self.passkey_at + passkey.public_key)

    def signed(self, kind: str, message: Json, *signers: Signer) -> list[Json]:
        digest = read_message(kind, message).digest(self.network)
        return [
            {"signature": hex_of(signer.sign(digest)), "signer": hex_of(signer.signer)} for signer in signers
        ]

    def change(self, sequence: int, **parts: list[Any]) -> Json:
        message = {
            "sequence": str(sequence),
            "organisations": parts.get("organisations", []),
            "grants": parts.get("grants", []),
            "revocations": parts.get("revocations", []),
        }
        return self._change("ConsortiumChange", sequence, message, self.founders[:2])

    def replacement(self, sequence: int, organisation: int, signer: Signer) -> Json:
        message = {
            "sequence": str(sequence),
            "organisation": bytes32(organisation),
            "signer": hex_of(signer.signer),
        }
        return self._change("FounderReplacement", sequence, message, self.founders[1:])

    def _change(self, kind: str, sequence: int, message: Json, by: list[Signer]) -> Json:
        recorded = {"blockNumber": 10 * sequence, "blockTime": BEGAN + 10 * sequence, "logIndex": 0}
        return {
            "message": message,
            "primaryType": kind,
            "recorded": recorded,
            "signatures": self.signed(kind, message, *by),
        }

    def founding(self) -> list[Json]:
        members = {1: RELEASING | SUPERVISOR | SYSTEM | LOG | BROKER, 2: WITNESS, 3: WITNESS}
        grants = [
            (1, 101, self.officer, RELEASING),
            (1, 102, self.second, SUPERVISOR),
            (1, 103, self.log, LOG),
            (2, 201, self.witnesses[0], WITNESS),
            (3, 301, self.witnesses[1], WITNESS),
        ]
        return [
            self.change(
                1,
                organisations=[entry(bytes32(one), roles) for one, roles in members.items()],
                grants=[
                    {"officer": bytes32(officer), "signer": hex_of(key.signer)} | entry(bytes32(one), roles)
                    for one, officer, key, roles in grants[:3]
                ],
            ),
            self.change(
                2,
                grants=[
                    {"officer": bytes32(officer), "signer": hex_of(key.signer)} | entry(bytes32(one), roles)
                    for one, officer, key, roles in grants[3:]
                ],
            ),
        ]

    def anchor(self, *, witnesses: int = 1, known: Json | None = None, chain_id: int = CHAIN_ID) -> bytes:
        names = [
            ("Beijing Customs", "北京海关"),
            ("Organising Committee", "组委会"),
            ("Port Authority", "口岸管理局"),
        ]
        return canonical(
            {
                "chainId": chain_id,
                "contracts": {name: hex_of(at) for name, at in self.contracts.items()},
                "format": "piste-trust-v1",
                "founders": [
                    {
                        "name": {"en": names[at][0], "zh": names[at][1]},
                        "organisation": bytes32(at + 1),
                        "signer": hex_of(founder.signer),
                    }
                    for at, founder in enumerate(self.founders)
                ],
                "known": known or {"changes": [], "checkpoint": 0, "corrections": []},
                "name": {"en": "Winter Games clearance", "zh": "冬季赛事通关"},
                "threshold": 2,
                "verifiers": {"p256": hex_of(self.p256_at), "passkey": hex_of(self.passkey_at)},
                "witnesses": witnesses,
            }
        )

    def decision(self, *, channel: int = 2, content_hash: str | None = None) -> Json:
        return {
            "declaration": "0x" + CASE.replace("-", "").ljust(64, "0"),
            "version": 1,
            "contentHash": content_hash or disclosed()["contentHash"],
            "channel": channel,
            "outcome": 1,
            "rule": bytes32(0),
            "evidenceHash": bytes32(0),
            "decideBy": str(RELEASED_AT + 600),
            "signedAt": str(RELEASED_AT - 5),
        }

    def bundle(self, *, channel: int = 2, signers: tuple[Signer, ...] | None = None, **parts: Any) -> Json:  # noqa: ANN401 - JSON members that replace the usual ones
        """Give a whole bundle of a release decision, sealed; members given by name replace the usual ones."""
        message = parts.pop("message", None) or self.decision(channel=channel)
        kind = parts.pop("kind", "ReleaseDecision")
        by = signers or ((self.officer, self.second) if channel == 3 else (self.officer,))
        record = {
            "blockHash": bytes32(0xB10C),
            "blockNumber": 500,
            "blockTime": RELEASED_AT,
            "contract": STATEMENTS[kind][0],
            "logIndex": 3,
            "transactionHash": bytes32(0x7A),
            "transactionIndex": 0,
        } | parts.pop("record_parts", {})
        bundle = {
            "changes": self.founding(),
            "disclosed": disclosed(),
            "format": "piste-bundle-v1",
            "network": {
                "chainId": CHAIN_ID,
                "contracts": {name: hex_of(at) for name, at in self.contracts.items()},
            },
            "record": record,
            "leaf": {"at": RELEASED_AT + 1, "kind": "record", "subject": CASE},
            "signatures": self.signed(kind, message, *by),
            "statement": {"message": message, "primaryType": kind},
            "witnesses": [],
        }
        bundle |= self.evidence(bundle) | parts
        return self.sealed(bundle)

    def evidence(self, bundle: Json, *, witnesses: int = 2) -> Json:
        """Give the leaf's place in a log of 7, a checkpoint and its witnesses."""
        stated = bundle["statement"]
        digest = read_message(stated["primaryType"], stated["message"]).digest(self.network)
        content_hash = sha256(canonical({"statement": hex_of(digest), **bundle["record"]})).hexdigest()
        data = canonical(["piste-evidence-v1", "record", CASE, content_hash, bundle["leaf"]["at"]])
        leaves = [leaf_hash(bytes([number])) for number in range(7)]
        leaves[4] = leaf_hash(data)
        nodes = nodes_of(leaves)
        point = {"size": "7", "root": hex_of(root(nodes, 7)), "signedAt": str(RELEASED_AT + 60)}
        return {
            "inclusion": {
                "index": 4,
                "proof": [hex_of(it) for it in inclusion_proof(nodes, 4, 7)],
                "size": 7,
            },
            "checkpoint": {"message": point, "signatures": self.signed("Checkpoint", point, self.log)},
            "witnesses": [
                {"message": point, "signatures": self.signed("CheckpointWitness", point, witness)}
                for witness in self.witnesses[:witnesses]
            ],
        }

    def sealed(self, bundle: Json, kind: str = "piste.bundle", key: Secp256k1Signer | None = None) -> Json:
        bare = {name: value for name, value in bundle.items() if name != "seal"}
        seal = self.seal(
            bundle.get("bundle", bundle), kind, sha256(canonical(bare)).digest(), key or self.log
        )
        return bare | {"seal": seal}

    def seal(self, bundle: Json, kind: str, content_hash: bytes, key: Secp256k1Signer) -> Json:
        stated, leaf = bundle["statement"], bundle["leaf"]
        subject = read_message(stated["primaryType"], stated["message"]).subject
        message = {
            "subject": "0x" + leaf["subject"].replace("-", "").ljust(64, "0") if leaf else hex_of(subject),
            "kind": hex_of(keccak(kind.encode())),
            "contentHash": hex_of(content_hash),
            "signedAt": str(RELEASED_AT + 120),
        }
        return self.signed("Evidence", message, key)[0] | {"signedAt": RELEASED_AT + 120}

    def redacted(self, bundle: Json, view: str = "carrier") -> Json:
        inner = self.sealed(bundle | {"disclosed": None})
        shown = disclosed(lambda path: path[0] in {"number", "transport"})
        return self.sealed(
            {"bundle": inner, "disclosed": shown, "format": "piste-redacted-v1", "view": view},
            "piste.redacted",
        )

    def paper(self, bundle: Json) -> bytes:
        """Give a file that a verifier takes for a release note; no PDF reader would."""
        signer = hex_of(self.log.signer)[2:]
        signed_at = RELEASED_AT + 120
        data = (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/EmbeddedFile>>\nstream\n"
            + canonical(bundle)
            + b"\nendstream\nendobj\n2 0 obj\n<<>>\nstream\n"
            + f"piste-seal-v1 {signer} {'0' * 130} {signed_at}\n".encode()
            + b"\nendstream\nendobj\n%%EOF\n"
        )
        seal = self.seal(bundle, "piste.paper", sha256(data).digest(), self.log)
        return data.replace(b"0" * 130, seal["signature"][2:].encode())


def entry(organisation: str, roles: int) -> Json:
    return {
        "organisation": organisation,
        "roles": str(roles),
        "validFrom": str(BEGAN - 1000),
        "validUntil": str(FOREVER),
    }


def codes(bundle: Json, piece: int = PIECE) -> list[str]:
    """Give the texts of the QR codes of a bundle."""
    deflated = zlib.compress(canonical(bundle), 9)
    text = base45(deflated)
    pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
    check = sha256(deflated).hexdigest()[:8].upper()
    return [f"PISTE1:{check}:{at}/{len(pieces)}:{it}" for at, it in enumerate(pieces, 1)]


def base45(data: bytes) -> str:
    found = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, 45)
            found.append(BASE45[digit])
    return "".join(found)


def disclosed(shown: Any = None) -> Json:  # noqa: ANN401 - a test of paths
    """Disclose the fields of the document that a guard may see, with one proof for all."""
    shown = shown or (lambda path: path[-1] not in HIDDEN)
    leaves = sorted(_leaves([], DOCUMENT), key=lambda leaf: canonical(leaf[0]))
    fields: list[Json] = [
        {
            "index": at,
            "path": path,
            "salt": hex_of(hmac.digest(SEED, canonical(path), "sha256")),
            "value": value,
        }
        for at, (path, value) in enumerate(leaves)
    ]
    hashes = [leaf_hash(canonical([it["path"], it["salt"][2:], it["value"]])) for it in fields]
    visible = [it for it in fields if shown(it["path"])]
    proof: list[str] = []
    nodes = nodes_of(hashes)

    def walk(start: int, end: int) -> None:
        if not any(start <= it["index"] < end for it in visible):
            proof.append(hex_of(_range(hashes[start:end])))
        elif end - start > 1:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            walk(start, middle)
            walk(middle, end)

    walk(0, len(hashes))
    return {
        "contentHash": hex_of(root(nodes, len(hashes))),
        "fields": visible,
        "proof": proof,
        "size": len(hashes),
    }


def _range(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    middle = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(_range(hashes[:middle]), _range(hashes[middle:]))


def _leaves(path: list[Any], value: object) -> list[tuple[list[Any], object]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves([*path, key], item)]
    if isinstance(value, list):
        return [leaf for at, item in enumerate(value) for leaf in _leaves([*path, at], item)]
    return [(path, value)]


def hex_of(value: bytes) -> str:
    return "0x" + value.hex()


def changed(value: Json, **parts: Any) -> Json:  # noqa: ANN401 - JSON members
    return copy.deepcopy(value) | parts
