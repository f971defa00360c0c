"""Complete ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkpoint_witnesses",
        sa.Column("size", sa.String(length=20), nullable=False),
        sa.Column("organisation", sa.LargeBinary(length=32), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", "organisation", name=op.f("pk_checkpoint_witnesses")),
    )
    op.create_table(
        "ledger_amendments",
        sa.Column("certificate", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("lines_root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("confirmed_by_committee", sa.Boolean(), nullable=False),
        sa.Column("confirmed_by_customs", sa.Boolean(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate", name=op.f("pk_ledger_amendments")),
    )
    op.create_table(
        "ledger_corrections",
        sa.Column("statement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("corrects", sa.LargeBinary(length=32), nullable=False),
        sa.Column("declaration", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("evidence_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("statement", name=op.f("pk_ledger_corrections")),
        sa.UniqueConstraint("corrects", name=op.f("uq_ledger_corrections_corrects")),
    )
    with op.batch_alter_table("ledger_corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_corrections_declaration"), ["declaration"], unique=False)

    op.create_table(
        "ledger_delegations",
        sa.Column("certificate", sa.LargeBinary(length=32), nullable=False),
        sa.Column("broker", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate", "broker", name=op.f("pk_ledger_delegations")),
    )
    op.create_table(
        "ledger_rules",
        sa.Column("rule", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("system", sa.LargeBinary(length=32), nullable=False),
        sa.Column("most_releases", sa.BigInteger(), nullable=False),
        sa.Column("releases", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("officer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_ledger_rules")),
    )
    with op.batch_alter_table("ledger_decisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("corrections", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("ledger_decisions", schema=None) as batch_op:
        batch_op.alter_column("corrections", server_default=None)

    with op.batch_alter_table("ledger_notes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("binding", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("ledger_notes", schema=None) as batch_op:
        batch_op.alter_column("binding", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("ledger_notes", schema=None) as batch_op:
        batch_op.drop_column("binding")

    with op.batch_alter_table("ledger_decisions", schema=None) as batch_op:
        batch_op.drop_column("corrections")
        batch_op.drop_column("rule")

    op.drop_table("ledger_rules")
    op.drop_table("ledger_delegations")
    with op.batch_alter_table("ledger_corrections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_corrections_declaration"))

    op.drop_table("ledger_corrections")
    op.drop_table("ledger_amendments")
    op.drop_table("checkpoint_witnesses")
