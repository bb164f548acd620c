"""The installation and its event log."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Key
from omnibox.store.tables.schema import metadata, partial_index

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),  # random; tells our own mail from another omnibox's
    sa.Column("epoch", sa.Text, nullable=False),  # names the log; a restored backup gets another
    sa.Column("seq", sa.BigInteger, nullable=False),  # the last event's number
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("conversation_id", Key),
    sa.Column("message_id", Key),
    sa.Column("contact_id", Key),
    sa.Column("channel_id", Key),
    sa.Column("agent_id", Key),
    sa.Column("word", sa.Text),
    # Not by conversation: each message would dirty a page of its own, here they come in nearly their order.
    partial_index("ix_event_message_id", "message_id", where="message_id IS NOT NULL"),
)
