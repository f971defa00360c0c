"""The embedded node: whatever is killed, nothing final is lost, and it goes on where it was."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from kernel.settings import Settings
from ledger.chain.client import Chain, LedgerUnavailable, sign_transaction
from ledger.chain.deployment import DeploymentMissing, check_deployment, load_deployment
from ledger.chain.node import EmbeddedNode, NodeNotStarting, NodeProgramMissing, find_anvil, run
from ledger.chain.node_state import (
    FinalBlock,
    NodeStateBroken,
    is_whole,
    node_folder,
    node_url,
    read_final_block,
    unpack,
)
from tests.ledger.dying import dies, killer
from tests.ledger.world import until

POINTS = ("node.dumped", "node.written", "node.rotated", "node.renamed", "node.published")


def send(chain: Chain, account: LocalAccount, count: int = 1) -> bytes:
    """Send transactions to nobody and wait until they are mined."""
    nonce = chain.nonce(account.address)
    signed = [
        sign_transaction(
            account,
            chain_id=chain.chain_id(),
            nonce=nonce + place,
            gas=30_000,
            gas_price=0,
            to=account.address,
            data=b"",
        )
        for place in range(count)
    ]
    for transaction in signed:
        chain.send_raw(transaction.raw)
    until(lambda: chain.receipt(signed[-1].hash))
    return signed[-1].hash


def final_of(node: EmbeddedNode) -> FinalBlock:
    found = read_final_block(node.folder.final_block)
    assert found is not None
    return found


def kill(node: EmbeddedNode) -> None:
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)
    until(lambda: node.pid is None)


def test_an_idle_chain_does_not_grow(own_node: EmbeddedNode) -> None:
    send(own_node.chain, Account.create(), 3)
    head = own_node.chain.head()
    assert own_node.keep()
    assert not own_node.keep()
    assert own_node.chain.head() == head
    assert final_of(own_node) == FinalBlock(head.number, head.hash)


def test_a_killed_node_comes_back_at_its_last_dump(own_node: EmbeddedNode) -> None:
    account = Account.create()
    kept = send(own_node.chain, account, 150)
    own_node.keep()
    head = own_node.chain.head()
    lost = send(own_node.chain, account)
    kill(own_node)
    with pytest.raises(LedgerUnavailable):
        own_node.keep()
    own_node.start()
    assert own_node.chain.head() == head
    assert own_node.chain.receipt(kept) is not None
    assert own_node.chain.receipt(lost) is None
    assert own_node.chain.nonce(account.address) == 150
    first = own_node.chain.block(1)
    assert first is not None
    send(own_node.chain, account)
    assert own_node.chain.block(head.number) == head
    assert own_node.chain.head().parent_hash == head.hash


def test_stopping_dumps_once_more(tmp_path: Path) -> None:
    account = Account.create()
    node = EmbeddedNode(tmp_path, relay=account.address)
    node.start()
    assert int(node.chain.request("eth_getBalance", account.address, "latest"), 16) > 0
    send(node.chain, account)
    head = node.chain.head()
    node.stop()
    node.stop()
    assert final_of(node).hash == head.hash
    again = EmbeddedNode(tmp_path)
    assert again.port == node.port
    assert node_url(tmp_path) == again.url
    again.start()
    assert again.chain.head() == head
    again.stop()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_keeper_leaves_nothing_half_done(tmp_path: Path, point: str) -> None:
    account = Account.create()

    def keep_and_die() -> None:
        node = EmbeddedNode(tmp_path)
        node.start()
        send(node.chain, account, 2)
        node.keep()
        node._at = killer(point)
        send(node.chain, account, 2)
        node.keep()

    assert dies(keep_and_die)
    published = read_final_block(node_folder(tmp_path).final_block)
    assert published is not None
    node = EmbeddedNode(tmp_path)
    node.start()
    block = node.chain.block(published.number)
    assert block is not None
    assert block.hash == published.hash
    assert node.chain.nonce(account.address) == (2 if point in POINTS[:3] else 4)
    send(node.chain, account, 1)
    assert node.keep()
    node.stop()


def test_the_program_dies_with_its_keeper(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def start_and_die() -> None:
        node = EmbeddedNode(tmp_path)
        node.start()
        pid_file.write_text(str(node.pid))
        killer("now")("now")

    assert dies(start_and_die)
    pid = int(pid_file.read_text())
    until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    "broken",
    [b"", b"no gzip", gzip.compress(b"no json", mtime=0), gzip.compress(b"{}", mtime=0)],
    ids=["empty", "no gzip", "no json", "no state"],
)
def test_a_broken_dump_falls_back_to_the_one_before(tmp_path: Path, broken: bytes) -> None:
    account = Account.create()
    node = EmbeddedNode(tmp_path)
    node.start()
    send(node.chain, account)
    node.keep()
    before = node.chain.head()
    send(node.chain, account)
    node.keep()
    kill(node)
    node.folder.state.write_bytes(broken)
    node.start()
    assert node.chain.head() == before
    assert final_of(node).hash == before.hash
    send(node.chain, account)
    node.keep()
    kill(node)
    node.folder.state.write_bytes(broken)
    node.start()
    assert node.chain.head() == before
    node.stop()


def test_nothing_readable_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    node = EmbeddedNode(tmp_path)
    node.start()
    node.stop()
    node.folder.state.write_bytes(b"broken")
    node.folder.previous.write_bytes(b"broken")
    with pytest.raises(NodeStateBroken):
        node.start()


def test_a_torn_dump_is_seen(own_node: EmbeddedNode) -> None:
    account = Account.create()
    send(own_node.chain, account, 2)
    own_node.keep()
    state = unpack(own_node.folder.state.read_bytes())
    assert state is not None
    assert is_whole(state)
    sender = account.address.lower()
    ahead: dict[str, Any] = orjson.loads(orjson.dumps(state))
    ahead["accounts"][sender]["nonce"] = 3
    assert not is_whole(ahead)
    unseen: dict[str, Any] = orjson.loads(orjson.dumps(state))
    unseen["accounts"]["0x" + "12" * 20] = {"nonce": 1, "code": "0x"}
    assert not is_whole(unseen)
    gone: dict[str, Any] = orjson.loads(orjson.dumps(state))
    del gone["accounts"][sender]
    assert not is_whole(gone)


def test_dumps_are_whole_while_blocks_are_mined(own_node: EmbeddedNode) -> None:
    """Keep while another thread sends as fast as it can: every dump shows one moment."""
    account, stop = Account.create(), threading.Event()

    def hammer() -> None:
        chain = Chain(own_node.url)
        nonce = 0
        while not stop.is_set():
            signed = sign_transaction(
                account, chain_id=20260, nonce=nonce, gas=30_000, gas_price=0, to=account.address, data=b""
            )
            chain.send_raw(signed.raw)
            nonce += 1

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        until(lambda: own_node.chain.nonce(account.address) > 5)
        for _ in range(15):
            own_node.keep()
            state = unpack(own_node.folder.state.read_bytes())
            assert state is not None
            assert is_whole(state)
            assert state["best_block_number"] == final_of(own_node).number
    finally:
        stop.set()
        thread.join()
    sent = own_node.chain.request("eth_getTransactionCount", account.address, "pending")
    until(lambda: own_node.chain.nonce(account.address) == int(sent, 16))


def test_a_taken_port_is_told(own_node: EmbeddedNode, tmp_path: Path) -> None:
    other = EmbeddedNode(tmp_path / "other", own_node.port)
    with pytest.raises(NodeNotStarting):
        other.start()
    assert other.pid is None


def test_a_missing_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PISTE_ANVIL", str(tmp_path / "nothing"))
    with pytest.raises(NodeProgramMissing) as caught:
        EmbeddedNode(tmp_path).start()
    assert str(tmp_path) in caught.value.words().en
    monkeypatch.setenv("PISTE_ANVIL", "/bin/false")
    assert find_anvil() == Path("/bin/false")
    with pytest.raises(NodeNotStarting, match="ended with 1"):
        EmbeddedNode(tmp_path).start()


def test_a_node_that_was_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        node_url(tmp_path)
    assert node_url(tmp_path, 1234) == "http://127.0.0.1:1234"
    assert read_final_block(tmp_path / "nothing") is None


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_keeper_starts_a_dead_program_again(tmp_path: Path) -> None:
    node, stop, account = EmbeddedNode(tmp_path, poll_s=0.01), threading.Event(), Account.create()
    keeper = _in_thread(lambda: node.run(stop))
    try:
        until(lambda: node.pid and read_final_block(node.folder.final_block))
        until(lambda: _answers(node.chain))
        send(node.chain, account)
        until(lambda: final_of(node).number == 1)
        first = node.pid
        kill(node)
        until(lambda: node.pid not in {None, first} and _answers(node.chain))
        assert node.chain.nonce(account.address) == 1
        send(node.chain, account)
        until(lambda: final_of(node).number == 2)
    finally:
        stop.set()
        keeper.join()
    assert node.pid is None


def _answers(chain: Chain) -> bool:
    try:
        chain.chain_id()
    except LedgerUnavailable:
        return False
    return True


def test_the_process_founds_the_consortium_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    for _ in range(2):
        stop = threading.Event()
        process = _in_thread(lambda: run(settings, stop))  # noqa: B023 - the thread ends within the turn of the loop
        try:
            until(lambda: (tmp_path / "deployment.json").exists() and _answers(Chain(node_url(tmp_path))))
            deployment = load_deployment(tmp_path)
            check_deployment(Chain(node_url(tmp_path)), deployment)
        finally:
            stop.set()
            process.join()
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    for dump in (node_folder(tmp_path).state, node_folder(tmp_path).previous):
        dump.unlink(missing_ok=True)
    with pytest.raises(DeploymentMissing):
        run(settings, threading.Event())


def test_a_terminated_process_ends_cleanly(tmp_path: Path) -> None:
    """A real process of its own: SIGTERM makes the last dump."""
    script = (
        "import signal, sys, threading\n"
        "from pathlib import Path\n"
        "from ledger.chain.node import EmbeddedNode\n"
        "stop = threading.Event()\n"
        "signal.signal(signal.SIGTERM, lambda *_: stop.set())\n"
        "EmbeddedNode(Path(sys.argv[1]), poll_s=60).run(stop)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    try:
        until(lambda: read_final_block(node_folder(tmp_path).final_block), timeout_s=60)
        chain = Chain(node_url(tmp_path))
        send(chain, Account.create())
        head = chain.head()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
    published = read_final_block(node_folder(tmp_path).final_block)
    assert published == FinalBlock(head.number, head.hash)
    until(lambda: not _answers(chain))
