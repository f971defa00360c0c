"""The founding members' registrars: they sign what they can explain, k of n, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.archive import FolderArchive
from kernel.clock import ManualClock, SystemClock
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.finality import ImmediateFinality
from ledger.chain.installation import found, founding_signers, log_signer, relay_account
from ledger.chain.node import EmbeddedNode
from ledger.consortium import (
    CASE_KIND,
    CONSORTIUM_CASE,
    FOUNDERS,
    THRESHOLD,
    key_grant,
    next_sequence,
    organisation,
)
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer
from ledger.models import LedgerKey, StatementRecord, StatementState
from ledger.outbox import enqueue_statement, signatures_of
from ledger.recording.indexer import Indexer
from ledger.recording.relay import Relay
from ledger.refusals import Refusal
from ledger.statements import ConsortiumChange, KeyGrant, Organisation, id_bytes
from tests.workflow.parties.town import Town
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.parties import service
from workflow.parties.models import Key, Person, RegisterEntry
from workflow.parties.registrar import MOST_ATTEMPTS, MOST_ENTRIES, NotADemonstration, Registrar, run
from workflow.parties.rules import EntryState, KeyStanding, OrganisationKind

MEMBERS = [Secp256k1Signer.generate() for _ in range(3)]
LOG = Secp256k1Signer.generate()


@pytest.fixture
def town(context: Context) -> Town:
    return Town(context)


@pytest.fixture
def registrar(database: Database, context: Context) -> Registrar:
    return Registrar(database, context.deployment, MEMBERS, LOG.signer, context.clock)


def settle_down(registrar: Registrar) -> int:
    """Step until there is nothing to do."""
    steps = 0
    while registrar.step():
        steps += 1
        assert steps < 100
    return steps


def changes(database: Database) -> list[StatementRecord]:
    with database.read() as session:
        query = select(StatementRecord).where(StatementRecord.case_kind == CASE_KIND)
        return list(session.scalars(query.order_by(StatementRecord.id)))


def end(database: Database, state: StatementState) -> None:
    """Let the ledger come to its verdict on whatever is on its way."""
    with database.write() as session:
        query = select(StatementRecord).where(StatementRecord.state == StatementState.QUEUED)
        for record in session.scalars(query):
            record.state = state


def lines_of(record: StatementRecord) -> ConsortiumChange:
    change = record.statement()
    assert isinstance(change, ConsortiumChange)
    return change


def propose(
    database: Database,
    context: Context,
    *,
    organisations: tuple[Organisation, ...] = (),
    grants: tuple[KeyGrant, ...] = (),
    revocations: tuple[bytes, ...] = (),
) -> bytes:
    """Write a change that nobody asked for, as somebody with the operator's database could."""
    with database.write() as session:
        change = ConsortiumChange(next_sequence(session), organisations, grants, revocations)
        return enqueue_statement(
            session,
            change,
            context.deployment,
            signatures=(),
            required=THRESHOLD,
            case_kind=CASE_KIND,
            case_id=CONSORTIUM_CASE,
            intent={},
            now=context.clock.now(),
        ).digest


def test_nothing_asked_nothing_signed(database: Database, registrar: Registrar) -> None:
    assert registrar.step() == 0
    assert changes(database) == []


