"""Pages of the ledger: what stands on the chain, for eyes; the same look-ups and checks as the JSON routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.cases import words
from api.cases.views import ADDRESSES, PRINTABLE
from api.chain_explorer.routes import BIGGEST
from api.foundation.callers import PersonOf, PlaceOf, SessionOf
from api.foundation.installation import ContextOf, Installation
from api.foundation.pages import go, page
from api.foundation.routes import page_router
from kernel.errors import NotFound, Text
from ledger.chain.client import LedgerUnavailable
from ledger.chain.installation import open_chain
from ledger.evidence.log import log_size
from ledger.explorer import lookups as explorer
from ledger.explorer.explored import EventView, KeyView, Link, OfficerKey, SignatureView
from ledger.keys.roles import ROLE_WORDS, Role
from ledger.mirrors import LedgerCheckpoint
from ledger.models import LedgerStatus, StatementRecord
from ledger.outbox import statement_by_digest
from ledger.proofs.verification import Verdict, Verification, verify_record
from ledger.statements import STATEMENT_WORDS
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.schemas import WORD_PATTERN
from workflow.engine.tenancy import AUTHORITIES
from workflow.examination.rules import Disposition
from workflow.parties import service as parties
from workflow.parties.service import SignedIn
from workflow.processes import KINDS
from workflow.release.rules import Channel

router: APIRouter = page_router("/ledger")

NEWEST = 12
"""Statements and blocks that the overview shows."""
CHECKPOINTS = 6
WordPath = Annotated[str, Path(pattern=WORD_PATTERN)]
BlockNumber = Annotated[int, Path(ge=0, le=BIGGEST)]
After = Annotated[str | None, Query(pattern=explorer.CURSOR)]
CHECKS: dict[str, Text] = {
    "statement": Text("Message and digest", "内容与摘要"),
    "signatures": Text("Signatures", "签名"),
    "keys": Text("Keys at that block", "密钥资格"),
    "chain": Text("Event on the chain", "链上事件"),
    "finality": Text("Finality", "最终性"),
    "evidence": Text("Evidence under a checkpoint", "证据检查点"),
}
"""Headings of the checks."""
VERDICTS: dict[Verdict, Text] = {
    Verdict.PASSED: Text("All checks passed", "全部通过"),
    Verdict.FAILED: Text("A check failed", "有检查未通过"),
    Verdict.OPEN: Text("Not all could be checked yet", "尚有检查未完成"),
}
VERDICT_TONES = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.OPEN: "warn"}
MILLION = 1_000_000
"""Quantities stand in statements in millionths of the unit."""
_TIMES = frozenset({"signedAt", "validFrom", "validUntil", "signed_at", "valid_from", "valid_until"})
_MEANINGS: dict[tuple[str, str], dict[str, Text]] = {
    ("CertificateReview", "party"): {
        "1": Text("organizing committee", "组委会"),
        "2": Text("customs", "海关"),
    },
    ("CertificateReview", "verdict"): {
        "1": Text("confirmed", "确认"),
        "2": Text("returned", "退回"),
        "3": Text("rejected", "不予通过"),
    },
    ("ExaminationReport", "result"): {"1": Text("conform", "相符"), "2": Text("not conform", "不符")},
    ("ReleaseDecision", "outcome"): {
        "1": Text("release", "放行"),
        "7": Text("return shipment", "退运"),
        "9": Text("destroy", "销毁"),
    },
}
"""What numbers in typed messages stand for (ledger/statements.py)."""
_PAGES = {
    "block": "blocks",
    "transaction": "transactions",
    "statement": "statements",
    "case": "cases",
    "key": "keys",
    "officer": "officers",
}


@router.get("")
def overview_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, before: int | None = None
) -> HTMLResponse:
    """Show how the ledger stands and what came in last."""
    del person
    blocks = explorer.newest_blocks(session, context.deployment, before=before, most=NEWEST)
    newest = select(StatementRecord).order_by(StatementRecord.id.desc()).limit(NEWEST)
    checkpoints = select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc()).limit(CHECKPOINTS)
    return _page(
        request,
        "overview",
        counts=explorer.counts(session),
        log_size=log_size(session),
        processes=session.scalars(select(LedgerStatus).order_by(LedgerStatus.process)).all(),
        deployment=context.deployment,
        statements=session.scalars(newest).all(),
        statement_words=STATEMENT_WORDS,
        checkpoints=session.scalars(checkpoints).all(),
        blocks=blocks,
        before=before,
        older=blocks[-1].number if len(blocks) == NEWEST else None,
    )


@router.get("/find")
def find_page(
    request: Request,
    session: SessionOf,
    person: PersonOf,
    q: Annotated[str, Query(pattern=PRINTABLE)],
) -> Response:
    """Lead to what somebody means who has only a number or a digest."""
    wanted = q.strip()
    try:
        found = explorer.find(session, wanted)
    except NotFound:
        case_id = _case_with_number(session, person.principal, wanted)
        if case_id is None:
            return _page(request, "nothing", status=404, wanted=wanted)
        return go(request, f"/ledger/cases/{case_id}")
    return go(request, _address(found))


@router.get("/statements/{digest}")
def statement_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    place: PlaceOf,
    person: PersonOf,
    digest: WordPath,
) -> HTMLResponse:
    """Show a statement: what was signed, by whom, what became of it, and every check of it, made just now."""
    record = statement_by_digest(session, bytes.fromhex(digest[2:]))
    if record is None:
        raise NotFound(what="statement", name=digest)
    shown = explorer.statement(session, context.deployment, record.digest)
    verification = _verification(session, context, place, record)
    case = _case(session, person.principal, record.case_kind, record.case_id)
    return _page(
        request,
        "statement",
        known=_known(session, shown.events),
        statement=shown,
        fields=[
            (name, value, meaning_of(shown.primary_type, name, value))
            for name, value in _fields(shown.message)
        ],
        verification=verification,
        signers=_signers(session, shown.signatures),
        by=record.intent.get("actor", "") if case else "",
        case=case,
        api_address=f"/api/v1/ledger/statements/{shown.digest}",
    )


@router.get("/cases/{case_id}")
def case_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    person: PersonOf,
    case_id: UUID,
    after: After = None,
    after_statement: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> HTMLResponse:
    """Show everything on the chain about a case, without its content."""
    found = explorer.case(session, context.deployment, case_id, after, after_statement)
    kind = session.scalar(
        select(StatementRecord.case_kind).where(StatementRecord.case_id == case_id).limit(1)
    )
    return _page(
        request,
        "case",
        known=_known(session, found.events),
        found=found,
        case=_case(session, person.principal, kind or "", case_id),
        api_address=f"/api/v1/ledger/cases/{case_id}",
    )


@router.get("/blocks/{number}")
def block_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    person: PersonOf,
    number: BlockNumber,
    after: After = None,
) -> HTMLResponse:
    """Show a block with what the contracts did in it."""
    del person
    found = explorer.block(session, context.deployment, number, after)
    return _page(
        request,
        "block",
        known=_known(session, found.events),
        block=found,
        api_address=f"/api/v1/ledger/blocks/{number}",
    )


@router.get("/transactions/{transaction_hash}")
def transaction_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    person: PersonOf,
    transaction_hash: WordPath,
    after: After = None,
) -> HTMLResponse:
    """Show what a transaction brought about."""
    del person
    found = explorer.transaction(session, context.deployment, bytes.fromhex(transaction_hash[2:]), after)
    return _page(
        request,
        "transaction",
        known=_known(session, found.events),
        transaction=found,
        api_address=f"/api/v1/ledger/transactions/{transaction_hash}",
    )


@router.get("/keys/{key_id}")
def key_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    person: PersonOf,
    key_id: WordPath,
    after: After = None,
) -> HTMLResponse:
    """Show a key of the register: whose it is, what it may sign, and since when."""
    found = explorer.key(session, context.deployment, bytes.fromhex(key_id[2:]), after)
    organisations = parties.organisation_names(session, [i for i in (found.organisation_id,) if i])
    officers = parties.person_names(session, [i for i in (found.officer_id,) if i])
    return _page(
        request,
        "key",
        known=_known(session, found.events),
        key=found,
        organisation=next(iter(organisations.values()), None),
        officer=next(iter(officers.values()), None) if _knows_officers(person, found) else None,
        roles=[ROLE_WORDS[role] for role in Role if role & found.roles],
        valid_from=_time(found.valid_from),
        valid_until=_time(found.valid_until),
        api_address=f"/api/v1/ledger/keys/{key_id}",
    )


@router.get("/officers/{officer_id}")
def officer_page(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    person: PersonOf,
    officer_id: UUID,
    after: After = None,
) -> HTMLResponse:
    """Show an officer or a device: the keys, and what they signed."""
    found = explorer.officer(session, context.deployment, officer_id, after)
    owners = [key.organisation_id for key in found.keys if key.organisation_id]
    known = any(_knows_officers(person, key) for key in found.keys)
    names = parties.person_names(session, [officer_id]) if known else {}
    return _page(
        request,
        "officer",
        known=_known(session, found.events),
        found=found,
        holder=next(iter(names.values()), None),
        organisations=parties.organisation_names(session, owners),
        roles_of=lambda key: [ROLE_WORDS[role] for role in Role if role & key.roles],
        api_address=f"/api/v1/ledger/officers/{officer_id}",
    )


def _known(session: Session, events: Iterable[EventView]) -> set[str]:
    """Tell which identifiers in events are cases; organisations and officers look alike."""
    named = {UUID(link.reference) for event in events for link in event.links if link.kind == "case"}
    found = session.scalars(
        select(StatementRecord.case_id).where(StatementRecord.case_id.in_(named)).distinct()
    )
    return {str(case_id) for case_id in found}


def _page(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what the template shows
    return page(
        request,
        f"chain_explorer/{name}.html",
        status=status,
        words=words,
        address_of=_address,
        checks=CHECKS,
        verdicts=VERDICTS,
        verdict_tones=VERDICT_TONES,
        **values,
    )


def _address(link: Link) -> str:
    return f"/ledger/{_PAGES[link.kind]}/{link.reference}"


def _time(unix_s: int) -> datetime | None:
    """Give a time of the contracts; None for one so far away that no calendar has it."""
    try:
        return datetime.fromtimestamp(unix_s, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _verification(
    session: Session, context: Context, place: Installation, record: StatementRecord
) -> Verification | None:
    """Check a statement; None where no node was ever started that could be asked."""
    try:
        chain = open_chain(place.settings)
    except LedgerUnavailable:
        return None
    return verify_record(session, chain, context.deployment, record)


def meaning_of(primary_type: str, path: str, value: str) -> Text | datetime | None:
    """Say what a field of a typed message means, where a number stands for something."""
    name = path.rpartition(".")[2]
    if name in _TIMES:
        return _time(int(value))
    if name == "quantity":
        exact = format((Decimal(value) / MILLION).normalize(), "f")
        return Text(exact, exact)
    if name == "unit":
        code = bytes.fromhex(value.removeprefix("0x")).rstrip(b"\0").decode("ascii", "replace")
        return words.named(words.UNITS, code)
    if name == "channel":
        return Channel(int(value)).words if int(value) in set(Channel) else None
    if (primary_type, name) == ("Disposition", "outcome"):
        return Disposition(int(value)).words if int(value) in set(Disposition) else None
    return _MEANINGS.get((primary_type, name), {}).get(value)


def _knows_officers(person: SignedIn, key: KeyView | OfficerKey) -> bool:
    """Tell whether somebody may see the name behind a key: colleagues and authorities."""
    principal = person.principal
    return bool(principal.roles & AUTHORITIES) or principal.organisation_id == key.organisation_id


def _fields(message: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Give the fields of a typed message line by line, those of parts by their paths."""
    for name, value in message.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            for at, part in enumerate(value):
                if isinstance(part, Mapping):
                    yield from _fields(part, f"{prefix}{name}[{at}].")
                else:
                    yield f"{prefix}{name}[{at}]", str(part)
        else:
            yield f"{prefix}{name}", str(value)


