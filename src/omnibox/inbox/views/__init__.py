"""What agents see: rows and messages as plain JSON-ready members, joined when they are read. All text is masked."""

from omnibox.inbox.views.contacts import contact_line, contact_view, contacts_by_id
from omnibox.inbox.views.conversations import (
    NO_WAY,
    Tallies,
    counts_for,
    list_rows,
    policy_of,
    policy_view,
    read_tallies,
    rows_by_id,
    rows_of_contact,
    rows_of_messages,
)
from omnibox.inbox.views.messages import files_of, lengths_by_id, list_editions, list_messages, messages_by_id, why
from omnibox.inbox.views.sight import Json, Sight, label_of, moment

__all__ = [
    "NO_WAY",
    "Json",
    "Sight",
    "Tallies",
    "contact_line",
    "contact_view",
    "contacts_by_id",
    "counts_for",
    "files_of",
    "label_of",
    "lengths_by_id",
    "list_editions",
    "list_messages",
    "list_rows",
    "messages_by_id",
    "moment",
    "policy_of",
    "policy_view",
    "read_tallies",
    "rows_by_id",
    "rows_of_contact",
    "rows_of_messages",
    "why",
]
