"""What is hidden, and what was hidden without need."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json
from omnibox.store.tables.schema import metadata, new_table, own_id, to

mask_report = new_table(  # «this was no card number»: its shape and the words we know around it, never more digits
    "mask_report",
    own_id(),
    to("message_id", "message"),
    to("agent_id", "agent"),
    sa.Column("spot", sa.Integer, nullable=False),  # which hidden number of the message, from 0
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("scheme", sa.Text),  # as far as length and grouping tell
    sa.Column("shape", sa.Text, nullable=False),  # «4-4-4-4»
    sa.Column("separators", sa.Text, nullable=False),  # their names
    sa.Column("last", sa.Text, nullable=False),  # the digits that are shown
    sa.Column("around", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.UniqueConstraint("message_id", "spot"),
)

remasking = sa.Table(  # how far `omnibox remask` has come; one row
    "remasking",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rules", sa.Text, nullable=False),  # a digest of those it applies
    sa.Column("place", Json, nullable=False),  # table and key of the last row that was looked at
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
)
