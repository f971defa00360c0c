"""Examinations and readings: two stages of radiation, and who may say that goods conform."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from kernel.errors import NotPermitted, Text
from tests.workflow.builders.desk import Desk, calibration, fresh
from workflow.engine.life_cycle import TransitionRefused
from workflow.examination import readings
from workflow.examination import service as examination
from workflow.examination.models import InstrumentReading
from workflow.examination.readings import NotAnInstrument
from workflow.examination.rules import (
    Anomaly,
    IsolationNotNeeded,
    ReadingNotExpected,
    ResultMissing,
    SecondMeasurementMissing,
    VerdictForbidsConform,
)
from workflow.examination.schemas import ContaminationReading, DoseRateReading, ExaminationAction
from workflow.examination.service import EXAMINATIONS

RINGS, RAISED, EXCEEDS = "0.25", "0.19", "7.94"
CONFORM = ExaminationAction(result="conform", reason="as declared")


def send(desk: Desk, reading: DoseRateReading | ContaminationReading) -> InstrumentReading:
    """Sign a reading and send it in, as the instrument does."""
    with desk.database.write() as session:
        prepared = readings.prepare_reading(session, desk.context, desk.instrument.principal, reading)
        signature = desk.instrument.sign(prepared)
        return readings.receive_reading(session, desk.context, desk.instrument.principal, reading, signature)


def test_a_ringing_portal_holds_isolates_and_a_second_measurement_within_the_limit_conforms(
    desk: Desk,
) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
    send(desk, desk.reading(declaration, "portal", RINGS))
    desk.work(readings.JUDGE_TASK)
    with desk.database.write() as session:
        held = fresh(session, declaration)
        assert (held.state, held.channel) == ("examination", "red")
        (hold,) = examination.open_holds(session, declaration.id)
        assert hold.kinds() == (Anomaly.RADIATION,)
        ordered = examination.open_examination(session, declaration.id)
        assert ordered is not None
        with pytest.raises(SecondMeasurementMissing):
            desk.sign(session, desk.inspector, EXAMINATIONS, ordered.id, "report", CONFORM)
        desk.plain(session, desk.inspector, EXAMINATIONS, ordered.id, "isolate")
    send(desk, desk.reading(declaration, "retest", RAISED))
    desk.work(readings.JUDGE_TASK)
    with desk.database.write() as session:
        verdict = examination.get_examination(session, desk.inspector.principal, ordered.id).verdict
        assert verdict is not None
        assert verdict["verdict"] == "within_limit"
        assert verdict["measurements"][0]["alarm"] == "raised"
        desk.go(session, desk.inspector, EXAMINATIONS, ordered.id, "report", CONFORM)
        assert [one.state for one in examination.holds_of(session, declaration.id)] == ["lifted"]
        assert fresh(session, declaration).state == "document_examination"
        assert examination.inspectors_of(session, declaration.id) == {desk.inspector.principal.officer_id}
    assert desk.fault_of_jobs() == []


def test_a_quiet_portal_changes_nothing(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
    send(desk, desk.reading(declaration, "portal", "0.09"))
    desk.work(readings.JUDGE_TASK)
    with desk.database.read() as session:
        assert examination.examinations_of(session, declaration.id) == []
        (row,) = examination.readings_of(session, desk.officer.principal, declaration.id)
        assert row.judgement is not None
        assert row.judgement["alarm"] == "normal"


def test_a_portal_out_of_calibration_gives_no_verdict_and_is_no_pass(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
    late = calibration(desk.context.clock.now(), days=-1)
    send(desk, desk.reading(declaration, "portal", "0.09", calibration=late))
    desk.work(readings.JUDGE_TASK)
    with desk.database.read() as session:
        assert [hold.kinds() for hold in examination.open_holds(session, declaration.id)] == [
            (Anomaly.RADIATION,)
        ]


def test_one_measurement_beyond_the_limit_outweighs_all_others(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration, ordered = desk.ordered(session)
        desk.plain(session, desk.inspector, EXAMINATIONS, ordered.id, "isolate")
    send(desk, desk.reading(declaration, "retest", EXCEEDS))
    send(desk, desk.reading(declaration, "retest", RAISED))
    wipe = ContaminationReading.model_validate(
        {
            "quantity": "surface_contamination",
            "declaration": str(declaration.id),
            "stage": "retest",
            "instrument": "SCM-3",
            "calibration": calibration(desk.context.clock.now()),
            "measured_at": desk.context.clock.now().isoformat(),
            "alpha_bq_cm2": "0.01",
            "beta_bq_cm2": "0.05",
            "area_cm2": "300",
        }
    )
    send(desk, wipe)
    desk.work(readings.JUDGE_TASK)
    with desk.database.write() as session:
        found = examination.get_examination(session, desk.inspector.principal, ordered.id)
        assert found.verdict is not None
        assert found.verdict["verdict"] == "exceeds_limit"
        assert len(found.verdict["measurements"]) == 3
        with pytest.raises(VerdictForbidsConform):
            desk.sign(session, desk.inspector, EXAMINATIONS, ordered.id, "report", CONFORM)
        bad = ExaminationAction(result="not_conform", reason="source found")
        desk.go(session, desk.inspector, EXAMINATIONS, ordered.id, "report", bad)
        (hold,) = examination.open_holds(session, declaration.id)
        assert hold.kinds() == (Anomaly.GOODS_NOT_CONFORM,)
        assert fresh(session, declaration).state == "examination"


def test_the_same_reading_twice_is_one_reading(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
    reading = desk.reading(declaration, "portal", RINGS)
    assert send(desk, reading).id == send(desk, reading).id
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InstrumentReading)) == 1


def test_readings_come_from_instruments_and_when_they_are_expected(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
        reading = desk.reading(declaration, "portal", RINGS)
        with pytest.raises(NotAnInstrument):
            readings.prepare_reading(session, desk.context, desk.inspector.principal, reading)
        early = desk.reading(declaration, "retest", RAISED)
        with pytest.raises(ReadingNotExpected):
            readings.prepare_reading(session, desk.context, desk.instrument.principal, early)


def test_an_examination_without_radiation_is_reported_at_once_and_isolates_nothing(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration, ordered = desk.ordered(session, radiation=False)
        with pytest.raises(IsolationNotNeeded):
            desk.plain(session, desk.inspector, EXAMINATIONS, ordered.id, "isolate")
        with pytest.raises(ResultMissing):
            desk.sign(session, desk.inspector, EXAMINATIONS, ordered.id, "report", ExaminationAction())
        with pytest.raises(NotPermitted):
            desk.sign(session, desk.releaser, EXAMINATIONS, ordered.id, "report", CONFORM)
        desk.go(session, desk.inspector, EXAMINATIONS, ordered.id, "report", CONFORM)
        with pytest.raises(TransitionRefused):
            desk.sign(session, desk.inspector, EXAMINATIONS, ordered.id, "report", CONFORM)
        again = examination.order_examination(
            session, desk.context, fresh(session, declaration), Text("Again", "再查"), radiation=False
        )
        assert again.id != ordered.id
