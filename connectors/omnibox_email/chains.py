"""The ids by which a mail names itself and the mails it answers, from its header block alone."""

from __future__ import annotations

import re

from omnibox.connector import Chain
from omnibox_email.heads import headers

_BRACKETED = re.compile(rb"<[^<>]*>")


def chain_of(raw: bytes) -> Chain:
    """The chain of the mail in `raw`; any bytes give one. Time is that of finding the end of its headers."""
    text = raw if b"\n" in raw else raw.replace(b"\r", b"\n")
    block, _ = headers.split_block(text, 0, len(text), is_root=True)
    own = headers.ids_of(block.first("message-id"))
    return Chain(
        external_id=own[0] if own else None,
        answers=tuple(headers.ids_of(b" ".join(block.all("in-reply-to")))),
        ancestors=newest_first(b" ".join(block.all("references"))),
    )


def newest_first(references: bytes) -> tuple[str, ...]:
    """The ids of a References header from its end; one that stands twice counts where it stands last."""
    found = [one for piece in _BRACKETED.findall(references) for one in headers.ids_of(piece)]
    return tuple(dict.fromkeys(reversed(found or headers.ids_of(references))))
