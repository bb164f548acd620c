"""Where messages come from and go to: connections, channels, and how far each has been read."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json, Key, MaskedText
from omnibox.store.tables.schema import count, flag, metadata, new_table, own_id, to

connection = new_table(
    "connection",
    own_id(),
    sa.Column("connector", sa.Text, nullable=False),
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("hook_key", sa.Text, nullable=False, unique=True),
    sa.Column("settings", sa.Text, nullable=False),  # encrypted document
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text),  # why it is paused
    sa.Column("since", Instant),
    flag("needs_person"),  # no probe may end the pause
    count("rev"),
    sa.Column("created_at", Instant, nullable=False),
)

channel = new_table(
    "channel",
    own_id(),
    to("connection_id", "connection"),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the public key of a site; random
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),  # encrypted document
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("since", Instant),
    flag("needs_person"),
    sa.Column("held_until", Instant),  # rate limited: nothing leaves before
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("patterns", MaskedText),  # what is hidden here besides card numbers: one expression a line
    sa.UniqueConstraint("connection_id", "address"),
)

memory = sa.Table(  # small facts a connector keeps, such as the id of an uploaded file
    "memory",
    metadata,
    sa.Column("connection_id", Key, sa.ForeignKey("connection.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("until", Instant, nullable=False),
)

problem = sa.Table(  # what the upkeep of a connection found wrong, with the address of the channel or none
    "problem",
    metadata,
    sa.Column("connection_id", Key, sa.ForeignKey("connection.id"), primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("facts", Json, nullable=False),  # dates, versions and names of permissions, for the code's words
    flag("is_down"),
    flag("is_deaf"),
    sa.Column("since", Instant, nullable=False),
)

erasure = new_table(  # somebody asked, through a platform, to be erased
    "erasure",
    own_id(),
    to("connection_id", "connection"),
    sa.Column("code", sa.Text, nullable=False, unique=True),  # random; by it the person asks how it stands
    sa.Column("subject", sa.Text),  # the platform's id of the person; gone once it is done
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("done_at", Instant),
)

source = sa.Table(  # how far the reader of a connection has come; moves with what it read, in one transaction
    "source",
    metadata,
    sa.Column("connection_id", Key, sa.ForeignKey("connection.id"), primary_key=True),
    sa.Column("cursor", Json, nullable=False),
)

arrival = sa.Table(  # where a message was found; one message may be found in two places
    "arrival",
    metadata,
    sa.Column("connection_id", Key, sa.ForeignKey("connection.id"), primary_key=True),
    sa.Column("position", sa.Text, primary_key=True),
    sa.Column("message_id", Key),
)

lease = sa.Table(  # one holder at a time, for example the reader of a mailbox
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", Instant, nullable=False),
)

quarantine = new_table(
    "quarantine",
    own_id(),
    to("connection_id", "connection", index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("excerpt", MaskedText, nullable=False),
    sa.Column("body", MaskedText),  # a webhook body with every string masked; None where the source still has it
    sa.Column("at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.UniqueConstraint("connection_id", "digest", "place"),
)
