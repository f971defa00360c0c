"""The embedded node: a local Ethereum node (anvil) with its state on disk, so that a kill undoes nothing.

anvil holds everything in memory. The keeper dumps its state whenever the head moved, writes the dump beside
the last one, and only then says which block is final: a killed node comes back at its last dump, or later,
never before the final block. A dump that was torn by a block mined meanwhile is never written, a broken one
never loaded.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.chain.answers import Block
from ledger.chain.client import Chain, LedgerUnavailable, NodeRefused
from ledger.chain.deployment import Deployment, check_deployment, deployment_file
from ledger.chain.installation import found, relay_account
from ledger.chain.node_state import (
    NodeStateBroken,
    is_whole,
    node_folder,
    read_dump,
    sync_folder,
    unpack,
    write_synced,
)
from ledger.points import nothing

CHAIN_ID = 20260
HARD_FORK = "osaka"
"""The first with the P-256 precompile, which makes passkeys affordable."""
BLOCK_GAS_LIMIT = 60_000_000
HISTORY_KEPT = 64
"""States of so many blocks stay in the node's memory; deeper reorganisations do not happen on one node."""
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
PORT_TIMEOUT_S = 2.0
RETRY_S = 0.02
UNDISTURBED_TRIES = 3
DUMP_SHARE = 4
"""After a dump the keeper rests so many times as long as the dump took, or the node would do nothing else."""
RELAY_BALANCE_WEI = 10**27
_log = structlog.get_logger()


class NodeProgramMissing(PisteError):
    """The node's program is not installed."""

    code = "node.program-missing"
    kind = Kind.UNAVAILABLE
    message = Text("The program of the embedded node is not at {path}.", "在{path}找不到内嵌节点程序。")
    next_step = Text(
        "Run `npm ci` in the repository, or name the program in PISTE_ANVIL.",
        "请在仓库中运行`npm ci`，或用PISTE_ANVIL指定程序路径。",
    )
    path: str


class NodeNotStarting(PisteError):
    """The node's program ended or did not answer in time."""

    code = "node.not-starting"
    kind = Kind.UNAVAILABLE
    message = Text("The embedded node does not start: {detail}", "内嵌节点无法启动：{detail}")
    next_step = Text(
        "Read the node's log in the data folder; its port may be taken.",
        "请查看数据目录中的节点日志；端口可能被占用。",
    )
    detail: str


def find_anvil() -> Path:
    """Find the node's program: PISTE_ANVIL, else the npm package of the checkout.

    Raises:
        NodeProgramMissing: It is not there.
    """
    root = Path(__file__).resolve().parents[2]
    package = root / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    found = Path(os.environ.get("PISTE_ANVIL") or package)
    if not os.access(found, os.X_OK):
        raise NodeProgramMissing(path=str(found))
    return found


