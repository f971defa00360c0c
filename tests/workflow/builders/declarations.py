"""Declarations: valid content, and accepted declarations that hold goods of a certificate."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from tests.workflow.builders.acting import Stage
from tests.workflow.builders.parties import Actor
from workflow.certificates import service as certificates
from workflow.certificates.models import Certificate
from workflow.declarations.models import Declaration
from workflow.declarations.numbers import declaration_number
from workflow.declarations.service import content_of, draft_declaration, draw_requests

_numbers = count(1)


def declared_line(
    certificate: str | None, line_no: int = 1, quantity: str = "10", **changes: object
) -> dict[str, Any]:
    quoted = {} if certificate is None else {"certificate_number": certificate, "certificate_line": line_no}
    return {
        "line_no": line_no,
        "hs_code": "910690",
        "name_en": "Timing equipment",
        "name_zh": "计时设备",
        "quantity": quantity,
        "unit": "H87",
        "packages": 1,
        "package_kind": "CT",
        "gross_kg": "60",
        "net_kg": "50",
        "value": "1000",
        "currency": "EUR",
        "origin": "CH",
        **quoted,
        **changes,
    }


def declaration_content(lines: list[dict[str, Any]], **changes: object) -> dict[str, Any]:
    """Give content in which the rules find no fault."""
    return {
        "reference": f"NW-{next(_numbers):05d}",
        "office": "0101",
        "direction": "import",
        "procedure": "53",
        "supervision_mode": "2600",
        "event": "milano-cortina-2026",
        "venue": "Sliding Centre",
        "declarant": "DE:HRB12345",
        "declarant_name": "Nordwind Zollservice GmbH",
        "holder": "CH:CHE-123456789",
        "holder_name": "Alpine Timing AG",
        "transport": {"mode": "road"},
        "lines": lines,
        "total_packages": sum(line["packages"] for line in lines),
        "gross_kg": str(sum(int(line["gross_kg"]) for line in lines)),
        "currency": "EUR",
        "total_value": str(sum(int(line["value"]) for line in lines)),
        **changes,
    }


def accepted_declaration(
    session: Session,
    stage: Stage,
    broker: Actor,
    certificate: Certificate,
    quantities: dict[int, str] | None = None,
) -> Declaration:
    """Make a declaration as it stands after its filing was recorded: accepted, its draws standing.

    Args:
        session: The transaction.
        stage: Where the test acts.
        broker: Whose declaration it is.
        certificate: An active certificate of the broker.
        quantities: What it draws, by certificate line; declared lines are numbered alike.
    """
    lines = [
        declared_line(certificate.number, line, asked) for line, asked in (quantities or {1: "10"}).items()
    ]
    declaration = draft_declaration(session, stage.context, broker.principal, declaration_content(lines))
    draws = certificates.match_draws(
        session, stage.context, broker.principal, draw_requests(content_of(declaration))
    )
    certificates.hold_draws(session, declaration.id, 1, draws)
    certificates.settle_draws(session, declaration.id, recorded=True)
    declaration.state, declaration.accepted_at = "accepted", stage.context.clock.now()
    declaration.number = declaration_number("0101", 2026, import_=True, sequence=next(_numbers))
    session.flush()
    return declaration
