"""Files of every outcome and reason: what the verifiers must say of each is written beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ledger.proofs.disclosure import VIEWS, redact
from ledger.proofs.sealing import blank_seal_line, bundle_subject, qr_texts, seal_paper
from ledger.statements import ConsortiumChange, DecisionCorrection, FounderReplacement, Organisation, digest
from tests.verifier.scene import LATER, NOW, Edit, Json, Scene, identifier, made_up_deployment, plain

VALID = "valid"


class Case(NamedTuple):
    """A file, the trust anchor that it is judged under, and what is to be said."""

    name: str
    trust: str
    data: bytes
    reason: str


def trusts(scene: Scene) -> dict[str, bytes]:
    """Give the trust anchors that the cases name."""
    revoking = ("releasing", "log", "witness-2")
    decided = digest(scene.decision(version=7), scene.deployment)
    correction = DecisionCorrection(
        scene.decision().declaration, 7, decided, 7, b"\1" * 32, b"\2" * 32, LATER, NOW + 50
    )

    def known(block: int) -> Edit:
        revocations = tuple(scene.people[name].key_id for name in revoking)
        revoked = scene.change(
            ConsortiumChange(4, (), (), revocations),
            "committee",
            "customs",
            block=block,
            time=NOW + block - 100,
        )

        def edit(anchor: Json) -> None:
            anchor["known"] = {
                "checkpoint": 99,
                "changes": [*scene.changes, revoked],
                "corrections": [
                    {
                        "primaryType": correction.primary_type,
                        "message": correction.message(),
                        "signatures": scene.sign(correction, scene.people["releasing-2"]),
                    }
                ],
            }

        return edit

    return {
        "open": scene.trust(),
        "strict": scene.trust(witnesses=2),
        "revoked-before": scene.trust(edit=known(50)),
        "revoked-between": scene.trust(edit=known(103)),
        "revoked-after": scene.trust(witnesses=2, edit=known(500)),
    }


def every_case(scene: Scene) -> Iterator[Case]:
    """Give all cases, each of a part under its own heading."""
    for part in (_valid, _files, _altered, _forged, _unknown, _keys, _revoked, _not_yet):
        yield from part(scene)


def bundle(scene: Scene, *by: str, **more: Any) -> bytes:  # noqa: ANN401 - as Scene.bundle takes them
    """Give a whole bundle of a yellow release."""
    return scene.bundle(scene.decision(), *(by or ("supervisor",)), **more)


def forged(scene: Scene, edit: Edit) -> bytes:
    """Give a bundle that was changed before the log sealed it."""
    decision = scene.decision()
    body = scene.body(decision, "supervisor")
    edit(body)
    return scene.seal(body, scene.subject(body, decision))


def patched(data: bytes, edit: Edit) -> bytes:
    """Give a file that was changed after it was sealed."""
    body = json.loads(data)
    edit(body)
    return plain(body)


def paper(scene: Scene, inner: bytes, *, sealed_by: str = "log", extra: bytes = b"") -> bytes:
    """Give the least that passes for a PDF with bundle and seal."""
    signer = scene.people[sealed_by]
    line = blank_seal_line(signer, datetime.fromtimestamp(NOW + 30, UTC))
    data = b"%%PDF-1.7\n1 0 obj\nstream\n%b\nendstream\n2 0 obj\nstream\n%b\nendstream\n%b%%%%EOF\n" % (
        inner,
        line,
        extra,
    )
    return seal_paper(data, bundle_subject(inner), scene.deployment, signer)


def put(*path: str | int, value: object) -> Edit:
    """Give an edit that sets one value deep inside."""

    def edit(body: Any) -> None:  # noqa: ANN401 - JSON of any shape
        for part in path[:-1]:
            body = body[part]
        body[path[-1]] = value

    return edit


def _flip(text: str) -> str:
    """Change the last hex digit of a text."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _flipped(*path: str | int) -> Edit:
    def edit(body: Any) -> None:  # noqa: ANN401 - JSON of any shape
        for part in path[:-1]:
            body = body[part]
        body[path[-1]] = _flip(body[path[-1]])

    return edit


def _valid(scene: Scene) -> Iterator[Case]:
    for name, (statement, by) in scene.every_statement().items():
        yield Case(f"valid-{name}", "strict", scene.bundle(statement, *by), VALID)
    gate = redact(scene.content, VIEWS["gate"])
    shown = bundle(scene, disclosed=gate)
    yield Case("valid-disclosed-gate", "strict", shown, VALID)
    yield Case("valid-paper", "strict", paper(scene, shown), VALID)
    yield Case(
        "valid-qr", "strict", "\r\n".join(reversed(qr_texts(shown, longest=854))).encode() + b"\n\n", VALID
    )
    for view in ("gate", "gate-summary", "carrier", "venue", "public"):
        copy = scene.copy(bundle(scene), redact(scene.content, VIEWS[view]), view)
        yield Case(f"valid-redacted-{view}", "strict", copy, VALID)
    yield Case("valid-other-log-key", "strict", bundle(scene, log="log-2", sealed_by="log-2"), VALID)
    yield Case("valid-lean", "revoked-after", forged(scene, put("changes", value=[])), VALID)
    yield Case("valid-revoked-later", "revoked-after", bundle(scene, "releasing"), VALID)
    yield Case("valid-longer-p256", "strict", _longer_p256(scene), VALID)


