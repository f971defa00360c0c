"""A certificate on its way, as the case on which the engine is tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from kernel.database import Database
from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.certificates import certificate_content
from tests.workflow.builders.parties import Actor, granted
from workflow.certificates.models import Certificate
from workflow.certificates.service import draft_certificate
from workflow.engine.context import Context
from workflow.engine.registry import CaseKinds
from workflow.processes import CERTIFICATES


@dataclass(frozen=True)
class Desk(Stage):
    """A stage with one transaction, a broker and the draft of a certificate."""

    session: Session
    broker: Actor
    committee: Actor
    certificate: Certificate


@pytest.fixture
def desk(database: Database, context: Context) -> Iterator[Desk]:
    """Lay a draft on the desk, on each database."""
    with database.write() as session:
        broker = granted(session, Role.BROKER)
        yield Desk(
            context=context,
            kinds=CaseKinds(CERTIFICATES),
            session=session,
            broker=broker,
            committee=granted(session, Role.COMMITTEE),
            certificate=draft_certificate(session, context, broker.principal, certificate_content()),
        )
