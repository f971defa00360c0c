"""A real node, deployed contracts, keys of everybody, and a ledger that a test can drive step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from kernel.database import Database
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment, FoundingMember, deploy
from ledger.chain.node import EmbeddedNode
from ledger.keys.signing import Secp256k1Signer
from tests.ledger.world import World, make_world


@dataclass(frozen=True)
class Consortium:
    """Founding keys and the account that deployed."""

    founders: tuple[Secp256k1Signer, ...]
    account: LocalAccount
    threshold: int = field(default=2)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNode]:
    """Give one node for all tests; each test that changes the chain's state deploys for itself."""
    node = EmbeddedNode(tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.stop()


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[EmbeddedNode]:
    """Give a node that the test may kill, stop and reorganise."""
    node = EmbeddedNode(tmp_path / "own-node")
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def chain(node: EmbeddedNode) -> Chain:
    """Give the node of all tests."""
    return node.chain


@pytest.fixture(scope="session")
def founding(node: EmbeddedNode) -> Consortium:
    """Give founding keys and an account that pays."""
    return Consortium(tuple(Secp256k1Signer.generate() for _ in range(3)), Account.create())


@pytest.fixture(scope="session")
def deployment(chain: Chain, founding: Consortium) -> Deployment:
    """Give contracts deployed once, for tests that only read."""
    return deploy_for(chain, founding)


def deploy_for(chain: Chain, founding: Consortium) -> Deployment:
    """Deploy the contracts for founding members."""
    members = [
        FoundingMember(bytes([place]) * 32, key.signer) for place, key in enumerate(founding.founders, 1)
    ]
    return deploy(chain, founding.account, members, founding.threshold)


@pytest.fixture
def world(chain: Chain, database: Database) -> World:
    """Give a ledger of the test's own: fresh contracts, everybody's keys granted, relay and indexer to be stepped."""
    return make_world(chain, database)


@pytest.fixture
def sqlite_world(chain: Chain, sqlite_database: Database) -> World:
    """Give the same on SQLite alone, for tests in which the database makes no difference."""
    return make_world(chain, sqlite_database)


@pytest.fixture
def world_on(sqlite_database: Database) -> Callable[[Chain], World]:
    """Give a maker of ledgers on a node of the test's own."""
    return lambda chain: make_world(chain, sqlite_database)
