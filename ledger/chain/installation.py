"""One installation's ledger: which node, which keys, which deployment, as its settings say."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount

from kernel.settings import Settings
from ledger.chain.client import Chain, LedgerUnavailable
from ledger.chain.deployment import Deployment, FoundingMember, check_deployment, deploy, deployment_file
from ledger.chain.finality import Finality, finality_named
from ledger.chain.node_state import node_folder, node_url
from ledger.consortium import FOUNDERS, THRESHOLD
from ledger.keys.keystore import KeyStore
from ledger.keys.signing import Secp256k1Signer, Signer
from ledger.recording.looping import POLL_S
from ledger.statements import id_bytes

RELAY_KEY = "relay"
LOG_KEY = "evidence-log"
WITNESS_KEYS = "witness-"
"""Names of the keys of witnesses begin so."""
LONGEST_PAUSE_S = 5.0
_log = structlog.get_logger()


def key_store(data_dir: Path) -> KeyStore:
    """Give the installation's software keys."""
    return KeyStore(data_dir / "keys")


def relay_account(data_dir: Path) -> LocalAccount:
    """Give the account that pays; it has no role."""
    return key_store(data_dir).account(RELAY_KEY)


def log_signer(data_dir: Path) -> Secp256k1Signer:
    """Give the key of the evidence log; the consortium grants it the role LOG."""
    return key_store(data_dir).secp256k1(LOG_KEY)


def founding_signers(data_dir: Path) -> list[Signer]:
    """Give the founding members' software keys of an embedded stack, in the order of `FOUNDERS`."""
    keys = key_store(data_dir)
    return [keys.secp256k1(f"founder-{founder.name}") for founder in FOUNDERS]


def witness_signers(data_dir: Path) -> list[Secp256k1Signer]:
    """Give the keys of the founding members' witnesses in an embedded stack, in the order of `FOUNDERS`."""
    keys = key_store(data_dir)
    return [keys.secp256k1(f"{WITNESS_KEYS}{founder.name}") for founder in FOUNDERS]


def open_chain(settings: Settings) -> Chain:
    """Give the node that the settings name, the embedded one where they name none.

    Raises:
        LedgerUnavailable: The embedded node was never started.
    """
    return Chain(settings.node_url or node_url(settings.data_dir, settings.node_port))


def finality_of(settings: Settings) -> Finality:
    """Give the way of telling when a block is final.

    Raises:
        FinalityUnknown: The setting makes no sense.
    """
    return finality_named(settings.finality, node_folder(settings.data_dir).final_block)


def found(chain: Chain, data_dir: Path) -> Deployment:
    """Deploy the contracts for the founding members of an embedded stack, whose keys are in the data folder.

    The caller sees to it that the blocks are final before the deployment is saved.
    """
    members = [
        FoundingMember(id_bytes(founder.organisation), signer.signer)
        for founder, signer in zip(FOUNDERS, founding_signers(data_dir), strict=True)
    ]
    deployment = deploy(chain, relay_account(data_dir), members, THRESHOLD)
    _log.info("ledger.founded", consortium=deployment.address("Consortium"))
    return deployment


def await_ledger(settings: Settings, stop: threading.Event) -> tuple[Chain, Deployment] | None:
    """Wait until the node answers and holds the contracts; None where told to stop meanwhile.

    Raises:
        DeploymentMissing: The node holds other contracts, or none.
    """
    pause = 0.0
    while not stop.wait(pause):
        pause = min(max(pause, POLL_S) * 2, LONGEST_PAUSE_S)
        deployment = Deployment.load(deployment_file(settings.data_dir))
        if deployment is None:
            continue
        try:
            chain = open_chain(settings)
            check_deployment(chain, deployment)
        except LedgerUnavailable as fault:
            _log.warning("ledger.waiting", fault=fault.detail)
            continue
        return chain, deployment
    return None
