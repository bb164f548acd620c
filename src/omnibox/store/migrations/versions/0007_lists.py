"""Lists by channel and agent: an index for conversations of nobody, two for those of somebody"""

import sqlalchemy as sa
from alembic import op

revision = "0007_lists"
down_revision = "0006_offers"

NEW = (
    ("ix_conversation_nobody", ["state", "channel_id", "last_at", "id"], "assignee_id IS NULL"),
    ("ix_conversation_somebody", ["state", "channel_id", "last_at", "id"], "assignee_id IS NOT NULL"),
    ("ix_conversation_agent", ["state", "assignee_id", "channel_id", "last_at", "id"], "assignee_id IS NOT NULL"),
)


def upgrade() -> None:
    op.drop_index("ix_conversation_list", "conversation")
    op.drop_index("ix_conversation_assignee", "conversation")
    for name, columns, where in NEW:
        rows = sa.text(where)
        op.create_index(name, "conversation", columns, sqlite_where=rows, postgresql_where=rows)
