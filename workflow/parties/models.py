"""Tables of the parties: organisations, persons, clients, keys, and what lets them in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, synonym

from kernel.database import Base, BigId
from kernel.errors import Text
from ledger.keys.roles import Role
from workflow.engine.tenancy import AUTHORITIES, Tenanted

_ONE_HOLDER = "(person_id IS NULL) <> (client_id IS NULL)"


class Revised:
    """A row that counts its changes; the number is its entity tag."""

    revision: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy's directives are class methods
        return {"version_id_col": cls.__table__.c.revision if hasattr(cls, "__table__") else cls.revision}


class Organisation(Revised, Tenanted, Base):
    """A firm or an authority that takes part."""

    __tablename__ = "organisations"
    title = "organisation"
    private_states: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = synonym("id")
    name_en: Mapped[str] = mapped_column(String(200))
    name_zh: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    registration_number: Mapped[str] = mapped_column(String(40))
    """Unified social credit code of a Chinese organisation; what its country gives out elsewhere."""
    roles: Mapped[int]
    founding: Mapped[bool] = mapped_column(default=False)
    """Whether it is one of the members whose signatures change the consortium."""
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    admitted_at: Mapped[datetime]

    __table_args__ = (Index("uq_organisations_registration", "country", "registration_number", unique=True),)

    @property
    def name(self) -> Text:
        """Its name in both languages."""
        return Text(self.name_en, self.name_zh)


class Person(Revised, Tenanted, Base):
    """Somebody who works for an organisation."""

    __tablename__ = "persons"
    title = "person"
    private_states: ClassVar[tuple[str, ...]] = ()
    open_to: ClassVar[Role] = AUTHORITIES

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    name_en: Mapped[str] = mapped_column(String(120))
    name_zh: Mapped[str] = mapped_column(String(120))
    roles: Mapped[int]
    administrator: Mapped[bool] = mapped_column(default=False)
    """Whether the person may add persons and clients; one of a founding member also admits organisations."""
    added_at: Mapped[datetime]
    left_at: Mapped[datetime | None]

    @property
    def name(self) -> Text:
        """The person's name in both languages."""
        return Text(self.name_en, self.name_zh)


class Client(Revised, Tenanted, Base):
    """A program or device of an organisation."""

    __tablename__ = "clients"
    title = "client"
    private_states: ClassVar[tuple[str, ...]] = ()
    open_to: ClassVar[Role] = Role(0)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    label: Mapped[str] = mapped_column(String(120))
    roles: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Key(Revised, Tenanted, Base):
    """A key that a person or a client has enrolled; it can sign once the consortium's register has it."""

    __tablename__ = "keys"
    __table_args__ = (CheckConstraint(_ONE_HOLDER, name="one_holder"),)
    title = "key"
    private_states: ClassVar[tuple[str, ...]] = ()
    open_to: ClassVar[Role] = Role.AUDITOR | Role.SUPERVISOR

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """keccak256 of the signer bytes, as on the chain."""
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"), index=True)
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("clients.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    """`secp256k1`, `p256` or `passkey`."""
    signer: Mapped[bytes] = mapped_column(LargeBinary(128))
    """ERC-7913: an address, or a verifier's address with the key."""
    label: Mapped[str] = mapped_column(String(80))
    roles: Mapped[int]
    credential_id: Mapped[bytes | None] = mapped_column(LargeBinary(1024), unique=True)
    cose_public_key: Mapped[bytes | None] = mapped_column(LargeBinary(1024))
    sign_count: Mapped[int] = mapped_column(default=0)
    link_id: Mapped[UUID] = mapped_column(ForeignKey("enrolment_links.id"), index=True)
    """The one-time link through which it came in."""
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @property
    def officer_id(self) -> UUID:
        """The identifier under which the consortium knows the holder."""
        holder = self.person_id or self.client_id
        if holder is None:
            raise ValueError(self.key_id)
        return holder


class RegisterEntry(Base):
    """Something that the founding members are asked to write into the consortium's register."""

    __tablename__ = "register_entries"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(12))
    """`organisation`, `grant` or `revocation`."""
    organisation_id: Mapped[UUID] = mapped_column(index=True)
    officer_id: Mapped[UUID | None]
    key_id: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    signer: Mapped[bytes | None] = mapped_column(LargeBinary(128))
    roles: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), index=True)
    """`waiting`, `signing` (in a change that is on its way), `entered` or `refused`."""
    change: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """Digest of the consortium's change that it is part of."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How many changes that it was part of were refused."""
    asked_at: Mapped[datetime]


class EnrolmentLink(Base):
    """A one-time leave to enrol one key."""

    __tablename__ = "enrolment_links"
    __table_args__ = (CheckConstraint(_ONE_HOLDER, name="one_holder"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"), index=True)
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("clients.id"), index=True)
    issued_by: Mapped[str] = mapped_column(String(120))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Ceremony(Base):
    """A challenge that waits for one answer."""

    __tablename__ = "ceremonies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(12))
    """`sign_in` or `enrolment`."""
    challenge: Mapped[bytes] = mapped_column(LargeBinary(32))
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("enrolment_links.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class WebSession(Base):
    """A browser in which a person is signed in."""

    __tablename__ = "web_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    key_id: Mapped[bytes] = mapped_column(ForeignKey("keys.key_id"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AnsweredRequest(Base):
    """What was answered to a request with an Idempotency-Key; written in the transaction of its change."""

    __tablename__ = "answered_requests"

    actor: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 over method, address and body."""
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[list[Any]] = mapped_column(default=list)
    body: Mapped[bytes | None]
    """None where the answer held a secret that is shown only once."""
    answered_at: Mapped[datetime] = mapped_column(index=True)
