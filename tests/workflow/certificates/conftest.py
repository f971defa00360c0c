"""The stage of the certificate tests: broker, committee, customs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kernel.database import Database
from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.parties import Actor, granted
from workflow.engine.context import Context
from workflow.engine.registry import CaseKinds
from workflow.processes import CERTIFICATES


@dataclass(frozen=True)
class Desks(Stage):
    """A stage with its cast."""

    broker: Actor
    committee: Actor
    customs: Actor


@pytest.fixture
def desks(database: Database, context: Context) -> Desks:
    """Set the scene, on each database."""
    with database.write() as session:
        return Desks(
            context=context,
            kinds=CaseKinds(CERTIFICATES),
            broker=granted(session, Role.BROKER),
            committee=granted(session, Role.COMMITTEE),
            customs=granted(session, Role.DOCUMENTS_OFFICER),
        )
