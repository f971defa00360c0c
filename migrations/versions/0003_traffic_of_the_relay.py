"""Traffic of the relay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_load",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("oldest_waiting_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_ledger_load")),
    )
    op.create_table(
        "relay_leases",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_relay_leases")),
    )
    op.create_table(
        "transaction_versions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas_price", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name=op.f("fk_transaction_versions_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction_versions")),
        sa.UniqueConstraint("hash", name=op.f("uq_transaction_versions_hash")),
    )
    with op.batch_alter_table("transaction_versions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transaction_versions_transaction_id"), ["transaction_id"], unique=False
        )

    with op.batch_alter_table("ledger_status", schema=None) as batch_op:
        batch_op.add_column(sa.Column("estimate_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("most_waiting", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("incident_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("ledger_status", schema=None) as batch_op:
        batch_op.drop_column("incident_at")
        batch_op.drop_column("most_waiting")
        batch_op.drop_column("estimate_s")

    with op.batch_alter_table("transaction_versions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transaction_versions_transaction_id"))

    op.drop_table("transaction_versions")
    op.drop_table("relay_leases")
    op.drop_table("ledger_load")
