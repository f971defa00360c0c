"""A node that lies: it is found out, nothing of what it says takes effect, and the process stops with an alarm."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from eth_account import Account
from sqlalchemy import select, update

from ledger.chain.client import Chain, sign_transaction
from ledger.chain.finality import DepthFinality, Finality, ImmediateFinality
from ledger.chain.incidents import ChainDiffers, FinalBlockUndone, LedgerIncident, NodeDisagrees
from ledger.models import LedgerStatus, LedgerTransaction, StatementRecord, TransactionState
from ledger.recording.indexer import Indexer
from ledger.recording.relay import Relay
from tests.fault.forks import CERTIFICATES, DEPLOYMENT, NAMES, SIGNED_AT, Sink, Stage, open_stage, rows
from tests.fault.paper import Json, PaperBlock, PaperLog, PaperNode, event, mine

LENGTH = 6
"""Blocks that were followed before the node begins to lie about those after."""
Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    with open_stage() as stage:
        yield stage


@pytest.fixture
def stage(shared: Stage) -> Stage:
    shared.clear()
    return shared


def recorded(place: int) -> list[PaperLog]:
    return [
        event(
            DEPLOYMENT, "MaterialCertificates", "StatementRecorded",
            statement=NAMES[place], subject=CERTIFICATES[place],
        ),
        event(
            DEPLOYMENT, "MaterialCertificates", "CertificateSubmitted",
            certificate=CERTIFICATES[place], version=1, validUntil=2**40,
        ),
    ]  # fmt: skip


def line(length: int, *, salt: int = 0) -> PaperBlock:
    head = mine(None, salt=salt)
    for _ in range(length - 1):
        head = mine(head, [], salt=salt)
    return head


class Liar:
    """Serves an honest node's answers, changed where they are of one kind."""

    def __init__(self, node: PaperNode, method: str, change: Change) -> None:
        self.node, self.method, self.change = node, method, change

    def __call__(self, body: bytes) -> bytes:
        asked = orjson.loads(body)
        answers = orjson.loads(self.node(body))
        pairs = zip(asked, answers, strict=True) if isinstance(asked, list) else [(asked, answers)]
        for question, answer in pairs:
            if question["method"] == self.method and answer["result"] is not None:
                answer["result"] = self.change(copy.deepcopy(answer["result"]))
        return orjson.dumps(answers)


def setting(name: str, value: object) -> Change:
    def change(result: Json) -> Json:
        # About the newest blocks only: the old ones are known by their hash.
        return {**result, name: value} if int(result["number"], 16) >= LENGTH else result

    return change


def of_receipts(change: Callable[[list[Json]], object]) -> Change:
    def changed(receipts: list[Json]) -> list[Json]:
        if receipts:
            change(receipts)
        return receipts

    return changed


def _forge_data(receipts: list[Json]) -> None:
    log = receipts[0]["logs"][1]
    log["data"] = log["data"][:-1] + "9"


def _forge_topic(receipts: list[Json]) -> None:
    receipts[0]["logs"][0]["topics"][1] = "0x" + NAMES[2].hex()


def _add(receipts: list[Json]) -> None:
    receipts[0]["logs"].append({**receipts[0]["logs"][0], "logIndex": "0x2"})


def _move(receipts: list[Json]) -> None:
    receipts[0]["logs"][0]["blockNumber"] = "0x1"


def _rename(block: Json) -> Json:
    for one in block["transactions"]:
        if isinstance(one, dict):
            one["hash"] = "0x" + "ab" * 32
    return block


def _reword(block: Json) -> Json:
    for one in block["transactions"]:
        if isinstance(one, dict):
            one["input"] += "00"
    return block


def _drop_transactions(block: Json) -> Json:
    return {**block, "transactions": []}


