"""The real node and the whole small ledger of the ledger's own tests."""

from __future__ import annotations

from tests.ledger.conftest import chain, node, own_node, sqlite_world, world, world_on

__all__ = ["chain", "node", "own_node", "sqlite_world", "world", "world_on"]
