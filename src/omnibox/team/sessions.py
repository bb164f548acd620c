"""Sessions: a random token in the browser, its hash in the store, an end that moves on while it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.store import Reader, Transaction
from omnibox.store import tables as t

STAY = timedelta(days=30)
SHORT = timedelta(hours=12)
SLIDE_AFTER = timedelta(minutes=10)  # moving the end is a write: not at every request

COLUMNS = (  # in the order of `Session`
    t.session.c.token_hash,
    t.session.c.agent_id,
    t.session.c.created_at,
    t.session.c.seen_at,
    t.session.c.expires_at,
)
ENDED = "sessions"
"""The word that rings when sessions end: whoever holds a socket looks whether its own still lives."""


@dataclass(frozen=True, slots=True)
class Session:
    token_hash: str = field(repr=False)
    agent_id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    @property
    def life(self) -> timedelta:
        """How long it lasts unused."""
        return self.expires_at - self.seen_at

    @property
    def stays(self) -> bool:
        """Whether it outlives the browser."""
        return self.life > SHORT


def hash_of(token: str) -> str:
    """What is stored in place of a token. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(tx: Transaction, agent_id: int, token_hash: str, life: timedelta) -> Session:
    """A new session; those that are over are swept out meanwhile."""
    at = tx.clock()
    tx.execute(sa.delete(t.session).where(t.session.c.expires_at <= at))
    session = Session(token_hash, agent_id, at, at, at + life)
    row = {
        "token_hash": token_hash,
        "agent_id": agent_id,
        "created_at": at,
        "seen_at": at,
        "expires_at": session.expires_at,
    }
    tx.execute(sa.insert(t.session), row)
    return session


def find(tx: Reader, token_hash: str, at: datetime) -> Session | None:
    """The session of this hash that lives at `at`; its agent may have been deactivated."""
    question = sa.select(*COLUMNS).where(t.session.c.token_hash == token_hash, t.session.c.expires_at > at)
    row: Sequence[Any] | None = tx.execute(question).first()
    return None if row is None else Session(*row)


def living(tx: Reader, token_hashes: Collection[str], at: datetime) -> set[str]:
    """Which of these sessions still live: for sockets, which outlast the request that opened them."""
    live = t.session.c.token_hash.in_(token_hashes), t.session.c.expires_at > at
    question = sa.select(t.session.c.token_hash).join(t.agent).where(*live, t.agent.c.is_active)
    return set(tx.execute(question).scalars())


def slide(tx: Transaction, session: Session) -> None:
    """Move the end on. A session that ended meanwhile stays ended."""
    at = tx.clock()
    values = {"seen_at": at, "expires_at": at + session.life}
    tx.execute(sa.update(t.session).where(t.session.c.token_hash == session.token_hash).values(**values))


def end(tx: Transaction, token_hash: str) -> None:
    tx.execute(sa.delete(t.session).where(t.session.c.token_hash == token_hash))
    tx.ring(ENDED)


def end_all(tx: Transaction, agent_id: int) -> None:
    tx.execute(sa.delete(t.session).where(t.session.c.agent_id == agent_id))
    tx.ring(ENDED)
