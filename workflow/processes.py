"""Every process put together: the kinds of case, and what a recorded step of one sets off in another."""

from __future__ import annotations

from sqlalchemy.orm import Session

from workflow.bonded import service as bonded
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.documents import service as documents
from workflow.documents.rules import REQUIRED_TO_FILE
from workflow.engine.context import Context
from workflow.engine.decisions import Decision
from workflow.engine.recording import CaseRecorder
from workflow.engine.registry import CaseKind, CaseKinds, RecordedStep, StepInput
from workflow.examination import service as examination
from workflow.release import service as release


def _decide_declaration(
    session: Session, context: Context, declaration: declarations.Declaration, step: StepInput
) -> Decision:
    if step.edge.event == release.EVENT:
        return release.decide_release(session, context, declaration, step)
    if step.edge.event == "submit":
        attached = {
            paper.kind for paper in documents.documents_of(session, declarations.KIND, declaration.id)
        }
        declarations.check_documents([kind.words for kind in REQUIRED_TO_FILE if kind not in attached])
    return declarations.decide(session, context, declaration, step)


def _declaration_recorded(
    session: Session, context: Context, declaration: declarations.Declaration, step: RecordedStep
) -> None:
    if step.event == release.EVENT:
        release.follow_release(session, context, declaration)
    else:
        declarations.follow_recorded(session, context, declaration, step)


def _certificate_recorded(
    session: Session, context: Context, certificate: certificates.Certificate, step: RecordedStep
) -> None:
    if step.event == "file":
        release.ask_for_certificate_copy(session, context, certificate)


CERTIFICATES = CaseKind(
    kind=certificates.KIND,
    model=certificates.Certificate,
    life_cycle=certificates.LIFE_CYCLE,
    load=certificates.get_certificate,
    decide=certificates.decide,
    plain=certificates.begin_next_version,
    recorded=_certificate_recorded,
)
DECLARATIONS = CaseKind(
    kind=declarations.KIND,
    model=declarations.Declaration,
    life_cycle=declarations.LIFE_CYCLE,
    load=declarations.get_declaration,
    decide=_decide_declaration,
    signed=declarations.hold_on_signing,
    plain=declarations.reopen_rejected,
    recorded=_declaration_recorded,
    refused=declarations.undo_refused,
)
KINDS = CaseKinds(CERTIFICATES, DECLARATIONS, examination.HOLDS, examination.EXAMINATIONS, bonded.CHECK_NOTES)


def case_recorder(context: Context) -> CaseRecorder:
    """Give the ledger's sink: what recorded and refused statements do to their cases."""
    return CaseRecorder(context, KINDS)
