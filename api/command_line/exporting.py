"""Records of the ledger on their way into a file: from this installation, or from a node alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel.archive import FolderArchive
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment, DeploymentUnknown, check_deployment, load_deployment
from ledger.explorer.exporting import Wanted, csv_lines, json_lines, records
from ledger.reconciliation.comparison import snapshot
from ledger.reconciliation.log_rebuilding import entries_in, restore_leaves
from ledger.reconciliation.rebuilding import Rebuilding, Watch
from migrations import migrate
from workflow.engine.sealing import KeptDecisions

WRITERS = {"jsonl": json_lines, "csv": csv_lines}


def lines(database: Database, deployment: Deployment, wanted: Wanted, form: str) -> Iterator[bytes]:
    """Give the lines of an export.

    Args:
        database: Where the records are.
        deployment: Where the contracts stand.
        wanted: Which records.
        form: `jsonl` or `csv`.
    """
    with snapshot(database) as session:
        yield from WRITERS[form](records(session, deployment, wanted))


@contextmanager
def installed(settings: Settings) -> Iterator[tuple[Database, Deployment]]:
    """Open this installation's database."""
    deployment = load_deployment(settings.data_dir)
    database = Database(settings.database, evidence=settings.evidence)
    try:
        yield database, deployment
    finally:
        database.dispose()


@contextmanager
def from_node(
    node: str, deployment_file: Path, archive: Path | None, evidence: Path | None, watch: Watch
) -> Iterator[tuple[Database, Deployment]]:
    """Read the chain from a node into a database that is thrown away afterwards; nothing else is needed.

    Args:
        node: Address of the node.
        deployment_file: Where the contracts stand.
        archive: Folder of the archive, where it is at hand: tells the cases of statements.
        evidence: Folder of the evidence log's files, where they are at hand: tells leaves and checkpoints.
        watch: Hears how far it is.

    Raises:
        DeploymentUnknown, DeploymentMissing: The file is not there, or the node serves another chain.
        LedgerUnavailable, NodeRefused, NodeDisagrees: The node cannot be read.
    """
    deployment = Deployment.load(deployment_file)
    if deployment is None:
        raise DeploymentUnknown(path=str(deployment_file))
    chain = Chain(node)
    check_deployment(chain, deployment)
    kept = KeptDecisions(FolderArchive(archive)) if archive is not None else None
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/replay.sqlite3"
        migrate(address)
        database = Database(address)
        try:
            rebuilding = Rebuilding(chain, deployment, database, watch=watch)
            if kept is not None:
                rebuilding.case_of = kept.case_of
            rebuilding.run(chain.head().number)
            if evidence is not None:
                restore_leaves(database, entries_in(evidence), watch)
            yield database, deployment
        finally:
            database.dispose()
