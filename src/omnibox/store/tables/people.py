"""Who writes."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Key, MaskedText
from omnibox.store.tables.schema import count, metadata, new_table, own_id, partial_index, to

contact = new_table(
    "contact",
    own_id(),
    sa.Column("name", MaskedText),
    sa.Column("email", sa.Text),
    sa.Column("phone", MaskedText),
    sa.Column("name_by", sa.Text),  # agent, platform, form: an agent's edit wins
    sa.Column("picture", sa.Text),  # the blob of the one that a platform showed
    sa.Column("pictured_at", Instant),  # when a platform was asked for it; None: it is not asked
    count("rev"),
    sa.Column("created_at", Instant, nullable=False),
    partial_index("ix_contact_pictured_at", "pictured_at", where="pictured_at IS NOT NULL"),
)

identity = new_table(
    "identity",
    own_id(),
    to("contact_id", "contact", index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("conversation_id", Key),  # the latest one
    sa.Column("unreachable_at", Instant),
    sa.Column("delivered_until", Instant),  # the platform's watermarks
    sa.Column("read_until", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("kind", "scope", "address"),
)

visitor_token = sa.Table(
    "visitor_token",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    to("identity_id", "identity", index=True),
    to("channel_id", "channel"),
    sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", Instant, nullable=False),
)
