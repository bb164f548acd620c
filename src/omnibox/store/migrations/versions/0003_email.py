"""Mail: people in copy, conversations that agents merge, split and move, and the way back; sending"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_email"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("merged_into_id", KEY))
    op.add_column("conversation", sa.Column("others", sa.Integer(), server_default="0", nullable=False))
    op.add_column("message", sa.Column("related_id", KEY))
    op.add_column("message", sa.Column("moved_from_id", KEY))
    op.add_column("participant", sa.Column("name", sa.Text()))
    op.add_column(
        "participant", sa.Column("is_confirmed", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("participant", sa.Column("is_copied", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "rearrangement",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("agent_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger()),
        sa.Column("was", JSON, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_rearrangement_agent_id_agent")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["conversation.id"], name=op.f("fk_rearrangement_source_id_conversation")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["conversation.id"], name=op.f("fk_rearrangement_target_id_conversation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rearrangement")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rearrangement_source_id"), "rearrangement", ["source_id"])
    op.create_index(op.f("ix_rearrangement_target_id"), "rearrangement", ["target_id"])
    _sending()


def _sending() -> None:
    """Several recipients with an outcome each, what waits too long, what is quoted, how much may leave."""
    op.add_column("agent", sa.Column("signature", sa.Text()))
    op.add_column("delivery", sa.Column("quoted_id", KEY))
    op.add_column("delivery", sa.Column("outcomes", JSON))
    op.add_column("delivery", sa.Column("asked_at", sa.BigInteger()))
    op.add_column("delivery", sa.Column("delayed_at", sa.BigInteger()))
    op.create_table(
        "departure",
        sa.Column("delivery_id", KEY, autoincrement=False, nullable=False),
        sa.Column("channel_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_departure_channel_id_channel")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_departure_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_departure")),
    )
    op.create_index(op.f("ix_departure_channel_id"), "departure", ["channel_id", "at"])
