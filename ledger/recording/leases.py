"""Who may send for an account: one relay at a time, the others wait until its lease runs out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from ledger.models import RelayLease

LEASE = timedelta(seconds=5)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Lease:
    """One relay's hold on an account.

    Args:
        database: Where the lease is kept.
        account: The account.
        clock: Tells the time.
        holder: Name of this relay, new for each.
        length: How long it lasts unless it is renewed; after a crash another relay waits so long.
    """

    database: Database
    account: str
    clock: Clock = field(default_factory=SystemClock)
    holder: str = field(default_factory=lambda: str(uuid4()))
    length: timedelta = LEASE
    _until: datetime = field(default=_NEVER, init=False)

    def hold(self) -> bool:
        """Take or renew the lease; tell whether it is ours."""
        if self._until - self.clock.now() > self.length / 2:
            return True
        with self.database.write() as session:
            return self.confirm(session)

    def confirm(self, session: Session) -> bool:
        """Take or renew the lease within a transaction, which keeps others off until it ends."""
        now = self.clock.now()
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(
            insert(RelayLease)
            .values(account=self.account, holder=self.holder, until=now)
            .on_conflict_do_nothing()
        )
        row = session.get_one(RelayLease, self.account, with_for_update=True)
        if row.holder != self.holder and row.until > now:
            return False
        row.holder, row.until = self.holder, now + self.length
        self._until = row.until
        return True

    def release(self) -> None:
        """Give the lease up, so that another relay need not wait."""
        self._until = _NEVER
        with self.database.write() as session:
            session.execute(
                delete(RelayLease).where(RelayLease.account == self.account, RelayLease.holder == self.holder)
            )
