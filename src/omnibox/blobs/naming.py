"""What a blob is called: random, and the same path below a folder as below a bucket's prefix; what may become one."""

from __future__ import annotations

import re
import secrets

from omnibox.masking import MaskedBytes

NAME = re.compile(r"[0-9a-f]{32}")


def new_name() -> str:
    return secrets.token_hex(16)


def place_of(name: str) -> str:
    """Where it lies below the root, in 256 sub-folders; raises `FileNotFoundError` for what is no blob's name."""
    if not NAME.fullmatch(name):
        raise FileNotFoundError(name)
    return f"{name[:2]}/{name}"


def refuse_unmasked(content: object) -> None:
    """Raises `TypeError` for bytes that have not passed the mask: a programming error, found before the disk."""
    if not isinstance(content, MaskedBytes):
        raise TypeError("an unmasked file may not be stored")
