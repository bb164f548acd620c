"""Which folder holds the sent mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnibox_email.account import Account

if TYPE_CHECKING:
    from omnibox_email.mailbox.imap import Line

_USUAL_NAMES = frozenset(
    {
        *("sent", "sent items", "sent mail", "sent messages", "[gmail]/sent mail"),
        *("gesendet", "gesendete elemente", "gesendete objekte", "enviados", "elementos enviados", "inviata"),
        *("posta inviata", "éléments envoyés", "envoyés", "verzonden items", "verzonden", "itens enviados"),
    }
)


async def sent_folders(line: Line, account: Account) -> list[str]:
    """The folders of sent mail, the likeliest first: as the admin says, as the server marks it, or by usual names."""
    if account.sent_folder:
        return [account.sent_folder]
    listed = [(name, attributes) for name, attributes in await line.folders() if name.upper() != "INBOX"]
    marked = [name for name, attributes in listed if "\\sent" in attributes]
    named = [
        name
        for name, attributes in listed
        if "\\noselect" not in attributes
        and {name.lower(), name.lower().rpartition("/")[2], name.lower().rpartition(".")[2]} & _USUAL_NAMES
    ]
    return list(dict.fromkeys([*marked, *named]))
