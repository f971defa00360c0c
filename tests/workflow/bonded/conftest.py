"""The stage of the check note tests: a broker with an accepted declaration, an officer, a gate."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kernel.database import Database
from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.certificates import active_certificate, certificate_content, goods_line
from tests.workflow.builders.declarations import accepted_declaration
from tests.workflow.builders.parties import Actor, granted
from workflow.bonded.service import CHECK_NOTES
from workflow.certificates.models import Certificate
from workflow.declarations.models import Declaration
from workflow.engine.context import Context
from workflow.engine.registry import CaseKinds
from workflow.processes import CERTIFICATES


@dataclass(frozen=True)
class Site(Stage):
    """A stage with its cast; the declaration holds 10 of line 1 and 20 of line 2."""

    broker: Actor
    officer: Actor
    gate: Actor
    certificate: Certificate
    declaration: Declaration


@pytest.fixture
def site(database: Database, context: Context) -> Site:
    """Set the scene, on each database."""
    kinds = CaseKinds(CERTIFICATES, CHECK_NOTES)
    stage = Stage(context, kinds)
    with database.write() as session:
        broker = granted(session, Role.BROKER)
        content = certificate_content(lines=[goods_line(1, "100"), goods_line(2, "100")])
        certificate = active_certificate(session, stage, CERTIFICATES, broker, content)
        declaration = accepted_declaration(session, stage, broker, certificate, {1: "10", 2: "20"})
        return Site(
            context=context,
            kinds=kinds,
            broker=broker,
            officer=granted(session, Role.DOCUMENTS_OFFICER),
            gate=granted(session, Role.GATE, device=True),
            certificate=certificate,
            declaration=declaration,
        )
