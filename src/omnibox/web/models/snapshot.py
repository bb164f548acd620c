"""The first look: all that the web app needs before it shows something."""

from __future__ import annotations

from pydantic import Field

from omnibox.web.api.shapes import Wire
from omnibox.web.models.channels import Channel
from omnibox.web.models.connectors import Connector
from omnibox.web.models.team import Agent, Me


class Counts(Wire):
    mine: int
    unassigned: int
    all: int
    resolved: int


class May(Wire):
    settings: bool
    agents: bool
    resolve_any: bool


class Snapshot(Wire):
    epoch: str
    seq: int
    pass_: str = Field(alias="pass")
    build: str
    version: str
    me: Me
    agents: list[Agent]
    channels: list[Channel]
    connectors: list[Connector]
    counts: Counts
    may: May
