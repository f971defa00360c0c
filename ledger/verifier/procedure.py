"""The procedure of docs/verification.md, step by step: the first check that fails decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ledger.verifier.anchor import TrustAnchor
from ledger.verifier.membership import (
    LOG,
    OF_FOUNDERS,
    WITNESS,
    Attested,
    Register,
    Standing,
    needed_officers,
    needed_roles,
)
from ledger.verifier.papers import QR_MARK, Paper, read_codes, read_pdf
from ledger.verifier.proofs import (
    BUNDLE_FORMAT,
    REDACTED_FORMAT,
    Bundle,
    RedactedCopy,
    Seal,
    paper_seal,
    read_bundle,
    read_redacted,
)
from ledger.verifier.reading import MOST_JSON_BYTES, Fault, Reason, check_plain, read_json
from ledger.verifier.results import Result, result_of

T = TypeVar("T")


def verify(data: bytes, trust: TrustAnchor) -> Result:
    """Judge a release note, a proof bundle, a redacted copy or the texts of QR codes.

    Args:
        data: The file. Nothing in it is believed before it is checked, and nothing in it raises.
        trust: What the verifier's owner trusts.
    """
    witnesses = 0
    facts: dict[str, Any] | None = None
    try:
        proof = _read(data, trust)
        _check_file(proof, trust)
        judged = _Judged.of(proof, trust)
        witnesses = len(judged.witnesses())
        facts = judged.facts()
        judged.check()
        reason = Reason.VALID
    except Fault as fault:
        reason = fault.reason
    return result_of(
        reason, checkpoint=trust.checkpoint, demanded=trust.witnesses, witnesses=witnesses, facts=facts
    )


@dataclass(frozen=True)
class _Proof:
    """What a file carries."""

    bundle: Bundle
    copy: RedactedCopy | None = None
    paper: Seal | None = None

    def seals(self) -> Iterator[tuple[Reason, Seal]]:
        """Give all seals in the order in which they are looked at, with the reason of one that does not hold."""
        if self.copy is not None:
            yield Reason.COPY_SEAL, self.copy.seal
        if self.paper is not None:
            yield Reason.PAPER_SEAL, self.paper
        yield Reason.SEAL, self.bundle.seal


def _read(data: bytes, trust: TrustAnchor) -> _Proof:
    """Steps 1 to 5: find and read what the file carries."""
    if data.startswith(b"%PDF-"):
        paper = read_pdf(data)
        bundle = _bundle_alone(paper.bundle, trust)
        return _Proof(bundle, paper=_seal_of(paper, bundle))
    if len(data) > MOST_JSON_BYTES:
        raise Fault(Reason.TOO_LARGE)
    if data.startswith(QR_MARK.encode()):
        return _Proof(_bundle_alone(read_codes(data.decode("latin-1")), trust))
    if not data.startswith(b"{"):
        raise Fault(Reason.UNKNOWN_FORMAT)
    return _formed(data, lambda top: _alone(top, trust))


def _alone(top: dict[str, Any], trust: TrustAnchor) -> _Proof:
    if top.get("format") == REDACTED_FORMAT:
        copy = read_redacted(top, trust)
        return _Proof(copy.bundle, copy=copy)
    return _Proof(_bundle_of(top, trust))


def _bundle_alone(data: bytes, trust: TrustAnchor) -> Bundle:
    return _formed(data, lambda top: _bundle_of(top, trust))


def _bundle_of(top: dict[str, Any], trust: TrustAnchor) -> Bundle:
    if top.get("format") != BUNDLE_FORMAT:
        raise Fault(Reason.UNKNOWN_FORMAT)
    return read_bundle(top, trust)


def _formed(data: bytes, read: Callable[[dict[str, Any]], T]) -> T:
    """Read canonical JSON of a known form; where it has none, a rule of canonical JSON may be why, and comes first."""
    top = read_json(data)
    try:
        return read(top)
    except Fault:
        check_plain(data)
        raise


def _seal_of(paper: Paper, bundle: Bundle) -> Seal:
    return paper_seal(paper.by, bundle.subject, paper.content_hash, paper.signed_at)


def _check_file(proof: _Proof, trust: TrustAnchor) -> None:
    """Steps 6 to 14: was anything altered?"""
    bundle = proof.bundle
    for reason, seal in proof.seals():
        if not seal.holds(bundle.network):
            raise Fault(reason)
    if bundle.network != trust.network:
        raise Fault(Reason.OTHER_NETWORK)
    if not all(signed.holds(bundle.digest, trust.verifiers) for signed in bundle.signatures):
        raise Fault(Reason.SIGNATURE)
    if bundle.changes.order is not None:
        raise Fault(bundle.changes.order)
    message = bundle.message
    if bundle.record is not None and bundle.record["contract"] != message.type.contract:
        raise Fault(Reason.RECORD)
    _check_log(bundle, trust)
    content_hash = message.octets("contentHash") if "contentHash" in message.values else None
    for disclosed in (bundle.disclosed, proof.copy.disclosed if proof.copy else None):
        if disclosed is not None and not disclosed.holds(content_hash):
            raise Fault(Reason.DISCLOSED)


def _check_log(bundle: Bundle, trust: TrustAnchor) -> None:
    checkpoint, inclusion, leaf = bundle.checkpoint, bundle.inclusion, bundle.leaf
    if checkpoint is None or inclusion is None or leaf is None:
        return
    size, root = checkpoint.message.number("size"), checkpoint.message.octets("root")
    if inclusion.size != size or leaf.root(inclusion) != root:
        raise Fault(Reason.INCLUSION)
    if not _holds(checkpoint, trust):
        raise Fault(Reason.CHECKPOINT_SIGNATURE)
    for witness in bundle.witnesses:
        if (witness.message.number("size"), witness.message.octets("root")) != (size, root):
            raise Fault(Reason.WITNESS)
        if not _holds(witness, trust):
            raise Fault(Reason.WITNESS_SIGNATURE)


def _holds(attested: Attested, trust: TrustAnchor) -> bool:
    return attested.holds(trust.network, trust.verifiers)


@dataclass(frozen=True)
class _Judged:
    """A file that was not altered, and how the keys in it stand."""

    proof: _Proof
    trust: TrustAnchor
    signers: tuple[Standing, ...]
    log: tuple[Standing, ...]
    """Of the seals, then of the checkpoint's signatures."""
    by_witnesses: tuple[Standing, ...]

    @classmethod
    def of(cls, proof: _Proof, trust: TrustAnchor) -> _Judged:
        """Step 15: apply the changes and judge every key."""
        bundle = proof.bundle
        register = trust.register(bundle.changes)
        log = [register.standing_of_log(seal.by.key_id, LOG, seal.signed_at) for _, seal in proof.seals()]
        if bundle.checkpoint is not None:
            log += _log_standings(register, bundle.checkpoint, LOG)
        by_witnesses = [
            standing
            for witness in bundle.witnesses
            for standing in _log_standings(register, witness, WITNESS)
        ]
        return cls(proof, trust, tuple(_signers(bundle, register)), tuple(log), tuple(by_witnesses))

    def check(self) -> None:
        """Steps 16 to 24: who is behind it, does it still count, is it recorded?"""
        self._check_issuer()
        bundle = self.proof.bundle
        if any(standing.revoked for standing in self.signers):
            raise Fault(Reason.KEY_REVOKED)
        if any(standing.revoked for standing in self.log):
            raise Fault(Reason.LOG_KEY_REVOKED)
        if bundle.digest in self.trust.corrected:
            raise Fault(Reason.CORRECTED)
        if bundle.record is None:
            raise Fault(Reason.NOT_RECORDED)
        if bundle.checkpoint is None:
            raise Fault(Reason.NO_CHECKPOINT)
        if len(self.witnesses()) < self.trust.witnesses:
            raise Fault(Reason.WITNESSES_MISSING)

    def _check_issuer(self) -> None:
        message = self.proof.bundle.message
        for standing in self.signers:
            if standing.fault is not None:
                raise Fault(standing.fault)
        by_founders = message.type.name in OF_FOUNDERS
        needed = self.trust.threshold if by_founders else needed_officers(message)
        if len({(standing.organisation, standing.officer) for standing in self.signers}) < needed:
            raise Fault(Reason.SIGNERS_MISSING)
        if any(standing.fault for standing in self.log):
            raise Fault(Reason.LOG_KEY)
        if any(standing.fault for standing in self.by_witnesses):
            raise Fault(Reason.WITNESS_KEY)

    def witnesses(self) -> list[bytes]:
        """Give the organisations whose witness counts, each once."""
        counting = [it.organisation for it in self.by_witnesses if not it.fault and not it.revoked]
        return [organisation for organisation in dict.fromkeys(counting) if organisation is not None]

    def facts(self) -> dict[str, Any]:
        """Give what the file says, for people; none of it is altered, whether it counts is the outcome."""
        bundle, copy = self.proof.bundle, self.proof.copy
        message = bundle.message
        disclosed = copy.disclosed if copy is not None else bundle.disclosed
        return {
            "asOf": self.trust.checkpoint,
            "checkpoint": _checkpoint_facts(bundle),
            "digest": _hex(bundle.digest),
            "disclosed": disclosed.facts() if disclosed is not None else None,
            "message": message.values,
            "paper": self.proof.paper is not None,
            "record": bundle.record,
            "sealedAt": bundle.seal.signed_at,
            "signers": [
                {
                    "keyId": _hex(signed.key_id),
                    "officer": _hex(standing.officer),
                    "organisation": _hex(standing.organisation),
                }
                for signed, standing in zip(bundle.signatures, self.signers, strict=True)
            ],
            "subject": _hex(message.subject),
            "type": message.type.name,
            "view": copy.view if copy is not None else None,
            "witnesses": [_hex(organisation) for organisation in self.witnesses()],
        }


