"""Work that must survive a restart."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant
from omnibox.store.tables.schema import new_table, own_id

job = new_table(
    "job",
    own_id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", Instant),
    sa.UniqueConstraint("kind", "subject"),
)
