"""Who answers, and how they come in."""

from __future__ import annotations

from typing import Literal

from omnibox.model import Role
from omnibox.web.api.shapes import Id, Time, Wire


class Agent(Wire):
    id: Id
    name: str
    email: str
    role: Role
    is_on: bool
    is_online: bool
    is_active: bool


class Me(Agent):
    """Who is signed in."""

    signature: str  # stands below what they write where the channel has signatures
    picture: str  # the address of one; customers see it where the channel shows who answers


class Setup(Wire):
    needed: bool


class Invitation(Wire):
    id: Id
    email: str
    name: str
    role: Role
    created_at: Time
    expires_at: Time


class NewLink(Wire):
    """Shown once: only a hash of it is kept."""

    link: str
    expires_at: Time


class LinkFor(Wire):
    kind: Literal["invite", "reset"]
    email: str
    name: str
