"""Trust anchors: what a verifier's owner takes once from a party that it trusts, made from an installation.

The format is in docs/verification.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.errors import Kind, PisteError, Text
from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY, Deployment
from ledger.chain.installation import founding_signers
from ledger.consortium import FOUNDERS, THRESHOLD
from ledger.mirrors import LedgerCheckpoint
from ledger.models import StatementRecord, StatementState
from ledger.outbox import signatures_of
from ledger.proofs.bundles import recorded_changes
from ledger.proofs.sealing import network_of, signatures_json
from ledger.statements import id_bytes
from ledger.typed_data import from_hex
from ledger.verifier import TrustAnchor, TrustAnchorMalformed

TRUST_FORMAT = "piste-trust-v1"
FOUNDER_NAMES = {
    "organising-committee": Text("Organising committee", "组委会"),
    "customs": Text("Customs", "海关"),
    "commerce-bureau": Text("Commerce bureau", "商务局"),
}


class FoundersNotTheseOnes(PisteError):
    """The recorded changes of the consortium are not signed by the founding members that were named."""

    code = "trust.founders"
    kind = Kind.CONFLICT
    message = Text(
        "The founding members named did not sign the consortium's changes.", "所列创始成员未签署联盟变更。"
    )
    next_step = Text(
        "Put the true founding members into founders.json in the data folder.",
        "请在数据目录的founders.json中填写真实的创始成员。",
    )


@dataclass(frozen=True)
class Founding:
    """A founding member as verifiers trust it."""

    organisation: bytes
    name: Text
    signer: bytes
    """ERC-7913 signer at the founding."""


def founding_of(data_dir: Path) -> tuple[list[Founding], int]:
    """Give the founding members and the threshold: from `founders.json`, else those of the embedded stack."""
    path = data_dir / "founders.json"
    if path.exists():
        given = json.loads(path.read_text(encoding="utf-8"))
        members = [
            Founding(
                id_bytes(UUID(one["organisation"])),
                Text(one["name"]["en"], one["name"]["zh"]),
                from_hex(one["signer"]),
            )
            for one in given["founders"]
        ]
        return members, int(given["threshold"])
    signers = founding_signers(data_dir)
    return [
        Founding(id_bytes(founder.organisation), FOUNDER_NAMES[founder.name], signer.signer)
        for founder, signer in zip(FOUNDERS, signers, strict=True)
    ], THRESHOLD


def trust_anchor(
    session: Session,
    deployment: Deployment,
    founders: Sequence[Founding],
    *,
    threshold: int,
    witnesses: int,
    name: Text,
) -> bytes:
    """Write the trust anchor of an installation, as of its last checkpoint.

    Args:
        session: For the recorded changes and corrections.
        deployment: Where the contracts stand.
        founders: The founding members at the founding.
        threshold: How many of them sign a change.
        witnesses: How many witnesses a verifier is to demand.
        name: Of the installation, for people.

    Raises:
        FoundersNotTheseOnes: Somebody else signed the changes.
    """
    anchor: dict[str, Any] = {
        "format": TRUST_FORMAT,
        "name": {"en": name.en, "zh": name.zh},
        **network_of(deployment),
        "verifiers": {
            "p256": deployment.address(VERIFIER_P256).lower(),
            "passkey": deployment.address(VERIFIER_PASSKEY).lower(),
        },
        "founders": [
            {
                "organisation": "0x" + founder.organisation.hex(),
                "name": {"en": founder.name.en, "zh": founder.name.zh},
                "signer": "0x" + founder.signer.hex(),
            }
            for founder in founders
        ],
        "threshold": threshold,
        "witnesses": witnesses,
        "known": {
            "checkpoint": session.scalar(select(func.max(LedgerCheckpoint.size))) or 0,
            "changes": recorded_changes(session),
            "corrections": _corrections(session),
        },
    }
    data = rfc8785.dumps(anchor)
    try:
        TrustAnchor.from_bytes(data)
    except TrustAnchorMalformed:
        raise FoundersNotTheseOnes from None
    return data


def _corrections(session: Session) -> list[dict[str, Any]]:
    records = session.scalars(
        select(StatementRecord)
        .where(
            StatementRecord.primary_type == "DecisionCorrection",
            StatementRecord.state == StatementState.RECORDED,
        )
        .order_by(StatementRecord.id)
    )
    return [
        {
            "primaryType": record.primary_type,
            "message": record.statement().message(),
            "signatures": signatures_json(signatures_of(session, record)),
        }
        for record in records
    ]
