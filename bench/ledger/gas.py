"""Gas of an evidence record and of a draw-down, beside what others take for a record on the same node."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import select

from bench.figures import Figure
from bench.ledger.rivals import ABSENT, Rivals
from bench.ledger.stage import CLERK, LINES, Signed, Size, Stage, progress
from ledger.chain.calls import MOST_TRANSACTION_GAS
from ledger.evidence.log import CASE_KIND, append_leaf
from ledger.models import EvidenceLeaf, StatementRecord

RIVALS = {
    "gas_document_store_issue": "document store 4.1.1 of TradeTrust: issue",
    "gas_document_store_bulk_issue": "the same: bulkIssue, for one of the batch",
    "gas_trustvc_store_issue": "document store 1.0.3 of TrustVC: issue",
    "gas_trustvc_store_multicall": "the same: multicall of issue, for one of the batch",
    "gas_eas_attest": "EAS 1.9.0: attest, with what a draw says in its data",
    "gas_eas_multi_attest": "the same: multiAttest, for one of the batch",
    "gas_eas_timestamp": "the same: timestamp of a hash",
}
PASSKEY = "broker"
FLOOR = 21_000
DRAWS = 4


def measure(stage: Stage, size: Size, others: Rivals | None) -> list[Figure]:
    """Read the gas off the receipts of real transactions."""
    progress("gas: draws and evidence")
    beside = f"one of {size.batch} declarations with a draw each, in one call of the inbox"
    figures = [
        Figure(
            "gas_draw_secp256k1",
            _draw_gas(stage, size.batch, CLERK),
            "gas",
            f"{beside}, on lines in use; to reach: 75,000",
        ),
        Figure(
            "gas_draw_passkey",
            _draw_gas(stage, size.batch, PASSKEY),
            "gas",
            f"{beside}, each signed with a passkey; to reach: 100,000",
        ),
        Figure(
            "gas_draw_of_four_secp256k1",
            _draw_gas(stage, size.batch // DRAWS, CLERK, DRAWS) / DRAWS,
            "gas",
            f"one of {size.batch // DRAWS * DRAWS} draws, {DRAWS} to a declaration, in one call of the inbox",
        ),
        Figure(
            "gas_draw_of_four_passkey",
            _draw_gas(stage, size.batch // DRAWS, PASSKEY, DRAWS) / DRAWS,
            "gas",
            "the same, each declaration signed with a passkey",
        ),
        Figure(
            "gas_evidence",
            _evidence_gas(stage, size.leaves),
            "gas",
            f"one of {size.leaves} leaves at one checkpoint with its consistency proof; to reach: 100",
        ),
        Figure("gas_transaction_floor", FLOOR, "gas", "a transaction that does nothing; a batch shares it"),
    ]
    if others is None:
        return [*figures, *(Figure(name, float("nan"), "gas", ABSENT) for name in RIVALS)]
    progress("gas: the others")
    found = others.ask(do="gas", batch=size.batch)
    return [*figures, *(Figure(name, found[name], "gas", words) for name, words in RIVALS.items())]


def _draw_gas(stage: Stage, count: int, name: str, draws: int = 1) -> float:
    """Give the gas of a declaration that draws from one line or some, filed together with others."""
    filings = [
        stage.filing(uuid4(), [(place + step) % LINES + 1 for step in range(draws)], name=name)
        for place in range(count)
    ]
    return stage.check(_together(stage, filings)) / count


def _together(stage: Stage, signed: list[Signed]) -> bytes:
    """Bring statements onto the chain in one transaction, sharing the gas that it may have."""
    # What is declared only bounds what each call may take; the receipt says what it took.
    spared = MOST_TRANSACTION_GAS - 2_000_000
    share = spared // (len(signed) + 1)
    raw, name = stage.raw([replace(one.call, gas=share) for one in signed], gas=MOST_TRANSACTION_GAS)
    stage.pipeline([raw])
    return name


def _evidence_gas(stage: Stage, leaves: int) -> float:
    """Anchor a checkpoint over so many new leaves the product's way; give its gas for a leaf."""
    world = stage.world
    # Whatever the stage has written so far goes first, so that the next checkpoint covers these leaves alone.
    before = int(anchor(stage).message["size"]) if _has_leaves(stage) else 0
    with world.database.write() as session:
        for place in range(leaves):
            append_leaf(
                session,
                kind="bench",
                subject=uuid4(),
                content_hash=sha256(b"%d" % place).digest(),
                now=world.clock.now(),
            )
    record = anchor(stage)
    assert record.transaction_hash is not None
    return stage.check(record.transaction_hash) / (int(record.message["size"]) - before)


def _has_leaves(stage: Stage) -> bool:
    with stage.world.database.read() as session:
        return session.scalar(select(EvidenceLeaf.id).limit(1)) is not None


def anchor(stage: Stage) -> StatementRecord:
    """Give every leaf its place and bring the last checkpoint onto the chain; give its statement."""
    world = stage.world
    keeper = replace(world.log, interval=timedelta(0))
    while keeper.step():
        world.drive()
    with world.database.read() as session:
        last = select(StatementRecord).where(StatementRecord.case_kind == CASE_KIND)
        record = session.scalars(last.order_by(StatementRecord.id.desc()).limit(1)).first()
    assert record is not None, "no checkpoint was recorded"
    return record
