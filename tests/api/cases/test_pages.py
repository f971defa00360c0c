"""The pages of cases without a browser: who sees what, in which language, with which steps."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from api.cases import words
from kernel.errors import Language
from ledger.keys.roles import Role
from tests.api.cast import KIND_OF_ROLE, Cast
from tests.api.world import World
from workflow.engine.registry import CaseKind
from workflow.processes import KINDS

PERSONS = (
    Role.BROKER,
    Role.COMMITTEE,
    Role.DOCUMENTS_OFFICER,
    Role.INSPECTOR,
    Role.RELEASING_OFFICER,
    Role.SUPERVISOR,
    Role.AUDITOR,
)
SAYS: dict[Language, dict[str, str]] = {
    "en": {"Accept-Language": "en"},
    "zh": {"Accept-Language": "zh-CN"},
}


@pytest.fixture
def cast(sqlite_world: World) -> Cast:
    return Cast(sqlite_world)


def browser(cast: Cast, role: Role, organisation_id: UUID | None = None) -> httpx.Client:
    """Give a browser in which somebody of the cast's organisation for this role is signed in."""
    kind = KIND_OF_ROLE[role]
    house = organisation_id or cast.houses.get(kind) or cast.world.organisation(kind)
    cast.houses.setdefault(kind, house)
    return cast.world.visitor(role, kind=kind, organisation_id=house).http


def steps(answer: httpx.Response) -> set[str]:
    """Give the steps that a page offers."""
    assert answer.status_code == 200, answer.text
    return set(re.findall(r'data-event="(\w+)"', answer.text))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/todo",
        "/certificates",
        "/certificates/new",
        "/declarations/new",
        "/holds",
        "/ledger",
        "/declarations/0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01",
        "/documents/0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01",
    ],
)
def test_who_is_not_signed_in_is_led_to_the_sign_in_page(sqlite_world: World, path: str) -> None:
    http = sqlite_world.browser()
    answer = http.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")
    assert "Paperless customs clearance" in http.get(answer.headers["location"]).text


def test_the_first_page_leads_to_what_waits(cast: Cast) -> None:
    answer = browser(cast, Role.COMMITTEE).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/todo")


def test_the_to_do_list_names_the_case_that_waits_for_a_person(cast: Cast) -> None:
    certificate = cast.certificate(until="under_committee_review")
    committee, officer = browser(cast, Role.COMMITTEE), browser(cast, Role.DOCUMENTS_OFFICER)
    assert certificate["number"] in committee.get("/todo").text.partition("Lately")[0]
    assert "Nothing waits for you" in officer.get("/todo").text


def test_another_firms_case_looks_like_a_missing_one(cast: Cast) -> None:
    declaration = cast.declaration()
    stranger = browser(cast, Role.BROKER, cast.world.organisation())
    for path in (f"/declarations/{declaration['id']}", f"/documents/{declaration['documents'][0]['id']}"):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]
        assert "Nordwind" not in answer.text


def test_forms_to_begin_a_case_are_for_brokers(cast: Cast) -> None:
    broker, officer = browser(cast, Role.BROKER), browser(cast, Role.DOCUMENTS_OFFICER)
    for path in ("/certificates/new", "/declarations/new"):
        assert broker.get(path).status_code == 200
        assert officer.get(path).status_code == 404


CERTIFICATE_STEPS = [
    ("draft", {Role.BROKER: {"submit"}}),
    ("under_committee_review", {Role.COMMITTEE: {"approve", "return_to_firm", "reject"}}),
    ("committee_approved", {Role.DOCUMENTS_OFFICER: {"file", "return_to_firm", "reject"}}),
    ("active", {Role.COMMITTEE: {"revoke"}, Role.DOCUMENTS_OFFICER: {"revoke"}}),
]


@pytest.mark.parametrize(
    ("state", "allowed"), CERTIFICATE_STEPS, ids=[state for state, _ in CERTIFICATE_STEPS]
)
def test_each_person_sees_the_steps_of_their_role_and_no_other(
    cast: Cast, state: str, allowed: dict[Role, set[str]]
) -> None:
    content_of_others = state == "draft"
    certificate = cast.certificate(until=state)
    for role in PERSONS:
        answer = browser(cast, role).get(f"/certificates/{certificate['id']}")
        if content_of_others and role != Role.BROKER:
            assert answer.status_code == 404
        else:
            assert steps(answer) == allowed.get(role, set()), role


def test_the_releasing_officer_alone_releases(cast: Cast) -> None:
    declaration = cast.declaration(until="guarantee")
    for role in PERSONS:
        offered = steps(browser(cast, role).get(f"/declarations/{declaration['id']}"))
        assert ("release" in offered) == (role == Role.RELEASING_OFFICER), role
        assert ("cancel" in offered) == (role == Role.BROKER), role


