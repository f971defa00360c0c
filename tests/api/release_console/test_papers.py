"""What becomes of a declaration as its papers are read, one after the other, and as asked-for papers come in."""

from __future__ import annotations

import pytest

from kernel.errors import Text
from kernel.jobs import Job, JobState
from tests.api.cast import Cast, Json
from tests.api.world import World
from workflow.declarations.service import COMPARE_TASK
from workflow.documents import tasks as reading
from workflow.documents.service import READ_TASK
from workflow.engine.worker import Workshop
from workflow.examination import tasks as examining

UNREADABLE = Text("The scan is too dark.", "扫描件过暗。")


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


def next_job(cast: Cast, task: str) -> Job | None:
    with cast.world.reading() as session:
        return session.query(Job).filter_by(task=task, state=JobState.WAITING).order_by(Job.id).first()


def done(cast: Cast, job: Job) -> None:
    with cast.world.writing() as session:
        session.get_one(Job, job.id).state = JobState.DONE


def read_one(cast: Cast) -> None:
    """Read the next paper, in vain, as the worker does."""
    job = next_job(cast, READ_TASK)
    assert job is not None
    with cast.world.writing() as session:
        reading._store(session, cast.world.context, job.payload, UNREADABLE)
    done(cast, job)


def compare_all(cast: Cast) -> None:
    """Compare as often as was asked for, as the worker does."""
    while (job := next_job(cast, COMPARE_TASK)) is not None:
        result = examining._compare(Workshop(cast.world.database, cast.world.context), job.payload)
        with cast.world.writing() as session:
            examining._conclude(session, cast.world.context, job.payload, result)
        done(cast, job)


def holds(cast: Cast, case: Json) -> list[Json]:
    listed: list[Json] = cast.releasing_officer.get(f"/declarations/{case['id']}/holds").json()["items"]
    return listed


def test_the_last_paper_that_is_read_settles_it(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    compare_all(cast)
    read_one(cast)
    compare_all(cast)
    assert holds(cast, case) == []
    read_one(cast)
    compare_all(cast)
    (hold,) = holds(cast, case)
    assert [anomaly["name"] for anomaly in hold["anomalies"]] == ["document_unreadable"]


def test_papers_that_were_asked_for_come_in(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    path = f"/declarations/{case['id']}"
    read_one(cast)
    read_one(cast)
    compare_all(cast)
    (hold,) = holds(cast, case)
    dispose = f"/holds/{hold['id']}/actions/dispose"
    cast.go(cast.releasing_officer, dispose, disposition="supplement_documents", reason="Scan it again.")
    assert cast.broker.get(path).json()["state"] == "documents_required"
    assert cast.broker.attach("declaration", case["id"], "invoice").status_code == 201
    read_one(cast)
    assert cast.broker.get(path).json()["state"] == "document_examination"
    compare_all(cast)
    assert [one["state"] for one in holds(cast, case)] == ["decided", "open"]


def test_papers_do_not_stand_for_the_amendment_that_was_asked_for(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    dispose = f"/holds/{cast.hold(case['id'])['id']}/actions/dispose"
    cast.go(cast.releasing_officer, dispose, disposition="release_with_amendment", reason="Declare four.")
    cast.broker.attach("declaration", case["id"], "invoice")
    for _ in range(3):
        read_one(cast)
    compare_all(cast)
    assert cast.broker.get(f"/declarations/{case['id']}").json()["state"] == "documents_required"
