"""The same message by another way: what only the second copy shows may say where both belong.

A mail to two of our mailboxes comes by two connections, and each knows the signed addresses of its own. Whichever comes
first decides where the mail lands, unless nothing led it anywhere; then the second may.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from omnibox.connector import Inbound
from omnibox.inbox import carrying, conversations, figures, placing
from omnibox.inbox.origin import Origin
from omnibox.store import Reader, Transaction
from omnibox.store.tables import message


def bring_home(tx: Transaction, origin: Origin, scope: str, again: Inbound, message_id: int) -> None:
    """Put a stored message where its second copy belongs, if it stands alone in a conversation that it opened."""
    if not again.tokens:
        return
    row = tx.execute(sa.select(message).where(message.c.id == message_id)).one()
    if row.why != "new" or not _is_alone(tx, row.conversation_id):
        return
    placement = placing.place(tx, origin, scope, again)
    home, opened = placement.conversation_id, conversations.lock(tx, row.conversation_id)
    if home is None or opened is None or home == opened.id or opened.state == "merged":
        return
    carrying.repoint(tx, [message_id], opened.id, home, {"why": placement.why})
    carrying.hide(tx, opened, home)
    figures.recount(tx, opened.id)
    said = conversations.Said(message_id, "inbound", "contact", figures.shown(tx, row), row.at)
    hear = conversations.heard if row.automatic is None else conversations.touched
    home = hear(tx, home, said)
    for each in (opened.id, home):
        tx.announce("conversation.rearranged", conversation=each, word="rehomed")


def _is_alone(tx: Reader, conversation_id: int) -> bool:
    found: Any = tx.execute(sa.select(sa.func.count()).where(message.c.conversation_id == conversation_id)).scalar()
    return bool(found == 1)