def _signers(session: Session, signatures: Iterable[SignatureView]) -> dict[str, str]:
    """Name the organisation of each key; its officers are named where the case is."""
    owners = {given.key_id: given.organisation_id for given in signatures if given.organisation_id}
    names = parties.organisation_names(session, owners.values())
    return {
        key_id: f"{names[owner].zh} {names[owner].en}" for key_id, owner in owners.items() if owner in names
    }


def _case(session: Session, principal: Principal, kind: str, case_id: UUID) -> dict[str, Any] | None:
    """Give name and address of a case, where this person may know of it."""
    if kind not in ADDRESSES:
        return None
    try:
        found: Any = KINDS[kind].load(session, principal, case_id, lock=False)
    except NotFound:
        return None
    name = getattr(found, "number", None) or getattr(found, "reference", None) or ""
    return {
        "name": name,
        "title": KINDS[kind].life_cycle.title,
        "kind": kind,
        "state": found.state,
        "meaning": KINDS[kind].life_cycle.states[found.state],
        "address": f"/{ADDRESSES[kind]}/{case_id}",
    }


def _case_with_number(session: Session, principal: Principal, number: str) -> UUID | None:
    """Find a case by its number, among those that this person may know of."""
    for kind in ("declaration", "certificate", "check_note"):
        model: Any = KINDS[kind].model
        found: list[UUID] = list(session.scalars(select(model.id).where(model.number == number)))
        for case_id in found:
            try:
                KINDS[kind].load(session, principal, case_id, lock=False)
            except NotFound:
                continue
            return case_id
    return None
