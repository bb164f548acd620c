"""What leaves."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json, Key, MaskedText
from omnibox.store.tables.schema import flag, metadata, new_table, own_id, to

delivery = new_table(
    "delivery",
    own_id(),
    sa.Column("part_id", sa.Text, nullable=False, unique=True),
    to("message_id", "message", index=True),
    to("conversation_id", "conversation"),
    to("channel_id", "channel"),
    to("identity_id", "identity", index=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("recipients", Json),
    sa.Column("text", MaskedText, nullable=False),
    sa.Column("html", MaskedText),
    sa.Column("subject", MaskedText),
    sa.Column("files", Json, nullable=False),  # ids of attachments
    sa.Column("refs", Json, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("written_at", Instant, nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_until", Instant),
    sa.Column("left_at", Instant),  # committed just before the point of no return
    sa.Column("uncertain_at", Instant),
    sa.Column("state_at", Instant, nullable=False),
    sa.Column("claimed_at", Instant),  # the part left no earlier: what watermarks are compared with
    sa.Column("sent_at", Instant),
    sa.Column("external_id", sa.Text),
    sa.Column("quoted_id", Key),  # the message that the part answers and quotes
    sa.Column("outcomes", Json),  # by recipient, where they differ: {address: {"state", "code"}}
    sa.Column("asked_at", Instant),  # when an agent asked for it again; None: only when it was written
    sa.Column("delayed_at", Instant),  # since when the agent knows that it waits
    flag("has_offer"),  # it carries what the message offers
    flag("is_open"),  # queued, sending or uncertain: later parts of the conversation may have to wait
    sa.Index("ix_delivery_open", "conversation_id", "is_open", "id"),
    sa.Index("ix_delivery_due", "state", "not_before"),
)

departure = sa.Table(  # what left a channel that has a limit, for as long as the limit looks back
    "departure",
    metadata,
    sa.Column("delivery_id", Key, sa.ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    to("channel_id", "channel"),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_departure_channel_id", "channel_id", "at"),
)
