"""The node behind one class: typed answers, typed errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from eth_account import Account

from kernel.errors import Kind
from ledger.chain.client import Chain, LedgerUnavailable, NodeRefused, Sending, sign_transaction
from ledger.chain.deployment import (
    Deployment,
    DeploymentFailed,
    DeploymentMissing,
    DeploymentUnknown,
    FoundingMember,
    check_deployment,
    created_address,
    deploy,
    deployment_file,
    load_deployment,
    predicted_verifiers,
)
from ledger.chain.interfaces import decode_result, encode_call
from ledger.chain.node import EmbeddedNode
from ledger.keys.passkeys import SoftwarePasskey
from tests.ledger.conftest import Consortium
from tests.ledger.world import until


@contextmanager
def node_that_says(answer: bytes, status: int = 200) -> Iterator[str]:
    """Serve one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_node_that_is_away_is_unavailable() -> None:
    chain = Chain("http://127.0.0.1:9", timeout_s=1)
    for ask in (chain.head, chain.chain_id, lambda: chain.blocks([1, 2])):
        with pytest.raises(LedgerUnavailable) as caught:
            ask()
        assert caught.value.kind is Kind.UNAVAILABLE
    assert chain.blocks([]) == []


@pytest.mark.parametrize(
    ("answer", "status"), [(b"", 200), (b"no json", 200), (b"{}", 502), (b'{"jsonrpc":"2.0","id":1}', 503)]
)
def test_a_node_that_answers_nonsense_is_unavailable(answer: bytes, status: int) -> None:
    with node_that_says(answer, status) as url:
        for ask in (Chain(url).head, lambda: Chain(url).blocks([1])):
            with pytest.raises(LedgerUnavailable):
                ask()


def test_an_error_of_the_node_is_told() -> None:
    with node_that_says(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"nonsense"}}') as url:
        chain = Chain(url)
        with pytest.raises(NodeRefused) as caught:
            chain.head()
        assert caught.value.detail == "nonsense"
        with pytest.raises(NodeRefused):
            chain.send_raw(b"\0")
        with pytest.raises(NodeRefused):
            chain.blocks([1])
    with node_that_says(b'{"jsonrpc":"2.0","id":1,"error":"odd"}') as url, pytest.raises(NodeRefused):
        Chain(url).head()
    with node_that_says(b'{"jsonrpc":"2.0","id":1,"result":null}') as url:
        with pytest.raises(LedgerUnavailable):
            Chain(url).head()
        with pytest.raises(LedgerUnavailable):
            Chain(url).blocks([1])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("transaction already imported", Sending.KNOWN),
        ("already known", Sending.KNOWN),
        ("Known transaction", Sending.KNOWN),
        ("Nonce too low", Sending.NONCE_USED),
    ],
)
def test_what_nodes_say_to_a_transaction_sent_again(message: str, said: Sending) -> None:
    answer = f'{{"jsonrpc":"2.0","id":1,"error":{{"code":-32000,"message":"{message}"}}}}'
    with node_that_says(answer.encode()) as url:
        assert Chain(url).send_raw(b"\0") is said


def test_blocks_receipts_and_transactions(own_node: EmbeddedNode) -> None:
    chain, account = own_node.chain, Account.create()
    assert chain.block(5) is None
    assert chain.receipt(b"\1" * 32) is None
    assert not chain.knows(b"\1" * 32)
    signed = sign_transaction(
        account, chain_id=20260, nonce=0, gas=30_000, gas_price=0, to=account.address, data=b""
    )
    assert chain.send_raw(signed.raw) is Sending.ACCEPTED
    receipt = until(lambda: chain.receipt(signed.hash))
    assert receipt.succeeded
    assert chain.send_raw(signed.raw) is Sending.NONCE_USED
    transaction = chain.transaction(signed.hash)
    assert transaction is not None
    assert transaction["from"].lower() == account.address.lower()
    head = chain.head()
    assert chain.block_by_hash(head.hash) == head == chain.block(head.number)
    assert chain.block_by_hash(b"\1" * 32) is None
    assert [block.number for block in chain.blocks(range(5))] == list(range(head.number + 1))
    future = sign_transaction(
        account, chain_id=20260, nonce=5, gas=30_000, gas_price=0, to=account.address, data=b""
    )
    assert chain.send_raw(future.raw) is Sending.ACCEPTED
    assert chain.send_raw(future.raw) is Sending.KNOWN
    assert chain.gas_price() == 0
    with pytest.raises(LedgerUnavailable):
        chain.send_and_wait(account, data=b"", gas=30_000, nonce=9, to=account.address, timeout_s=0)
    own_node.stop()
    with pytest.raises(LedgerUnavailable):
        chain.nonce(account.address)


def test_addresses_of_creations_are_foreseen() -> None:
    """Known answers of the yellow paper's rule, for small, middling and large numbers."""
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert created_address(sender, 0) == "0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d"
    assert created_address(sender, 1) == "0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8"
    assert created_address(sender, 2) == "0xf778B86FA74E846c4f0a1fBd1335FE81c00a0C91"
    assert len({created_address(sender, nonce) for nonce in (127, 128, 255, 256, 70_000)}) == 5


def test_a_deployment_is_kept_and_recognised(chain: Chain, deployment: Deployment, data_dir: Path) -> None:
    with pytest.raises(DeploymentUnknown):
        load_deployment(data_dir)
    deployment.save(deployment_file(data_dir))
    loaded = load_deployment(data_dir)
    assert loaded == deployment
    check_deployment(chain, loaded)
    assert loaded.contract_at(deployment.address("Inbox").lower()) == "Inbox"
    assert loaded.contract_at("0x" + "00" * 20) is None
    elsewhere = Deployment(1, deployment.addresses, 1, deployment.code_hashes)
    moved = Deployment(
        deployment.chain_id,
        {**deployment.addresses, "Inbox": deployment.address("Consortium")},
        1,
        deployment.code_hashes,
    )
    for wrong in (elsewhere, moved):
        with pytest.raises(DeploymentMissing):
            check_deployment(chain, wrong)


def test_a_founder_may_hold_a_passkey(chain: Chain) -> None:
    account = Account.create()
    foreseen = predicted_verifiers(chain, account)
    passkey = SoftwarePasskey("localhost", "http://localhost").signer_on(foreseen)
    made = deploy(chain, account, [FoundingMember(b"\1" * 32, passkey.signer)], 1)
    assert made.address("ERC7913WebAuthnVerifier") == foreseen.address("ERC7913WebAuthnVerifier")
    call = encode_call("Consortium", "founderOf", passkey.key_id)
    answer = chain.call(made.address("Consortium"), call)
    assert decode_result("Consortium", "founderOf", answer) == b"\1" * 32


def test_a_refused_creation_is_told(chain: Chain, founding: Consortium) -> None:
    with pytest.raises(DeploymentFailed) as caught:
        deploy(chain, Account.create(), [FoundingMember(b"\1" * 32, founding.founders[0].signer)], 2)
    assert caught.value.contract == "Consortium"