LIES: dict[str, tuple[str, Change]] = {
    "the hash is another": ("eth_getBlockByNumber", setting("hash", "0x" + "cd" * 32)),
    "the time is another": ("eth_getBlockByNumber", setting("timestamp", "0x7fffffff")),
    "the parent is another": ("eth_getBlockByNumber", setting("parentHash", "0x" + "cd" * 32)),
    "the filter is emptied": ("eth_getBlockByNumber", setting("logsBloom", "0x" + "00" * 256)),
    "the receipts' root is another": ("eth_getBlockByNumber", setting("receiptsRoot", "0x" + "cd" * 32)),
    "a field is missing": ("eth_getBlockByNumber", lambda block: {k: v for k, v in block.items() if k != "miner"}),
    "a field makes no sense": ("eth_getBlockByNumber", setting("gasUsed", 17)),
    "it gives another block": ("eth_getBlockByNumber", setting("number", hex(LENGTH + 5))),
    "receipts are missing": ("eth_getBlockReceipts", lambda receipts: receipts[:-1]),
    "no receipts at all": ("eth_getBlockReceipts", lambda _: []),
    "receipts are denied": ("eth_getBlockReceipts", lambda _: None),
    "receipts make no sense": ("eth_getBlockReceipts", lambda receipts: [{"logs": 1} for _ in receipts]),
    "an event is forged, the count is right": ("eth_getBlockReceipts", of_receipts(_forge_data)),
    "a statement's event is forged": ("eth_getBlockReceipts", of_receipts(_forge_topic)),
    "an event is added": ("eth_getBlockReceipts", of_receipts(_add)),
    "an event is left out": ("eth_getBlockReceipts", of_receipts(lambda found: found[0]["logs"].pop())),
    "events are reordered": ("eth_getBlockReceipts", of_receipts(lambda found: found[0]["logs"].reverse())),
    "receipts are reordered": ("eth_getBlockReceipts", of_receipts(lambda found: found.reverse())),
    "an event is said to stand elsewhere": ("eth_getBlockReceipts", of_receipts(_move)),
    "a failure is hidden": ("eth_getBlockReceipts", of_receipts(lambda found: found[1].update(status="0x1"))),
    "a transaction has another name": ("eth_getBlockByHash", _rename),
    "a transaction has other content": ("eth_getBlockByHash", _reword),
    "transactions are left out": ("eth_getBlockByHash", _drop_transactions),
    "the contents are denied": ("eth_getBlockByHash", lambda _: None),
}  # fmt: skip


def followed(stage: Stage) -> PaperNode:
    """Follow some blocks of an honest node, then let it have one with two statements."""
    node = PaperNode(line(LENGTH))
    indexer = of(stage, node)
    while indexer.step():
        pass
    node.show(mine(node.head, [recorded(0), [], recorded(1)], succeeded=[True, False, True]))
    return node


def of(
    stage: Stage,
    transport: Callable[[bytes], bytes],
    finality: Finality | None = None,
    **more: Any,  # noqa: ANN401 - of any field
) -> Indexer:
    chain = Chain("paper", transport=transport)
    return Indexer(
        stage.database, chain, DEPLOYMENT, finality or ImmediateFinality(), Sink(), "0x" + "00" * 20, **more
    )


def states(stage: Stage) -> Sequence[str]:
    with stage.database.read() as session:
        return session.scalars(select(StatementRecord.state).order_by(StatementRecord.digest)).all()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_out_and_nothing_of_it_takes_effect(stage: Stage, lie: str) -> None:
    node = followed(stage)
    before = rows(stage.database)
    liar = of(stage, Liar(node, *LIES[lie]))
    with pytest.raises(NodeDisagrees):
        liar.step()
    assert rows(stage.database) == before
    with pytest.raises(NodeDisagrees):
        liar.run(threading.Event())
    said = status(stage)
    assert said.incident_at is not None
    assert "ledger.node-disagrees" in said.detail
    assert not said.node_reachable
    assert rows(stage.database) == before
    honest = of(stage, node)
    while honest.step():
        pass
    assert states(stage) == ["recorded", "recorded", "sent", "sent"]


def status(stage: Stage) -> LedgerStatus:
    with stage.database.read() as session:
        return session.get_one(LedgerStatus, "indexer")


def test_where_blocks_may_be_replaced_it_is_tried_again_and_then_stopped(stage: Stage) -> None:
    node = followed(stage)
    asked: list[object] = []

    def change(receipts: list[Json]) -> list[Json]:
        asked.append(receipts)
        return receipts[:-1]

    liar = of(stage, Liar(node, "eth_getBlockReceipts", change), DepthFinality(0))
    paused: list[float] = []
    with pytest.raises(NodeDisagrees):
        liar.run(Impatient(paused))
    assert len(asked) > 1
    assert paused[1:] == sorted(paused[1:])
    assert "recorded" not in states(stage)


class Impatient(threading.Event):
    """Does not wait, but writes down how long it would have."""

    def __init__(self, paused: list[float]) -> None:
        super().__init__()
        self.paused = paused

    def wait(self, timeout: float | None = None) -> bool:
        self.paused.append(timeout or 0.0)
        return False


@pytest.mark.parametrize("finality", [ImmediateFinality(), DepthFinality(2)])
def test_a_head_below_a_final_block_is_an_incident(stage: Stage, finality: Finality) -> None:
    node = PaperNode(line(LENGTH))
    indexer = of(stage, node, finality)
    while indexer.step():
        pass
    before = rows(stage.database)
    node.show(node.line[1])
    with pytest.raises(FinalBlockUndone):
        indexer.step()
    node.show(line(LENGTH + 3, salt=7))
    with pytest.raises(FinalBlockUndone):
        indexer.step()
    assert rows(stage.database) == before


