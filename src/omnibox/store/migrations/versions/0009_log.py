"""Visitors' events are found by their messages: the index by conversation cost each event a page of its own"""

import sqlalchemy as sa
from alembic import op

revision = "0009_log"
down_revision = "0008_pictures"


def upgrade() -> None:
    op.drop_index("ix_event_conversation_id", "event")
    rows = sa.text("message_id IS NOT NULL")
    op.create_index("ix_event_message_id", "event", ["message_id"], sqlite_where=rows, postgresql_where=rows)
