"""Verifying release notes offline, against TradeTrust's verifier that asks the node."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import rfc8785
from sqlalchemy import select

from bench.figures import Figure
from bench.ledger.gas import anchor
from bench.ledger.rivals import ABSENT, Rivals
from bench.ledger.stage import DECIDER, Size, Stage, progress
from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY
from ledger.models import StatementRecord, StatementState
from ledger.proofs.bundles import build_bundle
from ledger.proofs.sealing import network_of
from ledger.statements import ReleaseDecision
from ledger.verifier import Outcome, TrustAnchor, verify

NOTES = 60
"""Different release decisions: the signatures of each are judged anew, while the list of changes and the checkpoint,
which they share as many notes do, are remembered from the first."""


def measure(stage: Stage, size: Size, others: Rivals | None) -> list[Figure]:
    """Let both verify in turns what was recorded on the same node."""
    progress("verification: building bundles")
    trust = _trust(stage)
    bundles = _bundles(stage, min(NOTES, size.verifications))
    _verified(bundles, trust, len(bundles))
    progress("verification: in turns")
    ours, theirs = [0.0, 0.0], [0.0, 0.0]
    if others is not None:
        others.ask(do="verify", count=1)
    used = time.process_time()
    for _ in range(size.rounds):
        ours[0] += size.verifications
        ours[1] += _verified(bundles, trust, size.verifications)
        if others is not None:
            theirs[0] += size.rival_verifications
            theirs[1] += others.ask(do="verify", count=size.rival_verifications)["seconds"]
    used = (time.process_time() - used) / ours[0]
    rate = ours[0] / ours[1]
    figures = [
        Figure(
            "verify_per_s",
            rate,
            "1/s",
            f"whole proof bundles of {len(bundles)} decisions in turn; shared checkpoints and changes are remembered",
        ),
        Figure("verify_offline_ms", 1000 / rate, "ms", "no network; to reach: under 5"),
        Figure(
            "verify_cpu_ms", 1000 * used, "ms", "processor time of one, which a busy machine does not change"
        ),
        Figure("verify_first_ms", _first_ms(stage, bundles[0]), "ms", "the first bundle that an anchor sees"),
    ]
    if others is None:
        return [*figures, Figure("verify_ratio", float("nan"), "×", f"tt-verify {ABSENT}")]
    rival = theirs[0] / theirs[1]
    without = "tt-verify 9.7.2: hash and document store on this node, without its look-up in the DNS"
    return [
        *figures,
        Figure("verify_rival_per_s", rival, "1/s", without),
        Figure("verify_ratio", rate / rival, "×", "verify_rival_per_s; to reach: 50"),
    ]


def _trust(stage: Stage) -> bytes:
    """Give the trust anchor of the stage's consortium."""
    world, names = stage.world, {"en": "Bench", "zh": "测试"}
    anchor_: dict[str, Any] = {
        "format": "piste-trust-v1",
        "name": names,
        **network_of(world.deployment),
        "verifiers": {
            "p256": world.deployment.address(VERIFIER_P256).lower(),
            "passkey": world.deployment.address(VERIFIER_PASSKEY).lower(),
        },
        "founders": [
            # As `make_world` numbers the founding organisations.
            {
                "organisation": "0x" + bytes([place] * 32).hex(),
                "name": names,
                "signer": "0x" + key.signer.hex(),
            }
            for place, key in enumerate(world.founders, 1)
        ],
        "threshold": 2,
        "witnesses": 0,
        "known": {"checkpoint": 0, "changes": [], "corrections": []},
    }
    return rfc8785.dumps(anchor_)


def _bundles(stage: Stage, count: int) -> list[bytes]:
    """Decide, checkpoint, and build the bundles of the decisions."""
    world = stage.world
    wanted = (
        select(StatementRecord)
        .where(
            StatementRecord.primary_type == ReleaseDecision.__name__,
            StatementRecord.state == StatementState.RECORDED,
        )
        .limit(count)
    )
    with world.database.read() as session:
        missing = count - len(session.scalars(wanted).all())
    if missing > 0:
        for one in stage.decisions(missing):
            world.enqueue(one.statement, DECIDER)
        world.drive()
    anchor(stage)
    with world.database.read() as session:
        return [
            build_bundle(session, world.deployment, record, signer=world.people["log"], now=world.clock.now())
            for record in session.scalars(wanted).all()
        ]


def _verified(bundles: Sequence[bytes], trust: bytes | TrustAnchor, count: int) -> float:
    """Verify so many bundles in turn; give the seconds."""
    anchor_ = TrustAnchor.from_bytes(trust) if isinstance(trust, bytes) else trust
    begun = time.perf_counter()
    for turn in range(count):
        result = verify(bundles[turn % len(bundles)], anchor_)
        assert result.outcome is Outcome.VALID, result
    return time.perf_counter() - begun


def _first_ms(stage: Stage, bundle: bytes) -> float:
    begun = time.perf_counter()
    result = verify(bundle, TrustAnchor.from_bytes(_trust(stage)))
    assert result.outcome is Outcome.VALID, result
    return 1000 * (time.perf_counter() - begun)
