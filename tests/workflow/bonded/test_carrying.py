"""The account of what notes carry, against a simple model, whatever happens in whatever order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database import Database
from tests.workflow.bonded.conftest import Site
from tests.workflow.builders.check_notes import carried, check_note_content
from workflow.bonded.carrying import counted_items, hold, set_carriage
from workflow.bonded.models import CheckNote
from workflow.bonded.rules import Carriage, NoteExceedsDeclaration
from workflow.bonded.service import draft_check_note

HELD = {1: Decimal(10), 2: Decimal(20)}
"""What the declaration of the scene holds, by line."""
QUANTITIES = st.decimals("0.000001", "21", places=6)
SIGN = st.tuples(st.just("sign"), st.sampled_from([1, 2]), QUANTITIES)
END = st.tuples(
    st.sampled_from([Carriage.DRAFT, Carriage.PASSED, Carriage.RETURNED]), st.integers(0, 20), st.none()
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(SIGN | END, min_size=1, max_size=10))
def test_the_account_never_exceeds_what_the_declaration_holds(
    database: Database, site: Site, story: list[tuple[str, int, Decimal | None]]
) -> None:
    waiting: list[tuple[CheckNote, int, Decimal]] = []
    taken = dict.fromkeys(HELD, Decimal(0))
    with database.read() as session:  # what it writes is thrown away, so that every story begins alike
        for event, which, quantity in story:
            if quantity is not None:
                content = check_note_content(carried(site.declaration, which, str(quantity)))
                note = draft_check_note(session, site.context, site.broker.principal, content)
                fits = taken[which] + quantity <= HELD[which]
                if fits:
                    hold(session, note, note.items)
                    taken[which] += quantity
                    waiting.append((note, which, quantity))
                else:
                    with pytest.raises(NoteExceedsDeclaration) as exceeded:
                        hold(session, note, note.items)
                    assert exceeded.value.left == HELD[which] - taken[which]
            elif waiting:
                note, line, held = waiting.pop(which % len(waiting))
                set_carriage(note.items, Carriage(event))
                if event != Carriage.PASSED:
                    taken[line] -= held
            session.flush()
            counted = dict.fromkeys(HELD, Decimal(0))
            for item in counted_items(session, site.declaration.id):
                counted[item.declared_line] += item.quantity
            assert counted == taken
            assert all(counted[line] <= held for line, held in HELD.items())
