"""Firms are kept apart: who sees which rows, in every state."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select

from kernel.errors import NotFound
from ledger.keys.roles import Role
from tests.workflow.builders.parties import granted, officer
from tests.workflow.engine.conftest import Desk
from workflow.certificates.models import Certificate
from workflow.certificates.rules import STATES
from workflow.engine.cases import HistoryEntry
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.tenancy import AUTHORITIES, Tenanted, get_visible, visible


def _sees(desk: Desk, principal: Principal) -> bool:
    listed = desk.session.scalars(visible(select(Certificate), Certificate, principal)).all()
    try:
        get_visible(desk.session, Certificate, desk.certificate.id, principal)
    except NotFound:
        assert desk.certificate not in listed
        return False
    assert desk.certificate in listed
    return True


@pytest.mark.parametrize("state", sorted(STATES))
def test_who_sees_a_case_in_a_state(desk: Desk, state: str) -> None:
    desk.certificate.state = state
    desk.session.flush()
    owner = desk.broker.principal
    assert _sees(desk, owner)
    assert _sees(desk, SYSTEM_PRINCIPAL)
    colleague = officer(Role.BROKER, organisation_id=owner.organisation_id).principal
    assert _sees(desk, colleague)
    for role in Role:
        assert _sees(desk, officer(role).principal) == (state != "draft" and bool(role & AUTHORITIES)), role


def test_what_is_hidden_looks_like_what_is_not_there(desk: Desk) -> None:
    stranger = granted(desk.session, Role.BROKER).principal
    answers = []
    for row_id in (desk.certificate.id, uuid4()):
        with pytest.raises(NotFound) as missing:
            get_visible(desk.session, Certificate, row_id, stranger)
        answers.append(
            (missing.value.what, missing.value.code, missing.value.words().en.replace(str(row_id), ""))
        )
    assert answers[0] == answers[1]


def test_a_locked_row_is_read_anew(desk: Desk) -> None:
    desk.session.flush()
    table = Certificate.__table__
    desk.session.connection().execute(
        table.update().where(table.c.id == desk.certificate.id).values(state="revoked")  # type: ignore[attr-defined]  # a table
    )
    assert desk.certificate.state == "draft"
    locked = get_visible(desk.session, Certificate, desk.certificate.id, desk.broker.principal, lock=True)
    assert locked.state == "revoked"


def test_principals_are_named_for_logs() -> None:
    person, device = officer(Role.BROKER).principal, officer(Role.GATE, device=True).principal
    assert person.actor == f"person:{person.person_id}"
    assert device.actor == f"client:{device.client_id}"
    assert (person.officer_id, device.officer_id) == (person.person_id, device.client_id)
    assert not person.is_system
    assert SYSTEM_PRINCIPAL.is_system


def test_what_a_client_sent_itself_it_may_look_at_again(desk: Desk) -> None:
    class Sent(Tenanted):
        """As a table with the sender's client has it."""

        sent_by = "client_id"
        private_states = ()
        open_to = Role(0)
        organisation_id = HistoryEntry.organisation_id
        client_id = HistoryEntry.client_id

    sender = granted(desk.session, Role.INSTRUMENT, device=True).principal
    entry = desk.session.scalars(select(HistoryEntry)).first()
    assert entry is not None
    entry.client_id = sender.client_id
    desk.session.flush()
    assert desk.session.scalars(visible(select(HistoryEntry), Sent, sender)).all() == [entry]
    other = granted(desk.session, Role.INSTRUMENT, device=True).principal
    assert desk.session.scalars(visible(select(HistoryEntry), Sent, other)).all() == []
