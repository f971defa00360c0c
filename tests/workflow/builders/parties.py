"""Organisations, people and devices with keys in the consortium's register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from kernel.clock import unix
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer, Signer
from ledger.models import LedgerKey
from ledger.statements import id_bytes
from tests.workflow.builders.installation import MORNING
from workflow.engine.principals import Principal
from workflow.engine.schemas import PreparedStatement, SignatureInput

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, with the key that signs for them."""

    principal: Principal
    key: Signer

    @property
    def organisation_id(self) -> UUID:
        return self.principal.organisation_id

    def sign(self, statement: PreparedStatement | str) -> SignatureInput:
        """Sign a prepared statement, or a digest in hexadecimal."""
        name = statement if isinstance(statement, str) else statement.digest
        signature = self.key.sign(bytes.fromhex(name.removeprefix("0x")))
        return SignatureInput(key_id="0x" + self.key.key_id.hex(), signature="0x" + signature.hex())


def officer(
    roles: Role,
    *,
    organisation_id: UUID | None = None,
    device: bool = False,
    key: Signer | None = None,
    name: str = "",
) -> Actor:
    """Make somebody with a key that the register does not hold yet."""
    identifier = uuid4()
    principal = Principal(
        organisation_id=organisation_id or uuid4(),
        roles=roles,
        person_id=None if device else identifier,
        client_id=identifier if device else None,
        name=name,
    )
    return Actor(principal, key or Secp256k1Signer.generate())


def grant(
    session: Session,
    actor: Actor,
    *,
    roles: Role | None = None,
    valid_for: tuple[timedelta, timedelta] = (-YEAR, YEAR),
    revoked: bool = False,
) -> Actor:
    """Enter an actor's key into the register, as the indexer does after the consortium's change is final."""
    begins, ends = valid_for
    session.add(
        LedgerKey(
            key_id=actor.key.key_id,
            organisation=id_bytes(actor.organisation_id),
            organisation_id=actor.organisation_id,
            officer=id_bytes(actor.principal.officer_id),
            officer_id=actor.principal.officer_id,
            signer=actor.key.signer,
            roles=int(actor.principal.roles if roles is None else roles),
            valid_from=unix(MORNING + begins),
            valid_until=unix(MORNING + ends),
            granted_at_block=1,
            revoked_at_block=2 if revoked else None,
        )
    )
    session.flush()
    return actor


def granted(
    session: Session, roles: Role, *, organisation_id: UUID | None = None, device: bool = False
) -> Actor:
    """Make somebody whose key the register holds."""
    return grant(session, officer(roles, organisation_id=organisation_id, device=device))
