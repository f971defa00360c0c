"""Holds: what opens one, what the table allows, what each disposition leads to."""

from __future__ import annotations

import pytest

from inspection.documents.schema import Finding, Severity
from kernel.errors import NotPermitted, Text
from tests.workflow.builders.desk import AGREES, FOUR_CARTONS, Desk, fresh
from workflow.engine.refusals import ReasonMissing
from workflow.examination import service as examination
from workflow.examination.rules import (
    TABLE,
    Anomaly,
    Disposition,
    DispositionNotAllowed,
    HoldOpen,
    allowed,
    allowed_for_all,
    anomaly_of,
    check_disposition,
)
from workflow.examination.schemas import DispositionName, HoldAction
from workflow.examination.service import HOLDS


def finding(code: str, severity: Severity) -> Finding:
    return Finding(code=code, severity=severity, field="x", message=Text("It differs.", "不符。"))


def test_the_table_has_one_row_for_every_anomaly_and_never_lets_a_radiation_hold_go_by_word() -> None:
    assert [row.anomaly for row in TABLE] == list(Anomaly)
    assert all(row.allowed and row.because.zh for row in TABLE)
    assert Disposition.RELEASE not in allowed(Anomaly.RADIATION)
    assert Disposition.RELEASE not in allowed(Anomaly.QUANTITY_DIFFERS)
    assert Disposition.RELEASE not in allowed(Anomaly.PACKAGES_DIFFER)


@pytest.mark.parametrize("anomaly", list(Anomaly))
@pytest.mark.parametrize("chosen", list(Disposition))
def test_every_pair_is_allowed_or_refused_as_the_table_says(anomaly: Anomaly, chosen: Disposition) -> None:
    options = allowed(anomaly)
    if chosen in options:
        check_disposition(options, chosen)
        return
    with pytest.raises(DispositionNotAllowed) as refused:
        check_disposition(options, chosen)
    assert refused.value.allowed_zh.count("；") == len(options) - 1


def test_a_hold_of_several_anomalies_allows_what_all_of_them_allow() -> None:
    both = allowed_for_all((Anomaly.PACKAGES_DIFFER, Anomaly.VALUE_DIFFERS))
    assert both == (Disposition.RELEASE_WITH_AMENDMENT, Disposition.SUPPLEMENT_DOCUMENTS)
    assert allowed_for_all(()) == ()


@pytest.mark.parametrize(
    ("code", "severity", "anomaly"),
    [
        ("document.packages-excess", "mismatch", Anomaly.PACKAGES_DIFFER),
        ("document.quantity-excess", "mismatch", Anomaly.QUANTITY_DIFFERS),
        ("document.certificate-number", "mismatch", Anomaly.DOCUMENT_CONTRADICTS),
        ("document.quantity", "no_verdict", Anomaly.DOCUMENT_UNREADABLE),
        ("document.value-deviates", "warning", None),
        ("document.quantity", "match", None),
    ],
)
def test_which_finding_holds_goods(code: str, severity: str, anomaly: Anomaly | None) -> None:
    assert anomaly_of(code, severity) is anomaly


def test_documents_that_agree_let_the_declaration_go_on(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        assert fresh(session, declaration).state == "guarantee"
        assert examination.holds_of(session, declaration.id) == []


def test_a_mismatch_holds_and_says_why_in_both_languages(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration, hold = desk.held(session)
        assert fresh(session, declaration).state == "document_examination"
        assert "4 packages" in hold.why_en
        assert "4件" in hold.why_zh
        with pytest.raises(HoldOpen):
            examination.check_no_hold(session, declaration.id)
        examination.conclude_comparison(session, desk.context, declaration, [FOUR_CARTONS])
        assert len(examination.open_holds(session, declaration.id)) == 1


def test_no_verdict_is_never_a_pass(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
        unread = finding("document.unreadable", Severity.NO_VERDICT)
        examination.conclude_comparison(session, desk.context, declaration, [AGREES, unread])
        (hold,) = examination.open_holds(session, declaration.id)
        assert hold.kinds() == (Anomaly.DOCUMENT_UNREADABLE,)


@pytest.mark.parametrize(
    ("disposition", "state"),
    [
        ("release_with_amendment", "documents_required"),
        ("supplement_documents", "documents_required"),
        ("re_examine", "examination"),
        ("return_shipment", "detained"),
        ("hand_to_investigation", "detained"),
    ],
)
def test_each_disposition_leads_where_it_says(desk: Desk, disposition: DispositionName, state: str) -> None:
    with desk.database.write() as session:
        declaration, hold = desk.held(session)
        given = HoldAction(disposition=disposition, reason="as the table says")
        desk.go(session, desk.releaser, HOLDS, hold.id, "dispose", given)
        decided = examination.get_hold(session, desk.officer.principal, hold.id)
        assert (decided.state, decided.sequence) == ("decided", 1)
        assert decided.decided_by == desk.releaser.principal.officer_id
        assert fresh(session, declaration).state == state
        red = state == "examination"
        assert (fresh(session, declaration).channel == "red") is red


def test_an_explained_finding_does_not_hold_the_same_version_again(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
        unread = finding("document.unreadable", Severity.NO_VERDICT)
        examination.conclude_comparison(session, desk.context, declaration, [unread])
        (hold,) = examination.open_holds(session, declaration.id)
        given = HoldAction(disposition="release", reason="I read it myself")
        desk.go(session, desk.officer, HOLDS, hold.id, "dispose", given)
        assert fresh(session, declaration).state == "guarantee"
        examination.conclude_comparison(session, desk.context, declaration, [unread])
        assert examination.open_holds(session, declaration.id) == []


def test_a_disposition_needs_a_reason_a_row_of_the_table_and_an_officer(desk: Desk) -> None:
    with desk.database.write() as session:
        _, hold = desk.held(session)
        for actor, given, refusal in (
            (desk.officer, HoldAction(disposition="return_shipment"), ReasonMissing),
            (desk.officer, HoldAction(disposition="release", reason="never mind"), DispositionNotAllowed),
            (desk.broker, HoldAction(disposition="return_shipment", reason="mine"), NotPermitted),
        ):
            with pytest.raises(refusal):
                desk.sign(session, actor, HOLDS, hold.id, "dispose", given)


def test_a_refused_disposition_leaves_the_hold_open(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration, hold = desk.held(session)
        given = HoldAction(disposition="return_shipment", reason="wrong goods")
        desk.sign(session, desk.officer, HOLDS, hold.id, "dispose", given)
        assert hold.sequence is not None
        desk.refuse(session, hold)
        again = examination.get_hold(session, desk.officer.principal, hold.id)
        assert (again.state, again.sequence, again.decided_by) == ("open", None, None)
        assert fresh(session, declaration).state == "document_examination"
