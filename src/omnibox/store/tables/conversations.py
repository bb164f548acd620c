"""What is said: conversations, their messages and files, and the ids that platforms know them by."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json, Key, MaskedText
from omnibox.store.tables.schema import count, flag, metadata, new_table, own_id, partial_index, to

conversation = new_table(
    "conversation",
    own_id(),
    to("channel_id", "channel"),
    to("contact_id", "contact", index=True),
    to("identity_id", "identity"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("assignee_id", Key, sa.ForeignKey("agent.id")),
    sa.Column("subject", MaskedText),
    sa.Column("last_message_id", Key),
    sa.Column("last_kind", sa.Text),
    sa.Column("last_author", sa.Text),
    sa.Column("last_text", MaskedText),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("last_inbound_at", Instant),  # by the platform's clock: reply windows count from it
    sa.Column("answered_at", Instant),  # by a person, since the contact's first unanswered word
    sa.Column("resolved_at", Instant),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("related_id", Key, sa.ForeignKey("conversation.id")),
    sa.Column("merged_into_id", Key),  # an agent put all of it into another one; nobody sees it but its history
    flag("automatic"),
    count("unread"),
    count("troubled"),  # deliveries failed or uncertain
    count("others"),  # its participants
    count("rev"),
    # A list is merged from ranges of these: one for each channel, and of all conversations one for those with and one
    # for those without an agent. Each is written anew with each message, so that nobody's stand in one only.
    partial_index("ix_conversation_nobody", "state", "channel_id", "last_at", "id", where="assignee_id IS NULL"),
    partial_index("ix_conversation_somebody", "state", "channel_id", "last_at", "id", where="assignee_id IS NOT NULL"),
    partial_index(
        "ix_conversation_agent", "state", "assignee_id", "channel_id", "last_at", "id", where="assignee_id IS NOT NULL"
    ),
    sa.Index("ix_conversation_identity", "identity_id", "channel_id"),
)

tally = sa.Table(  # how many conversations stand where: one row per state and assignee (0 = nobody)
    "tally",
    metadata,
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("assignee_id", Key, primary_key=True, autoincrement=False),
    count("conversations"),
)

participant = sa.Table(  # besides the contact's own addresses: who was written to or in copy
    "participant",
    metadata,
    sa.Column("conversation_id", Key, sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("name", MaskedText),
    # by an agent, who wrote to it: what it writes may join. Others were only seen beside the contact's words
    sa.Column("is_confirmed", sa.Boolean, nullable=False, server_default=sa.text("true")),
    flag("is_copied"),  # the agents' last answer went there in copy
)

message = new_table(
    "message",
    own_id(),
    to("conversation_id", "conversation"),
    to("channel_id", "channel"),
    sa.Column("identity_id", Key, sa.ForeignKey("identity.id")),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("author_id", Key),
    sa.Column("text", MaskedText, nullable=False),
    sa.Column("reply_text", MaskedText),
    sa.Column("html", MaskedText),
    sa.Column("subject", MaskedText),
    sa.Column("at", Instant, nullable=False),  # by the platform's clock
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("event_scope", sa.Text),
    sa.Column("event_key", sa.Text),
    sa.Column("client_scope", sa.Text),
    sa.Column("client_id", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("automatic", sa.Text),
    sa.Column("doubt", sa.Text),
    sa.Column("why", sa.Text),  # the key that placed it: `omnibox.inbox.threads`
    sa.Column("related_id", Key),  # another conversation that its keys name
    sa.Column("moved_from_id", Key),  # where an agent took it from
    sa.Column("recipients", Json),
    sa.Column("offer", MaskedText),  # what the customer may choose from: `omnibox.inbox.offers`
    sa.Column("chose_id", Key),  # the message whose choice this is, and which of its choices
    sa.Column("choice", sa.Integer),
    sa.Column("reactions", Json),
    sa.Column("edited_at", Instant),
    sa.Column("deleted_at", Instant),
    flag("is_elsewhere"),
    count("edition"),
    count("rev"),
    # What comes in has one of these keys, what an agent sends the other.
    partial_index("ix_message_event", "event_scope", "event_key", where="event_key IS NOT NULL", is_unique=True),
    partial_index("ix_message_client", "client_scope", "client_id", where="client_id IS NOT NULL", is_unique=True),
    sa.Index("ix_message_conversation", "conversation_id", "id"),
)

edition = sa.Table(  # what a message said before its author changed it
    "edition",
    metadata,
    sa.Column("message_id", Key, sa.ForeignKey("message.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # `message.edition` of that time
    sa.Column("text", MaskedText, nullable=False),
    sa.Column("at", Instant, nullable=False),  # since when it said so
)

rearrangement = new_table(  # what an agent merged, split off or moved, and how it was before: ids and states, no text
    "rearrangement",
    own_id(),
    sa.Column("kind", sa.Text, nullable=False),
    to("source_id", "conversation", index=True),
    to("target_id", "conversation", index=True),
    to("agent_id", "agent"),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("was", Json, nullable=False),
)

attachment = new_table(
    "attachment",
    own_id(),
    sa.Column("message_id", Key, sa.ForeignKey("message.id"), index=True),  # None: uploaded, not yet sent
    sa.Column("key", sa.Text, nullable=False, unique=True),  # random; the public name of the file
    sa.Column("uploader", sa.Text),  # who may still send it: «agent:3», «visitor:8»
    sa.Column("name", MaskedText),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("content_id", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("blob", sa.Text),
    sa.Column("remote", sa.Text),  # encrypted address, until it is fetched
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    flag("is_inline"),
)

external_ref = sa.Table(  # every platform id we saw, sent or reserved, and ancestors known only from references
    "external_ref",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    to("conversation_id", "conversation", null=True),
    sa.Column("message_id", Key, sa.ForeignKey("message.id")),
    sa.Column("delivery_id", Key, sa.ForeignKey("delivery.id")),
)

early = sa.Table(  # an edit, a reaction, a receipt that came before its message; waits for it
    "early",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("word", sa.Text),
    sa.Column("text", MaskedText),
)
