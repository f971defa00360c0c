"""A witness of the evidence log: a member's own process that signs what it has seen continue, and nothing else.

It reads checkpoints and recorded statements from its own node, leaves from wherever they are offered, and trusts
neither the operator's database nor its word: the leaves must give the anchored root on top of what the witness knows,
and each leaf that speaks of a recorded statement must be an event that is final on the witness's own node.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID, uuid5

import structlog
from sqlalchemy import select

from kernel.clock import Clock, SystemClock, unix
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.chain.answers import Log
from ledger.chain.client import Chain
from ledger.chain.decoding import DecodedLog, decode_logs
from ledger.chain.deployment import Deployment
from ledger.chain.finality import Finality, Tip
from ledger.chain.installation import WITNESS_KEYS, await_ledger, finality_of, key_store, witness_signers
from ledger.chain.interfaces import event_topic
from ledger.evidence import merkle
from ledger.evidence.log import CASE_KIND, LOG_CASE, tiles_of, tree_head
from ledger.evidence.records import LOG_CONTRACT, RECORD_KIND, record_hash
from ledger.evidence.witness_state import StateFile, WitnessState
from ledger.keys.roles import Role
from ledger.keys.signing import SignedBy, Signer, sign_with
from ledger.mirrors import LedgerKey
from ledger.outbox import StatementRepeated, enqueue_statement, signatures_of, statement_by_digest
from ledger.points import nothing
from ledger.recording.looping import loop
from ledger.statements import CheckpointWitness, digest, statement_from
from ledger.typed_data import from_hex

MOST_BLOCKS = 500
MOST_ENTRIES = 8192
IDLE_S = 0.5
_log = structlog.get_logger()


class LogRefused(PisteError):
    """The witness does not sign: the log does not continue what it knows, or tells of what never happened."""

    code = "witness.log-refused"
    kind = Kind.UNAVAILABLE
    message = Text("The witness does not sign at {size} leaves: {why}.", "见证方拒绝签署规模{size}：{why}。")
    next_step = Text(
        "Call the members: the operator's log has to be compared with every witness's state.",
        "请通知各成员：须将运营方的日志与各见证方的状态逐一比对。",
    )
    size: int
    why: str


class LogView(Protocol):
    """Where a witness reads the log's entries; nothing that it says is believed."""

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        """Give the data of leaves, fewer where they are not there yet."""


