"""The founding members' registrars of an embedded stack: they sign what stems from an admission or an enrolment.

In production each founding member runs a registrar of its own, with its own key and its own look at the matter. An
embedded stack (settings.demo) plays all of them in this one process, the only one that loads their keys. A member signs
a change only if it can explain every line of it; anything else is left unsigned and said so in the log.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock, unix
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.chain.deployment import Deployment
from ledger.chain.installation import await_ledger, founding_signers, log_signer, witness_signers
from ledger.consortium import CASE_KIND, CONSORTIUM_CASE, FOUNDERS, THRESHOLD, key_grant, next_sequence
from ledger.consortium import organisation as organisation_line
from ledger.keys.roles import Role
from ledger.keys.signing import Signer, sign_with
from ledger.models import StatementRecord, StatementState
from ledger.outbox import (
    StatementRepeated,
    add_signature,
    enqueue_statement,
    signatures_of,
    statement_by_digest,
    withdraw_collecting,
)
from ledger.recording.looping import loop
from ledger.statements import ConsortiumChange, KeyGrant, id_bytes, id_from_bytes
from ledger.statements import Organisation as OrganisationLine
from ledger.statements import key_id as key_id_of
from workflow.parties.holders import holder_of, is_present
from workflow.parties.models import EnrolmentLink, Key, Organisation, RegisterEntry
from workflow.parties.register import GRANT, ORGANISATION, REVOCATION
from workflow.parties.rules import EntryState

MOST_ENTRIES = 20
"""Entries of one change: it must fit into one transaction of the chain."""
MOST_ATTEMPTS = 3
ON_THE_WAY = (StatementState.COLLECTING, StatementState.QUEUED, StatementState.SENT)

log = structlog.get_logger()


class NotADemonstration(PisteError):
    """This installation's founding members sign for themselves."""

    code = "parties.not-a-demonstration"
    kind = Kind.FORBIDDEN
    message = Text(
        "The embedded registrar runs only where PISTE_DEMO is set.", "内嵌登记程序仅在设置PISTE_DEMO时运行。"
    )
    next_step = Text(
        "Let each founding member run a registrar with its own key.",
        "请由各创始成员使用自己的密钥运行登记程序。",
    )


