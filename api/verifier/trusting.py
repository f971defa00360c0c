"""The trust anchor of this installation, as it is handed out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.command_line.verify import NAME
from api.foundation.installation import installation_of
from ledger.mirrors import LedgerCheckpoint
from ledger.models import StatementRecord, StatementState
from ledger.proofs.anchors import founding_of, trust_anchor

KNOWN = ("ConsortiumChange", "FounderReplacement", "DecisionCorrection")
TAG_DIGITS = 32


@dataclass(frozen=True)
class HandedOut:
    """A trust anchor, and what it was made of."""

    state: tuple[int, int, int]
    """Size of the last checkpoint, number of the statements that the anchor repeats and the last one's id."""
    data: bytes
    """RFC 8785 JSON."""


def handed_out(request: Request, session: Session) -> bytes:
    """Give the installation's trust anchor; made anew, which checks every signature, only where there is news.

    Raises:
        FoundersNotTheseOnes: The founding members of this installation did not sign its changes.
    """
    app, place = request.app, installation_of(request)
    state = _state(session)
    kept: HandedOut | None = getattr(app.state, "trust_anchor", None)
    if kept is None or kept.state != state:
        founders, threshold = founding_of(place.settings.data_dir)
        data = trust_anchor(
            session,
            place.context.deployment,
            founders,
            threshold=threshold,
            witnesses=place.settings.witnesses_demanded,
            name=NAME,
        )
        kept = app.state.trust_anchor = HandedOut(state, data)
    return kept.data


def within_markup(anchor: bytes) -> str:
    """Write JSON so that it may stand in a page: nothing in it can end the element that holds it."""
    return json.dumps(json.loads(anchor), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def tag_of(data: bytes) -> str:
    """Give the entity tag of bytes."""
    return f'"{sha256(data).hexdigest()[:TAG_DIGITS]}"'


def _state(session: Session) -> tuple[int, int, int]:
    size = session.scalar(select(func.max(LedgerCheckpoint.size)))
    recorded = (StatementRecord.state == StatementState.RECORDED, StatementRecord.primary_type.in_(KNOWN))
    count, last = session.execute(
        select(func.count(StatementRecord.id), func.max(StatementRecord.id)).where(*recorded)
    ).one()
    return size or 0, count, last or 0
