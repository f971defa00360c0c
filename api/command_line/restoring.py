"""One installation's decisions restored from chain and archive into an empty database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kernel.archive import FolderArchive
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.deployment import check_deployment, load_deployment
from ledger.chain.finality import Tip
from ledger.chain.installation import finality_of, open_chain, relay_account
from ledger.reconciliation.log_rebuilding import entries_in, restore_leaves
from ledger.reconciliation.rebuilding import (
    FinalBlockMissing,
    Rebuilding,
    Rebuilt,
    Watch,
    check_empty,
    unwatched,
)
from migrations import migrate
from workflow.engine.sealing import KeptDecisions

NOT_RESTORED = (
    "drafts, sealed contents of cases and the cases' own rows: their sealed documents lie in the archive",
    "histories, uploads' names and readings, findings, sign-in and sessions, people and organisations",
    "statements that were signed and not yet on the chain: they must be signed again",
    "when statements were queued and sent; places in the queue; jobs",
)
"""What neither chain nor archive holds, or holds only as documents that a person has to look at."""


@dataclass
class Restored:
    """What was restored."""

    chain: Rebuilt
    decisions_kept: int = 0
    """Decisions whose sealed documents the archive holds."""
    leaves: int = 0
    not_restored: tuple[str, ...] = field(default=NOT_RESTORED)


def restore(
    settings: Settings, into: str, *, archive: Path | None, evidence: Path | None, watch: Watch = unwatched
) -> Restored:
    """Restore everything that chain and archive hold.

    Args:
        settings: The installation: its node, deployment, keys.
        into: Address of an empty database.
        archive: Folder of the archive; the installation's where not given.
        evidence: Folder of the evidence log's files; the installation's where not given.
        watch: Hears how far it is.

    Raises:
        DatabaseNotEmpty: The database holds something.
        FinalBlockMissing: Nothing is final yet.
        LedgerUnavailable, NodeRefused, NodeDisagrees, DeploymentMissing: The chain cannot be read.
        EntryUnreadable, RootNotAnchored: The log's files are not what the chain vouches for.
    """
    chain, deployment = open_chain(settings), load_deployment(settings.data_dir)
    check_deployment(chain, deployment)
    head = chain.head()
    final = finality_of(settings).final(Tip(head.number, head.hash))
    if final is None:
        raise FinalBlockMissing
    kept = KeptDecisions(FolderArchive(archive or settings.data_dir / "archive"))
    migrate(into)
    database = Database(into)
    try:
        with database.read() as session:
            check_empty(session)
        rebuilding = Rebuilding(
            chain,
            deployment,
            database,
            relay_account(settings.data_dir).address,
            case_of=kept.case_of,
            watch=watch,
            computes_hashes=settings.node_header_hash == "ethereum",
        )
        rebuilt = rebuilding.run(final.number)
        leaves = restore_leaves(database, entries_in(evidence or settings.evidence), watch)
    finally:
        database.dispose()
    return Restored(rebuilt, len(kept), leaves)
