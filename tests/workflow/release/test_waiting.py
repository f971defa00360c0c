"""The release note waits for its proof, says for what, and asks for the checkpoint at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.errors import Text
from kernel.jobs import Job, JobState
from ledger.models import EvidenceLogHead
from ledger.proofs.anchors import founding_of, trust_anchor
from ledger.verifier import TrustAnchor, verify
from tests.workflow.builders.desk import Desk, fresh
from workflow.documents.service import document_bytes, documents_of
from workflow.engine import worker
from workflow.processes import DECLARATIONS
from workflow.release import service as release
from workflow.release.proofs import note_waits_for
from workflow.release.tasks import AGAIN_IN


def test_the_note_is_written_once_a_checkpoint_covers_the_decision(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
    with desk.database.read() as session:
        waits_for = note_waits_for(session, desk.context, declaration.id)
        assert waits_for is not None
        assert waits_for.zh == "账本记录该决定"
    with desk.database.write() as session:
        desk.record(session, fresh(session, declaration))
        job = session.scalars(select(Job).where(Job.task == release.NOTE_TASK)).one()
    assert worker.celery_app.tasks[release.NOTE_TASK](job.id) is False
    with desk.database.read() as session:
        job = session.get_one(Job, job.id)
        assert (job.state, job.attempts) == (JobState.WAITING, 0)
        assert job.fault == "waits for a checkpoint of the evidence log"
        assert timedelta(0) < job.due_at - worker.workshop().context.clock.now() <= AGAIN_IN
        assert session.scalars(select(EvidenceLogHead)).one().checkpoint_wanted

    desk.later(timedelta(seconds=5))
    desk.work()
    with desk.database.read() as session:
        assert note_waits_for(session, desk.context, declaration.id) is None
        (note,) = [
            paper
            for paper in documents_of(session, "declaration", declaration.id)
            if paper.kind == "release_note"
        ]
        founders, threshold = founding_of(desk.context.settings.data_dir)
        trust = trust_anchor(
            session,
            desk.context.deployment,
            founders,
            threshold=threshold,
            witnesses=0,
            name=Text("Desk", "测试"),
        )
        result = verify(document_bytes(desk.context, note), TrustAnchor.from_bytes(trust))
    # Nothing was altered; the desk's keys stand in its database alone, never granted by founders.
    assert result.reason == "key-unknown"
    shown = {tuple(one["path"]): one["value"] for one in result.facts["disclosed"]["fields"]}
    assert shown["reference",] == declaration.reference


@pytest.mark.parametrize("again_in", [timedelta(seconds=2), timedelta(hours=1)], ids=["soon", "late"])
def test_waiting_uses_up_no_attempt(again_in: timedelta) -> None:
    waiting = worker.NotReady(Text("something", "某事"), again_in=again_in)
    assert (str(waiting), waiting.again_in) == ("waits for something", again_in)
