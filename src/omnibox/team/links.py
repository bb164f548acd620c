"""Links that let someone in once: invitations and password resets. The store keeps a hash of the token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from omnibox.masking import Masked
from omnibox.model import Role
from omnibox.store import Reader, Transaction
from omnibox.store import tables as t

LinkKind = Literal["invite", "reset"]
LIVES: dict[LinkKind, timedelta] = {"invite": timedelta(days=7), "reset": timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Link:
    """A link that may still be used, with whom it is for."""

    id: int
    kind: LinkKind
    agent_id: int
    name: Masked = field(repr=False)
    email: str = field(repr=False)
    role: Role
    created_at: datetime
    expires_at: datetime


def make(tx: Transaction, agent_id: int, kind: LinkKind, token_hash: str) -> datetime:
    """A new link, in place of any earlier one of the agent; returns when it ends."""
    withdraw(tx, agent_id)
    at = tx.clock()
    row = {
        "token_hash": token_hash,
        "kind": kind,
        "agent_id": agent_id,
        "created_at": at,
        "expires_at": at + LIVES[kind],
    }
    tx.execute(sa.insert(t.link), row)
    return at + LIVES[kind]


def find(tx: Reader, token_hash: str, at: datetime) -> Link | None:
    """The link of this hash, if it may be used at `at`."""
    return next(iter(_usable(tx, at, t.link.c.token_hash == token_hash)), None)


def use(tx: Transaction, token_hash: str) -> Link | None:
    """`find`, once: of several at the same moment one gets it."""
    at = tx.clock()
    link = find(tx, token_hash, at)
    if link is None:
        return None
    unused = sa.update(t.link).where(t.link.c.id == link.id, t.link.c.used_at.is_(None)).values(used_at=at)
    return link if tx.execute(unused.returning(t.link.c.id)).first() else None


def invitations(tx: Reader, at: datetime) -> list[Link]:
    """Who was invited and may still come, newest first."""
    return _usable(tx, at, t.link.c.kind == "invite")


def withdraw(tx: Transaction, agent_id: int) -> bool:
    """No unused link of the agent works from now on; returns whether there was one."""
    mine = t.link.c.agent_id == agent_id, t.link.c.used_at.is_(None)
    return tx.execute(sa.delete(t.link).where(*mine).returning(t.link.c.id)).first() is not None


def _usable(tx: Reader, at: datetime, *conditions: sa.ColumnElement[bool]) -> list[Link]:
    question = (
        sa.select(
            t.link.c.id,
            t.link.c.kind,
            t.link.c.agent_id,
            t.agent.c.name,
            t.agent.c.email,
            t.agent.c.role,
            t.link.c.created_at,
            t.link.c.expires_at,
        )
        .join(t.agent)
        .where(
            t.link.c.used_at.is_(None),
            t.link.c.expires_at > at,
            # An invitation is for who has not come; a reset for who has, and may sign in.
            sa.or_(
                sa.and_(t.link.c.kind == "invite", t.agent.c.password_hash.is_(None)),
                sa.and_(t.link.c.kind == "reset", t.agent.c.password_hash.is_not(None), t.agent.c.is_active),
            ),
            *conditions,
        )
        .order_by(t.link.c.id.desc())
    )
    rows: Iterable[Sequence[Any]] = tx.execute(question)
    return [Link(*row) for row in rows]
