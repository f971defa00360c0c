"""The auditors' door."""

from __future__ import annotations

from api.chain_explorer import evidence_routes, pages, routes, tile_routes
from api.foundation.doors import Door, Entry
from kernel.errors import Text

DOOR = Door(
    name="chain_explorer",
    title=Text("Chain explorer", "链上浏览器"),
    description="Statements, blocks, transactions and keys of the ledger, checks of every decision, and proofs from "
    "the evidence log. Open to everybody who is signed in; it holds digests and quantities, no content.",
    position=50,
    # The entries first: their address would else be taken for that of a tile.
    routers=(
        routes.router,
        evidence_routes.router,
        tile_routes.router,
        tile_routes.open_router,
        pages.router,
    ),
    entries=(Entry(path="/ledger", label=Text("Ledger", "账本")),),
)