def _signers(bundle: Bundle, register: Register) -> Iterator[Standing]:
    """Judge the keys of the statement itself."""
    message = bundle.message
    if message.type.name in OF_FOUNDERS:
        founders = register.founders_before(message.number("sequence"))
        for signed in bundle.signatures:
            organisation = founders.get(signed.key_id)
            yield Standing(organisation, None, None if organisation else Reason.KEY_UNKNOWN, revoked=False)
        return
    moment = bundle.record["blockTime"] if bundle.record else bundle.seal.signed_at
    needed = needed_roles(message)
    for signed in bundle.signatures:
        yield register.standing(signed.key_id, needed, moment, bundle.place)


def _log_standings(register: Register, attested: Attested, role: int) -> list[Standing]:
    signed_at = attested.message.number("signedAt")
    return [register.standing_of_log(signed.key_id, role, signed_at) for signed in attested.signatures]


def _checkpoint_facts(bundle: Bundle) -> dict[str, Any] | None:
    if bundle.checkpoint is None or bundle.inclusion is None:
        return None
    message = bundle.checkpoint.message
    return {
        "index": bundle.inclusion.index,
        "root": message.values["root"],
        "signedAt": message.number("signedAt"),
        "size": message.number("size"),
    }


def _hex(value: bytes | None) -> str | None:
    return "0x" + value.hex() if value is not None else None
