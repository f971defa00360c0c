"""How a step of any case is prepared, signed and taken; the processes only say what is particular to them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from kernel.errors import Kind, PisteError, Text
from workflow.engine.cases import Case, check_not_pending, check_revision
from workflow.engine.context import Context
from workflow.engine.decisions import accept, prepared, signing_time
from workflow.engine.life_cycle import Edge
from workflow.engine.principals import Principal
from workflow.engine.registry import CaseKind, StepInput
from workflow.engine.schemas import ActionInput, PreparedStatement, SignatureInput


class SignatureMissing(PisteError):
    """This step is a decision, and decisions are signed."""

    code = "signature.missing"
    kind = Kind.INVALID
    message = Text("The step {event} needs a signature.", "{event}操作须签名。")
    next_step = Text(
        "Fetch the statement of this step, sign its digest and send the signature along.",
        "请先获取该操作的声明，对其摘要签名后一并提交。",
    )
    field = "/signature"
    event: str


def allowed_steps(kind: CaseKind, case: Case, principal: Principal) -> tuple[Edge, ...]:
    """Give the steps that the principal may take now; none while a signed one waits."""
    if case.pending_event is not None:
        return ()
    return kind.life_cycle.allowed(case.state, principal.roles)


def prepare_step(
    session: Session,
    context: Context,
    principal: Principal,
    kind: CaseKind,
    case_id: UUID,
    event: str,
    given: ActionInput,
) -> PreparedStatement:
    """Give the statement that this step asks the principal to sign. Changes nothing.

    Raises:
        NotFound, TransitionRefused, NotPermitted, DecisionUnderWay: As they say.
        PisteError: Whatever guard of the process is not met.
    """
    case = kind.load(session, principal, case_id, lock=False)
    step = _step(context, principal, kind, case, event, given)
    return prepared(context, kind.decide(session, context, case, step).statement, step.signed_at)


def take_step(
    session: Session,
    context: Context,
    principal: Principal,
    kind: CaseKind,
    case_id: UUID,
    event: str,
    given: ActionInput,
    signature: SignatureInput | None,
    *,
    seen: int | None = None,
) -> Case:
    """Take a step; a signed one waits for the ledger from here on.

    Args:
        session: The transaction of the request.
        context: Clock, ids, archive, deployment.
        principal: Who acts.
        kind: The kind of case.
        case_id: The case.
        event: The step.
        given: Reason and whatever else the step carries.
        signature: Over the statement that `prepare_step` gave; None for a step that needs none.
        seen: The revision that the actor decided on, where known.

    Raises:
        NotFound, RevisionStale, TransitionRefused, NotPermitted, DecisionUnderWay: As they say.
        SignatureMissing, SignatureWrong, Key…: The signature is missing or no good.
        PisteError: Whatever guard of the process is not met.
    """
    case: Case = kind.load(session, principal, case_id, lock=True)
    check_revision(case, seen)
    step = _step(context, principal, kind, case, event, given)
    if step.edge.signed is None:
        kind.plain(session, context, case, step)
        session.flush()
        return case
    if signature is None:
        raise SignatureMissing(event=event)
    decision = kind.decide(session, context, case, step)
    accept(session, context, principal, case, decision, signature)
    kind.signed(session, context, case, step)
    session.flush()
    return case


def rehearse_step(
    session: Session,
    context: Context,
    principal: Principal,
    kind: CaseKind,
    case: Case,
    event: str,
    later: tuple[type[PisteError], ...] = (),
) -> list[PisteError]:
    """Go as far as a signed step goes without its signature, so that every guard speaks; the caller undoes it.

    Args:
        session: A transaction that will not be committed.
        context: Clock, archive, deployment.
        principal: Who would act.
        kind: The kind of case.
        case: The case, which may be new in this transaction.
        event: The step.
        later: Refusals that are told and not raised, because what they ask for can only come later.

    Raises:
        PisteError: Whatever guard of the process is not met.
    """
    session.flush()
    step = _step(context, principal, kind, case, event, kind.action_input())
    needed: list[PisteError] = []
    try:
        kind.decide(session, context, case, step)
    except later as refusal:
        needed.append(refusal)
    kind.signed(session, context, case, step)
    session.flush()
    return needed


def _step(
    context: Context, principal: Principal, kind: CaseKind, case: Case, event: str, given: ActionInput
) -> StepInput:
    check_not_pending(case)
    edge = kind.life_cycle.edge(case.state, event, principal.roles)
    return StepInput(
        principal=principal, edge=edge, given=given, signed_at=signing_time(context, given.signed_at)
    )
