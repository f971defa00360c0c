"""JSON routes: look-ups on the ledger, and the check of any statement."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from sqlalchemy import select

from api.cases.views import PRINTABLE
from api.chain_explorer.schemas import (
    BlockOut,
    Blocks,
    CaseOut,
    LedgerKeyOut,
    LedgerLink,
    LedgerOut,
    OfficerOut,
    ProcessOut,
    StatementOut,
    TransactionOut,
    VerificationOut,
)
from api.foundation.callers import PlaceOf, PrincipalOf, SessionOf
from api.foundation.installation import ContextOf, Installation
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router
from kernel.errors import NotFound
from ledger.chain.client import Chain
from ledger.chain.node_state import node_url
from ledger.evidence.log import log_size
from ledger.explorer import lookups as explorer
from ledger.models import LedgerStatus
from ledger.outbox import statement_by_digest
from ledger.proofs.verification import verify_record
from workflow.engine.schemas import WORD_PATTERN

router = api_router("/ledger", "chain_explorer")

BIGGEST = 2**63 - 1
NODE_TIMEOUT_S = 5.0
WordPath = Annotated[str, Path(pattern=WORD_PATTERN, description="32 bytes in hexadecimal, 0x first.")]
After = Annotated[
    str | None, Query(pattern=explorer.CURSOR, description="Cursor of the page before.", examples=["118-3"])
]
BlockNumber = Annotated[int, Path(ge=0, le=BIGGEST, description="Number of the block.")]


@router.get("", summary="How the ledger stands")
def read_ledger(session: SessionOf, context: ContextOf, principal: PrincipalOf) -> LedgerOut:
    """Count what there is, and tell what relay and indexer say of themselves."""
    del principal
    deployment = context.deployment
    statuses = session.scalars(select(LedgerStatus).order_by(LedgerStatus.process))
    return LedgerOut(
        counts=explorer.counts(session),
        log_size=log_size(session),
        processes=[ProcessOut.model_validate(status) for status in statuses],
        chain_id=deployment.chain_id,
        contracts=dict(deployment.addresses),
    )


@router.get("/find", responses=problem_answers(404, 422), summary="Find by number, digest or identifier")
def find(
    session: SessionOf,
    principal: PrincipalOf,
    q: Annotated[
        str,
        Query(
            pattern=PRINTABLE,
            description="Number of a block; digest of a transaction, statement or key; identifier of a case.",
            examples=["118"],
        ),
    ],
) -> LedgerLink:
    """Tell what somebody means who has only a number or a digest."""
    del principal
    return LedgerLink.model_validate(explorer.find(session, q))


@router.get("/statements/{digest}", responses=problem_answers(404, 422), summary="Look up a statement")
def read_statement(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, digest: WordPath
) -> StatementOut:
    """Tell what was signed, by which keys, and what became of it."""
    del principal
    return StatementOut.model_validate(explorer.statement(session, context.deployment, _bytes(digest)))


@router.get(
    "/statements/{digest}/verification", responses=problem_answers(404, 422), summary="Check a statement"
)
def verify_statement(
    session: SessionOf, context: ContextOf, place: PlaceOf, principal: PrincipalOf, digest: WordPath
) -> VerificationOut:
    """Check digest, signatures, keys at that block, event, finality, evidence.

    The node is asked anew; whoever trusts nobody runs the same checks against a node of their own.
    """
    del principal
    record = statement_by_digest(session, _bytes(digest))
    if record is None:
        raise NotFound(what="statement", name=digest)
    done = verify_record(session, _chain(place), context.deployment, record)
    return VerificationOut.model_validate(done)


@router.get("/cases/{case_id}", responses=problem_answers(404, 422), summary="Look up a case")
def read_case(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    case_id: Annotated[UUID, Path(description="The case.")],
    after: After = None,
    after_statement: Annotated[
        int | None, Query(ge=0, le=BIGGEST, description="Cursor of the page of statements before.")
    ] = None,
) -> CaseOut:
    """Tell what the ledger knows of a case: statements and events, no content."""
    del principal
    return CaseOut.model_validate(explorer.case(session, context.deployment, case_id, after, after_statement))


@router.get("/blocks", responses=problem_answers(422), summary="List blocks")
def list_blocks(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    before: Annotated[
        int | None, Query(ge=0, le=BIGGEST, description="Only those below this number.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most blocks of an answer.")] = 20,
) -> Blocks:
    """List the blocks that hold events of the contracts, newest first."""
    del principal
    found = explorer.newest_blocks(session, context.deployment, before=before, most=limit)
    return Blocks(items=[BlockOut.model_validate(block) for block in found])


@router.get("/blocks/{number}", responses=problem_answers(404, 422), summary="Look up a block")
def read_block(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, number: BlockNumber, after: After = None
) -> BlockOut:
    """Tell what the contracts did in a block."""
    del principal
    return BlockOut.model_validate(explorer.block(session, context.deployment, number, after))


@router.get(
    "/transactions/{transaction_hash}", responses=problem_answers(404, 422), summary="Look up a transaction"
)
def read_transaction(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    transaction_hash: WordPath,
    after: After = None,
) -> TransactionOut:
    """Tell what a transaction brought about."""
    del principal
    return TransactionOut.model_validate(
        explorer.transaction(session, context.deployment, _bytes(transaction_hash), after)
    )


@router.get("/keys/{key_id}", responses=problem_answers(404, 422), summary="Look up a key")
def read_key(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, key_id: WordPath, after: After = None
) -> LedgerKeyOut:
    """Tell whose key it is, what it may sign, and since when."""
    del principal
    return LedgerKeyOut.model_validate(explorer.key(session, context.deployment, _bytes(key_id), after))


@router.get("/officers/{officer_id}", responses=problem_answers(404, 422), summary="Look up an officer")
def read_officer(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    officer_id: Annotated[UUID, Path(description="The officer or device.")],
    after: After = None,
) -> OfficerOut:
    """Tell which keys an officer has or had, and what they signed."""
    del principal
    return OfficerOut.model_validate(explorer.officer(session, context.deployment, officer_id, after))


def _bytes(word: str) -> bytes:
    return bytes.fromhex(word.removeprefix("0x"))


def _chain(place: Installation) -> Chain:
    url = place.settings.node_url or node_url(place.settings.data_dir, place.settings.node_port)
    return Chain(url, timeout_s=NODE_TIMEOUT_S)
