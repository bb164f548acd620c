"""Names the rules that are in force: those of this release, and the patterns of the channels."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from omnibox import masking
from omnibox.store import Reader
from omnibox.store.migrations import HEAD
from omnibox.store.tables import channel


class OldDatabase(Exception):
    """The tables are of another release."""


def require_tables(tx: Reader) -> None:
    """Raises `OldDatabase`."""
    if tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() != HEAD:
        raise OldDatabase


def digest_of_rules(tx: Reader) -> str:
    """The same for the same rules."""
    found = hashlib.sha256(_of_release().encode())
    rows = tx.execute(sa.select(channel.c.id, channel.c.patterns).order_by(channel.c.id))
    for row in rows:
        found.update(f"{row.id}:{row.patterns or ''}\n".encode())
    return found.hexdigest()[:16]


@cache
def _of_release() -> str:
    files = sorted(Path(masking.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