class Registrar:
    """All founding members of an embedded stack.

    Args:
        database: The installation's database.
        deployment: Where the contracts stand.
        members: The members' keys.
        log_key: Signer of the installation's evidence log, for which the member with the role LOG answers.
        clock: Tells the time.
        witnesses: Signers of the members' witnesses, by organisation.
    """

    def __init__(
        self,
        database: Database,
        deployment: Deployment,
        members: Sequence[Signer],
        log_key: bytes,
        clock: Clock | None = None,
        witnesses: Mapping[UUID, bytes] | None = None,
    ) -> None:
        self._database = database
        self._deployment = deployment
        self._members = members
        self._log_key = log_key
        self._witnesses = dict(witnesses or {})
        self._clock = clock or SystemClock()
        self._unexplained: set[bytes] = set()

    def step(self) -> int:
        """Take the next step there is: settle, sign, or compose; tell whether there was one."""
        with self._database.write() as session:
            if settled := self._settle(session):
                return settled
            on_its_way = self._on_its_way(session)
            if on_its_way is None:
                return self._compose(session)
            return self._sign(session, on_its_way)

    def _settle(self, session: Session) -> int:
        """Note what became of the entries whose change is recorded or refused."""
        settled = 0
        query = select(RegisterEntry).where(RegisterEntry.state == EntryState.SIGNING)
        for entry in session.scalars(query.with_for_update()):
            record = statement_by_digest(session, entry.change or b"")
            if record is None or record.state in ON_THE_WAY:
                continue
            settled += 1
            if record.state == StatementState.RECORDED:
                entry.state = EntryState.ENTERED
                continue
            entry.attempts += 1
            entry.state = EntryState.REFUSED if entry.attempts >= MOST_ATTEMPTS else EntryState.WAITING
            log.warning("registrar.refused", entry=entry.id, attempts=entry.attempts, why=record.refusal)
        return settled

    def _on_its_way(self, session: Session) -> StatementRecord | None:
        """Give the change that is not final yet: its number must be taken before the next can be."""
        return session.scalar(
            select(StatementRecord)
            .where(StatementRecord.case_kind == CASE_KIND, StatementRecord.state.in_(ON_THE_WAY))
            .order_by(StatementRecord.id)
            .limit(1)
        )

    def _compose(self, session: Session) -> int:
        """Make the next change out of what is waiting; what was refused before goes alone."""
        self._ask_for_service_keys(session)
        waiting = list(
            session.scalars(
                select(RegisterEntry)
                .where(RegisterEntry.state == EntryState.WAITING)
                .order_by(RegisterEntry.attempts, RegisterEntry.id)
                .limit(MOST_ENTRIES)
                .with_for_update()
            )
        )
        fresh = [entry for entry in waiting if entry.attempts == 0]
        chosen = fresh or waiting[:1]
        if not chosen:
            return 0
        change = ConsortiumChange(
            next_sequence(session),
            tuple(_organisation(entry) for entry in chosen if entry.kind == ORGANISATION),
            tuple(_grant(entry) for entry in chosen if entry.kind == GRANT),
            tuple(entry.key_id or b"" for entry in chosen if entry.kind == REVOCATION),
        )
        try:
            record = enqueue_statement(
                session,
                change,
                self._deployment,
                signatures=(),
                required=THRESHOLD,
                case_kind=CASE_KIND,
                case_id=CONSORTIUM_CASE,
                intent={},
                now=self._clock.now(),
            )
        except StatementRepeated:  # the very same change was refused before
            for entry in chosen:
                entry.state = EntryState.REFUSED
            return len(chosen)
        for entry in chosen:
            entry.state, entry.change = EntryState.SIGNING, record.digest
        return len(chosen)

    def _sign(self, session: Session, record: StatementRecord) -> int:
        """Let one more member sign, if it can explain the change."""
        if record.state != StatementState.COLLECTING:
            return 0
        change = record.statement()
        if not isinstance(change, ConsortiumChange) or not self._explained(session, change):
            return self._take_back(session, record)
        given = {signed.key_id for signed in signatures_of(session, record)}
        member = next((member for member in self._members if member.key_id not in given), None)
        if member is None:
            return 0
        add_signature(session, record, sign_with(member, record.digest), now=self._clock.now())
        return 1

    def _take_back(self, session: Session, record: StatementRecord) -> int:
        """Take a change of ours back that can be explained no longer, for example because somebody has left.

        A change that is not ours stays where it is, unsigned: somebody has to look at it.
        """
        entries = session.scalars(
            select(RegisterEntry).where(RegisterEntry.change == record.digest).with_for_update()
        ).all()
        if not entries:
            if record.digest not in self._unexplained:
                self._unexplained.add(record.digest)
                log.error("registrar.unexplained", statement=record.digest.hex())
            return 0
        withdraw_collecting(session, record)
        for entry in entries:
            entry.change = None
            entry.state = EntryState.WAITING if self._wanted(session, entry) else EntryState.REFUSED
            if entry.kind == GRANT and entry.state == EntryState.REFUSED:
                _drop_revocation(session, entry.key_id)
        log.info("registrar.took-back", entries=[entry.id for entry in entries])
        return len(entries)

    def _wanted(self, session: Session, entry: RegisterEntry) -> bool:
        """Tell whether what was asked for can still be explained."""
        if entry.kind == ORGANISATION:
            return _admitted(session, _organisation(entry))
        if entry.kind == REVOCATION:
            return _revoked(session, entry.key_id or b"")
        return _enrolled(session, _grant(entry)) or self._is_service_key(session, _grant(entry))

    def _explained(self, session: Session, change: ConsortiumChange) -> bool:
        """Tell whether every line of a change stems from an admission, an enrolment or a wish to revoke."""
        return (
            all(_admitted(session, line) for line in change.organisations)
            and all(_enrolled(session, line) or self._is_service_key(session, line) for line in change.grants)
            and all(_revoked(session, key_id) for key_id in change.revocations)
        )

    def _ask_for_service_keys(self, session: Session) -> None:
        """Ask for the entry of the keys that sign for a member's process: the evidence log's and its witnesses'."""
        for member, signer, role in self._service_keys(session):
            name = key_id_of(signer)
            if session.scalar(select(func.count(RegisterEntry.id)).where(RegisterEntry.key_id == name)):
                continue
            session.add(
                RegisterEntry(
                    kind=GRANT,
                    organisation_id=member.id,
                    officer_id=member.id,
                    key_id=name,
                    signer=signer,
                    roles=int(role),
                    valid_from=member.valid_from,
                    valid_until=member.valid_until,
                    state=EntryState.WAITING,
                    asked_at=self._clock.now(),
                )
            )
        session.flush()

    def _is_service_key(self, session: Session, line: KeyGrant) -> bool:
        return any(
            line.signer == signer
            and line.organisation == line.officer == id_bytes(member.id)
            and line.roles == int(role)
            for member, signer, role in self._service_keys(session)
        )

    def _service_keys(self, session: Session) -> list[tuple[Organisation, bytes, Role]]:
        members = list(
            session.scalars(select(Organisation).where(Organisation.founding).order_by(Organisation.id))
        )
        keepers = [member for member in members if Role(member.roles) & Role.LOG]
        return [(keeper, self._log_key, Role.LOG) for keeper in keepers[:1]] + [
            (member, self._witnesses[member.id], Role.WITNESS)
            for member in members
            if member.id in self._witnesses and Role(member.roles) & Role.WITNESS
        ]


