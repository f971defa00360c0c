"""One installation without a chain: where the contracts would stand, and what use cases work with."""

from __future__ import annotations

from datetime import UTC, datetime

from kernel.archive import Archive
from kernel.clock import Clock, ManualClock
from kernel.settings import Settings
from ledger.chain.deployment import CONTRACTS, Deployment
from workflow.engine.context import Context

MORNING = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
"""Where the `clock` fixture stands at the start of a test."""


def deployment() -> Deployment:
    """Give a deployment at made-up addresses; digests depend on them, nothing is sent there."""
    return Deployment(31337, {name: f"0x{place + 1:040x}" for place, name in enumerate(CONTRACTS)})


def context_of(settings: Settings, archive: Archive, clock: Clock | None = None) -> Context:
    """Give what use cases work with."""
    return Context(
        settings=settings, archive=archive, deployment=deployment(), clock=clock or ManualClock(MORNING)
    )
