"""Tree of the evidence log on disk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The tree is files now; the keeper builds it from the leaves, and fills in the root, when it first runs.
    op.drop_table("evidence_nodes")
    with op.batch_alter_table("evidence_leaves", schema=None) as batch_op:
        batch_op.create_index(
            "ix_evidence_leaves_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("position IS NULL"),
            postgresql_where=sa.text("position IS NULL"),
        )

    with op.batch_alter_table("evidence_log", schema=None) as batch_op:
        batch_op.add_column(sa.Column("root", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("evidence_log", schema=None) as batch_op:
        batch_op.drop_column("root")

    with op.batch_alter_table("evidence_leaves", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_evidence_leaves_waiting",
            sqlite_where=sa.text("position IS NULL"),
            postgresql_where=sa.text("position IS NULL"),
        )

    op.create_table(
        "evidence_nodes",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_evidence_nodes")),
    )
