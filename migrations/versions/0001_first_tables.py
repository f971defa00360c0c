"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answered_requests",
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_answered_requests")),
    )
    with op.batch_alter_table("answered_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answered_requests_answered_at"), ["answered_at"], unique=False)

    op.create_table(
        "certificates",
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pending_event", sa.String(length=40), nullable=True),
        sa.Column("pending_statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("number", name=op.f("uq_certificates_number")),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificates_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_certificates_page", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_certificates_state"), ["state"], unique=False)

    op.create_table(
        "chain_blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_chain_blocks")),
        sa.UniqueConstraint("hash", name=op.f("uq_chain_blocks_hash")),
    )
    with op.batch_alter_table("chain_blocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chain_blocks_is_final"), ["is_final"], unique=False)

    op.create_table(
        "check_note_sequences",
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_check_note_sequences")),
    )
    op.create_table(
        "check_notes",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("internal_no", sa.String(length=70), nullable=False),
        sa.Column("office", sa.String(length=4), nullable=False),
        sa.Column("direction", sa.String(length=1), nullable=False),
        sa.Column("note_type", sa.String(length=20), nullable=False),
        sa.Column("binding", sa.Integer(), nullable=False),
        sa.Column("gates", sa.Integer(), nullable=False),
        sa.Column("vehicle_plate", sa.String(length=20), nullable=False),
        sa.Column("plain_plate", sa.String(length=20), nullable=False),
        sa.Column("container_number", sa.String(length=11), nullable=True),
        sa.Column("seal_number", sa.String(length=70), nullable=True),
        sa.Column("vehicle_weight_kg", sa.BigInteger(), nullable=False),
        sa.Column("frame_weight_kg", sa.BigInteger(), nullable=False),
        sa.Column("container_weight_kg", sa.BigInteger(), nullable=False),
        sa.Column("goods_weight_kg", sa.BigInteger(), nullable=False),
        sa.Column("total_weight_kg", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holds_vehicle", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pending_event", sa.String(length=40), nullable=True),
        sa.Column("pending_statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_notes")),
        sa.UniqueConstraint("number", name=op.f("uq_check_notes_number")),
    )
    with op.batch_alter_table("check_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_notes_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index("ix_check_notes_page", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_notes_state"), ["state"], unique=False)
        batch_op.create_index(
            "uq_check_notes_internal_no",
            ["organisation_id", "internal_no"],
            unique=True,
            sqlite_where=sa.text("state <> 'deleted'"),
            postgresql_where=sa.text("state <> 'deleted'"),
        )
        batch_op.create_index(
            "uq_check_notes_open_vehicle",
            ["plain_plate", "direction"],
            unique=True,
            sqlite_where=sa.text("holds_vehicle"),
            postgresql_where=sa.text("holds_vehicle"),
        )

    op.create_table(
        "checkpoints",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("size", sa.String(length=20), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("anchored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checkpoints_size"), ["size"], unique=False)

    op.create_table(
        "declaration_sequences",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_declaration_sequences")),
    )
    op.create_table(
        "declarations",
        sa.Column("number", sa.String(length=18), nullable=True),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("office", sa.String(length=10), nullable=False),
        sa.Column("procedure", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("next_content", sa.JSON(), nullable=True),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("next_seed", sa.LargeBinary(length=32), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goods_passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pending_event", sa.String(length=40), nullable=True),
        sa.Column("pending_statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declarations")),
        sa.UniqueConstraint("number", name=op.f("uq_declarations_number")),
        sa.UniqueConstraint("organisation_id", "reference", name=op.f("uq_declarations_organisation_id")),
    )
    with op.batch_alter_table("declarations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_declarations_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_declarations_page", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_declarations_state"), ["state"], unique=False)

    op.create_table(
        "document_findings",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("case_kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("severity", sa.String(length=12), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("message_en", sa.String(length=500), nullable=False),
        sa.Column("message_zh", sa.String(length=500), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_findings")),
    )
    with op.batch_alter_table("document_findings", schema=None) as batch_op:
        batch_op.create_index("ix_document_findings_case", ["case_kind", "case_id", "version"], unique=False)

    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=True),
        sa.Column("fault", sa.String(length=500), nullable=True),
        sa.Column("uploaded_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index("ix_documents_case", ["case_kind", "case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_documents_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_documents_sha256"), ["sha256"], unique=False)

    op.create_table(
        "evidence_leaves",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_leaves")),
        sa.UniqueConstraint("position", name=op.f("uq_evidence_leaves_position")),
    )
    with op.batch_alter_table("evidence_leaves", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_leaves_subject", ["subject", "id"], unique=False)

    op.create_table(
        "evidence_log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_wanted", sa.Boolean(), nullable=False),
        sa.Column("checkpointed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_log")),
    )
    op.create_table(
        "evidence_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_evidence_nodes")),
    )
    op.create_table(
        "examinations",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("radiation", sa.Boolean(), nullable=False),
        sa.Column("why_en", sa.String(length=1000), nullable=False),
        sa.Column("why_zh", sa.String(length=1000), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("isolated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=True),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("inspector_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pending_event", sa.String(length=40), nullable=True),
        sa.Column("pending_statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examinations")),
    )
    with op.batch_alter_table("examinations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_examinations_declaration_id"), ["declaration_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_examinations_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_examinations_state"), ["state"], unique=False)

    op.create_table(
        "history",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("case_kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("state_before", sa.String(length=40), nullable=False),
        sa.Column("state_after", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("words_en", sa.String(length=1000), nullable=False),
        sa.Column("words_zh", sa.String(length=1000), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index("ix_history_case", ["case_kind", "case_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_history_statement"), ["statement"], unique=False)

    op.create_table(
        "holds",
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("anomalies", sa.JSON(), nullable=False),
        sa.Column("why_en", sa.String(length=1000), nullable=False),
        sa.Column("why_zh", sa.String(length=1000), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("evidence_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("disposition", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pending_event", sa.String(length=40), nullable=True),
        sa.Column("pending_statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holds_declaration_id"), ["declaration_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_state"), ["state"], unique=False)

    op.create_table(
        "jobs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=2000), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_due", ["state", "due_at"], unique=False)

    op.create_table(
        "ledger_certificates",
        sa.Column("certificate", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("lines_root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("broker", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("confirmed_by_committee", sa.Boolean(), nullable=False),
        sa.Column("confirmed_by_customs", sa.Boolean(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate", name=op.f("pk_ledger_certificates")),
    )
    op.create_table(
        "ledger_decisions",
        sa.Column("declaration", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("evidence_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("declaration", name=op.f("pk_ledger_decisions")),
    )
    op.create_table(
        "ledger_declarations",
        sa.Column("declaration", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("declaration", name=op.f("pk_ledger_declarations")),
    )
    op.create_table(
        "ledger_findings",
        sa.Column("declaration", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("officer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("declaration", "kind", "sequence", name=op.f("pk_ledger_findings")),
    )
    op.create_table(
        "ledger_keys",
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("officer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.String(length=78), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("granted_at_block", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_ledger_keys")),
    )
    with op.batch_alter_table("ledger_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_keys_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_keys_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "ledger_lines",
        sa.Column("certificate", sa.LargeBinary(length=32), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reserved", sa.String(length=39), nullable=False),
        sa.Column("committed", sa.String(length=39), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate", "line", name=op.f("pk_ledger_lines")),
    )
    op.create_table(
        "ledger_notes",
        sa.Column("note", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("gates", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("approved_by", sa.LargeBinary(length=32), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("note", name=op.f("pk_ledger_notes")),
    )
    op.create_table(
        "ledger_organisations",
        sa.Column("organisation", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("roles", sa.String(length=78), nullable=False),
        sa.Column("valid_from", sa.String(length=20), nullable=False),
        sa.Column("valid_until", sa.String(length=20), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_ledger_organisations")),
    )
    with op.batch_alter_table("ledger_organisations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_organisations_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "ledger_status",
        sa.Column("process", sa.String(length=20), nullable=False),
        sa.Column("node_reachable", sa.Boolean(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("oldest_waiting_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("head_block", sa.BigInteger(), nullable=True),
        sa.Column("final_block", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_ledger_status")),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint("hash", name=op.f("uq_ledger_transactions_hash")),
        sa.UniqueConstraint("sender", "nonce", name="uq_ledger_transactions_nonce"),
    )
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_transactions_state"), ["state"], unique=False)

    op.create_table(
        "organisations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("registration_number", sa.String(length=40), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("founding", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index(
            "uq_organisations_registration", ["country", "registration_number"], unique=True
        )

    op.create_table(
        "register_entries",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=True),
        sa.Column("signer", sa.LargeBinary(length=128), nullable=True),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("change", sa.LargeBinary(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_entries")),
    )
    with op.batch_alter_table("register_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_register_entries_key_id"), ["key_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_register_entries_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_register_entries_state"), ["state"], unique=False)

    op.create_table(
        "certificate_lines",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("hs_code", sa.String(length=10), nullable=False),
        sa.Column("name_en", sa.String(length=300), nullable=False),
        sa.Column("name_zh", sa.String(length=300), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("ceiling", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("committed >= 0", name=op.f("ck_certificate_lines_committed_not_negative")),
        sa.CheckConstraint(
            "reserved + committed <= ceiling", name=op.f("ck_certificate_lines_within_ceiling")
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_certificate_lines_reserved_not_negative")),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name=op.f("fk_certificate_lines_certificate_id_certificates"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_lines")),
        sa.UniqueConstraint("certificate_id", "line", name=op.f("uq_certificate_lines_certificate_id")),
    )
    op.create_table(
        "certificate_versions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name=op.f("fk_certificate_versions_certificate_id_certificates"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_versions")),
        sa.UniqueConstraint("certificate_id", "version", name=op.f("uq_certificate_versions_certificate_id")),
    )
    op.create_table(
        "chain_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("transaction_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("transaction_index", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=True),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["block_number"], ["chain_blocks.number"], name=op.f("fk_chain_events_block_number_chain_blocks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_events")),
        sa.UniqueConstraint("block_number", "log_index", name="uq_chain_events_place"),
    )
    with op.batch_alter_table("chain_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chain_events_key_id"), ["key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_chain_events_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_chain_events_statement"), ["statement"], unique=False)
        batch_op.create_index(batch_op.f("ix_chain_events_subject"), ["subject"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_chain_events_transaction_hash"), ["transaction_hash"], unique=False
        )

    op.create_table(
        "check_note_items",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("declared_line", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_line", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_check_note_items_quantity_above_zero")),
        sa.ForeignKeyConstraint(
            ["note_id"], ["check_notes.id"], name=op.f("fk_check_note_items_note_id_check_notes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_note_items")),
        sa.UniqueConstraint("note_id", "declaration_id", "declared_line", name="uq_check_note_items_line"),
        sa.UniqueConstraint("note_id", "position", name=op.f("uq_check_note_items_note_id")),
    )
    with op.batch_alter_table("check_note_items", schema=None) as batch_op:
        batch_op.create_index("ix_check_note_items_account", ["declaration_id", "state"], unique=False)

    op.create_table(
        "clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_clients_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clients_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "declaration_versions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["declarations.id"],
            name=op.f("fk_declaration_versions_declaration_id_declarations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration_versions")),
        sa.UniqueConstraint("declaration_id", "version", name=op.f("uq_declaration_versions_declaration_id")),
    )
    op.create_table(
        "gate_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=True),
        sa.Column("gate", sa.Integer(), nullable=False),
        sa.Column("plate", sa.String(length=20), nullable=False),
        sa.Column("container_number", sa.String(length=20), nullable=True),
        sa.Column("weighbridge_kg", sa.BigInteger(), nullable=False),
        sa.Column("seal_state", sa.String(length=10), nullable=False),
        sa.Column("seal_number", sa.String(length=70), nullable=True),
        sa.Column("picture_sha256", sa.String(length=64), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("device", sa.String(length=120), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=True),
        sa.Column("signer", sa.LargeBinary(length=128), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["check_notes.id"], name=op.f("fk_gate_events_note_id_check_notes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_events")),
    )
    with op.batch_alter_table("gate_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gate_events_note_id"), ["note_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_gate_events_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index("ix_gate_events_page", ["reported_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_gate_events_statement"), ["statement"], unique=False)

    op.create_table(
        "instrument_readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("examination_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("instrument", sa.String(length=60), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["examination_id"],
            ["examinations.id"],
            name=op.f("fk_instrument_readings_examination_id_examinations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument_readings")),
        sa.UniqueConstraint("statement", name=op.f("uq_instrument_readings_statement")),
    )
    with op.batch_alter_table("instrument_readings", schema=None) as batch_op:
        batch_op.create_index("ix_instrument_readings_declaration", ["declaration_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_instrument_readings_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_persons_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    with op.batch_alter_table("persons", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_persons_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "statements",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("primary_type", sa.String(length=40), nullable=False),
        sa.Column("contract", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=True),
        sa.Column("required", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("case_kind", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("intent", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("transaction_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("transaction_index", sa.Integer(), nullable=True),
        sa.Column("log_index", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name=op.f("fk_statements_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("digest", name=op.f("uq_statements_digest")),
    )
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.create_index("ix_statements_block", ["block_number", "log_index"], unique=False)
        batch_op.create_index("ix_statements_case", ["case_kind", "case_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_statements_primary_type"), ["primary_type"], unique=False)
        batch_op.create_index(batch_op.f("ix_statements_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_statements_subject"), ["subject"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_statements_transaction_hash"), ["transaction_hash"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_statements_transaction_id"), ["transaction_id"], unique=False)

    op.create_table(
        "certificate_draws",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("declaration_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("extra", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_id"], ["certificate_lines.id"], name=op.f("fk_certificate_draws_line_id_certificate_lines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_draws")),
        sa.UniqueConstraint(
            "declaration_id", "version", "line_id", name=op.f("uq_certificate_draws_declaration_id")
        ),
    )
    with op.batch_alter_table("certificate_draws", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_draws_line_id"), ["line_id"], unique=False)

    op.create_table(
        "enrolment_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("issued_by", sa.String(length=120), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(person_id IS NULL) <> (client_id IS NULL)", name=op.f("ck_enrolment_links_one_holder")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_enrolment_links_client_id_clients")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_enrolment_links_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_enrolment_links_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_enrolment_links_token_hash")),
    )
    with op.batch_alter_table("enrolment_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enrolment_links_client_id"), ["client_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_enrolment_links_person_id"), ["person_id"], unique=False)

    op.create_table(
        "statement_queue",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_statement_queue_statement_id_statements")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_statement_queue")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_statement_queue_statement_id")),
    )
    op.create_table(
        "statement_signatures",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_statement_signatures_statement_id_statements")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_signatures")),
        sa.UniqueConstraint("statement_id", "key_id", name="uq_statement_signatures_key"),
        sa.UniqueConstraint("statement_id", "position", name="uq_statement_signatures_position"),
    )
    with op.batch_alter_table("statement_signatures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statement_signatures_key_id"), ["key_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_statement_signatures_statement_id"), ["statement_id"], unique=False
        )

    op.create_table(
        "ceremonies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("challenge", sa.LargeBinary(length=32), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["enrolment_links.id"], name=op.f("fk_ceremonies_link_id_enrolment_links")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ceremonies")),
    )
    with op.batch_alter_table("ceremonies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ceremonies_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=128), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1024), nullable=True),
        sa.Column("cose_public_key", sa.LargeBinary(length=1024), nullable=True),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("(person_id IS NULL) <> (client_id IS NULL)", name=op.f("ck_keys_one_holder")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_keys_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["link_id"], ["enrolment_links.id"], name=op.f("fk_keys_link_id_enrolment_links")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_keys_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_keys_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_keys_credential_id")),
        sa.UniqueConstraint("key_id", name=op.f("uq_keys_key_id")),
    )
    with op.batch_alter_table("keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_keys_client_id"), ["client_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_keys_link_id"), ["link_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_keys_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_keys_person_id"), ["person_id"], unique=False)

    op.create_table(
        "web_sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["keys.key_id"], name=op.f("fk_web_sessions_key_id_keys")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_web_sessions_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_web_sessions")),
    )
    with op.batch_alter_table("web_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_web_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_web_sessions_key_id"), ["key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_web_sessions_person_id"), ["person_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("web_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_web_sessions_person_id"))
        batch_op.drop_index(batch_op.f("ix_web_sessions_key_id"))
        batch_op.drop_index(batch_op.f("ix_web_sessions_expires_at"))

    op.drop_table("web_sessions")
    with op.batch_alter_table("keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_keys_person_id"))
        batch_op.drop_index(batch_op.f("ix_keys_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_keys_link_id"))
        batch_op.drop_index(batch_op.f("ix_keys_client_id"))

    op.drop_table("keys")
    with op.batch_alter_table("ceremonies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ceremonies_expires_at"))

    op.drop_table("ceremonies")
    with op.batch_alter_table("statement_signatures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statement_signatures_statement_id"))
        batch_op.drop_index(batch_op.f("ix_statement_signatures_key_id"))

    op.drop_table("statement_signatures")
    op.drop_table("statement_queue")
    with op.batch_alter_table("enrolment_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enrolment_links_person_id"))
        batch_op.drop_index(batch_op.f("ix_enrolment_links_client_id"))

    op.drop_table("enrolment_links")
    with op.batch_alter_table("certificate_draws", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_draws_line_id"))

    op.drop_table("certificate_draws")
    with op.batch_alter_table("statements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statements_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_statements_transaction_hash"))
        batch_op.drop_index(batch_op.f("ix_statements_subject"))
        batch_op.drop_index(batch_op.f("ix_statements_state"))
        batch_op.drop_index(batch_op.f("ix_statements_primary_type"))
        batch_op.drop_index("ix_statements_case")
        batch_op.drop_index("ix_statements_block")

    op.drop_table("statements")
    with op.batch_alter_table("persons", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_persons_organisation_id"))

    op.drop_table("persons")
    with op.batch_alter_table("instrument_readings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_instrument_readings_organisation_id"))
        batch_op.drop_index("ix_instrument_readings_declaration")

    op.drop_table("instrument_readings")
    with op.batch_alter_table("gate_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gate_events_statement"))
        batch_op.drop_index("ix_gate_events_page")
        batch_op.drop_index(batch_op.f("ix_gate_events_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_gate_events_note_id"))

    op.drop_table("gate_events")
    op.drop_table("declaration_versions")
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clients_organisation_id"))

    op.drop_table("clients")
    with op.batch_alter_table("check_note_items", schema=None) as batch_op:
        batch_op.drop_index("ix_check_note_items_account")

    op.drop_table("check_note_items")
    with op.batch_alter_table("chain_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chain_events_transaction_hash"))
        batch_op.drop_index(batch_op.f("ix_chain_events_subject"))
        batch_op.drop_index(batch_op.f("ix_chain_events_statement"))
        batch_op.drop_index(batch_op.f("ix_chain_events_name"))
        batch_op.drop_index(batch_op.f("ix_chain_events_key_id"))

    op.drop_table("chain_events")
    op.drop_table("certificate_versions")
    op.drop_table("certificate_lines")
    with op.batch_alter_table("register_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_register_entries_state"))
        batch_op.drop_index(batch_op.f("ix_register_entries_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_register_entries_key_id"))

    op.drop_table("register_entries")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index("uq_organisations_registration")

    op.drop_table("organisations")
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_transactions_state"))

    op.drop_table("ledger_transactions")
    op.drop_table("ledger_status")
    with op.batch_alter_table("ledger_organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_organisations_organisation_id"))

    op.drop_table("ledger_organisations")
    op.drop_table("ledger_notes")
    op.drop_table("ledger_lines")
    with op.batch_alter_table("ledger_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_keys_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_ledger_keys_officer_id"))

    op.drop_table("ledger_keys")
    op.drop_table("ledger_findings")
    op.drop_table("ledger_declarations")
    op.drop_table("ledger_decisions")
    op.drop_table("ledger_certificates")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_due")

    op.drop_table("jobs")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holds_state"))
        batch_op.drop_index(batch_op.f("ix_holds_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_holds_declaration_id"))

    op.drop_table("holds")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_history_statement"))
        batch_op.drop_index("ix_history_case")

    op.drop_table("history")
    with op.batch_alter_table("examinations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_examinations_state"))
        batch_op.drop_index(batch_op.f("ix_examinations_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_examinations_declaration_id"))

    op.drop_table("examinations")
    op.drop_table("evidence_nodes")
    op.drop_table("evidence_log")
    with op.batch_alter_table("evidence_leaves", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_leaves_subject")

    op.drop_table("evidence_leaves")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_documents_sha256"))
        batch_op.drop_index(batch_op.f("ix_documents_organisation_id"))
        batch_op.drop_index("ix_documents_case")

    op.drop_table("documents")
    with op.batch_alter_table("document_findings", schema=None) as batch_op:
        batch_op.drop_index("ix_document_findings_case")

    op.drop_table("document_findings")
    with op.batch_alter_table("declarations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_declarations_state"))
        batch_op.drop_index("ix_declarations_page")
        batch_op.drop_index(batch_op.f("ix_declarations_organisation_id"))

    op.drop_table("declarations")
    op.drop_table("declaration_sequences")
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_checkpoints_size"))

    op.drop_table("checkpoints")
    with op.batch_alter_table("check_notes", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_check_notes_open_vehicle",
            sqlite_where=sa.text("holds_vehicle"),
            postgresql_where=sa.text("holds_vehicle"),
        )
        batch_op.drop_index(
            "uq_check_notes_internal_no",
            sqlite_where=sa.text("state <> 'deleted'"),
            postgresql_where=sa.text("state <> 'deleted'"),
        )
        batch_op.drop_index(batch_op.f("ix_check_notes_state"))
        batch_op.drop_index("ix_check_notes_page")
        batch_op.drop_index(batch_op.f("ix_check_notes_organisation_id"))

    op.drop_table("check_notes")
    op.drop_table("check_note_sequences")
    with op.batch_alter_table("chain_blocks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chain_blocks_is_final"))

    op.drop_table("chain_blocks")
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_state"))
        batch_op.drop_index("ix_certificates_page")
        batch_op.drop_index(batch_op.f("ix_certificates_organisation_id"))

    op.drop_table("certificates")
    with op.batch_alter_table("answered_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answered_requests_answered_at"))

    op.drop_table("answered_requests")
