"""What an agent may do: one function decides every permission, and every route names the action it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from omnibox.model import Role

Action = Literal[
    "public",  # anyone, without signing in
    "account",  # look after one's own name, switch, password, session
    "read",  # see conversations, contacts, files, colleagues, and follow the feed
    "reply",  # answer, upload a file for it, deal with a delivery that failed
    "note",
    "edit_contact",
    "assign",
    "resolve",
    "reopen",
    "rearrange",  # merge, split and move conversations, undo it, say who may write there
    "settings",  # connections, channels, what was put aside
    "agents",  # invite, change, reset
]
ACTIONS: frozenset[str] = frozenset(get_args(Action))

OWNER: Role = "owner"
EVERYONE: frozenset[Role] = frozenset({"owner", "admin", "agent"})
LEADS: frozenset[Role] = frozenset({"owner", "admin"})

ROLES: Mapping[Action, frozenset[Role]] = {
    "account": EVERYONE,
    "read": EVERYONE,
    "reply": EVERYONE,
    "note": EVERYONE,
    "edit_contact": EVERYONE,
    "assign": EVERYONE,
    "resolve": EVERYONE,
    "reopen": EVERYONE,
    "rearrange": EVERYONE,
    "settings": LEADS,
    "agents": LEADS,
}


class Forbidden(Exception):
    """The agent may not do this. `code` and `why` are for the agent's eyes."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Actor(Protocol):
    """Whoever acts, as far as permissions look."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> Role: ...
    @property
    def is_active(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation, as far as permissions look: who has it."""

    assignee_id: int | None


@dataclass(frozen=True, slots=True)
class Handover:
    """A conversation that is to go from one agent to another; None is nobody."""

    assignee_id: int | None
    to_id: int | None


@dataclass(frozen=True, slots=True)
class Colleague:
    """An agent who is to be invited, changed or reset. `becomes` is the role they are to have, where it changes."""

    role: Role
    becomes: Role | None = None


Subject = Held | Handover | Colleague


def may(actor: Actor, action: Action, subject: Subject | None = None) -> None:
    """Raise `Forbidden` unless `actor` may do `action` to `subject`.

    Without a subject: unless there is any subject to which they might. Ask again with the subject, in the transaction
    that acts on it.
    """
    if action == "public":
        return
    if not actor.is_active or actor.role not in ROLES[action]:
        raise Forbidden("forbidden", _WHY.get(action, "You may not do this."))
    if subject is None or actor.role == OWNER:
        return
    match action, subject:
        case "resolve", Held(assignee_id):
            if actor.role not in LEADS and assignee_id != actor.id:
                raise Forbidden("may_not_resolve", "Only its assignee, an admin or an owner may resolve it.")
        case "assign", Handover(assignee_id, to_id):
            takes = assignee_id is None and to_id == actor.id
            if actor.role not in LEADS and not takes and assignee_id != actor.id:
                raise Forbidden("may_not_assign", "You may take a conversation that nobody has, or pass on your own.")
        case "agents", Colleague(role, becomes):
            if role != "agent" or becomes not in (None, "agent"):
                raise Forbidden("owner_only", "Only an owner may appoint, change or reset admins and owners.")
        case _:
            raise TypeError(f"{action} has no rule for {type(subject).__name__}")


def allows(actor: Actor, action: Action, subject: Subject | None = None) -> bool:
    """`may` as a fact, for what the screen offers."""
    try:
        may(actor, action, subject)
    except Forbidden:
        return False
    return True


_WHY: Mapping[Action, str] = {
    "settings": "Only admins and owners may see and change the settings.",
    "agents": "Only admins and owners may invite and change agents.",
}
