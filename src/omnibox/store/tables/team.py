"""Who answers, and how they come in."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, MaskedText
from omnibox.store.tables.schema import count, metadata, new_table, own_id, to

agent = new_table(
    "agent",
    own_id(),
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("email", sa.Text, nullable=False, unique=True),  # case-folded
    sa.Column("password_hash", sa.Text),
    sa.Column("signature", MaskedText),
    sa.Column("picture", MaskedText),  # the https address of one, for platforms that show it
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("created_at", Instant, nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    to("agent_id", "agent", index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

link = new_table(  # an invitation or a password reset, sent as a link; single use
    "link",
    own_id(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    to("agent_id", "agent"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
)

throttle = sa.Table(  # counted tries in a window, per purpose and subject
    "throttle",
    metadata,
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    count("tries"),
)
