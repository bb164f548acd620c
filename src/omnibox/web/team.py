"""Routes for the team: who answers, invitations, resets."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from omnibox.model import Role
from omnibox.secrets import random_token
from omnibox.store import Transaction
from omnibox.team import agents, links, policy
from omnibox.team.agents import Agent, clean_name, fold_address
from omnibox.team.links import Link
from omnibox.team.policy import Colleague
from omnibox.team.sessions import hash_of
from omnibox.web import models, peer
from omnibox.web.account import LONGEST_GIVEN, agent_shape
from omnibox.web.api import ApiError, Ask, Wire, conflict, not_found, route, signed_out


class AgentBody(Wire):
    role: Role | None = None
    is_active: bool | None = None


class InvitationBody(Wire):
    email: str = Field(max_length=LONGEST_GIVEN)
    name: str = Field(max_length=LONGEST_GIVEN)
    role: Role


@route("GET", "/api/agents", may="read")
async def list_agents(ask: Ask) -> list[models.Agent]:
    """Everyone of the team, also who has left: what they wrote stays."""
    return [agent_shape(agent, ask.hub) for agent in await ask.hub.store.read(agents.everyone)]


@route("PATCH", "/api/agents/{id}", may="agents")
async def change_agent(ask: Ask, id: int, body: AgentBody) -> models.Agent:
    """Another role, or shut out or let in. The agent's sessions end."""

    def change(tx: Transaction) -> Agent:
        agent = _known(agents.lock(tx, id))
        policy.may(_caller(tx, ask), "agents", Colleague(agent.role, becomes=body.role))
        return agents.change(tx, agent, role=body.role, is_active=body.is_active)

    try:
        changed = (await ask.hub.store.write(change)).result
    except agents.LastOwner:
        raise ApiError(409, "last_owner", "There must be an owner.", "Make someone else an owner first.") from None
    return agent_shape(changed, ask.hub)


@route("POST", "/api/agents/{id}/reset", may="agents", status=201)
async def reset_agent(ask: Ask, id: int) -> models.NewLink:
    """A link by which the agent may set another password, for an hour, once. Earlier links stop working."""
    token = random_token()

    def reset(tx: Transaction) -> models.NewLink:
        agent = _known(agents.lock(tx, id))
        policy.may(_caller(tx, ask), "agents", Colleague(agent.role))
        if not agent.is_active:
            raise conflict("This agent is shut out.", "Let them in first.")
        return _new_link(ask, token, links.make(tx, id, "reset", hash_of(token)))

    return (await ask.hub.store.write(reset)).result


@route("GET", "/api/invitations", may="agents")
async def list_invitations(ask: Ask) -> list[models.Invitation]:
    """Who was invited and may still come."""
    at = ask.hub.clock()
    return [_invitation(link) for link in await ask.hub.store.read(lambda tx: links.invitations(tx, at))]


@route("POST", "/api/invitations", may="agents", status=201)
async def invite_agent(ask: Ask, body: InvitationBody) -> models.NewLink:
    """A link by which someone joins the team, for a week, once. Inviting an address again replaces its link."""
    name, email, token = clean_name(body.name), fold_address(body.email), random_token()

    def invite(tx: Transaction) -> models.NewLink:
        before = agents.find_by_address(tx, email)
        policy.may(_caller(tx, ask), "agents", Colleague(before.role if before else body.role, becomes=body.role))
        agent_id = agents.invite(tx, name=name, email=email, role=body.role)
        return _new_link(ask, token, links.make(tx, agent_id, "invite", hash_of(token)))

    try:
        return (await ask.hub.store.write(invite)).result
    except agents.Taken:
        raise conflict("An agent has this address already.", "Let them in again, or send a reset link.") from None


@route("DELETE", "/api/invitations/{id}", may="agents")
async def withdraw_invitation(ask: Ask, id: int) -> None:
    """The invitation no longer lets anyone in."""

    def withdraw(tx: Transaction) -> None:
        link = next((link for link in links.invitations(tx, tx.clock()) if link.id == id), None)
        if link is None:
            raise not_found("This invitation")
        policy.may(_caller(tx, ask), "agents", Colleague(link.role))
        links.withdraw(tx, link.agent_id)

    await ask.hub.store.write(withdraw)


def _caller(tx: Transaction, ask: Ask) -> Agent:
    """Whoever asks, as they stand in this transaction: they may have been shut out since the request came in."""
    found = agents.find(tx, ask.agent.id)
    if found is None:
        raise signed_out()
    return found


def _known(agent: Agent | None) -> Agent:
    if agent is None:
        raise not_found("This agent")
    return agent


def _new_link(ask: Ask, token: str, expires_at: datetime) -> models.NewLink:
    return models.NewLink(link=f"{peer.base_url(ask.request)}/inbox/link/{token}", expires_at=expires_at)


def _invitation(link: Link) -> models.Invitation:
    return models.Invitation(
        id=link.id,
        email=link.email,
        name=link.name,
        role=link.role,
        created_at=link.created_at,
        expires_at=link.expires_at,
    )