def _longer_p256(scene: Scene) -> bytes:
    """Give a bundle whose P-256 signature has bytes after its end, which the contract does not look at."""

    def longer(body: Json) -> None:
        body["signatures"][0]["signature"] += "00"

    return bundle(scene, edit=longer)


def _files(scene: Scene) -> Iterator[Case]:
    whole = bundle(scene)
    texts = qr_texts(whole, longest=854)
    yield Case("format-text", "open", b"Released.", "unknown-format")
    yield Case("format-empty", "open", b"", "unknown-format")
    yield Case(
        "format-newer", "open", patched(whole, put("format", value="piste-bundle-v2")), "unknown-format"
    )
    yield Case("format-none", "open", b"{}", "unknown-format")
    yield Case("pdf-without-seal", "open", b"%PDF-1.7\n%%EOF\n", "paper-seal-missing")
    yield Case(
        "pdf-two-seals",
        "open",
        paper(scene, whole).replace(b"%%EOF", b"piste-seal-v1 \n%%EOF"),
        "paper-seal-missing",
    )
    no_bundle = paper(scene, whole).replace(b'{"changes"', b'{"Changes"')
    yield Case("pdf-without-bundle", "open", no_bundle, "bundle-missing")
    two = paper(scene, whole, extra=b'stream\n{"changes":[]}\nendstream\n')
    yield Case("pdf-two-bundles", "open", two, "bundle-missing")
    yield Case("pdf-altered", "open", paper(scene, whole).replace(b"%%EOF", b"%%EOf"), "paper-seal")
    yield Case("qr-one-missing", "open", "\n".join(texts[:-1]).encode(), "qr-unreadable")
    yield Case("qr-mixed", "open", "\n".join([*texts[:-1], _other(texts[-1])]).encode(), "qr-unreadable")
    yield Case(
        "qr-wrong-digit", "open", "\n".join([*texts[:-1], texts[-1][:-1] + "!"]).encode(), "qr-unreadable"
    )
    yield Case("qr-not-latin", "open", "\n".join([*texts, "二维码"]).encode(), "qr-unreadable")


def _other(text: str) -> str:
    return text.replace(text[7:15], "00000000")


def _altered(scene: Scene) -> Iterator[Case]:
    whole = bundle(scene)
    copy = scene.copy(whole, redact(scene.content, VIEWS["public"]), "public")
    for name, data in {
        "newline": whole + b"\n",
        "blank": whole.replace(b'"changes":', b'"changes": ', 1),
        "twice": whole.replace(b'"checkpoint":', b'"checkpoint":null,"checkpoint":', 1),
        "fraction": whole.replace(b'"at":%d' % NOW, b'"at":%d.0' % NOW),
        "large-number": whole.replace(b'"at":%d' % NOW, b'"at":9007199254740993'),
        "minus-zero": whole.replace(b'"at":%d' % NOW, b'"at":-0'),
        "deep": b'{"changes":' + b"[" * 40 + b"]" * 40 + b"}",
        "deeper": b'{"changes":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "not-utf8": whole.replace(b'"kind":"record"', b'"kind":"\xff"'),
        "surrogate": whole.replace(b'"kind":"record"', b'"kind":"\\ud800"'),
        "name-not-ascii": whole.replace(b'"at":', '"ä":'.encode()),
        "cut-off": whole[:-10],
    }.items():
        yield Case(f"json-{name}", "open", data, "not-canonical-json")
    for name, edit in {
        "upper-case": put("record", "blockHash", value="0x" + "AB" * 32),
        "extra-member": put("more", value=1),
        "text-for-number": put("record", "logIndex", value="3"),
        "true-for-number": put("record", "logIndex", value=True),
        "number-out-of-type": put("statement", "message", "channel", value=256),
        "leading-zero": put("statement", "message", "signedAt", value="01"),
        "unknown-type": put("statement", "primaryType", value="Release"),
        "structure-for-type": put("statement", "primaryType", value="Draw"),
        "no-signatures": put("signatures", value=[]),
        "leaf-alone": put("record", value=None),
        "witness-alone": put("inclusion", value=None),
        "empty-checkpoint": put("checkpoint", value={}),
        "seal-of-p256": put("seal", "signer", value="0x" + "11" * 84),
    }.items():
        yield Case(f"form-{name}", "open", patched(whole, edit), "malformed")
    yield Case("seal-broken", "open", patched(whole, put("seal", "signedAt", value=NOW)), "seal")
    yield Case(
        "seal-of-another", "open", patched(whole, put("seal", "signer", value="0x" + "11" * 20)), "seal"
    )
    yield Case("copy-altered", "open", patched(copy, put("view", value="gate")), "copy-seal")
    yield Case(
        "copy-field-altered",
        "open",
        patched(copy, put("disclosed", "fields", 0, "value", value="BR-2026-0043")),
        "copy-seal",
    )


