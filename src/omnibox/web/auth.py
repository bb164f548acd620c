"""Signing in: the cookie, the check of every request, the throttle, the pass of the live feed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from aiohttp import web

from omnibox.secrets import random_token
from omnibox.store import StoreUnavailable, Transaction
from omnibox.store import tables as t
from omnibox.store.hot import Hot
from omnibox.team import agents, sessions, throttle
from omnibox.team.agents import Agent
from omnibox.team.sessions import SHORT, SLIDE_AFTER, Session, hash_of
from omnibox.team.throttle import Limit
from omnibox.web import peer
from omnibox.web.errors import ApiError, signed_out, slow_down
from omnibox.web.hub import Hub

COOKIE = "omnibox_session"
KNOWN_COOKIE = "omnibox_known"
KNOWN_FOR = timedelta(days=365)
PASS_FOR = timedelta(seconds=60)
LONGEST_TOKEN = 200

BY_NAME = Limit("login.name", 5, timedelta(minutes=30))
BY_BROWSER = Limit("login.browser", 5, timedelta(minutes=30))
BY_BLOCK = Limit("login.block", 30, timedelta(minutes=30))
SET_UP = Limit("setup", 30, timedelta(minutes=30))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks, by which session. `token` is what the cookie held; `has_slid`: the cookie is to be sent anew."""

    agent: Agent
    session: Session
    token: str
    has_slid: bool = False


# ── Every request

_WHOSE = Hot(
    sa.select(*agents.COLUMNS, *sessions.COLUMNS)
    .join(t.agent, t.agent.c.id == t.session.c.agent_id)
    .where(
        t.session.c.token_hash == sa.bindparam("token_hash"),
        t.session.c.expires_at > sa.bindparam("at"),
        t.agent.c.is_active,
        agents.HAS_COME,
    )
)


async def require(request: web.Request, hub: Hub) -> SignedIn:
    """Who is signed in; raises 401 otherwise. Moves the session's end on, now and then."""
    token = request.cookies.get(COOKIE, "")
    if not 0 < len(token) <= LONGEST_TOKEN:
        raise signed_out()
    token_hash, at = hash_of(token), hub.clock()
    found = await hub.store.look_up(_WHOSE, {"token_hash": token_hash, "at": at})
    if not found:
        raise signed_out()
    agent, session = Agent(*found[0][: len(agents.COLUMNS)]), Session(*found[0][len(agents.COLUMNS) :])
    if at - session.seen_at < SLIDE_AFTER:
        return SignedIn(agent, session, token)
    # A store that only reads still shows what it has.
    with suppress(StoreUnavailable):
        await hub.store.write(lambda tx: sessions.slide(tx, session))
    return SignedIn(agent, session, token, has_slid=True)


def renew(response: web.StreamResponse, request: web.Request, signed_in: SignedIn) -> None:
    """Send the cookie again where its session's end moved on, or the browser drops it before us."""
    if signed_in.has_slid and COOKIE not in response.cookies:
        set_cookie(response, request, signed_in.token, signed_in.session.life)


def check_same_site(request: web.Request, hub: Hub) -> None:
    """Raise 403 for a change that another site may have sent: it can set no header of its own on such a request."""
    if request.headers.get("X-Omnibox") != "1":
        raise ApiError(403, "cross_site", "The header X-Omnibox is missing.", "Send X-Omnibox: 1 with every change.")
    check_origin(request, hub)


def check_origin(request: web.Request, hub: Hub) -> None:
    """Raise 403 for an Origin that is not our own. A socket has no other protection: any page may open one."""
    if not peer.is_own_origin(request, hub):
        cure = "Open omnibox under the address in `public_url`, or correct that setting." if hub.public_url else None
        raise ApiError(403, "cross_site", "The request comes from another site.", cure)


# ── The cookie


def set_cookie(response: web.StreamResponse, request: web.Request, token: str, life: timedelta) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(life.total_seconds()) if life > SHORT else None,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=peer.is_https(request),
    )


def drop_cookie(response: web.StreamResponse, request: web.Request) -> None:
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=peer.is_https(request))


