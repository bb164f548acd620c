"""Every table. Text that people wrote is `MaskedText`; ids and addresses of platforms are plain text."""

# ruff: noqa: I001  `metadata` lists the tables in this order: the log, who answers, where from, who writes, what is said

from omnibox.store.tables.schema import metadata
from omnibox.store.tables.log import installation, event
from omnibox.store.tables.team import agent, session, link, throttle
from omnibox.store.tables.sources import (
    connection,
    channel,
    memory,
    problem,
    erasure,
    source,
    arrival,
    lease,
    quarantine,
)
from omnibox.store.tables.people import contact, identity, visitor_token
from omnibox.store.tables.conversations import (
    conversation,
    tally,
    participant,
    message,
    edition,
    rearrangement,
    attachment,
    external_ref,
    early,
)
from omnibox.store.tables.deliveries import delivery, departure
from omnibox.store.tables.hidden import mask_report, remasking
from omnibox.store.tables.work import job

__all__ = [
    "agent",
    "arrival",
    "attachment",
    "channel",
    "connection",
    "contact",
    "conversation",
    "delivery",
    "departure",
    "early",
    "edition",
    "erasure",
    "event",
    "external_ref",
    "identity",
    "installation",
    "job",
    "lease",
    "link",
    "mask_report",
    "memory",
    "message",
    "metadata",
    "participant",
    "problem",
    "quarantine",
    "rearrangement",
    "remasking",
    "session",
    "source",
    "tally",
    "throttle",
    "visitor_token",
]
