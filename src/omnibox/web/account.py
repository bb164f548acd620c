"""Routes for getting in and for one's own account: set-up, sign-in, sign-out, me, links."""

from __future__ import annotations

import hmac
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import Field

from omnibox.secrets import random_token
from omnibox.store import Transaction
from omnibox.team import agents, links, sessions, throttle
from omnibox.team.agents import Agent, clean_name, fold_address
from omnibox.team.passwords import LONGEST, SHORTEST
from omnibox.team.sessions import SHORT, STAY, hash_of
from omnibox.web import auth, models, peer
from omnibox.web.api import ApiError, Ask, Wire, conflict, invalid, not_found, route, slow_down, translate
from omnibox.web.hub import Hub

LONGEST_GIVEN = 1000

translate(agents.BadName, lambda error: invalid("name", str(error)))
translate(agents.BadSignature, lambda error: invalid("signature", str(error)))
translate(agents.BadPicture, lambda error: invalid("picture", str(error)))
translate(agents.BadAddress, lambda error: invalid("email", str(error)))


class SetupBody(Wire):
    code: str = Field(max_length=LONGEST_GIVEN)
    name: str = Field(max_length=LONGEST_GIVEN)
    email: str = Field(max_length=LONGEST_GIVEN)
    password: str = Field(max_length=LONGEST_GIVEN)


class LoginBody(Wire):
    email: str = Field(max_length=LONGEST_GIVEN)
    password: str = Field(max_length=LONGEST_GIVEN)
    stay: bool = False


class MeBody(Wire):
    name: str | None = Field(None, max_length=LONGEST_GIVEN)
    is_on: bool | None = None
    signature: str | None = Field(None, max_length=2 * agents.LONGEST_SIGNATURE)
    picture: str | None = Field(None, max_length=2 * LONGEST_GIVEN)


class PasswordBody(Wire):
    password: str = Field(max_length=LONGEST_GIVEN)
    new_password: str = Field(max_length=LONGEST_GIVEN)


class LinkBody(Wire):
    name: str | None = Field(None, max_length=LONGEST_GIVEN)
    password: str = Field(max_length=LONGEST_GIVEN)


def agent_dict(agent: Agent, hub: Hub) -> dict[str, Any]:
    """The agent as colleagues see them. Online: switched on, and a screen is connected."""
    return {
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "role": agent.role,
        "is_on": agent.is_on,
        "is_online": agent.is_on and agent.is_active and hub.is_online(agent.id),
        "is_active": agent.is_active,
    }


def agent_shape(agent: Agent, hub: Hub) -> models.Agent:
    return models.Agent(**agent_dict(agent, hub))


def me_dict(agent: Agent, hub: Hub) -> dict[str, Any]:
    """The agent as they see themselves."""
    return agent_dict(agent, hub) | {"signature": agent.signature or "", "picture": agent.picture or ""}


def me_shape(agent: Agent, hub: Hub) -> models.Me:
    return models.Me(**me_dict(agent, hub))


# ── The first owner


@route("GET", "/api/setup", may="public")
async def read_setup(ask: Ask) -> models.Setup:
    """Whether the first owner has yet to be made."""
    return models.Setup(needed=not await ask.hub.store.read(agents.is_set_up))


@route("POST", "/api/setup", may="public", status=201)
async def set_up(ask: Ask, body: SetupBody) -> models.Me:
    """Make the first owner, with the code that the server printed at its start."""
    hub = ask.hub
    if await hub.store.read(agents.is_set_up):
        raise _is_set_up()
    block = peer.block_of(ask.request)
    wait = (await hub.store.write(lambda tx: throttle.take(tx, auth.SET_UP, block))).result
    if wait is not None:
        raise slow_down(wait.total_seconds())
    if not hub.setup_code or not hmac.compare_digest(body.code.strip().encode(), hub.setup_code.encode()):
        raise ApiError(403, "wrong_setup_code", "The set-up code is wrong.", "Copy it from the server's output.")
    name, email = clean_name(body.name), fold_address(body.email)
    password_hash = await hub.passwords.hash(_good_password(body.password, email))
    token, before = random_token(), auth.old_token(ask.request)

    def enter(tx: Transaction) -> Agent:
        agent = agents.set_up(tx, name=name, email=email, password_hash=password_hash)
        throttle.forget(tx, auth.SET_UP, block)
        auth.begin(tx, agent.id, token, before, SHORT)
        return agent

    try:
        agent = (await hub.store.write(enter)).result
    except agents.AlreadySetUp:
        raise _is_set_up() from None
    return _welcome(ask, agent, token, SHORT)


def _is_set_up() -> ApiError:
    return conflict("omnibox is set up already.", "Sign in.")


# ── In and out