def begin(tx: Transaction, agent_id: int, token: str, old_token: str, life: timedelta) -> None:
    """A new session with a token of its own; the one the browser came with ends, whoever's it was."""
    if old_token:
        sessions.end(tx, hash_of(old_token))
    sessions.start(tx, agent_id, hash_of(token), life)


def old_token(request: web.Request) -> str:
    token = request.cookies.get(COOKIE, "")
    return token if len(token) <= LONGEST_TOKEN else ""


# ── Name and password


@dataclass(frozen=True, slots=True)
class Proven:
    """Someone knew the password of `agent` just now."""

    agent: Agent
    counts: list[tuple[Limit, str]]


async def prove(request: web.Request, hub: Hub, email: str, password: str) -> Proven | None:
    """Whose address and password this is; None for nobody's, after the same work. Raises 429."""
    try:
        name = agents.fold_address(email)
    except agents.BadAddress:
        name = ""
    counts = _counts(request, hub, name)
    wait = (await hub.store.write(lambda tx: _take(tx, counts))).result
    if wait is not None:
        raise slow_down(wait.total_seconds())
    agent = await hub.store.read(lambda tx: agents.find_by_address(tx, name))
    may_come = agent is not None and agent.is_active
    stored = agent.password_hash if agent is not None and may_come else None
    fits = await hub.passwords.fits(password, stored)
    return Proven(agent, counts) if fits and agent is not None else None


def confirm(tx: Transaction, proven: Proven) -> None:
    """What was proven still holds, and its try was none. Raises 401 where the agent was changed meanwhile."""
    agent = agents.lock(tx, proven.agent.id)
    if agent is None or not agent.is_active or agent.password_hash != proven.agent.password_hash:
        raise signed_out()
    for limit, subject in proven.counts:
        # The block's count only goes back by one: signing in now and then must not buy tries on other names.
        (throttle.give_back if limit is BY_BLOCK else throttle.forget)(tx, limit, subject)


def _counts(request: web.Request, hub: Hub, name: str) -> list[tuple[Limit, str]]:
    """What this try is counted against.

    A browser that signed in under this name before has tries of its own: otherwise anyone who knows an address could
    keep its owner out for ever.
    """
    known = hub.secrets.verify("known browser", request.cookies.get(KNOWN_COOKIE, "")) or ""
    of_name, _, browser = known.partition(".")
    if browser and of_name == _name_of(name):
        return [(BY_BROWSER, browser)]
    return [(BY_BLOCK, peer.block_of(request)), (BY_NAME, hash_of(name))]


def _take(tx: Transaction, counts: list[tuple[Limit, str]]) -> timedelta | None:
    for limit, subject in counts:
        throttle.sweep(tx, limit)
        if wait := throttle.take(tx, limit, subject):
            return wait
    return None


def remember_browser(response: web.StreamResponse, request: web.Request, hub: Hub, agent: Agent) -> None:
    """Let this browser be known under the agent's name. It opens nothing: a password is asked all the same."""
    value = f"{_name_of(agent.email)}.{hash_of(random_token())[:32]}"
    response.set_cookie(
        KNOWN_COOKIE,
        hub.secrets.sign("known browser", value),
        max_age=int(KNOWN_FOR.total_seconds()),
        path="/api",
        httponly=True,
        samesite="Lax",
        secure=peer.is_https(request),
    )


def _name_of(email: str) -> str:
    return hash_of(email)[:32]


# ── The pass of the live feed


def make_pass(hub: Hub, session: Session) -> str:
    """What the socket's hello must carry beside the cookie: another site's page cannot read it. Good for 60 s."""
    ends = int((hub.clock() + PASS_FOR).timestamp())
    return hub.secrets.sign("feed", f"{session.token_hash[:32]}.{ends}")


def check_pass(hub: Hub, session: Session, given: str) -> None:
    """Raise 401 unless `given` was made for this session in the last 60 s."""
    owner, _, ends = (hub.secrets.verify("feed", given) or "").partition(".")
    if owner != session.token_hash[:32] or int(ends) <= hub.clock().timestamp():
        raise signed_out()