def _forged(scene: Scene) -> Iterator[Case]:
    """Give what somebody could make who holds the log's key."""
    gate = redact(scene.content, VIEWS["gate"])
    other = scene.sign(scene.decision(version=2), scene.people["supervisor"])
    swapped = [scene.changes[1], scene.changes[0], scene.changes[2]]
    edits: dict[str, tuple[Edit, str]] = {
        "signature-of-another": (put("signatures", value=other), "signature"),
        "signature-high-s": (_high_s, "signature"),
        "changes-swapped": (put("changes", value=swapped), "change-order"),
        "changes-same-place": (put("changes", 1, "recorded", "blockNumber", value=10), "change-order"),
        "change-altered": (put("changes", 0, "message", "sequence", value="0"), "change-signature"),
        "record-of-another-contract": (put("record", "contract", value="CheckNotes"), "record"),
        "record-moved": (put("record", "blockNumber", value=5), "inclusion"),
        "leaf-moved": (put("leaf", "at", value=NOW + 1), "inclusion"),
        "inclusion-cut": (put("inclusion", "proof", value=[]), "inclusion"),
        "inclusion-size": (put("inclusion", "size", value=12), "inclusion"),
        "inclusion-index": (put("inclusion", "index", value=7), "inclusion"),
        "checkpoint-altered": (
            put("checkpoint", "message", "signedAt", value=str(NOW)),
            "checkpoint-signature",
        ),
        "witness-of-another": (put("witnesses", 0, "message", "size", value="12"), "witness"),
        "witness-altered": (put("witnesses", 0, "message", "signedAt", value="1"), "witness-signature"),
        "disclosed-of-another": (
            put("disclosed", value={**gate, "contentHash": "0x" + "11" * 32}),
            "disclosed",
        ),
        "disclosed-cut": (put("disclosed", value={**gate, "proof": gate["proof"][:-1]}), "disclosed"),
        "disclosed-longer": (
            put("disclosed", value={**gate, "proof": [*gate["proof"], "0x" + "11" * 32]}),
            "disclosed",
        ),
        "disclosed-value": (
            put(
                "disclosed",
                value={**gate, "fields": [{**gate["fields"][0], "value": "x"}, *gate["fields"][1:]]},
            ),
            "disclosed",
        ),
    }
    for name, (edit, reason) in edits.items():
        yield Case(f"forged-{name}", "open", forged(scene, edit), reason)
    copy = scene.copy(bundle(scene), {**gate, "proof": gate["proof"][:-1]}, "gate")
    yield Case("forged-copy", "open", copy, "disclosed")
    without = DecisionCorrection(identifier("thing"), 1, b"\1" * 32, 7, b"\1" * 32, b"\2" * 32, LATER, NOW)
    signers = ("releasing", "supervisor")
    yield Case("forged-no-content", "open", scene.bundle(without, *signers, disclosed=gate), "disclosed")


