"""The agents: who they are, how they come to be, how their standing changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from omnibox.fields import is_https
from omnibox.masking import Masked, mask
from omnibox.model import Role
from omnibox.store import Reader, Transaction
from omnibox.store import tables as t
from omnibox.team import links, sessions

ADDRESS = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[^\s@<>\"(),:;\\]{1,189}")
LONGEST_NAME = 100
LONGEST_SIGNATURE = 2000


class BadName(ValueError):
    """Empty once trimmed, or too long."""


class BadSignature(ValueError):
    """Too long."""


class BadPicture(ValueError):
    """No address of a picture."""


class BadAddress(ValueError):
    """Not an email address that could be signed in with."""


class Taken(Exception):
    """An agent has this address already."""


class LastOwner(Exception):
    """It would leave the installation without an owner who can sign in."""


class AlreadySetUp(Exception):
    """There is an owner."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Someone who answers. Without a password they were invited and have not come yet."""

    id: int
    name: Masked = field(repr=False)
    email: str = field(repr=False)
    role: Role
    is_on: bool
    is_active: bool
    password_hash: str | None = field(repr=False, default=None)
    signature: Masked | None = field(repr=False, default=None)
    picture: Masked | None = field(repr=False, default=None)


COLUMNS = (
    t.agent.c.id,
    t.agent.c.name,
    t.agent.c.email,
    t.agent.c.role,
    t.agent.c.is_on,
    t.agent.c.is_active,
    t.agent.c.password_hash,
    t.agent.c.signature,
    t.agent.c.picture,
)
HAS_COME = t.agent.c.password_hash.is_not(None)


def clean_name(name: str) -> Masked:
    """`name` on one line, masked. Raises `BadName`."""
    text = mask(" ".join(name.split()))
    if not 1 <= len(text) <= LONGEST_NAME:
        raise BadName(f"a name has 1 to {LONGEST_NAME} characters")
    return text


def clean_signature(text: str) -> Masked:
    """`text` without blank lines around it, masked. Raises `BadSignature`."""
    lines = text.replace("\r\n", "\n").split("\n")
    shown = ("".join(letter for letter in line if letter.isprintable() or letter == "\t") for line in lines)
    kept = "\n".join(line.rstrip() for line in shown)
    if len(kept) > LONGEST_SIGNATURE:
        raise BadSignature(f"a signature has at most {LONGEST_SIGNATURE} characters")
    return mask(kept.strip("\n"))


def clean_picture(url: str) -> Masked:
    """The address of a picture, or nothing. Raises `BadPicture`."""
    kept = mask(url.strip())
    if kept and not is_https(kept):
        raise BadPicture("this is no full https address, such as https://example.com/ana.jpg")
    return kept


def fold_address(email: str) -> str:
    """The form in which addresses are compared and stored. Raises `BadAddress`."""
    folded = email.strip().casefold()
    if not folded.isprintable() or not ADDRESS.fullmatch(folded):
        raise BadAddress("not an email address")
    return folded


# ── Questions


def find(tx: Reader, agent_id: int) -> Agent | None:
    """The agent with this id who has come, active or not."""
    return _one(tx, sa.select(*COLUMNS).where(t.agent.c.id == agent_id, HAS_COME))


def find_by_address(tx: Reader, email: str) -> Agent | None:
    """Who has this folded address, invited ones too."""
    return _one(tx, sa.select(*COLUMNS).where(t.agent.c.email == email))


def everyone(tx: Reader) -> list[Agent]:
    """All who have come, also those deactivated since: what they wrote stays."""
    rows = tx.execute(sa.select(*COLUMNS).where(HAS_COME).order_by(t.agent.c.id))
    return [_agent(row) for row in rows]


def is_any_on(tx: Reader, ids: Collection[int]) -> bool:
    """Whether one of these agents wants to be seen by visitors."""
    wanted = sa.select(t.agent.c.id).where(t.agent.c.id.in_(ids), t.agent.c.is_on, t.agent.c.is_active)
    return tx.execute(wanted.limit(1)).first() is not None


def is_set_up(tx: Reader) -> bool:
    """Whether there is an owner who can sign in, or could once they are active again."""
    found = tx.execute(sa.select(t.agent.c.id).where(t.agent.c.role == "owner", HAS_COME).limit(1))
    return found.first() is not None


# ── Changes


