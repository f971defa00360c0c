"""One installation held against its chain: the comparisons of every layer, put together."""

from __future__ import annotations

from collections.abc import Iterator

from kernel.archive import FolderArchive
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.deployment import load_deployment
from ledger.chain.installation import open_chain, relay_account
from ledger.reconciliation.checking import Reconciliation
from ledger.reconciliation.comparison import snapshot
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.log_reconciliation import log_differences
from ledger.reconciliation.rebuilding import Watch, unwatched
from workflow.documents.reconciliation import document_differences
from workflow.engine.reconciliation import case_differences, history_differences
from workflow.processes import KINDS


def reconciliation_of(settings: Settings, watch: Watch = unwatched) -> Reconciliation:
    """Give the comparison of this installation's database with its chain."""
    return Reconciliation(
        open_chain(settings),
        load_deployment(settings.data_dir),
        relay_account(settings.data_dir).address,
        watch,
        computes_hashes=settings.node_header_hash == "ethereum",
    )


def differences(
    settings: Settings, reconciliation: Reconciliation, watch: Watch = unwatched
) -> Iterator[Difference]:
    """Put all comparisons together: chain, evidence log, archive, histories, cases."""
    database = Database(settings.database)
    try:
        yield from reconciliation.differences(database)
        with snapshot(database) as session:
            yield from log_differences(session, watch)
            yield from document_differences(session, FolderArchive(settings.data_dir / "archive"), watch)
            yield from history_differences(session, watch)
            yield from case_differences(session, KINDS, watch)
    finally:
        database.dispose()
