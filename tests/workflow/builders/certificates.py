"""Material certificates: valid content, and certificates brought to the state that a test begins with."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.parties import Actor, granted
from workflow.certificates.models import Certificate
from workflow.certificates.service import draft_certificate, get_certificate
from workflow.engine.registry import CaseKind

_numbers = count(1)


def goods_line(line_no: int = 1, quantity: str = "100", **changes: object) -> dict[str, Any]:
    return {
        "line_no": line_no,
        "hs_code": "910690",
        "name_zh": "计时设备",
        "name_en": "Timing equipment",
        "quantity": quantity,
        "unit": "H87",
        "packages": 2,
        "package_kind": "CT",
        "gross_kg": "120.5",
        "net_kg": "100",
        "value": "25000",
        "currency": "EUR",
        "origin": "CH",
        **changes,
    }


def certificate_content(**changes: object) -> dict[str, Any]:
    """Give content in which the rules find no fault."""
    return {
        "number": f"MCO26-{next(_numbers):04d}",
        "event": "milano-cortina-2026",
        "issuing_team": "Logistics",
        "holder": "CH:CHE-123456789",
        "holder_name": "Alpine Timing AG",
        "broker": "DE:HRB12345",
        "broker_name": "Nordwind Zollservice GmbH",
        "venue": "Sliding Centre",
        "functional_area": "Timing and scoring",
        "arrival_ports": ["ITMXP"],
        "category": "special_need_temporary",
        "legal_basis": "Istanbul Convention",
        "guarantee_reference": "G-2026-001",
        "valid_from": "2026-01-01",
        "valid_until": "2026-06-01",
        "re_export_due": "2026-06-01",
        "lines": [goods_line()],
        **changes,
    }


def active_certificate(
    session: Session, stage: Stage, kind: CaseKind, broker: Actor, content: dict[str, Any] | None = None
) -> Certificate:
    """Bring a certificate through all three confirmations."""
    committee, officer = granted(session, Role.COMMITTEE), granted(session, Role.DOCUMENTS_OFFICER)
    drafted = draft_certificate(session, stage.context, broker.principal, content or certificate_content())
    for actor, event in ((broker, "submit"), (committee, "approve"), (officer, "file")):
        stage.go(session, actor, kind, drafted.id, event)
    return get_certificate(session, broker.principal, drafted.id)