def set_up(tx: Transaction, *, name: Masked, email: str, password_hash: str) -> Agent:
    """The first owner. Raises `AlreadySetUp`."""
    # The installation's row is the lock: of two processes asked at once only one may find no owner.
    tx.execute(sa.select(t.installation.c.id).with_for_update())
    if is_set_up(tx):
        raise AlreadySetUp
    row = {
        "name": name,
        "email": email,
        "password_hash": password_hash,
        "role": "owner",
        "is_active": True,
        "created_at": tx.clock(),
    }
    agent_id: int = tx.execute(sa.insert(t.agent).returning(t.agent.c.id), row).scalar_one()
    tx.announce("agent.changed", agent=agent_id)
    return _get(tx, agent_id)


def invite(tx: Transaction, *, name: Masked, email: str, role: Role) -> int:
    """The id of an agent who has yet to come. One invited before is invited anew; raises `Taken` for who has come."""
    found = find_by_address(tx, email)
    if found is not None and found.password_hash is not None:
        raise Taken
    if found is not None:
        tx.execute(sa.update(t.agent).where(t.agent.c.id == found.id).values(name=name, role=role))
        return found.id
    row = {"name": name, "email": email, "role": role, "is_active": False, "created_at": tx.clock()}
    agent_id: int = tx.execute(sa.insert(t.agent).returning(t.agent.c.id), row).scalar_one()
    return agent_id


def arrive(tx: Transaction, agent_id: int, password_hash: str, name: Masked | None = None) -> Agent:
    """An invited agent is one of the team now."""
    values: dict[str, object] = {"password_hash": password_hash, "is_active": True}
    if name is not None:
        values["name"] = name
    tx.execute(sa.update(t.agent).where(t.agent.c.id == agent_id).values(**values))
    tx.announce("agent.changed", agent=agent_id)
    return _get(tx, agent_id)


def set_password(tx: Transaction, agent_id: int, password_hash: str) -> Agent:
    """A new password; every session and every open link of the agent ends."""
    tx.execute(sa.update(t.agent).where(t.agent.c.id == agent_id).values(password_hash=password_hash))
    _shut_out(tx, agent_id)
    tx.announce("agent.changed", agent=agent_id)
    return _get(tx, agent_id)


def describe(
    tx: Transaction,
    agent_id: int,
    *,
    name: Masked | None = None,
    is_on: bool | None = None,
    signature: Masked | None = None,
    picture: Masked | None = None,
) -> Agent:
    """What agents change about themselves; None leaves a thing as it is."""
    given = (("name", name), ("is_on", is_on), ("signature", signature), ("picture", picture))
    values = {key: value for key, value in given if value is not None}
    if values:
        tx.execute(sa.update(t.agent).where(t.agent.c.id == agent_id).values(**values))
        tx.announce("agent.changed", agent=agent_id)
    return _get(tx, agent_id)


def change(tx: Transaction, before: Agent, *, role: Role | None = None, is_active: bool | None = None) -> Agent:
    """Another standing. A new role or deactivation ends the agent's sessions and links. Raises `LastOwner`.

    `before` comes from `lock`, in this transaction.
    """
    role = before.role if role is None else role
    is_active = before.is_active if is_active is None else is_active
    if (role, is_active) == (before.role, before.is_active):
        return before
    if (role != "owner" or not is_active) and _is_last_owner(tx, before):
        raise LastOwner
    tx.execute(sa.update(t.agent).where(t.agent.c.id == before.id).values(role=role, is_active=is_active))
    if role != before.role or not is_active:
        _shut_out(tx, before.id)
    tx.announce("agent.changed", agent=before.id)
    return _get(tx, before.id)


def lock(tx: Transaction, agent_id: int) -> Agent | None:
    """`find`, holding every owner's row and this one until commit, so that two owners cannot demote each other."""
    wanted = sa.or_(t.agent.c.id == agent_id, t.agent.c.role == "owner")
    tx.execute(sa.select(t.agent.c.id).where(wanted).order_by(t.agent.c.id).with_for_update()).all()
    return find(tx, agent_id)


def _is_last_owner(tx: Reader, agent: Agent) -> bool:
    if agent.role != "owner" or not agent.is_active:
        return False
    others = sa.select(t.agent.c.id).where(
        t.agent.c.role == "owner", t.agent.c.is_active, HAS_COME, t.agent.c.id != agent.id
    )
    return tx.execute(others.limit(1)).first() is None


def _shut_out(tx: Transaction, agent_id: int) -> None:
    sessions.end_all(tx, agent_id)
    links.withdraw(tx, agent_id)


def _get(tx: Reader, agent_id: int) -> Agent:
    return _agent(tx.execute(sa.select(*COLUMNS).where(t.agent.c.id == agent_id)).one())


def _one(tx: Reader, question: sa.Select[Any]) -> Agent | None:
    row = tx.execute(question).first()
    return None if row is None else _agent(row)


def _agent(row: Sequence[Any]) -> Agent:
    return Agent(*row)
