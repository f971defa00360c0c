"""Draw-down of certificate lines: never below zero, never above the ceiling, whatever happens in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.errors import Invalid
from ledger.keys.roles import Role
from ledger.proofs.lines import leaf_of, verify_line
from tests.workflow.builders.at_once import at_once
from tests.workflow.builders.certificates import active_certificate, certificate_content, goods_line
from tests.workflow.builders.parties import granted
from tests.workflow.certificates.conftest import Desks
from workflow.certificates import service
from workflow.certificates.drawing import LineAccountBroken
from workflow.certificates.models import Certificate, CertificateDraw, CertificateLine
from workflow.certificates.rules import (
    LineBalance,
    LineOverdrawn,
    extra_to_hold,
    surplus_to_free,
    use_event,
)
from workflow.certificates.service import DrawRequest, LineDraw
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.processes import CERTIFICATES

CEILINGS = {1: Decimal(100), 2: Decimal("2.5")}
ZERO = Decimal(0)


@dataclass(frozen=True)
class Account:
    """An active certificate and the use cases that move its account."""

    desks: Desks
    certificate_id: UUID
    number: str

    def requests(self, *asked: tuple[int, str]) -> list[DrawRequest]:
        return [
            DrawRequest(
                certificate_number=self.number,
                certificate_line=line,
                declared_line=place,
                unit="H87",
                quantity=Decimal(quantity),
            )
            for place, (line, quantity) in enumerate(asked)
        ]

    def draws(self, session: Session, *asked: tuple[int, str]) -> list[LineDraw]:
        return service.match_draws(
            session, self.desks.context, self.desks.broker.principal, self.requests(*asked)
        )

    def hold(self, session: Session, declaration: UUID, *asked: tuple[int, str], version: int = 1) -> None:
        service.hold_draws(session, declaration, version, self.draws(session, *asked))

    def standing(
        self, session: Session, declaration: UUID, *asked: tuple[int, str], version: int = 1
    ) -> None:
        self.hold(session, declaration, *asked, version=version)
        service.settle_draws(session, declaration, recorded=True)

    def commit(self, session: Session, declaration: UUID) -> None:
        service.commit_draws(session, self.desks.context, declaration)

    def balances(self, session: Session) -> dict[int, tuple[Decimal, Decimal]]:
        """Give reserved and committed of each line, read anew."""
        lines = select(CertificateLine).where(CertificateLine.certificate_id == self.certificate_id)
        rows = session.scalars(lines.execution_options(populate_existing=True))
        return {row.line: (row.reserved, row.committed) for row in rows}

    def state(self, session: Session) -> str:
        return service.get_certificate(session, SYSTEM_PRINCIPAL, self.certificate_id).state


@pytest.fixture
def account(database: Database, desks: Desks) -> Account:
    content = certificate_content(
        lines=[goods_line(line, str(ceiling)) for line, ceiling in CEILINGS.items()]
    )
    with database.write() as session:
        certificate = active_certificate(session, desks, CERTIFICATES, desks.broker, content)
        return Account(desks, certificate.id, certificate.number)


# ----------------------------------------------------------------------------------------------------- matching


def _faults(session: Session, account: Account, *requests: DrawRequest) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as invalid:
        service.match_draws(session, account.desks.context, account.desks.broker.principal, requests)
    return [(fault.field, fault.rule) for fault in invalid.value.found]


def test_declared_lines_on_one_certificate_line_are_added_up(database: Database, account: Account) -> None:
    with database.read() as session:
        draws = account.draws(session, (1, "3"), (2, "1"), (1, "4.5"))
        assert [(draw.line.line, draw.quantity, draw.declared_line) for draw in draws] == [
            (1, Decimal("7.5"), 0),
            (2, Decimal(1), 1),
        ]


def test_every_request_that_cannot_be_met_is_named(database: Database, account: Account) -> None:
    good, unknown_line, other_unit, unknown = account.requests((1, "1"), (9, "1"), (1, "1"), (1, "1"))
    with database.read() as session:
        assert _faults(
            session,
            account,
            good,
            unknown_line,
            _changed(other_unit, unit="KGM"),
            _changed(unknown, certificate_number="NOBODYS"),
        ) == [
            ("/lines/1/certificate_line", "certificate.line-unknown"),
            ("/lines/2/unit", "certificate.unit-differs"),
            ("/lines/3/certificate_number", "certificate.not-usable"),
        ]


def _changed(request: DrawRequest, **changes: str) -> DrawRequest:
    return DrawRequest(**{**vars(request), **changes})


@pytest.mark.parametrize(
    "state",
    sorted(set(CERTIFICATES.life_cycle.states) - {"active", "partly_used"}),
)
def test_only_a_certificate_in_force_is_drawn_on(database: Database, account: Account, state: str) -> None:
    with database.read() as session:
        session.execute(update(Certificate).values(state=state))
        faults = _faults(session, account, *account.requests((1, "1")))
        assert faults == [("/lines/0/certificate_number", "certificate.not-usable")]


@pytest.mark.parametrize("days", [-40, 150], ids=["before", "after"])
def test_it_is_drawn_on_within_its_validity(
    database: Database, account: Account, clock: ManualClock, days: int
) -> None:
    clock.advance(timedelta(days=days))
    with database.read() as session:
        faults = _faults(session, account, *account.requests((1, "1")))
        assert faults == [("/lines/0/certificate_number", "certificate.not-usable")]


def test_another_firm_cannot_draw_on_it(database: Database, account: Account) -> None:
    with database.write() as session:
        stranger = granted(session, Role.BROKER)
        with pytest.raises(Invalid):
            service.match_draws(
                session, account.desks.context, stranger.principal, account.requests((1, "1"))
            )


def test_each_draw_comes_with_its_ceiling_and_its_path(database: Database, account: Account) -> None:
    with database.read() as session:
        draws = account.draws(session, (2, "1"), (1, "3"))
        proofs = service.line_proofs(session, draws)
        root = service.line_tree(
            service.get_certificate(session, SYSTEM_PRINCIPAL, account.certificate_id)
        ).root
        assert [proof["ceiling"] for proof in proofs] == [2_500_000, 100_000_000]
        for line, proof in zip((2, 1), proofs, strict=True):
            path = [bytes.fromhex(node.removeprefix("0x")) for node in proof["proof"]]
            assert verify_line(leaf_of(account.certificate_id, line, "H87", proof["ceiling"]), path, root)
            assert not verify_line(leaf_of(account.certificate_id, line, "H87", 1), path, root)


# ------------------------------------------------------------------------------------------- the account, rule 3


def test_hold_settle_commit(database: Database, account: Account) -> None:
    declaration = uuid4()
    with database.write() as session:
        account.hold(session, declaration, (1, "30"), (2, "0.5"))
        assert account.balances(session) == {1: (Decimal(30), ZERO), 2: (Decimal("0.5"), ZERO)}
        assert service.draws_of(session, declaration) == [], (
            "nothing stands before the ledger has recorded it"
        )
        service.settle_draws(session, declaration, recorded=True)
        assert [(draw.line.line, draw.quantity) for draw in service.draws_of(session, declaration)] == [
            (1, Decimal(30)),
            (2, Decimal("0.5")),
        ]
        account.commit(session, declaration)
        assert account.balances(session) == {1: (ZERO, Decimal(30)), 2: (ZERO, Decimal("0.5"))}
        assert [draw.state for draw in service.draws_of(session, declaration)] == ["committed"] * 2
        assert account.state(session) == "partly_used"


def test_what_a_refused_or_withdrawn_declaration_held_is_free_again(
    database: Database, account: Account
) -> None:
    refused, withdrawn = uuid4(), uuid4()
    with database.write() as session:
        account.standing(session, withdrawn, (1, "40"))
        account.hold(session, refused, (1, "60"))
        service.settle_draws(session, refused, recorded=False)
        assert account.balances(session)[1] == (Decimal(40), ZERO)
        account.hold(session, refused, (1, "60"))
        service.settle_draws(session, refused, recorded=False)
        service.give_back_draws(session, withdrawn)
        assert account.balances(session)[1] == (ZERO, ZERO)
        assert service.draws_of(session, withdrawn) == []


def test_a_line_is_not_overdrawn_and_the_answer_says_what_is_left(
    database: Database, account: Account
) -> None:
    with database.write() as session:
        account.standing(session, uuid4(), (1, "99.5"))
    with database.write() as session, pytest.raises(LineOverdrawn) as overdrawn:
        account.hold(session, uuid4(), (2, "1"), (1, "0.500001"))
    assert (overdrawn.value.left, overdrawn.value.asked) == (Decimal("0.5"), Decimal("0.500001"))
    assert overdrawn.value.pointer() == "/lines/1/quantity"


def test_nothing_of_a_refused_hold_stays(database: Database, account: Account) -> None:
    with pytest.raises(LineOverdrawn), database.write() as session:
        account.hold(session, uuid4(), (1, "1"), (2, "2.6"))
    with database.read() as session:
        assert account.balances(session) == {1: (ZERO, ZERO), 2: (ZERO, ZERO)}


@pytest.mark.parametrize(
    ("first", "second", "while_waiting", "recorded", "refused"),
    [
        ("30", "50", "50", "50", "30"),
        ("50", "30", "50", "30", "50"),
        ("50", "100", "100", "100", "50"),
        ("50", "50", "50", "50", "50"),
    ],
)
def test_an_amendment_holds_only_what_is_new(
    database: Database,
    account: Account,
    first: str,
    second: str,
    while_waiting: str,
    recorded: str,
    refused: str,
) -> None:
    for answer, expected in ((True, recorded), (False, refused)):
        with database.read() as session:
            declaration = uuid4()
            account.standing(session, declaration, (1, first), (2, "1"))
            account.hold(session, declaration, (1, second), version=2)
            assert account.balances(session) == {1: (Decimal(while_waiting), ZERO), 2: (Decimal(1), ZERO)}
            service.settle_draws(session, declaration, recorded=answer)
            line_2 = ZERO if answer else Decimal(1)
            assert account.balances(session) == {1: (Decimal(expected), ZERO), 2: (line_2, ZERO)}
            standing = {draw.line.line: draw.quantity for draw in service.draws_of(session, declaration)}
            kept = {} if answer else {2: Decimal(1)}
            assert standing == {1: Decimal(expected), **kept}


def test_an_amendment_beyond_the_ceiling_is_refused_with_what_the_declaration_may_have(
    database: Database, account: Account
) -> None:
    mine = uuid4()
    with database.write() as session:
        account.standing(session, uuid4(), (1, "60"))
        account.standing(session, mine, (1, "30"))
        with pytest.raises(LineOverdrawn) as overdrawn:
            account.hold(session, mine, (1, "41"), version=2)
        assert overdrawn.value.left == Decimal(40)


def test_a_certificate_is_used_up_when_nothing_is_left_to_commit(
    database: Database, account: Account
) -> None:
    with database.write() as session:
        for asked, state in (
            ([(1, "60")], "partly_used"),
            ([(1, "40")], "partly_used"),
            ([(2, "2.5")], "fully_used"),
        ):
            declaration = uuid4()
            account.standing(session, declaration, *asked)
            account.commit(session, declaration)
            assert account.state(session) == state


def test_an_account_that_does_not_agree_with_its_draws_is_left_alone(
    database: Database, account: Account
) -> None:
    declaration = uuid4()
    with database.write() as session:
        account.standing(session, declaration, (1, "10"))
        session.execute(update(CertificateLine).where(CertificateLine.line == 1).values(reserved=Decimal(5)))
        for use in (service.give_back_draws, account.commit):
            with pytest.raises(LineAccountBroken):
                use(session, declaration)


# ---------------------------------------------------------------------------------------------------- many at once


def test_brokers_who_draw_at_once_never_overdraw_a_line(database: Database, account: Account) -> None:
    def drawing(declaration: UUID) -> Callable[[], UUID]:
        def draw() -> UUID:
            with database.write() as session:
                account.hold(session, declaration, (2, "0.2"), (1, "15"))
            return declaration

        return draw

    held, refused = at_once([drawing(uuid4()) for _ in range(10)])
    assert len(held) == 6
    assert {type(refusal) for refusal in refused} == {LineOverdrawn}
    with database.read() as session:
        assert account.balances(session) == {1: (Decimal(90), ZERO), 2: (Decimal("1.2"), ZERO)}
        assert set(session.scalars(select(CertificateDraw.declaration_id))) == set(held)


def test_releases_withdrawals_and_draws_at_once_keep_the_account(
    database: Database, account: Account
) -> None:
    released, withdrawn = [uuid4() for _ in range(3)], [uuid4() for _ in range(3)]
    with database.write() as session:
        for declaration in (*released, *withdrawn):
            account.standing(session, declaration, (1, "15"))

    def release(declaration: UUID) -> None:
        with database.write() as session:
            account.commit(session, declaration)

    def withdraw(declaration: UUID) -> None:
        with database.write() as session:
            service.give_back_draws(session, declaration)

    def draw(declaration: UUID) -> None:
        with database.write() as session:
            account.hold(session, declaration, (1, "10"))

    def calls(use: Callable[[UUID], None], declarations: list[UUID]) -> list[Callable[[], None]]:
        return [lambda chosen=declaration: use(chosen) for declaration in declarations]  # type: ignore[misc]  # binds now

    _, refused = at_once(
        [*calls(release, released), *calls(withdraw, withdrawn), *calls(draw, [uuid4() for _ in range(4)])]
    )
    drawn = 4 - len(refused)
    with database.read() as session:
        assert account.balances(session)[1] == (Decimal(10 * drawn), Decimal(45))
        assert account.state(session) == "partly_used"


# -------------------------------------------------------------------------------------- any story, against a model

QUANTITIES = st.decimals("0.000001", "60", places=6)
STEPS = st.tuples(
    st.sampled_from(["hold", "record", "refuse", "commit", "give_back"]), st.integers(0, 2), QUANTITIES
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(STEPS, min_size=1, max_size=25))
def test_the_account_holds_in_any_story(
    database: Database, account: Account, story: list[tuple[str, int, Decimal]]
) -> None:
    declarations = [uuid4() for _ in range(3)]
    version = dict.fromkeys(declarations, 0)
    pending: dict[UUID, Decimal] = {}
    standing: dict[UUID, Decimal] = {}
    committed = ZERO

    def reserved() -> Decimal:
        return sum((max(pending.get(d, ZERO), standing.get(d, ZERO)) for d in declarations), ZERO)

    with database.read() as session:  # what it writes is thrown away, so that every story begins alike
        for event, which, quantity in story:
            declaration = declarations[which]
            waits, stands = declaration in pending, declaration in standing
            if event == "hold" and not waits:
                version[declaration] += 1
                extra = max(ZERO, quantity - standing.get(declaration, ZERO))
                if reserved() + committed + extra <= CEILINGS[1]:
                    account.hold(session, declaration, (1, str(quantity)), version=version[declaration])
                    pending[declaration] = quantity
                else:
                    with pytest.raises(LineOverdrawn):
                        account.hold(session, declaration, (1, str(quantity)), version=version[declaration])
            elif event == "record" and waits:
                service.settle_draws(session, declaration, recorded=True)
                standing[declaration] = pending.pop(declaration)
            elif event == "refuse" and waits:
                service.settle_draws(session, declaration, recorded=False)
                del pending[declaration]
            elif event == "commit" and stands and not waits:
                account.commit(session, declaration)
                committed += standing.pop(declaration)
            elif event == "give_back" and stands and not waits:
                service.give_back_draws(session, declaration)
                del standing[declaration]
            session.flush()
            balance = account.balances(session)[1]
            assert balance == (reserved(), committed)
            assert ZERO <= balance[0] + balance[1] <= CEILINGS[1]


@given(standing=QUANTITIES, asked=QUANTITIES)
def test_an_amendment_ends_where_it_asks_or_where_it_began(standing: Decimal, asked: Decimal) -> None:
    extra, surplus = extra_to_hold(standing, asked), surplus_to_free(standing, asked)
    assert standing + extra - surplus == asked
    assert extra >= 0 <= surplus
    assert ZERO in {extra, surplus}


def test_use_event_and_what_is_left() -> None:
    full, open_ = LineBalance(Decimal(5), ZERO, Decimal(5)), LineBalance(Decimal(5), Decimal(2), Decimal(1))
    assert (full.left, open_.left) == (ZERO, Decimal(2))
    assert use_event({1: full}) == "use_up"
    assert use_event({1: full, 2: open_}) == "use_in_part"
