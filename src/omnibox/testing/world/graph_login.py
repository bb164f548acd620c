"""Facebook Login as the simulated Graph API plays it: people who manage pages, the dialog, codes, tokens, callbacks.

graph.login.add_manager("5001", "Olivia", ["104", "105"])
graph.login.redirects.add("http://127.0.0.1:8000/consent/return")
graph.login.answers = "5001"          # who signs in at the dialog from now on; "" says no; None shows the page
await graph.login.remove_app("5001")  # tokens die, and the deauthorise callback is called
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from omnibox.testing.world.graph_rules import Refused

if TYPE_CHECKING:
    from omnibox.testing.world.graph import Graph

SCOPES = ("pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement", "business_management")
ALL_TASKS = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")
CODE_LIVES_MS = 10 * 60 * 1000
LONG_S = 60 * 24 * 3600
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Log in (simulated)</title>
<style>body{{font:16px sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}}label{{display:block;margin:.5rem 0}}
button{{padding:.6rem 1rem;margin:1rem .5rem 0 0}}</style>
<h1>Continue as {name}?</h1><p>The app asks for: {scopes}</p>
<form method="post"><fieldset><legend>Choose the pages</legend>{pages}</fieldset>
<button name="do" value="yes">Continue</button><button name="do" value="no">Not now</button></form>"""


