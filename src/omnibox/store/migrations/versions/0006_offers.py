"""What a reply lets the customer choose from, and which of it a message chose; pictures of agents; what edited
messages said before"""

import sqlalchemy as sa
from alembic import op

revision = "0006_offers"
down_revision = "0005_cards"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("agent", sa.Column("picture", sa.Text()))
    op.add_column("message", sa.Column("offer", sa.Text()))
    op.add_column("message", sa.Column("chose_id", KEY))
    op.add_column("message", sa.Column("choice", sa.Integer()))
    op.add_column("delivery", sa.Column("has_offer", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "edition",
        sa.Column("message_id", KEY, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_edition_message_id_message")),
        sa.PrimaryKeyConstraint("message_id", "number", name=op.f("pk_edition")),
    )
