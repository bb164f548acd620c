"""The mark of a conversation inside a mail: what is left of a thread where programs lose headers and addresses."""

from __future__ import annotations

import re

MOST = 20
_MARK = re.compile(r"\[ref:([a-z0-9.]{16,200})\]")


def mark(token: str) -> str:
    """The mark that holds a conversation's signed token."""
    return f"[ref:{token}]"


def marks_in(*texts: str | None) -> tuple[str, ...]:
    """The tokens of all marks, each once; whether they are genuine is not known yet."""
    found: dict[str, None] = {}
    for text in texts:
        for each in _MARK.finditer(text) if text and "[" in text and "[ref:" in text else ():
            found[each.group(1)] = None
            if len(found) == MOST:
                return tuple(found)
    return tuple(found)