def test_another_chain_is_an_incident(stage: Stage) -> None:
    node = followed(stage)
    node.chain_id += 1
    with pytest.raises(ChainDiffers):
        of(stage, node).step()
    assert "recorded" not in states(stage)


def test_answers_to_other_requests_are_found_out(stage: Stage) -> None:
    node = followed(stage)

    def shifted(body: bytes) -> bytes:
        answers = orjson.loads(node(body))
        for answer in answers if isinstance(answers, list) else [answers]:
            answer["id"] += 1
        return orjson.dumps(answers)

    def swapped(body: bytes) -> bytes:
        answers = orjson.loads(node(body))
        if isinstance(answers, list) and len(answers) > 1:
            answers[0]["id"], answers[-1]["id"] = answers[-1]["id"], answers[0]["id"]
        return orjson.dumps(answers)

    for transport in (shifted, swapped):
        with pytest.raises(LedgerIncident):
            of(stage, transport).step()
    chain = Chain("paper", transport=shifted)
    with pytest.raises(NodeDisagrees):
        chain.chain_id()
    with pytest.raises(NodeDisagrees):
        chain.block(3)
    assert "recorded" not in states(stage)


def test_a_block_asked_for_is_the_one_given() -> None:
    node = PaperNode(line(LENGTH))
    other = Chain("paper", transport=Liar(node, "eth_getBlockByNumber", lambda _: node.head.header))
    with pytest.raises(NodeDisagrees):
        other.block(2)
    other = Chain("paper", transport=Liar(node, "eth_getBlockByHash", lambda _: node.line[1].header))
    with pytest.raises(NodeDisagrees):
        other.block_by_hash(node.head.hash)


def test_headers_that_cannot_be_computed_are_asked_for_twice(stage: Stage) -> None:
    """Networks that leave signatures out of the hash: then the node must say the same of a block by its hash."""
    node = followed(stage)
    odd = Liar(node, "eth_getBlockByNumber", setting("extraData", "0x1234"))
    with pytest.raises(NodeDisagrees):
        of(stage, odd, computes_hashes=False).step()
    honest = of(stage, node, computes_hashes=False)
    while honest.step():
        pass
    assert states(stage)[:2] == ["recorded", "recorded"]


def test_a_transactions_fate_is_read_from_the_block_and_not_from_its_receipt(stage: Stage) -> None:
    """Whoever denies success, or claims a block, would have a statement sent back to its officer."""
    node = PaperNode(line(LENGTH))
    row = live_transaction(stage, node)
    claimed = {
        "transactionHash": row, "blockNumber": hex(3), "blockHash": node.line[3].header["hash"],
        "status": "0x0", "gasUsed": "0x1",
    }  # fmt: skip
    node.claimed[row] = claimed
    with pytest.raises(NodeDisagrees):
        of(stage, node).step()
    with stage.database.read() as session:
        assert session.scalars(select(LedgerTransaction.state)).all() == ["live"]
    assert "queued" not in states(stage)
    forget_transactions(stage)


def live_transaction(stage: Stage, node: PaperNode) -> str:
    signed = sign_transaction(
        Account.create(), chain_id=node.chain_id, nonce=0, gas=21_000, gas_price=0, to=None, data=b""
    )
    with stage.database.write() as session:
        row = LedgerTransaction(
            sender="0x" + "00" * 20, nonce=0, hash=signed.hash, raw=signed.raw, gas=21_000,
            state=TransactionState.LIVE, created_at=SIGNED_AT,
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.execute(update(StatementRecord).values(transaction_id=row.id))
    return "0x" + signed.hash.hex()


def forget_transactions(stage: Stage) -> None:
    stage.clear()
    with stage.database.write() as session:
        for row in session.scalars(select(LedgerTransaction)):
            session.delete(row)


def test_the_relay_stops_too_when_answers_are_not_its_own(stage: Stage) -> None:
    def foreign(body: bytes) -> bytes:
        answers = orjson.loads(body)
        return orjson.dumps({"jsonrpc": "2.0", "id": answers["id"] + 1, "result": "0x0"})

    relay = Relay(stage.database, Chain("paper", transport=foreign), Account.create(), DEPLOYMENT)
    with pytest.raises(NodeDisagrees):
        relay.run(Impatient([]))
    with stage.database.read() as session:
        assert "another request" in session.get_one(LedgerStatus, "relay").detail