def test_a_hold_is_decided_from_the_table(cast: Cast) -> None:
    declaration = cast.declaration(until="document_examination")
    hold = cast.hold(declaration["id"])
    page = browser(cast, Role.RELEASING_OFFICER).get(f"/holds/{hold['id']}")
    assert steps(page) == {"dispose"}
    assert set(re.findall(r'name="disposition" value="(\w+)"', page.text)) == {
        option["name"] for option in hold["options"]
    }
    assert steps(browser(cast, Role.AUDITOR).get(f"/holds/{hold['id']}")) == set()
    assert "装箱单为4箱" in browser(cast, Role.BROKER).get(f"/declarations/{declaration['id']}").text


def test_a_step_under_way_is_shown_and_no_other_offered(cast: Cast) -> None:
    certificate = cast.certificate(until="draft")
    taken = cast.broker.act(f"/certificates/{certificate['id']}/actions/submit")
    assert taken.status_code == 202
    page = browser(cast, Role.BROKER).get(f"/certificates/{certificate['id']}")
    assert steps(page) == set()
    assert 'data-poll-field="pending_event"' in page.text
    assert "waits to be recorded" in page.text


def test_a_document_is_shown_with_what_was_found_in_it(cast: Cast) -> None:
    declaration = cast.declaration()
    paper = declaration["documents"][0]
    page = browser(cast, Role.BROKER).get(f"/documents/{paper['id']}")
    assert page.status_code == 200
    assert f'src="{paper["content"]}"' in page.text
    assert paper["sha256"] in page.text


@pytest.mark.parametrize("kind", list(words.STATES), ids=str)
def test_every_state_has_short_words(kind: str) -> None:
    assert set(words.STATES[kind]) == set(KINDS[kind].life_cycle.states)
    assert set(words.WAYS.get(kind, ())) <= set(words.STATES[kind])
    for text in words.STATES[kind].values():
        assert len(text.en) <= 20
        assert len(text.zh) <= 8


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", list(words.STATES), ids=str)
def test_a_case_is_shown_in_every_state_in_both_languages(cast: Cast, kind: str, language: Language) -> None:
    case_id, path = _one(cast, kind)
    officer, auditor = browser(cast, Role.BROKER), browser(cast, Role.AUDITOR)
    for state in KINDS[kind].life_cycle.states:
        _put(cast, KINDS[kind], case_id, state)
        for http in (officer, auditor):
            answer = http.get(path, headers=SAYS[language])
            if answer.status_code == 404:  # a draft is the firm's own; holds are no firm's business
                continue
            assert answer.status_code == 200, (state, answer.text)
            assert words.state(kind, state).in_language(language) in answer.text
            assert "{{" not in answer.text
        listed = auditor.get(path.rpartition("/")[0], headers=SAYS[language])
        assert listed.status_code == 200


def _one(cast: Cast, kind: str) -> tuple[UUID, str]:
    """Make a case of a kind; gives its identifier and the address of its page."""
    if kind == "certificate":
        case = cast.certificate(until="active")
        return UUID(case["id"]), f"/certificates/{case['id']}"
    declaration = cast.declaration(until="document_examination")
    if kind == "declaration":
        return UUID(declaration["id"]), f"/declarations/{declaration['id']}"
    if kind == "hold":
        case = cast.hold(declaration["id"])
        return UUID(case["id"]), f"/holds/{case['id']}"
    if kind == "examination":
        case = cast.examination(declaration["id"], radiation=True)
        return UUID(case["id"]), f"/examinations/{case['id']}"
    note = cast.broker.post(
        "/check-notes",
        {
            "internal_no": "T-00031",
            "office": "0101",
            "direction": "I",
            "note_type": "first_line",
            "binding": 3,
            "gates": 1,
            "vehicle_plate": "京A12345",
            "vehicle_weight_kg": "7500",
            "frame_weight_kg": "500",
            "goods_weight_kg": "60",
            "total_weight_kg": "8060",
            "items": [{"declaration_id": declaration["id"], "line_no": 1, "quantity": "4"}],
        },
    )
    assert note.status_code == 201, note.text
    return UUID(note.json()["id"]), f"/check-notes/{note.json()['id']}"


def _put(cast: Cast, kind: CaseKind, case_id: UUID, state: str) -> None:
    """Put a case into a state, past all rules: only how it is shown is tried."""
    with cast.world.writing() as session:
        session.execute(update(kind.model).where(kind.model.id == case_id).values(state=state))
