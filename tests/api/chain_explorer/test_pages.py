"""The ledger's pages without a browser: what anybody sees, what only those see who may know the case."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.chain_explorer.pages import CHECKS, meaning_of
from kernel.errors import Text
from ledger.evidence import log as evidence
from ledger.keys.roles import Role
from ledger.mirrors import LedgerCheckpoint
from ledger.models import ChainBlock, ChainEvent, StatementRecord
from tests.api.cast import KIND_OF_ROLE, Cast, nobody
from tests.api.world import World

TRANSACTION = b"\x70" * 32
WORD = "0x" + "ab" * 32


@pytest.fixture
def cast(sqlite_world: World) -> Cast:
    return Cast(sqlite_world)


@pytest.fixture
def case(cast: Cast) -> dict[str, Any]:
    """Give a submitted certificate that stands in block 7, with its evidence anchored."""
    submitted = cast.certificate(until="under_committee_review")
    now = cast.world.context.clock.now()
    with cast.world.writing() as session:
        record = session.query(StatementRecord).one()
        session.add(
            ChainBlock(number=7, hash=b"\x07" * 32, parent_hash=b"\x06" * 32, timestamp=now, is_final=True)
        )
        session.flush()
        record.block_number, record.block_hash, record.transaction_hash = 7, b"\x07" * 32, TRANSACTION
        organisation = cast.broker.organisation_id.bytes + bytes(16)
        session.add(
            ChainEvent(
                block_number=7,
                block_hash=b"\x07" * 32,
                transaction_hash=TRANSACTION,
                transaction_index=0,
                log_index=0,
                contract="MaterialCertificates",
                name="CertificateSubmitted",
                values={
                    "certificate": f"0x{record.subject.hex()}",
                    "broker": f"0x{organisation.hex()}",
                    "version": "1",
                },
                statement=record.digest,
                subject=record.subject,
                key_id=cast.broker.actor.key.key_id,
            )
        )
        evidence.sequence(session)
        session.flush()
        session.add(
            LedgerCheckpoint(
                size=evidence.log_size(session),
                root=evidence.root_at(session, evidence.log_size(session)),
                statement=None,
                block_number=7,
                transaction_hash=TRANSACTION,
                anchored_at=now + timedelta(seconds=5),
            )
        )
    return {**submitted, "officer": str(cast.broker.actor.principal.officer_id)}


def browser(cast: Cast, role: Role) -> httpx.Client:
    """Give a browser in which somebody with this role is signed in; a broker is of another firm."""
    kind = KIND_OF_ROLE[role]
    house = cast.world.organisation(kind) if role == Role.BROKER else cast.houses.get(kind)
    return cast.world.visitor(role, kind=kind, organisation_id=house).http


def shown(http: httpx.Client, path: str, **headers: str) -> str:
    answer = http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert "{{" not in answer.text
    return answer.text


def addresses(case: dict[str, Any]) -> list[str]:
    statement = case["ledger"][0]
    return [
        "/ledger",
        f"/ledger/statements/{statement['digest']}",
        f"/ledger/cases/{case['id']}",
        "/ledger/blocks/7",
        f"/ledger/transactions/0x{TRANSACTION.hex()}",
        f"/ledger/keys/{statement['keys'][0]}",
        f"/ledger/officers/{case['officer']}",
    ]


def test_every_page_is_shown_in_both_languages(cast: Cast, case: dict[str, Any]) -> None:
    auditor = browser(cast, Role.AUDITOR)
    for path in addresses(case):
        assert 'lang="en"' in shown(auditor, path)
        assert 'lang="zh-CN"' in shown(auditor, path, **{"Accept-Language": "zh"})


def test_a_statement_is_told_in_a_sentence_and_shown_as_it_was_signed(
    cast: Cast, case: dict[str, Any]
) -> None:
    auditor, digest = browser(cast, Role.AUDITOR), case["ledger"][0]["digest"]
    told = auditor.get(f"/api/v1/ledger/statements/{digest}").json()
    assert told["meaning"]["en"].endswith(".")
    assert told["signatures"][0]["kind"] in {"secp256k1", "p256", "passkey"}
    text = shown(auditor, addresses(case)[1])
    for part in (told["meaning"]["en"], told["standing"]["en"], told["signed_bytes"]):
        assert html.escape(part) in text
    assert told["meaning"]["zh"] in shown(auditor, addresses(case)[1], **{"Accept-Language": "zh"})


def test_every_link_between_the_pages_leads_somewhere(cast: Cast, case: dict[str, Any]) -> None:
    auditor = browser(cast, Role.AUDITOR)
    links = {
        link
        for path in addresses(case)
        for link in re.findall(r'href="(/ledger[^"#?]*)', shown(auditor, path))
    }
    assert len(links) >= 6
    assert {link: auditor.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_strangers_see_what_was_signed_and_neither_names_nor_content(
    cast: Cast, case: dict[str, Any]
) -> None:
    stranger = browser(cast, Role.BROKER)
    for path in addresses(case):
        text = shown(stranger, path)
        assert case["number"] not in text
        assert f"/certificates/{case['id']}" not in text
        assert case["ledger"][0]["by"] not in text
    assert case["number"] in shown(browser(cast, Role.AUDITOR), f"/ledger/cases/{case['id']}")


@pytest.mark.parametrize("name", ["7", "digest", "transaction", "key", "id", "number"])
def test_everything_is_found_by_its_name(cast: Cast, case: dict[str, Any], name: str) -> None:
    statement = case["ledger"][0]
    wanted = {
        "7": "7",
        "digest": statement["digest"],
        "transaction": f"0x{TRANSACTION.hex()}",
        "key": statement["keys"][0],
        "id": case["id"],
        "number": case["number"],
    }[name]
    answer = browser(cast, Role.AUDITOR).get("/ledger/find", params={"q": f" {wanted} "})
    assert answer.status_code == 303
    assert answer.headers["location"] in addresses(case)


def test_what_is_not_there_is_said_on_a_page(cast: Cast, case: dict[str, Any]) -> None:
    stranger = browser(cast, Role.BROKER)
    for path in (
        "/ledger/find?q=hello",
        f"/ledger/find?q={case['number']}",
        f"/ledger/statements/{WORD}",
        f"/ledger/cases/{nobody()}",
        "/ledger/blocks/999",
        f"/ledger/transactions/{WORD}",
        f"/ledger/keys/{WORD}",
    ):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]


def test_without_a_node_a_statement_is_shown_unchecked(cast: Cast, case: dict[str, Any]) -> None:
    text = shown(browser(cast, Role.AUDITOR), addresses(case)[1])
    assert 'data-verdict="open"' in text
    assert "data-check=" not in text


def test_every_check_has_a_heading() -> None:
    assert list(CHECKS) == ["statement", "signatures", "keys", "chain", "finality", "evidence"]


@pytest.mark.parametrize(
    ("primary_type", "path", "value", "means"),
    [
        ("ReleaseDecision", "outcome", "1", Text("release", "放行")),
        ("ReleaseDecision", "channel", "2", Text("yellow: documents examined", "黄色通道：审核单证")),
        ("ReleaseDecision", "channel", "9", None),
        ("CertificateReview", "party", "2", Text("customs", "海关")),
        ("DeclarationFiling", "draws[0].quantity", "1500000", Text("1.5", "1.5")),
        ("DeclarationFiling", "draws[0].unit", "0x483837", Text("pcs", "件")),
        ("ReleaseDecision", "signedAt", "1770105600", datetime(2026, 2, 3, 8, 0, tzinfo=UTC)),
        ("ReleaseDecision", "signedAt", str(2**64 - 1), None),
        ("ReleaseDecision", "version", "1", None),
    ],
)
def test_numbers_of_typed_messages_are_told_in_words(
    primary_type: str, path: str, value: str, means: Text | datetime | None
) -> None:
    assert meaning_of(primary_type, path, value) == means