def test_what_is_asked_is_signed_one_member_after_the_other(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        firm = town.organisation(session)
        key, passkey = town.passkey_of(session, town.person(session, firm, Role.BROKER))

    def signatures() -> tuple[KeyStanding, int]:
        with database.read() as session:
            known = session.get_one(Key, key.id)
            shown = service.show_key(session, known, now=context.clock.now(), language="en")
            return shown.standing, shown.signatures

    assert signatures() == (KeyStanding.ENTERING, 0)
    assert registrar.step() == 2, "one change for all that waits"
    assert signatures() == (KeyStanding.ENTERING, 0)
    assert registrar.step() == 1
    assert signatures() == (KeyStanding.ENTERING, 1)
    assert registrar.step() == 1
    assert signatures() == (KeyStanding.ENTERING, 2)
    assert registrar.step() == 0, "two of three are enough"
    (record,) = changes(database)
    assert record.state == StatementState.QUEUED
    change = lines_of(record)
    assert [line.roles for line in change.organisations] == [int(Role.BROKER | Role.HOLDER)]
    assert [line.signer for line in change.grants] == [passkey.signer_on(context.deployment).signer]
    with database.read() as session:
        signed = signatures_of(session, record)
    assert [one.key_id for one in signed] == [member.key_id for member in MEMBERS[:2]]


def test_one_change_at_a_time(database: Database, registrar: Registrar, town: Town) -> None:
    """Its number must be taken before the next can be: a change with a gap before it is refused."""
    with database.write() as session:
        town.organisation(session)
    settle_down(registrar)
    with database.write() as session:
        town.organisation(session)
    assert settle_down(registrar) == 0
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    assert [lines_of(record).sequence for record in changes(database)] == [1, 2]
    with database.read() as session:
        states = session.scalars(select(RegisterEntry.state).order_by(RegisterEntry.id)).all()
    assert states == [EntryState.ENTERED, EntryState.SIGNING]


def test_a_change_holds_no_more_than_one_transaction_can_carry(
    database: Database, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        for _ in range(MOST_ENTRIES + 1):
            town.organisation(session)
    registrar.step()
    assert len(lines_of(changes(database)[0]).organisations) == MOST_ENTRIES


def test_what_was_refused_is_tried_alone_and_then_given_up(
    database: Database, context: Context, registrar: Registrar, town: Town, clock: ManualClock
) -> None:
    with database.write() as session:
        firm = town.organisation(session)
        town.organisation(session)
    settle_down(registrar)
    end(database, StatementState.REFUSED)
    for _ in range(2):
        settle_down(registrar)
        end(database, StatementState.RECORDED)
    with database.write() as session:
        key, _ = town.passkey_of(session, town.person(session, firm, Role.BROKER))
    for _ in range(MOST_ATTEMPTS):
        settle_down(registrar)
        end(database, StatementState.REFUSED)
    settle_down(registrar)
    sizes = [
        len(lines_of(record).organisations) + len(lines_of(record).grants) for record in changes(database)
    ]
    assert sizes[:3] == [2, 1, 1], "the second time each goes alone"
    with database.read() as session:
        shown = service.show_key(session, session.get_one(Key, key.id), now=clock.now(), language="zh")
    assert shown.standing is KeyStanding.REFUSED
    assert settle_down(registrar) == 0


def test_a_revocation_that_is_asked_for_is_signed(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        firm = town.organisation(session)
        person = town.person(session, firm, Role.BROKER)
        key, _ = town.passkey_of(session, person)
    settle_down(registrar)
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    with database.write() as session:
        service.revoke_key(session, context, SYSTEM_PRINCIPAL, key.key_id, "lost")
    settle_down(registrar)
    assert lines_of(changes(database)[-1]).revocations == (key.key_id,)
    assert changes(database)[-1].state == StatementState.QUEUED


def test_a_programs_keys_go_with_it(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        client = town.client(session, town.organisation(session), Role.BROKER)
        key, _ = town.software_key_of(session, client)
    settle_down(registrar)
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    with database.write() as session:
        service.revoke_client(session, context, SYSTEM_PRINCIPAL, client.id)
    settle_down(registrar)
    assert lines_of(changes(database)[-1]).revocations == (key.key_id,)
    with database.read() as session:
        assert service.is_withdrawn(session, key.key_id)


def test_a_key_that_is_revoked_before_anybody_signed_is_never_granted(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        key, _ = town.passkey_of(session, town.person(session, town.organisation(session), Role.BROKER))
        service.revoke_key(session, context, SYSTEM_PRINCIPAL, key.key_id, "lost")
    settle_down(registrar)
    (record,) = changes(database)
    assert lines_of(record).grants == ()


def test_the_evidence_logs_key_is_granted_to_the_member_that_keeps_it(
    database: Database, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        bureau = town.organisation(session, OrganisationKind.COMMERCE_BUREAU, founding=True).id
    settle_down(registrar)
    (record,) = changes(database)
    assert record.state == StatementState.QUEUED
    (grant,) = lines_of(record).grants
    assert grant == key_grant(
        bureau, bureau, LOG.signer, Role.LOG, valid_from=grant.valid_from, valid_until=grant.valid_until
    )
    end(database, StatementState.RECORDED)
    assert settle_down(registrar) == 1, "it is asked for once"


def test_the_keys_of_witnesses_are_granted_to_the_founding_members(
    database: Database, context: Context, town: Town
) -> None:
    witness = Secp256k1Signer.generate()
    with database.write() as session:
        bureau = town.organisation(session, OrganisationKind.COMMERCE_BUREAU, founding=True).id
        other = town.organisation(session, OrganisationKind.COMMITTEE).id
    asked = {bureau: witness.signer, other: Secp256k1Signer.generate().signer}
    registrar = Registrar(database, context.deployment, MEMBERS, LOG.signer, context.clock, witnesses=asked)
    settle_down(registrar)
    (record,) = changes(database)
    log, grant = lines_of(record).grants
    assert log.signer == LOG.signer
    assert (grant.signer, grant.roles) == (witness.signer, Role.WITNESS)
    assert grant.organisation == grant.officer == id_bytes(bureau)
    end(database, StatementState.RECORDED)
    assert settle_down(registrar) == 1, "they are asked for once"


# ----------------------------------------------------------------------------------- what is never signed


def unsigned(database: Database, registrar: Registrar) -> None:
    assert settle_down(registrar) == 0
    record = changes(database)[-1]
    assert record.state == StatementState.COLLECTING
    with database.read() as session:
        assert signatures_of(session, record) == []


def test_an_organisation_that_nobody_admitted(
    database: Database, context: Context, registrar: Registrar
) -> None:
    propose(database, context, organisations=(organisation(context.ids.new(), Role.BROKER),))
    unsigned(database, registrar)


def test_an_organisation_by_another_name_than_ours(
    database: Database, context: Context, registrar: Registrar
) -> None:
    propose(database, context, organisations=(Organisation(b"\xff" * 32, 1, 0, 1),))
    unsigned(database, registrar)


def entered(database: Database, registrar: Registrar, town: Town) -> tuple[Key, ConsortiumChange]:
    """Give a key that came in as it should, and the change that entered it."""
    with database.write() as session:
        key, _ = town.passkey_of(session, town.person(session, town.organisation(session), Role.BROKER))
    settle_down(registrar)
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    return key, lines_of(changes(database)[-1])


def test_an_organisation_with_more_roles_than_it_was_admitted_with(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    key, _ = entered(database, registrar, town)
    more = organisation(key.organisation_id, Role.BROKER | Role.RELEASING_OFFICER)
    propose(database, context, organisations=(more,))
    unsigned(database, registrar)


def test_a_key_that_nobody_enrolled(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    key, _ = entered(database, registrar, town)
    strange = Secp256k1Signer.generate().signer
    propose(database, context, grants=(key_grant(key.organisation_id, key.officer_id, strange, Role.BROKER),))
    unsigned(database, registrar)


@pytest.mark.parametrize("what", ["roles", "officer", "organisation", "validity"])
def test_a_key_entered_for_more_than_it_was_enrolled_for(
    database: Database, context: Context, registrar: Registrar, town: Town, what: str
) -> None:
    key, change = entered(database, registrar, town)
    (line,) = change.grants
    wrong = {
        "roles": Role.BROKER | Role.RELEASING_OFFICER,
        "officer": context.ids.new(),
        "organisation": context.ids.new(),
        "validity": (1 << 64) - 1,
    }
    grant = key_grant(
        wrong["organisation"] if what == "organisation" else key.organisation_id,  # type: ignore[arg-type]  # one table
        wrong["officer"] if what == "officer" else key.officer_id,  # type: ignore[arg-type]  # one table
        line.signer,
        wrong["roles"] if what == "roles" else Role.BROKER,  # type: ignore[arg-type]  # one table
        valid_until=wrong["validity"] if what == "validity" else line.valid_until,  # type: ignore[arg-type]  # one table
    )
    propose(database, context, grants=(grant,))
    unsigned(database, registrar)


@pytest.mark.parametrize("signatures", [0, 1])
def test_who_leaves_or_revokes_while_a_change_is_being_signed_is_taken_out_of_it(
    database: Database, context: Context, registrar: Registrar, town: Town, signatures: int
) -> None:
    with database.write() as session:
        firm = town.organisation(session)
        leaving, staying = (town.person(session, firm, Role.BROKER) for _ in range(2))
        lost, _ = town.passkey_of(session, leaving)
        kept, _ = town.passkey_of(session, staying)
    for _ in range(1 + signatures):
        registrar.step()
    with database.write() as session:
        service.let_person_leave(session, context, SYSTEM_PRINCIPAL, leaving.id)
    settle_down(registrar)
    (record,) = changes(database)
    assert record.state == StatementState.QUEUED
    assert [line.officer[:16] for line in lines_of(record).grants] == [staying.id.bytes]
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    assert len(changes(database)) == 1, "there is nothing left to revoke"
    with database.read() as session:
        now = context.clock.now()
        standings = [
            service.show_key(session, session.get_one(Key, key.id), now=now, language="en").standing
            for key in (lost, kept)
        ]
    assert standings == [KeyStanding.REVOKED, KeyStanding.ENTERING]


def test_who_leaves_after_the_change_was_signed_is_revoked_by_the_next(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    with database.write() as session:
        person = town.person(session, town.organisation(session), Role.BROKER)
        key, _ = town.passkey_of(session, person)
    settle_down(registrar)
    with database.write() as session:
        service.let_person_leave(session, context, SYSTEM_PRINCIPAL, person.id)
    end(database, StatementState.RECORDED)
    settle_down(registrar)
    assert lines_of(changes(database)[-1]).revocations == (key.key_id,)


def test_a_key_of_somebody_who_has_left(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    key, change = entered(database, registrar, town)
    with database.write() as session:
        session.get_one(Person, key.person_id).left_at = context.clock.now()
    propose(database, context, grants=change.grants)
    unsigned(database, registrar)


def test_a_revocation_that_nobody_asked_for(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    key, _ = entered(database, registrar, town)
    propose(database, context, revocations=(key.key_id,))
    unsigned(database, registrar)


def test_one_line_that_cannot_be_explained_leaves_all_unsigned(
    database: Database, context: Context, registrar: Registrar, town: Town
) -> None:
    _, change = entered(database, registrar, town)
    strange = organisation(context.ids.new(), Role.BROKER)
    propose(database, context, organisations=(*change.organisations, strange))
    unsigned(database, registrar)


def test_it_runs_in_a_demonstration_alone(settings: Settings) -> None:
    with pytest.raises(NotADemonstration):
        run(settings, threading.Event())


def test_no_founding_key_is_loaded_by_the_doors() -> None:
    """The API must never hold a key that changes the consortium."""
    api = Path(__file__).resolve().parents[3] / "api"
    sources = [path for path in api.rglob("*.py") if "command_line" not in path.parts]
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert "founding_signers" not in text, path
        assert "registrar" not in text, path


# ------------------------------------------------------------------------------------------- on a real node


class Listener:
    """A sink that does nothing: changes of the consortium belong to no case."""

    def recorded(self, session: Session, record: StatementRecord) -> None:
        """Hear of a recorded statement."""

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        """Hear of a refused statement."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(tmp_path / "node")
    node.start()
    yield node
    node.stop()


def test_the_contract_takes_what_the_members_signed(
    node: EmbeddedNode, sqlite_database: Database, settings: Settings, archive: FolderArchive
) -> None:
    deployment = found(node.chain, settings.data_dir)
    context = Context(settings=settings, archive=archive, deployment=deployment, clock=SystemClock())
    members, log_key = founding_signers(settings.data_dir), log_signer(settings.data_dir)
    registrar = Registrar(sqlite_database, deployment, members, log_key.signer)
    account = relay_account(settings.data_dir)
    relay = Relay(sqlite_database, node.chain, account, deployment)
    indexer = Indexer(
        sqlite_database, node.chain, deployment, ImmediateFinality(), Listener(), account.address
    )
    town = Town(context)
    with sqlite_database.write() as session:
        for founder, kind in zip(FOUNDERS, ("committee", "customs", "commerce_bureau"), strict=True):
            town.organisation(
                session, OrganisationKind(kind), founding=True, organisation_id=founder.organisation
            )
        firm = town.organisation(session)
        key, _ = town.passkey_of(session, town.person(session, firm, Role.BROKER))
        program, _ = town.software_key_of(session, town.client(session, firm, Role.BROKER))

    def standing(of: Key) -> KeyStanding:
        with sqlite_database.read() as session:
            known = session.get_one(Key, of.id)
            return service.show_key(session, known, now=context.clock.now(), language="en").standing

    def go_round() -> None:
        for _ in range(2000):
            if registrar.step() + relay.step() + indexer.step() == 0 and not on_their_way():
                return
        raise TimeoutError

    def on_their_way() -> bool:
        states = {record.state for record in changes(sqlite_database)}
        return bool(states & {StatementState.COLLECTING, StatementState.QUEUED, StatementState.SENT})

    go_round()
    assert [record.refusal for record in changes(sqlite_database)] == [None]
    assert (standing(key), standing(program)) == (KeyStanding.ACTIVE, KeyStanding.ACTIVE)
    with sqlite_database.read() as session:
        assert session.get_one(LedgerKey, log_key.key_id).roles == Role.LOG
        assert service.show_organisation(session, firm).in_register
    with sqlite_database.write() as session:
        service.revoke_key(session, context, SYSTEM_PRINCIPAL, key.key_id, "lost")
    assert standing(key) is KeyStanding.REVOKING
    go_round()
    assert (standing(key), standing(program)) == (KeyStanding.REVOKED, KeyStanding.ACTIVE)