@dataclass
class Witness:
    """One member's witness.

    Args:
        chain: The member's own node.
        deployment: Where the contracts stand.
        finality: Tells when a block of that node is final.
        log: Where the entries are read.
        signer: The member's WITNESS key.
        file: Where its state is.
        admitted: Tells whether the consortium has granted the key.
        deliver: Hands a signed statement over; called again after a crash, with the same. Tells whether it was
            taken: of members who sign in the same second only one is, for the statement does not name the member.
        clock: Tells the time.
        at: Called at each named point between two steps, for tests that kill there.
    """

    chain: Chain
    deployment: Deployment
    finality: Finality
    log: LogView
    signer: Signer
    file: StateFile
    admitted: Callable[[], bool]
    deliver: Callable[[CheckpointWitness, SignedBy], bool]
    clock: Clock = field(default_factory=SystemClock)
    at: Callable[[str], None] = nothing
    _state: WitnessState | None = field(default=None, init=False)
    _kept_block: int = field(default=0, init=False)

    def step(self) -> int:
        """Follow the node and the log a stretch, sign where there is a new checkpoint; tell how much was done.

        Raises:
            LogRefused: The log shrank, forked, or holds a record that is no event of the witness's node.
            LedgerUnavailable: The node is away.
            StateUnreadable: The state is damaged.
        """
        state = self._state or self.file.load(self.signer.key_id.hex())
        self._state = state
        if not state.delivered:
            return self._hand_over(state)
        followed = self._follow(state)
        if followed != state:
            told = (followed.unlogged, followed.anchored) != (state.unlogged, state.anchored)
            self._state = followed
            if told or followed.next_block - self._kept_block >= MOST_BLOCKS:
                self._keep(followed)
            return 1
        size, root = state.anchored
        if (size, root) == (state.size, state.root) or not self.admitted():
            return 0
        grown = self._continue(state, size, root)
        if grown is None:
            return 0
        self._keep(self._signed(grown))
        self.at("witness.signed")
        return 1

    def _keep(self, state: WitnessState) -> None:
        """Put the state on the disk; what was only followed since can be followed again."""
        self.file.save(state)
        self._state, self._kept_block = state, state.next_block

    def _follow(self, state: WitnessState) -> WitnessState:
        """Take in the final events of the next blocks of the witness's own node."""
        head = self.chain.head()
        final = self.finality.final(Tip(head.number, head.hash))
        first = max(state.next_block, self.deployment.deployed_at_block)
        if final is None or final.number < first:
            return state
        last = min(final.number, first + MOST_BLOCKS - 1)
        names = {
            event_topic(contract, name)
            for contract in self.deployment.addresses
            for name in ("StatementRecorded", "CheckpointAnchored")
            if _declares(contract, name)
        }
        topics = ["0x" + topic.hex() for topic in names]
        logs = self.chain.logs(first, last, list(self.deployment.addresses.values()), [topics])
        anchored, found = state.anchored, set(state.unlogged)
        times = self._times(logs)
        for event in decode_logs(logs, self.deployment):
            if event.name == "CheckpointAnchored":
                anchored = int(event.values["size"]), from_hex(event.values["root"])
            elif event.contract != LOG_CONTRACT:
                found.add(_record_hash(event, times[event.block_number]))
        return replace(state, next_block=last + 1, unlogged=frozenset(found), anchored=anchored)

    def _times(self, logs: Sequence[Log]) -> dict[int, int]:
        hashes = {log.block_number: log.block_hash for log in logs}
        blocks = {block.number: block for block in self.chain.blocks(sorted(hashes))}
        for number, block_hash in hashes.items():
            if number not in blocks or blocks[number].hash != block_hash:
                raise LogRefused(size=0, why=f"the node contradicts itself about block {number}")
        return {number: block.timestamp for number, block in blocks.items()}

    def _continue(self, state: WitnessState, size: int, root: bytes) -> WitnessState | None:
        """Read the leaves up to a checkpoint and check them; None where they are not there yet."""
        if size <= state.size:
            why = "another root over as many leaves" if size == state.size else f"it had {state.size} before"
            raise LogRefused(size=size, why=why)
        peaks, unlogged = list(state.peaks), set(state.unlogged)
        at = state.size
        while at < size:
            entries = list(self.log.entries(at, min(at + MOST_ENTRIES, size)))
            if not entries:
                return None
            for entry in entries:
                _grow(peaks, at, merkle.leaf_hash(entry))
                at += 1
                self._check_record(entry, unlogged, size)
        if _root(peaks) != root:
            raise LogRefused(size=size, why="the leaves do not give the anchored root")
        return replace(state, size=size, root=root, peaks=tuple(peaks), unlogged=frozenset(unlogged))

    def _check_record(self, entry: bytes, unlogged: set[bytes], size: int) -> None:
        try:
            _, kind, _, content_hash, _ = json.loads(entry)
            record = bytes.fromhex(content_hash) if kind == RECORD_KIND else None
        except (TypeError, ValueError):
            raise LogRefused(size=size, why="a leaf cannot be read") from None
        if record is None:
            return
        if record not in unlogged:
            raise LogRefused(size=size, why=f"no final event for the record {content_hash[:16]}…")
        unlogged.discard(record)

    def _signed(self, grown: WitnessState, *, after: int = 0) -> WitnessState:
        moment = max(unix(self.clock.now()), after + 1)
        statement = CheckpointWitness(size=grown.size, root=grown.root, signed_at=moment)
        signed = sign_with(self.signer, digest(statement, self.deployment))
        kept = {
            "message": statement.message(),
            "signer": signed.signer.hex(),
            "signature": signed.signature.hex(),
        }
        return replace(grown, signed=kept, delivered=False)

    def _hand_over(self, state: WitnessState) -> int:
        kept = state.signed or {}
        statement = statement_from(CheckpointWitness.primary_type, kept["message"])
        if isinstance(statement, CheckpointWitness):
            signed = SignedBy(bytes.fromhex(kept["signer"]), bytes.fromhex(kept["signature"]))
            if not self.deliver(statement, signed):
                self._keep(
                    self._signed(state, after=statement.signed_at)
                )  # the same size and root, a second later
                return 1
            self.at("witness.delivered")
        self._keep(replace(state, delivered=True))
        _log.info("witness.signed", size=state.size, unlogged=len(state.unlogged))
        return 1


