"""Celery entry points of release: the papers are written by the worker and filed as documents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.chain.installation import log_signer
from ledger.evidence.log import request_checkpoint
from ledger.models import StatementRecord
from ledger.outbox import signatures_of
from ledger.proofs.bundles import build_bundle
from ledger.proofs.content import seal
from ledger.proofs.disclosure import VIEWS, redact
from ledger.statements import STATEMENT_WORDS
from workflow.bonded import service as bonded
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.documents import service as documents
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.worker import NotReady, Workshop, celery_app, run_job
from workflow.release import service as release
from workflow.release.papers import (
    CertificatePaper,
    PaperProof,
    ReleaseNote,
    SignedLine,
    certificate_pdf,
    release_note_pdf,
)
from workflow.release.proofs import NO_RECORD, released_by, waits_for
from workflow.release.rules import Channel

AGAIN_IN = timedelta(seconds=2)
"""How soon the proof of a release is looked at again."""


@celery_app.task(name=release.NOTE_TASK)
def write_note(job_id: int) -> bool:
    """Write the release note of a declaration."""
    return run_job(job_id, _write_note, _file_note)


def _write_note(shop: Workshop, payload: dict[str, Any]) -> bytes:
    context = shop.context
    with shop.database.read() as session:
        declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(payload["declaration"]))
        record = released_by(session, declaration.id)
        missing = NO_RECORD if record is None else waits_for(session, context, record)
        if record is not None and missing is None:
            note = _note(session, context, declaration, record)
            zone = context.settings.site_time_zone
            return release_note_pdf(note, made_at=context.clock.now(), time_zone=zone)
    with shop.database.write() as session:
        request_checkpoint(session)
    raise NotReady(missing, again_in=AGAIN_IN)


def _note(
    session: Session, context: Context, declaration: declarations.Declaration, record: StatementRecord
) -> ReleaseNote:
    return ReleaseNote(
        number=declaration.number or declaration.reference,
        reference=declaration.reference,
        version=declaration.version,
        channel=Channel[declaration.channel.upper()].words,
        content=declaration.content,
        lines=declaration.content["lines"],
        vehicles=bonded.gates_of(session, declaration.id),
        content_hash=f"0x{declaration.content_hash.hex()}",
        decisions=signed_lines(session, declarations.KIND, declaration.id),
        look_up=f"{context.settings.origin}/ledger/cases/{declaration.id}",
        proof=_proof(session, context, declaration, record),
    )


def _proof(
    session: Session, context: Context, declaration: declarations.Declaration, record: StatementRecord
) -> PaperProof:
    """Put the bundles together that the paper carries: all that the gate may see attached, the vital part in the codes."""
    content = seal(declaration.content, declaration.seed)
    signer = log_signer(context.settings.data_dir)

    def bundle(view: str, *, lean: bool) -> bytes:
        return build_bundle(
            session,
            context.deployment,
            record,
            signer=signer,
            now=context.clock.now(),
            witnesses=context.settings.witnesses_demanded,
            disclosed=redact(content, VIEWS[view]),
            lean=lean,
        )

    return PaperProof(
        bundle=bundle("gate", lean=False),
        lean=bundle("gate-summary", lean=True),
        deployment=context.deployment,
        signer=signer,
    )


def _file_note(session: Session, context: Context, payload: dict[str, Any], result: bytes) -> None:
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(payload["declaration"]))
    documents.file_issued(
        session,
        context,
        case_kind=declarations.KIND,
        case=declaration,
        kind=documents.DocumentKind.RELEASE_NOTE,
        name=f"release-note-{declaration.number}.pdf",
        data=result,
    )


@celery_app.task(name=release.CERTIFICATE_TASK)
def write_certificate_copy(job_id: int) -> bool:
    """Write the issued copy of a certificate."""
    return run_job(job_id, _write_certificate, _file_certificate)


def _write_certificate(shop: Workshop, payload: dict[str, Any]) -> bytes:
    context = shop.context
    with shop.database.read() as session:
        certificate = certificates.get_certificate(session, SYSTEM_PRINCIPAL, UUID(payload["certificate"]))
        paper = CertificatePaper(
            number=certificate.number,
            version=certificate.version,
            content=certificate.content,
            lines=[
                {
                    "line": line.line,
                    "hs_code": line.hs_code,
                    "name_zh": line.name_zh,
                    "name_en": line.name_en,
                    "ceiling": line.ceiling,
                    "unit": line.unit,
                }
                for line in certificate.lines
            ],
            content_hash=f"0x{certificate.content_hash.hex()}",
            decisions=signed_lines(session, certificates.KIND, certificate.id),
            look_up=f"{context.settings.origin}/ledger/cases/{certificate.id}",
        )
    return certificate_pdf(paper, made_at=context.clock.now(), time_zone=context.settings.site_time_zone)


def _file_certificate(session: Session, context: Context, payload: dict[str, Any], result: bytes) -> None:
    certificate = certificates.get_certificate(session, SYSTEM_PRINCIPAL, UUID(payload["certificate"]))
    documents.file_issued(
        session,
        context,
        case_kind=certificates.KIND,
        case=certificate,
        kind=documents.DocumentKind.CERTIFICATE_COPY,
        name=f"certificate-{certificate.number}.pdf",
        data=result,
    )


def signed_lines(session: Session, case_kind: str, case_id: UUID) -> list[SignedLine]:
    """List the recorded decisions of a case as papers show them, oldest first."""
    records = session.scalars(
        select(StatementRecord)
        .where(
            StatementRecord.case_kind == case_kind,
            StatementRecord.case_id == case_id,
            StatementRecord.state == "recorded",
        )
        .order_by(StatementRecord.id)
    )
    return [
        SignedLine(
            what=STATEMENT_WORDS[record.primary_type],
            who=record.intent.get("actor", "—"),
            at=record.recorded_at,
            digest=f"0x{record.digest.hex()}",
            key=f"0x{signatures_of(session, record)[0].key_id.hex()[:8]}…",
            block=record.block_number,
        )
        for record in records
    ]