@dataclass(slots=True)
class Manager:
    """A person who manages pages. `opens` are those they let the app into; `granted` the permissions they left on."""

    id: str
    name: str = field(repr=False)
    pages: list[str] = field(default_factory=list)
    opens: list[str] = field(default_factory=list)
    granted: list[str] = field(default_factory=lambda: list(SCOPES))
    tasks: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Login:
    """The dialog and everything behind it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.managers: dict[str, Manager] = {}
        self.redirects: set[str] = set()
        self.answers: str | None = None
        self.dialogs: list[dict[str, str]] = []  # the queries of the dialog
        self.exchanged: list[tuple[str, str]] = []  # method and grant of every exchange
        self.per_answer = 25  # pages in one answer of /me/accounts
        self.deauthorise_url = ""
        self.deletion_url = ""
        self._codes: dict[str, tuple[str, str, int]] = {}  # manager, redirect, time
        self._used: set[str] = set()
        self._tokens: dict[str, tuple[str, bool]] = {}  # manager, whether it is long-lived

    def add_manager(self, manager_id: str, name: str, pages: list[str]) -> Manager:
        manager = self.managers[manager_id] = Manager(manager_id, name, list(pages), list(pages))
        return manager

    # ── What people do

    async def remove_app(self, manager_id: str) -> int:
        """The person removes the app at Facebook; returns what the callback answered."""
        self._kill(manager_id)
        return (await self._call(self.deauthorise_url, manager_id))[0]

    async def ask_deletion(self, manager_id: str) -> Mapping[str, Any]:
        """The person asks that their data be deleted; returns what the callback answered."""
        self._kill(manager_id)
        status, body = await self._call(self.deletion_url, manager_id)
        if status != 200:
            raise ValueError(f"the callback answered {status}")
        answer: Mapping[str, Any] = json.loads(body)
        return answer

    def signed_request(self, person: str, **other: Any) -> str:
        """What Meta posts about a person."""
        facts = {"algorithm": "HMAC-SHA256", "issued_at": self.graph.now_ms() // 1000, "user_id": person, **other}
        payload = base64.urlsafe_b64encode(json.dumps(facts).encode()).rstrip(b"=")
        signature = hmac.new(self.graph.app_secret.encode(), payload, hashlib.sha256).digest()
        return f"{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}.{payload.decode()}"

    def _kill(self, manager_id: str) -> None:
        for page_id in self.managers[manager_id].opens:
            self.graph.pages[page_id].token_error = 458
            self.graph.pages[page_id].subscribed_fields.clear()
        self._tokens = {token: held for token, held in self._tokens.items() if held[0] != manager_id}

    async def _call(self, url: str, person: str) -> tuple[int, bytes]:
        form = {"signed_request": self.signed_request(person)}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.post(url, data=form, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.read()

    # ── The dialog

    async def dialog(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        problem = self._wrong(query)
        if problem:
            return web.Response(status=400, text=f"URL blocked: {problem}")
        if request.method == "GET":
            self.dialogs.append(query)
            if self.answers is None:
                return self._page(query)
            return self._back(query, self.answers)
        form = await request.post()
        manager = next(iter(self.managers.values()))
        if form.get("do") != "yes":
            return self._back(query, "")
        manager.opens = [str(page) for page in form.getall("page", [])]
        return self._back(query, manager.id)

    def _wrong(self, query: Mapping[str, str]) -> str:
        if query.get("client_id") != self.graph.app_id:
            return "unknown app"
        if query.get("redirect_uri") not in self.redirects:
            return "the redirect address is not on the list of the app"
        if query.get("response_type") != "code" or not query.get("state"):
            return "response_type and state"
        if "config_id" in query:
            return ""
        unknown = set(query.get("scope", "").replace(",", " ").split()) - set(SCOPES)
        return f"invalid scopes {sorted(unknown)}" if unknown or not query.get("scope") else ""

    def _page(self, query: Mapping[str, str]) -> web.Response:
        manager = next(iter(self.managers.values()))
        boxes = "".join(
            f'<label><input type="checkbox" name="page" value="{html.escape(page)}" checked> '
            f"{html.escape(self.graph.pages[page].name)}</label>"
            for page in manager.pages
        )
        text = _PAGE.format(name=html.escape(manager.name), scopes=html.escape(query.get("scope", "")), pages=boxes)
        return web.Response(text=text, content_type="text/html")

    def _back(self, query: Mapping[str, str], manager_id: str) -> web.Response:
        given = {"state": query["state"]}
        if manager_id:
            code = f"AQsim{secrets.token_urlsafe(40)}"
            self._codes[code] = (manager_id, query["redirect_uri"], self.graph.now_ms())
            given["code"] = code
        else:
            given |= {"error": "access_denied", "error_reason": "user_denied"}
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(given)}#_=_"})

    # ── Tokens

    async def exchange(self, request: web.Request) -> object:
        """`/oauth/access_token`: a code for a short-lived token, or that one for a long-lived one."""
        form = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        grant = form.get("grant_type", "authorization_code")
        self.exchanged.append((request.method, grant))
        if form.get("client_id") != self.graph.app_id:
            raise Refused(101, None, "Error validating application. Cannot get application info")
        if form.get("client_secret") != self.graph.app_secret:
            raise Refused(1, None, "Error validating client secret.")
        if grant == "fb_exchange_token":
            return self._lengthen(form.get("fb_exchange_token", ""))
        return self._redeem(form.get("code", ""), form.get("redirect_uri", ""))

    def _redeem(self, code: str, redirect_url: str) -> object:
        if code in self._used:
            raise Refused(100, 36009, "This authorization code has been used.")
        if code not in self._codes:
            raise Refused(100, None, "Invalid verification code format.")
        manager_id, redirect, at_ms = self._codes.pop(code)
        self._used.add(code)
        if self.graph.now_ms() - at_ms > CODE_LIVES_MS:
            raise Refused(100, 36007, "This authorization code has expired.")
        if redirect != redirect_url:
            raise Refused(100, 36008, "Error validating verification code. Use the same redirect_uri")
        return {"access_token": self._mint(manager_id, is_long=False), "token_type": "bearer", "expires_in": 5_000}

    def _lengthen(self, token: str) -> object:
        if token not in self._tokens:
            raise Refused(190, 467, "Invalid OAuth access token", 400)
        manager_id, _ = self._tokens[token]
        for page_id in self.managers[manager_id].opens:  # a page whose token is dead gets another one
            page = self.graph.pages[page_id]
            if page.token_error is not None:
                page.token, page.token_error = f"EAAsim{secrets.token_hex(24)}", None
        return {"access_token": self._mint(manager_id, is_long=True), "token_type": "bearer", "expires_in": LONG_S}

    def _mint(self, manager_id: str, *, is_long: bool) -> str:
        token = f"EAAuser{secrets.token_hex(24)}"
        self._tokens[token] = (manager_id, is_long)
        return token

    # ── What a person's token may ask

    def knows(self, token: str) -> bool:
        return token in self._tokens

    def for_person(self, request: web.Request, token: str, edge: str) -> object:
        manager_id, is_long = self._tokens[token]
        manager = self.managers[manager_id]
        proof = hmac.new(self.graph.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if request.query.get("appsecret_proof", "" if self.graph.needs_proof else proof) != proof:
            raise Refused(100, None, "Invalid appsecret_proof provided in the API argument")
        match edge:
            case "me":
                return {"id": manager.id}
            case "permissions":
                states = [(name, "granted" if name in manager.granted else "declined") for name in SCOPES]
                return {"data": [{"permission": name, "status": state} for name, state in states]}
            case "accounts":
                return self._accounts(request, manager, is_long=is_long)
        raise Refused(100, None, f"Unsupported request: {edge}")

    def _accounts(self, request: web.Request, manager: Manager, *, is_long: bool) -> object:
        if "pages_show_list" not in manager.granted:
            return {"data": []}
        after = int(request.query.get("after") or 0)
        size = min(int(request.query.get("limit") or 25), self.per_answer)
        shown = manager.opens[after : after + size]
        data = [self._account(page_id, manager, is_long=is_long) for page_id in shown]
        end = after + len(shown)
        paging: dict[str, Any] = {"cursors": {"before": str(after), "after": str(end)}}
        if end < len(manager.opens):
            paging["next"] = f"{self.graph.base}/v{self.graph.version}/me/accounts?access_token=SECRET&after={end}"
        return {"data": data, "paging": paging}

    def _account(self, page_id: str, manager: Manager, *, is_long: bool) -> dict[str, Any]:
        page = self.graph.pages[page_id]
        if is_long:  # only then the page's token does not end
            page.token_ends_at = 0
        tasks = list(manager.tasks.get(page_id, ALL_TASKS))
        return {"id": page.id, "name": page.name, "access_token": page.token, "tasks": tasks}
