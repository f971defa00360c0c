"""JSON routes: the evidence log's checkpoints, leaves and proofs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.cases.views import hexadecimal
from api.chain_explorer.routes import BIGGEST
from api.chain_explorer.schemas import (
    CheckpointOut,
    Checkpoints,
    ConsistencyOut,
    InclusionOut,
    LeafOut,
    Leaves,
)
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router
from kernel.errors import NotFound
from ledger.evidence import log as evidence
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf

router = api_router("/ledger", "chain_explorer")

MOST = 200
LeafId = Annotated[int, Path(ge=1, le=BIGGEST, description="The leaf.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of an answer.")]
Size = Annotated[int, Query(ge=1, le=BIGGEST, description="Leaves of the log.")]


@router.get("/checkpoints", responses=problem_answers(422), summary="List checkpoints")
def list_checkpoints(
    session: SessionOf,
    principal: PrincipalOf,
    below: Annotated[int | None, Query(ge=0, le=BIGGEST, description="Only those of a smaller size.")] = None,
    limit: Limit = 50,
) -> Checkpoints:
    """List the checkpoints of the evidence log that the chain holds, newest first."""
    del principal
    query = select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc(), LedgerCheckpoint.id.desc())
    if below is not None:
        query = query.where(LedgerCheckpoint.size < below)
    return Checkpoints(items=[_checkpoint(found) for found in session.scalars(query.limit(limit))])


@router.get("/leaves", responses=problem_answers(422), summary="List the leaves about a case")
def list_leaves(
    session: SessionOf,
    principal: PrincipalOf,
    subject: Annotated[UUID, Query(description="The case.")],
    after: Annotated[int, Query(ge=0, le=BIGGEST, description="Only those with a larger id.")] = 0,
    limit: Limit = 50,
) -> Leaves:
    """List what the evidence log holds about a case: digests of documents, readings, findings, history entries."""
    del principal
    query = select(EvidenceLeaf).where(EvidenceLeaf.subject == subject, EvidenceLeaf.id > after)
    found = session.scalars(query.order_by(EvidenceLeaf.id).limit(limit))
    return Leaves(items=[_leaf(leaf) for leaf in found])


@router.get("/leaves/{leaf_id}", responses=problem_answers(404, 422), summary="Look up a leaf")
def read_leaf(session: SessionOf, principal: PrincipalOf, leaf_id: LeafId) -> LeafOut:
    """Tell what a leaf of the evidence log vouches for."""
    del principal
    leaf = session.get(EvidenceLeaf, leaf_id)
    if leaf is None:
        raise NotFound(what="leaf", name=str(leaf_id))
    return _leaf(leaf)


@router.get(
    "/proofs/inclusion/{leaf_id}",
    responses=problem_answers(404, 422),
    summary="Prove that the log holds a leaf",
)
def prove_inclusion(
    session: SessionOf,
    principal: PrincipalOf,
    leaf_id: LeafId,
    size: Annotated[
        int | None,
        Query(
            ge=1,
            le=BIGGEST,
            description="Leaves of the log; left out, the first checkpoint on the chain that covers the leaf.",
        ),
    ] = None,
) -> InclusionOut:
    """Give the path from a leaf to the root of the log, and the checkpoint that anchors this root."""
    del principal
    covered = size if size is not None else _covering_size(session, leaf_id)
    proof = evidence.inclusion_proof(session, leaf_id, covered)
    anchored = session.scalar(
        select(LedgerCheckpoint)
        .where(LedgerCheckpoint.size == proof.size)
        .order_by(LedgerCheckpoint.id)
        .limit(1)
    )
    return InclusionOut(
        leaf_hash=hexadecimal(proof.leaf_hash),
        index=proof.index,
        size=proof.size,
        root=hexadecimal(proof.root),
        proof=[hexadecimal(sibling) for sibling in proof.proof],
        checkpoint=None if anchored is None else _checkpoint(anchored),
    )


@router.get(
    "/proofs/consistency", responses=problem_answers(404, 422), summary="Prove that the log only grew"
)
def prove_consistency(
    session: SessionOf, principal: PrincipalOf, first: Size, second: Size
) -> ConsistencyOut:
    """Give what shows that the log of one size is the beginning of the log of another."""
    del principal
    proof = evidence.consistency_proof(session, first, second)
    return ConsistencyOut(
        first=first,
        second=second,
        first_root=hexadecimal(evidence.root_at(session, first)),
        second_root=hexadecimal(evidence.root_at(session, second)),
        proof=[hexadecimal(node) for node in proof],
    )


def _covering_size(session: Session, leaf_id: int) -> int:
    """Give the size of the first checkpoint that covers a leaf; the log's own where none does yet."""
    leaf = session.get(EvidenceLeaf, leaf_id)
    if leaf is None or leaf.position is None:
        raise evidence.LeafMissing(leaf=leaf_id, size=evidence.log_size(session))
    checkpoint = evidence.covering_checkpoint(session, leaf.position)
    return evidence.log_size(session) if checkpoint is None else checkpoint.size


def _checkpoint(found: LedgerCheckpoint) -> CheckpointOut:
    return CheckpointOut(
        size=found.size,
        root=hexadecimal(found.root),
        statement=hexadecimal(found.statement) if found.statement else None,
        block_number=found.block_number,
        transaction_hash=hexadecimal(found.transaction_hash),
        anchored_at=found.anchored_at,
    )


def _leaf(leaf: EvidenceLeaf) -> LeafOut:
    return LeafOut(
        id=leaf.id,
        position=leaf.position,
        kind=leaf.kind,
        subject=leaf.subject,
        content_hash=hexadecimal(leaf.content_hash),
        at=leaf.at,
        leaf_hash=hexadecimal(leaf.leaf_hash),
        proof=f"/api/v1/ledger/proofs/inclusion/{leaf.id}",
    )
