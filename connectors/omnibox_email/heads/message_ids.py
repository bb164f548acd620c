"""Message ids in Message-ID, In-Reply-To and References, however they are written."""

from __future__ import annotations

import re

from omnibox_email import charsets
from omnibox_email.heads import encoded_words

MOST_IDS = 1000
LONGEST_ID = 2000

_ORDINARY = re.compile(rb"<([!-;=?-~]{1,1000})>")  # one id, as most headers hold
_IDS = re.compile(r"<([^<>]*)>")
_COMMENT = re.compile(r"\([^()]*\)")
# "Message from Ann <ann@x.example> of 3 May <id@x>": the first brackets hold a person (mh, BSD mail).
_PERSON = re.compile(r"(?:message|mail|note) (?:from|of)[^<>]{0,300}<[^<>]*>(?=.*<)", re.I | re.S)


def ids_of(raw: bytes) -> list[str]:
    """The message ids in a header, without angle brackets, in the order of the header.

    Blanks inside an id come from folding and are dropped. Of more than a thousand the first and the newest are kept.
    """
    if not raw:
        return []
    if (one := _ORDINARY.fullmatch(raw)) and b"=?" not in raw:
        return [one.group(1).decode("ascii")]
    text = raw.decode("utf-8", "replace")
    if "=?" in text:
        text = encoded_words.decode(text)
    if "&lt;" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">")
    if text.lstrip()[:4].lower() in ("mess", "mail", "note", "your", "in m"):
        text = _PERSON.sub(" ", text, count=1)
    found = _IDS.findall(text)
    last = text.rpartition("<")[2]
    if found and "@" in last and ">" not in last:
        found.append(last)  # the chain was cut after it
    if not any(one.strip() for one in found):
        found = _bare(text)
    cleaned = [charsets.clean("".join(one.split())) for one in found]
    usable = [one for one in cleaned if one and len(one) <= LONGEST_ID]
    return usable if len(usable) <= MOST_IDS else [usable[0], *usable[1 - MOST_IDS :]]


def _bare(text: str) -> list[str]:
    """Ids without brackets: whatever holds an `@`, else the only word."""
    words = re.split(r"[<>,;\s]+", _COMMENT.sub(" ", text))
    words = [word for word in words if word]
    return [word for word in words if "@" in word] or (words if len(words) == 1 else [])
