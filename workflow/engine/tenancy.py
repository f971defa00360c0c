"""The one place where firms are kept apart. No tenant filter is written by hand anywhere else."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.errors import NotFound
from ledger.keys.roles import Role
from workflow.engine.principals import Principal

CUSTOMS = (
    Role.DOCUMENTS_OFFICER | Role.INSPECTOR | Role.IMAGE_ANALYST | Role.RELEASING_OFFICER | Role.SUPERVISOR
)
AUTHORITIES = Role.COMMITTEE | CUSTOMS | Role.AUDITOR

Row = TypeVar("Row", bound="Tenanted")


class Tenanted:
    """A row that belongs to one organisation and is open to some authorities."""

    open_to: ClassVar[Role] = AUTHORITIES
    """Roles that see every firm's rows of this table."""
    private_states: ClassVar[tuple[str, ...]] = ("draft",)
    """States in which only the owner sees the row; tables without a `state` leave it empty."""
    sent_by: ClassVar[str] = ""
    """Column with the client that sent the row and may look at it again; empty where there is none."""
    title: ClassVar[str] = "case"

    id: Mapped[UUID]
    organisation_id: Mapped[UUID] = mapped_column(index=True)


def visible(query: Select[Any], model: type[Tenanted], principal: Principal) -> Select[Any]:
    """Narrow a query to the rows of `model` that the principal may know of."""
    if principal.is_system:
        return query
    own = model.organisation_id == principal.organisation_id
    if model.sent_by and principal.client_id is not None:
        own = or_(own, getattr(model, model.sent_by) == principal.client_id)
    if not model.open_to & principal.roles:
        return query.where(own)
    if not model.private_states:
        return query
    return query.where(or_(own, model.state.not_in(model.private_states)))  # type: ignore[attr-defined]  # tables with private states have a state


def get_visible(
    session: Session, model: type[Row], row_id: UUID, principal: Principal, *, lock: bool = False
) -> Row:
    """Load one row that the principal may know of.

    Raises:
        NotFound: There is none, or it is another firm's; the two look the same.
    """
    query = visible(select(model).where(model.id == row_id), model, principal)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row: Row | None = session.scalar(query)
    if row is None:
        raise NotFound(what=model.title, name=str(row_id))
    return row
