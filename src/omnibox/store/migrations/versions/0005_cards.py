"""Patterns of a channel, reports of what was no card number, and how far a remasking has come"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_cards"
down_revision = "0004_health"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("channel", sa.Column("patterns", sa.Text()))
    op.create_table(
        "mask_report",
        sa.Column("id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("agent_id", KEY, nullable=False),
        sa.Column("spot", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text()),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("separators", sa.Text(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.Column("around", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_mask_report_agent_id_agent")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_mask_report_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mask_report")),
        sa.UniqueConstraint("message_id", "spot", name=op.f("uq_mask_report_message_id_spot")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "remasking",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("place", JSON, nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remasking")),
    )
