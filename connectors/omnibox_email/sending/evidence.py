"""Whether a mail really left: the copy some providers keep among the sent mail."""

from __future__ import annotations

from typing import Literal

from omnibox.connector import Context, Sent, Temporary
from omnibox_email.account import Account
from omnibox_email.faults import Fault, Timings
from omnibox_email.mailbox.following import dial
from omnibox_email.mailbox.sent import sent_folders


async def look_up(
    context: Context, account: Account, message_id: str, timings: Timings
) -> Sent | Literal["absent", "unknown"]:
    """`Sent` when a copy is found. Its absence proves nothing: many servers keep none, so never `absent`.

    Raises a `SendError`, or what `context.connect` raises, where the mailbox cannot be looked into.
    """
    if account.door is not None:  # mail is brought to us: there is no mailbox to look into
        return "unknown"
    try:
        return await _search(context, account, message_id, timings)
    except Fault as fault:
        raise Temporary(fault.code) from None


async def _search(
    context: Context, account: Account, message_id: str, timings: Timings
) -> Sent | Literal["absent", "unknown"]:
    line = await dial(context, account, timings)
    try:
        for folder in await sent_folders(line, account):
            await line.examine(folder)
            if await line.search("HEADER", "Message-ID", f'"<{message_id}>"'):
                return Sent(message_id)
    finally:
        line.abort()
    return "unknown"