def _high_s(body: Json) -> None:
    """Turn a P-256 signature into its twin, which other verifiers would take."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = body["signatures"][0]["signature"]
    body["signatures"][0]["signature"] = signature[:66] + f"{order - int(signature[66:], 16):064x}"


def _unknown(scene: Scene) -> Iterator[Case]:
    elsewhere = Scene(made_up_deployment(chain_id=1))
    yield Case("network-other-chain", "open", bundle(elsewhere), "other-network")
    yield Case(
        "network-other-contracts", "open", bundle(Scene(made_up_deployment(salt="x"))), "other-network"
    )
    other = scene.change(ConsortiumChange(3, (), (), ()), "committee", "customs", block=30)
    yield Case(
        "changes-contradict",
        "revoked-after",
        forged(scene, put("changes", 2, value=other)),
        "change-conflict",
    )
    for name, founders in {
        "one-founder": ("customs",),
        "replaced-founder": ("customs", "commerce"),
    }.items():
        more = scene.change(ConsortiumChange(4, (), (), ()), *founders, block=40)
        changes = [*scene.changes, more]
        yield Case(
            f"changes-{name}", "open", forged(scene, put("changes", value=changes)), "change-not-founders"
        )
    for name, new in {
        "no-founder": (identifier("firm"), b"\7" * 20),
        "key-of-a-founder": (identifier("customs"), scene.founders["committee"].signer),
    }.items():
        replacing = scene.change(FounderReplacement(4, *new), "committee", "customs", block=40)
        changes = [*scene.changes, replacing]
        yield Case(
            f"changes-{name}", "open", forged(scene, put("changes", value=changes)), "change-not-founders"
        )


def _keys(scene: Scene) -> Iterator[Case]:
    yield Case("key-never-granted", "open", bundle(scene, "outsider"), "key-unknown")
    yield Case("key-of-a-broker", "open", bundle(scene, "broker"), "key-role")
    yield Case("key-granted-after", "open", forged_later(scene), "key-unknown")
    past = ConsortiumChange(4, (), (scene.grant("supervisor", valid_until=NOW - 1),), ())
    firm = Organisation(identifier("customs"), 16383, NOW + 1, LATER)
    for name, change in {
        "key-expired": past,
        "key-of-late-organisation": ConsortiumChange(4, (firm,), (), ()),
    }.items():
        changes = [*scene.changes, scene.change(change, "committee", "customs", block=40)]
        yield Case(name, "open", forged(scene, put("changes", value=changes)), "key-validity")
    red = scene.decision(channel=3)
    yield Case("signers-one-of-two", "open", scene.bundle(red, "supervisor"), "signers-missing")
    green = scene.decision(channel=1)
    yield Case("green-by-an-officer", "open", scene.bundle(green, "releasing"), "key-role")
    nothing = ConsortiumChange(4, (), (), ())
    yield Case("change-by-one-founder", "open", scene.bundle(nothing, "customs"), "signers-missing")
    yield Case("change-by-old-founder", "open", scene.bundle(nothing, "customs", "commerce"), "key-unknown")
    yield Case("seal-of-no-log", "open", bundle(scene, sealed_by="inspector"), "log-key")
    yield Case("seal-of-nobody", "open", bundle(scene, sealed_by="outsider"), "log-key")
    yield Case("checkpoint-of-no-log", "open", bundle(scene, log="gate"), "log-key")
    yield Case("paper-of-nobody", "open", paper(scene, bundle(scene), sealed_by="outsider"), "log-key")
    public = redact(scene.content, VIEWS["public"])
    yield Case(
        "copy-of-nobody", "open", scene.copy(bundle(scene), public, "public", sealed_by="outsider"), "log-key"
    )
    yield Case("witness-of-nobody", "open", bundle(scene, witnesses=["outsider"]), "witness-key")


def forged_later(scene: Scene) -> bytes:
    """Give a decision that was recorded before its key was granted."""

    def earlier(body: Json) -> None:
        body["record"]["blockNumber"] = 9

    return bundle(scene, edit=earlier)


def _revoked(scene: Scene) -> Iterator[Case]:
    log = {"log": "log-2", "sealed_by": "log-2"}
    yield Case("revoked-key", "revoked-before", bundle(scene, "releasing", **log), "key-revoked")
    yield Case("revoked-log-key", "revoked-before", bundle(scene), "log-key-revoked")
    yield Case(
        "revoked-log-key-of-checkpoint", "revoked-before", bundle(scene, sealed_by="log-2"), "log-key-revoked"
    )
    yield Case("revoked-seal-only", "revoked-between", bundle(scene, sealed_by="log"), "log-key-revoked")
    corrected = scene.bundle(scene.decision(version=7), "supervisor", **log)
    yield Case("corrected", "revoked-after", corrected, "corrected")
    own = scene.change(
        ConsortiumChange(4, (), (), (scene.people["supervisor"].key_id,)), "committee", "customs", block=40
    )
    yield Case(
        "revoked-by-its-own-changes",
        "open",
        forged(scene, put("changes", value=[*scene.changes, own])),
        "key-revoked",
    )
    late = {**own, "recorded": {"blockNumber": 100, "blockTime": NOW, "logIndex": 3}}
    yield Case(
        "valid-revoked-in-the-same-place",
        "open",
        forged(scene, put("changes", value=[*scene.changes, late])),
        VALID,
    )


def _not_yet(scene: Scene) -> Iterator[Case]:
    def unrecorded(body: Json) -> None:
        body.update({"record": None, "leaf": None})

    yield Case("not-recorded", "open", bundle(scene, edit=unrecorded), "not-recorded")

    def unchecked(body: Json) -> None:
        body.update({"inclusion": None, "checkpoint": None, "witnesses": []})

    yield Case("no-checkpoint", "open", forged(scene, unchecked), "no-checkpoint")
    yield Case("witnesses-none", "strict", bundle(scene, witnesses=[]), "witnesses-missing")
    same = ["witness-1", "witness-1b"]
    yield Case("witnesses-of-one-organisation", "strict", bundle(scene, witnesses=same), "witnesses-missing")
