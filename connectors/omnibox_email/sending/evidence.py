"""Whether a mail really left: the copy some providers keep among the sent mail."""

from __future__ import annotations

from typing import Literal

from omnibox.connector import ConnectorError, Context, Sent
from omnibox_email.account import Account
from omnibox_email.faults import Fault, Timings
from omnibox_email.mailbox.following import dial


async def look_up(
    context: Context, account: Account, message_id: str, timings: Timings
) -> Sent | Literal["absent", "unknown"]:
    """`Sent` when a copy is found. Its absence proves nothing: many servers keep none, so never `absent`."""
    if account.door is not None:  # mail is brought to us: there is no mailbox to look into
        return "unknown"
    try:
        line = await dial(context, account, timings)
    except (Fault, ConnectorError):
        return "unknown"
    try:
        for folder in await _sent_folders(line, account):
            await line.examine(folder)
            if await line.search("HEADER", "Message-ID", f'"<{message_id}>"'):
                return Sent(message_id)
    except Fault:
        return "unknown"
    finally:
        line.abort()
    return "unknown"


async def _sent_folders(line: object, account: Account) -> list[str]:
    from omnibox_email.mailbox.imap import Line

    assert isinstance(line, Line)
    if account.sent_folder:
        return [account.sent_folder]
    return [name for name, attributes in await line.folders() if "\\sent" in attributes]
