"""Who acts: a person, a client program or a device, always for one organisation."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.keys.roles import Role


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whoever stands at the door, after the door made sure of it."""

    organisation_id: UUID
    roles: Role
    person_id: UUID | None = None
    client_id: UUID | None = None
    name: str = ""

    @property
    def officer_id(self) -> UUID:
        """The identifier under which the consortium grants this actor's keys; all zeros for the system."""
        return self.person_id or self.client_id or UUID(int=0)

    @property
    def actor(self) -> str:
        """A stable name of the actor, for idempotency keys and logs."""
        return f"person:{self.person_id}" if self.person_id else f"client:{self.client_id}"

    @property
    def is_system(self) -> bool:
        """Whether this is the system itself, which holds no role and signs nothing."""
        return self.person_id is None and self.client_id is None


SYSTEM_PRINCIPAL = Principal(organisation_id=UUID(int=0), roles=Role(0), name="Piste")