class EmbeddedNode:
    """The node's program and its keeper.

    The program dies with the thread that started it, so start it in one that lives as long as the node shall.

    Args:
        data_dir: The data folder; the node keeps to its subfolder `node`.
        port: Port on loopback; 0 takes a free one and keeps to it from then on.
        chain_id: Number of the chain.
        relay: Address that is given money, none where empty; it buys no right.
        poll_s: How often the keeper looks whether the head moved.
        options: More options for the program.
        at: Called at each named point between two steps, for tests that kill there.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        chain_id: int = CHAIN_ID,
        relay: str = "",
        poll_s: float = 0.1,
        options: Sequence[str] = (),
        at: Callable[[str], None] = nothing,
    ) -> None:
        self.folder = node_folder(data_dir)
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.port = port or self._kept_port()
        self.chain = Chain(f"http://127.0.0.1:{self.port}", timeout_s=60)
        self._chain_id = chain_id
        self._relay = relay
        self._poll_s = poll_s
        self._options = tuple(options)
        self._at = at
        self._process: subprocess.Popen[bytes] | None = None
        self._published = b""

    @property
    def url(self) -> str:
        """JSON-RPC address."""
        return self.chain.url

    @property
    def pid(self) -> int | None:
        """Process of the node's program, None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Load the last good dump, start the program, and publish the final block.

        Raises:
            NodeProgramMissing: The program is not installed.
            NodeStateBroken: There are dumps but none can be read.
            NodeNotStarting: The program ended or does not answer.
        """
        self._await_port()
        loading = self._prepare_state()
        command = [*_dying_with_parent(), str(find_anvil()), *self._arguments()]
        if loading is not None:
            command += ["--load-state", str(loading)]
        with self.folder.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_for_answer()
        if loading is not None:
            loading.unlink()
        if self._relay:
            self.chain.request("anvil_setBalance", self._relay, hex(RELAY_BALANCE_WEI))
        self._published = b""
        self.keep()
        _log.info("node.started", url=self.url, block=self.chain.head().number)

    def keep(self) -> bool:
        """Look once: where the head moved, dump the state and publish the block as final; tell whether so.

        Raises:
            LedgerUnavailable: The program does not answer.
        """
        head = self.chain.head()
        if head.hash == self._published:
            return False
        head, dump = self._undisturbed_dump()
        self._at("node.dumped")
        self._write(dump)
        self._publish(head)
        return True

    def run(self, stop: threading.Event) -> None:
        """Keep the node running and its state on disk until told to stop; start a dead program again."""
        if self.pid is None:
            self.start()
        while not stop.is_set():
            before = time.monotonic()
            try:
                self.keep()
            except LedgerUnavailable as fault:
                if self.pid is None:
                    _log.warning("node.died", detail=fault.detail)
                    self.start()
            stop.wait(max(self._poll_s, DUMP_SHARE * (time.monotonic() - before)))
        self.stop()

    def stop(self) -> None:
        """Dump once more and end the program."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            try:
                self.keep()
            except (LedgerUnavailable, NodeRefused) as fault:
                _log.warning("node.last-dump-failed", detail=fault.detail)
            process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _arguments(self) -> list[str]:
        return [
            *("--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(self._chain_id)),
            *("--hardfork", HARD_FORK, "--gas-limit", str(BLOCK_GAS_LIMIT), "--enable-tx-gas-limit"),
            *("--base-fee", "0", "--gas-price", "0", "--disable-min-priority-fee", "--order", "fifo"),
            *("--accounts", "0", "--disable-default-create2-deployer", "--no-cors", "--quiet"),
            *("--prune-history", str(HISTORY_KEPT)),
            *self._options,
        ]

    def _kept_port(self) -> int:
        try:
            return int(self.folder.port.read_text())
        except (FileNotFoundError, ValueError):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            write_synced(self.folder.port, str(port).encode())
            return port

    def _await_port(self) -> None:
        """Make sure that nobody else holds the port; a program that was just killed may hold it a moment longer."""
        until = time.monotonic() + PORT_TIMEOUT_S
        while True:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", self.port))
                except OSError as fault:
                    if time.monotonic() > until:
                        raise NodeNotStarting(detail=f"port {self.port}: {fault.strerror}") from fault
                else:
                    return
            time.sleep(RETRY_S)

    def _wait_for_answer(self) -> None:
        process = self._process
        until = time.monotonic() + START_TIMEOUT_S
        while process is not None and process.poll() is None and time.monotonic() < until:
            try:
                answered = self.chain.chain_id()
            except LedgerUnavailable:
                time.sleep(RETRY_S)
                continue
            if answered == self._chain_id and process.poll() is None:
                return
            break
        ended = process.poll() if process is not None else None
        self.stop()
        raise NodeNotStarting(detail="no answer" if ended is None else f"the program ended with {ended}")

    def _prepare_state(self) -> Path | None:
        """Unpack the newest dump that can be read, for the program to load; None if there was never one."""
        kept = [path for path in (self.folder.state, self.folder.previous) if path.exists()]
        for path in kept:
            state = read_dump(path)
            if state is None:
                # Out of the way, or the next dump would push the good previous one out with it.
                path.rename(path.with_name(f"{path.name}.broken-{time.time_ns()}"))
                _log.error("node.dump-broken", path=str(path))
                continue
            loading = self.folder.path / "state.loading.json"
            loading.write_bytes(state)
            return loading
        if kept:
            raise NodeStateBroken(folder=str(self.folder.path))
        return None

    def _undisturbed_dump(self) -> tuple[Block, bytes]:
        """Dump the state at a moment at which no block is being mined."""
        for _ in range(UNDISTURBED_TRIES):
            taken = self._dump()
            if taken is not None:
                return taken
        self.chain.request("evm_setAutomine", False)  # noqa: FBT003 - parameters of JSON-RPC have no names
        try:
            until = time.monotonic() + START_TIMEOUT_S
            while (taken := self._dump()) is None:
                if time.monotonic() > until:
                    raise LedgerUnavailable(detail="the node's state cannot be dumped whole")
            return taken
        finally:
            self.chain.request("evm_setAutomine", True)  # noqa: FBT003 - parameters of JSON-RPC have no names

    def _dump(self) -> tuple[Block, bytes] | None:
        before = self.chain.head()
        dump = bytes.fromhex(self.chain.request("anvil_dumpState")[2:])
        if self.chain.head().hash != before.hash:
            return None
        state = unpack(dump)
        whole = state is not None and state["best_block_number"] == before.number and is_whole(state)
        return (before, dump) if whole else None

    def _write(self, dump: bytes) -> None:
        side = self.folder.path / "state.part"
        write_synced(side, dump, rename=False)
        self._at("node.written")
        if self.folder.state.exists():
            self.folder.state.rename(self.folder.previous)
        self._at("node.rotated")
        side.rename(self.folder.state)
        sync_folder(self.folder.path)
        self._at("node.renamed")

    def _publish(self, head: Block) -> None:
        final = json.dumps({"number": head.number, "hash": "0x" + head.hash.hex()})
        write_synced(self.folder.final_block, final.encode())
        self._published = head.hash
        self._at("node.published")


def _dying_with_parent() -> list[str]:
    """Give the command that makes a program die with whoever started it (util-linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def run(settings: Settings, stop: threading.Event) -> None:
    """Run the embedded node until told to stop; the first time, found the consortium on it.

    Raises:
        DeploymentMissing: The node's state is not that of this installation.
    """
    relay = relay_account(settings.data_dir)
    node = EmbeddedNode(settings.data_dir, settings.node_port, relay=relay.address)
    node.start()
    try:
        kept = deployment_file(settings.data_dir)
        deployment = Deployment.load(kept)
        if deployment is None:
            deployment = found(node.chain, settings.data_dir)
            # Only once the contracts are on disk may anybody rely on them.
            node.keep()
            deployment.save(kept)
        else:
            check_deployment(node.chain, deployment)
    except BaseException:
        node.stop()
        raise
    node.run(stop)