@dataclass(frozen=True)
class StoredLog:
    """The log as it lies beside a database that the witness can reach."""

    database: Database

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        """Give the data of leaves, fewer where they are not there yet."""
        with self.database.read() as session:
            head = tree_head(session)
            return tiles_of(session).entries(head, min(start, head.size), min(end, head.size))


def deliver_to(
    database: Database, deployment: Deployment, clock: Clock
) -> Callable[[CheckpointWitness, SignedBy], bool]:
    """Make what puts a witness's statements into the outbox; the same one twice goes in once."""

    def deliver(statement: CheckpointWitness, signed: SignedBy) -> bool:
        try:
            with database.write() as session:
                enqueue_statement(
                    session,
                    statement,
                    deployment,
                    signatures=[signed],
                    case_kind=CASE_KIND,
                    case_id=witness_case(signed.key_id),
                    intent={},
                    now=clock.now(),
                )
        except StatementRepeated:
            with database.read() as session:
                record = statement_by_digest(session, digest(statement, deployment))
                given = signatures_of(session, record) if record is not None else []
                return signed.key_id in {other.key_id for other in given}
        return True

    return deliver


def witness_case(key_id: bytes) -> UUID:
    """Give the case that all statements of a witness belong to: one does not wait for another's, nor for checkpoints."""
    return uuid5(LOG_CASE, key_id.hex())


def is_witness(database: Database, key_id: bytes) -> bool:
    """Tell whether the consortium has granted a key the role WITNESS."""
    with database.read() as session:
        key = session.scalar(select(LedgerKey).where(LedgerKey.key_id == key_id))
        return key is not None and key.revoked_at_block is None and bool(key.roles & Role.WITNESS)


def run(settings: Settings, stop: threading.Event) -> None:
    """Run a witness for each key in the key store that is named as one, until told to stop."""
    opened = await_ledger(settings, stop)
    if opened is None:
        return
    chain, deployment = opened
    database = Database(settings.database, evidence=settings.evidence)
    keys, clock = key_store(settings.data_dir), SystemClock()
    if settings.demo:
        witness_signers(settings.data_dir)  # makes them, for the registrar to have them granted

    def witness(name: str) -> Witness:
        signer = keys.secp256k1(name)
        return Witness(
            chain,
            deployment,
            finality_of(settings),
            StoredLog(database),
            signer,
            StateFile(settings.data_dir / "witnesses" / f"{name}.json"),
            lambda: is_witness(database, signer.key_id),
            deliver_to(database, deployment, clock),
            clock,
        )

    witnesses = [witness(name) for name in keys.names() if name.startswith(WITNESS_KEYS)]

    def step() -> int:
        """Let each take a step, also where another refuses."""
        done, faults = 0, list[PisteError]()
        for one in witnesses:
            try:
                done += one.step()
            except PisteError as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        if not done:
            stop.wait(IDLE_S)
        return done

    loop("witness", stop, step, _say_nothing)
    database.dispose()


def _say_nothing(fault: str) -> None:
    """Keep no status in the operator's database: a witness speaks by what it signs, and in its own log."""
    del fault


def _declares(contract: str, name: str) -> bool:
    try:
        event_topic(contract, name)
    except (KeyError, LookupError):
        return False
    return True


def _record_hash(event: DecodedLog, timestamp: int) -> bytes:
    facts = {
        "contract": event.contract,
        "blockNumber": event.block_number,
        "blockHash": "0x" + event.block_hash.hex(),
        "blockTime": timestamp,
        "transactionHash": "0x" + event.transaction_hash.hex(),
        "transactionIndex": event.transaction_index,
        "logIndex": event.log_index,
    }
    return record_hash(from_hex(event.values["statement"]), facts)


def _grow(peaks: list[bytes], place: int, leaf: bytes) -> None:
    """Add a leaf to the complete subtrees: as many merge as the place ends in ones."""
    while place & 1:
        leaf = merkle.node_hash(peaks.pop(), leaf)
        place >>= 1
    peaks.append(leaf)


def _root(peaks: Sequence[bytes]) -> bytes:
    current = peaks[-1]
    for peak in reversed(peaks[:-1]):
        current = merkle.node_hash(peak, current)
    return current