def run(settings: Settings, stop: threading.Event) -> None:
    """Play the founding members until told to stop.

    Raises:
        NotADemonstration: The installation is none.
    """
    if not settings.demo:
        raise NotADemonstration
    opened = await_ledger(settings, stop)
    if opened is None:
        return
    database = Database(settings.database)
    registrar = Registrar(
        database,
        opened[1],
        founding_signers(settings.data_dir),
        log_signer(settings.data_dir).signer,
        witnesses={
            founder.organisation: signer.signer
            for founder, signer in zip(FOUNDERS, witness_signers(settings.data_dir), strict=True)
        },
    )
    loop("registrar", stop, registrar.step, _say_nothing)
    database.dispose()


def _say_nothing(fault: str) -> None:
    """Keep no status of its own: what it does shows on the keys."""
    del fault


def _organisation(entry: RegisterEntry) -> OrganisationLine:
    return organisation_line(
        entry.organisation_id,
        Role(entry.roles),
        valid_from=unix(entry.valid_from),
        valid_until=unix(entry.valid_until),
    )


def _grant(entry: RegisterEntry) -> KeyGrant:
    return key_grant(
        entry.organisation_id,
        entry.officer_id or entry.organisation_id,
        entry.signer or b"",
        Role(entry.roles),
        valid_from=unix(entry.valid_from),
        valid_until=unix(entry.valid_until),
    )


def _admitted(session: Session, line: OrganisationLine) -> bool:
    try:
        found = session.get(Organisation, id_from_bytes(line.organisation))
    except ValueError:
        return False
    return found is not None and line == organisation_line(
        found.id,
        Role(found.roles),
        valid_from=unix(found.valid_from),
        valid_until=unix(found.valid_until),
    )


def _enrolled(session: Session, line: KeyGrant) -> bool:
    """Tell whether a grant is of a key that came in through a link, for its holder, with no more than his roles."""
    key = session.scalar(select(Key).where(Key.key_id == key_id_of(line.signer)))
    if key is None or key.signer != line.signer or key.revoked_at is not None:
        return False
    link = session.get_one(EnrolmentLink, key.link_id)
    holder = holder_of(session, key.person_id, key.client_id)
    organisation = session.get_one(Organisation, key.organisation_id)
    return (
        link.used_at is not None
        and (link.person_id, link.client_id) == (key.person_id, key.client_id)
        and is_present(holder)
        and line.officer == id_bytes(holder.id)
        and line.organisation == id_bytes(holder.organisation_id) == id_bytes(organisation.id)
        and line.roles == key.roles
        and not Role(line.roles) & ~(Role(holder.roles) & Role(organisation.roles))
        and line.valid_until <= unix(organisation.valid_until)
    )


def _revoked(session: Session, key_id: bytes) -> bool:
    found = session.scalar(select(Key.revoked_at).where(Key.key_id == key_id))
    return found is not None


def _drop_revocation(session: Session, key_id: bytes | None) -> None:
    """Drop the wish to revoke a key that is never granted."""
    query = select(RegisterEntry).where(
        RegisterEntry.key_id == key_id,
        RegisterEntry.kind == REVOCATION,
        RegisterEntry.state == EntryState.WAITING,
    )
    for entry in session.scalars(query.with_for_update()):
        entry.state = EntryState.REFUSED