@route("POST", "/api/login", may="public")
async def log_in(ask: Ask, body: LoginBody) -> models.Me:
    """Sign in. The answer to a wrong address and to a wrong password is the same."""
    proven = await auth.prove(ask.request, ask.hub, body.email, body.password)
    if proven is None:
        raise ApiError(401, "login_refused", "Address or password is wrong.", "Check both and try again.")
    token, before, life = random_token(), auth.old_token(ask.request), STAY if body.stay else SHORT

    def enter(tx: Transaction) -> None:
        auth.confirm(tx, proven)
        auth.begin(tx, proven.agent.id, token, before, life)

    await ask.hub.store.write(enter)
    return _welcome(ask, proven.agent, token, life)


@route("POST", "/api/logout", may="public")
async def log_out(ask: Ask) -> None:
    """End this session. Without one there is nothing to end, and the answer is the same."""
    token = auth.old_token(ask.request)
    if token:
        await ask.hub.store.write(lambda tx: sessions.end(tx, hash_of(token)))
    auth.drop_cookie(ask.response, ask.request)


# ── Me


@route("GET", "/api/me", may="account")
async def read_me(ask: Ask) -> models.Me:
    """Who is signed in."""
    return me_shape(ask.agent, ask.hub)


@route("PATCH", "/api/me", may="account")
async def change_me(ask: Ask, body: MeBody) -> models.Me:
    """Change one's name or switch. What is absent stays."""
    me = ask.agent.id
    name = None if body.name is None else clean_name(body.name)
    signature = None if body.signature is None else agents.clean_signature(body.signature)
    picture = None if body.picture is None else agents.clean_picture(body.picture)
    change = partial(agents.describe, agent_id=me, name=name, is_on=body.is_on, signature=signature, picture=picture)
    agent = (await ask.hub.store.write(change)).result
    if body.is_on is not None:
        ask.hub.hints.switched()
    return me_shape(agent, ask.hub)


@route("POST", "/api/me/password", may="account")
async def change_password(ask: Ask, body: PasswordBody) -> models.Me:
    """Change one's password. Every session ends; this browser gets a new one."""
    me, life = ask.agent, ask.session.life
    new_password = _good_password(body.new_password, me.email, "new_password")
    proven = await auth.prove(ask.request, ask.hub, me.email, body.password)
    if proven is None:
        raise invalid("password", "is not your password")
    password_hash, token = await ask.hub.passwords.hash(new_password), random_token()

    def enter(tx: Transaction) -> None:
        auth.confirm(tx, proven)
        agents.set_password(tx, me.id, password_hash)
        auth.begin(tx, me.id, token, "", life)

    await ask.hub.store.write(enter)
    return _welcome(ask, me, token, life)


# ── By a link


@route("GET", "/api/links/{token}", may="public")
async def read_link(ask: Ask, token: str) -> models.LinkFor:
    """Whom an invitation or a reset is for, while it can be used."""
    link = await _link(ask, token)
    return models.LinkFor(kind=link.kind, email=link.email, name=link.name)


@route("POST", "/api/links/{token}", may="public")
async def use_link(ask: Ask, token: str, body: LinkBody) -> models.Me:
    """Set a password by an invitation or a reset, and sign in. A link works once."""
    link = await _link(ask, token)
    name = None if body.name is None else clean_name(body.name)
    password_hash = await ask.hub.passwords.hash(_good_password(body.password, link.email))
    new, before = random_token(), auth.old_token(ask.request)

    def enter(tx: Transaction) -> Agent:
        used = links.use(tx, hash_of(token))
        if used is None:
            raise not_found("This link")
        if used.kind == "invite":
            agent = agents.arrive(tx, used.agent_id, password_hash, name)
        else:
            agent = agents.set_password(tx, used.agent_id, password_hash)
        auth.begin(tx, agent.id, new, before, SHORT)
        return agent

    return _welcome(ask, (await ask.hub.store.write(enter)).result, new, SHORT)


async def _link(ask: Ask, token: str) -> links.Link:
    at = ask.hub.clock()
    link = await ask.hub.store.read(lambda tx: links.find(tx, hash_of(token), at))
    if link is None:
        raise not_found("This link")
    return link


# ── What they share


def _good_password(password: str, email: str, path: str = "password") -> str:
    """Raises 422 for a password that is too short, too long, or the address."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid(path, f"a password has {SHORTEST} to {LONGEST} characters")
    if password.casefold() == email:
        raise invalid(path, "must not be the address")
    return password


def _welcome(ask: Ask, agent: Agent, token: str, life: timedelta) -> models.Me:
    auth.set_cookie(ask.response, ask.request, token, life)
    auth.remember_browser(ask.response, ask.request, ask.hub, agent)
    return me_shape(agent, ask.hub)
