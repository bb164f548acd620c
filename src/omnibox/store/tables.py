"""Every table. Text that people wrote is `MaskedText`; ids and addresses of platforms are plain text."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json, Key, MaskedText

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(
        name, metadata, *parts, sqlite_autoincrement=any(p.name == "id" for p in parts if isinstance(p, sa.Column))
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", Key, primary_key=True)


def _to(name: str, target: str, *, null: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, Key, sa.ForeignKey(f"{target}.id"), nullable=null, index=index)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false"))


# ── The installation and its event log

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
    sa.Index("ix_event_conversation_id", "conversation_id", "seq"),
)

# ── Who answers

agent = _table(
    "agent",
    _id(),
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("email", sa.Text, nullable=False, unique=True),  # case-folded
    sa.Column("password_hash", sa.Text),
    sa.Column("signature", MaskedText),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("created_at", Instant, nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _to("agent_id", "agent", index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

link = _table(  # an invitation or a password reset, sent as a link; single use
    "link",
    _id(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    _to("agent_id", "agent"),
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
    _count("tries"),
)

# ── Where it comes from and goes to

connection = _table(
    "connection",
    _id(),
    sa.Column("connector", sa.Text, nullable=False),
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("hook_key", sa.Text, nullable=False, unique=True),
    sa.Column("settings", sa.Text, nullable=False),  # encrypted document
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text),  # why it is paused
    sa.Column("since", Instant),
    _flag("needs_person"),  # no probe may end the pause
    _count("rev"),
    sa.Column("created_at", Instant, nullable=False),
)

channel = _table(
    "channel",
    _id(),
    _to("connection_id", "connection"),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # the public key of a site; random
    sa.Column("name", MaskedText, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),  # encrypted document
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("since", Instant),
    _flag("needs_person"),
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
    _flag("is_down"),
    _flag("is_deaf"),
    sa.Column("since", Instant, nullable=False),
)

erasure = _table(  # somebody asked, through a platform, to be erased
    "erasure",
    _id(),
    _to("connection_id", "connection"),
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

quarantine = _table(
    "quarantine",
    _id(),
    _to("connection_id", "connection", index=True),
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

# ── Who writes

contact = _table(
    "contact",
    _id(),
    sa.Column("name", MaskedText),
    sa.Column("email", sa.Text),
    sa.Column("phone", MaskedText),
    sa.Column("name_by", sa.Text),  # agent, platform, form: an agent's edit wins
    _count("rev"),
    sa.Column("created_at", Instant, nullable=False),
)

identity = _table(
    "identity",
    _id(),
    _to("contact_id", "contact", index=True),
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
    _to("identity_id", "identity", index=True),
    _to("channel_id", "channel"),
    sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("created_at", Instant, nullable=False),
)

# ── What is said

conversation = _table(
    "conversation",
    _id(),
    _to("channel_id", "channel"),
    _to("contact_id", "contact", index=True),
    _to("identity_id", "identity"),
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
    _flag("automatic"),
    _count("unread"),
    _count("troubled"),  # deliveries failed or uncertain
    _count("others"),  # its participants
    _count("rev"),
    sa.Index("ix_conversation_list", "state", "last_at", "id"),
    sa.Index("ix_conversation_assignee", "state", "assignee_id", "last_at", "id"),
    sa.Index("ix_conversation_identity", "identity_id", "channel_id"),
)

tally = sa.Table(  # how many conversations stand where: one row per state and assignee (0 = nobody)
    "tally",
    metadata,
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("assignee_id", Key, primary_key=True, autoincrement=False),
    _count("conversations"),
)

participant = sa.Table(  # besides the contact's own addresses: who was written to or in copy
    "participant",
    metadata,
    sa.Column("conversation_id", Key, sa.ForeignKey("conversation.id"), primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("name", MaskedText),
    # by an agent, who wrote to it: what it writes may join. Others were only seen beside the contact's words
    sa.Column("is_confirmed", sa.Boolean, nullable=False, server_default=sa.text("true")),
    _flag("is_copied"),  # the agents' last answer went there in copy
)

message = _table(
    "message",
    _id(),
    _to("conversation_id", "conversation"),
    _to("channel_id", "channel"),
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
    sa.Column("reactions", Json),
    sa.Column("edited_at", Instant),
    sa.Column("deleted_at", Instant),
    _flag("is_elsewhere"),
    _count("edition"),
    _count("rev"),
    sa.UniqueConstraint("event_scope", "event_key"),
    sa.UniqueConstraint("client_scope", "client_id"),
    sa.Index("ix_message_conversation", "conversation_id", "id"),
)

rearrangement = _table(  # what an agent merged, split off or moved, and how it was before: ids and states, no text
    "rearrangement",
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    _to("source_id", "conversation", index=True),
    _to("target_id", "conversation", index=True),
    _to("agent_id", "agent"),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("was", Json, nullable=False),
)

attachment = _table(
    "attachment",
    _id(),
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
    _flag("is_inline"),
)

external_ref = sa.Table(  # every platform id we saw, sent or reserved, and ancestors known only from references
    "external_ref",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    _to("conversation_id", "conversation", null=True),
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

delivery = _table(
    "delivery",
    _id(),
    sa.Column("part_id", sa.Text, nullable=False, unique=True),
    _to("message_id", "message", index=True),
    _to("conversation_id", "conversation"),
    _to("channel_id", "channel"),
    _to("identity_id", "identity", index=True),
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
    _flag("is_open"),  # queued, sending or uncertain: later parts of the conversation may have to wait
    sa.Index("ix_delivery_open", "conversation_id", "is_open", "id"),
    sa.Index("ix_delivery_due", "state", "not_before"),
)

departure = sa.Table(  # what left a channel that has a limit, for as long as the limit looks back
    "departure",
    metadata,
    sa.Column("delivery_id", Key, sa.ForeignKey("delivery.id"), primary_key=True, autoincrement=False),
    _to("channel_id", "channel"),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_departure_channel_id", "channel_id", "at"),
)

# ── What is hidden

mask_report = _table(  # «this was no card number»: its shape and the words we know around it, never more digits
    "mask_report",
    _id(),
    _to("message_id", "message"),
    _to("agent_id", "agent"),
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

# ── Work that must survive a restart

job = _table(
    "job",
    _id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", Instant),
    sa.UniqueConstraint("kind", "subject"),
)
