"""An identity server on loopback (OAuth 2.0): consents, renews, revokes, and goes wrong in every way providers do.

identity = IdentityServer()
await identity.start()
identity.add_client("client", "secret", redirect_url)
identity.consents("help@shop.example")     # who answers the page from now on
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(slots=True)
class _Family:
    """All tokens that came of one consent. Using a refresh token twice ends them all (RFC 9700, 4.14.2)."""

    account: str
    refresh: str = ""
    access: str = ""
    is_revoked: bool = False
    spent: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Code:
    account: str
    redirect_url: str
    challenge: str


class IdentityServer:
    """Speaks plain HTTP on 127.0.0.1; `requests` holds the form of each request to the token endpoint."""

    def __init__(self) -> None:
        self.base = ""
        self.lifetime_s = 3600
        self.rotates = True  # whether a renewal brings another refresh token and voids the old one
        self.answers: list[tuple[int, dict[str, str], dict[str, str]]] = []  # status, JSON, headers: said first
        self.is_hanging = False
        self.requests: list[dict[str, str]] = []
        self.pages: list[dict[str, str]] = []  # the queries of the page that asks for consent
        self.interval_s = 5
        self._clients: dict[str, tuple[str, str]] = {}
        self._account = ""
        self._codes: dict[str, _Code] = {}
        self._devices: dict[str, tuple[str, str]] = {}  # device code: (what the person types, whose it became)
        self._families: list[_Family] = []
        self._number = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._asked = asyncio.Event()

    # ── What a test does

    def add_client(self, client_id: str, secret: str, redirect_url: str) -> None:
        self._clients[client_id] = secret, redirect_url

    def consents(self, account: str) -> None:
        """Who says yes on the page from now on; empty: nobody, the page answers no."""
        self._account = account.lower()

    def enter(self, user_code: str, account: str) -> None:
        """A person types the code and says yes; without an account, no."""
        device = next(device for device, (typed, _) in self._devices.items() if typed == user_code)
        self._devices[device] = user_code, account.lower() or "nobody"

    def accepts(self, user: str, token: str) -> bool:
        """Whether a mail server shall take this token for this user."""
        return any(
            family.account == user.lower() and family.access == token and token and not family.is_revoked
            for family in self._families
        )

    def spoil(self) -> None:
        """No access token given so far is good any more; refresh tokens are."""
        for family in self._families:
            family.access = ""

    def revoke(self) -> None:
        """The owner takes the consent back."""
        for family in self._families:
            family.is_revoked = True

    async def until_asked(self, count: int) -> None:
        """Wait until the token endpoint was asked `count` times."""
        while len(self.requests) < count:
            self._asked.clear()
            await self._asked.wait()

    # ── The server

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/authorize", self._page)
        app.router.add_post("/token", self._token)
        app.router.add_post("/device", self._device)
        app.router.add_get("/whose", self._whose)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def settings(self, client_id: str) -> dict[str, object]:
        """What an admin fills in to be led here."""
        return {
            "client_id": client_id,
            "client_secret": self._clients[client_id][0],
            "authorize_url": f"{self.base}/authorize",
            "token_url": f"{self.base}/token",
            "device_url": f"{self.base}/device",
        }

    async def _page(self, request: web.Request) -> web.Response:
        """Asks nobody: answers at once as it was told to."""
        query = dict(request.query)
        self.pages.append(query)
        known = self._clients.get(query.get("client_id", ""))
        if known is None or query.get("redirect_uri") != known[1] or query.get("response_type") != "code":
            return web.Response(status=400, text="no such client, or another redirect address")
        words = {"state": query.get("state", "")}
        if not self._account:
            words["error"] = "access_denied"
        elif query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            words["error"] = "invalid_request"
        else:
            code = words["code"] = f"code-{next(self._number)}"
            self._codes[code] = _Code(self._account, query["redirect_uri"], query["code_challenge"])
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(words)}"})

    async def _device(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl(await request.text()))
        if form.get("client_id") not in self._clients:
            return _error("invalid_client", 401)
        number = next(self._number)
        device, typed = f"device-{number}", f"ABCD-{number:04}"
        self._devices[device] = typed, ""
        answer = {"device_code": device, "user_code": typed, "verification_uri": f"{self.base}/type-it-here"}
        return web.json_response({**answer, "expires_in": 900, "interval": self.interval_s})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl(await request.text()))
        self.requests.append(form)
        self._asked.set()
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.answers:
            status, said, headers = self.answers.pop(0)
            return web.json_response(said, status=status, headers=headers)
        known = self._clients.get(form.get("client_id", ""))
        if known is None or known[0] != form.get("client_secret", ""):
            return _error("invalid_client", 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem(form)
            case "refresh_token":
                return self._refresh(form.get("refresh_token", ""))
            case kind if kind == DEVICE_GRANT:
                return self._redeem_device(form.get("device_code", ""))
        return _error("unsupported_grant_type")

    def _redeem(self, form: dict[str, str]) -> web.Response:
        code = self._codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            code is None
            or code.redirect_url != form.get("redirect_uri")
            or proof.decode().rstrip("=") != code.challenge
        ):
            return _error("invalid_grant")
        return self._begin(code.account)

    def _redeem_device(self, device: str) -> web.Response:
        if device not in self._devices:
            return _error("expired_token")
        _, account = self._devices[device]
        if not account:
            return _error("authorization_pending")
        del self._devices[device]
        return _error("access_denied") if account == "nobody" else self._begin(account)

    def _begin(self, account: str) -> web.Response:
        family = _Family(account)
        self._families.append(family)
        return self._give(family)

    def _refresh(self, refresh: str) -> web.Response:
        for family in self._families:
            if refresh in family.spent:
                family.is_revoked = True
            elif refresh == family.refresh and not family.is_revoked:
                if self.rotates:
                    family.spent.add(refresh)
                    family.refresh = ""
                return self._give(family)
        return _error("invalid_grant")

    def _give(self, family: _Family) -> web.Response:
        number = next(self._number)
        answer: dict[str, object] = {"token_type": "Bearer", "expires_in": self.lifetime_s}
        answer["access_token"] = family.access = f"access-{number}"
        if not family.refresh:
            answer["refresh_token"] = family.refresh = f"refresh-{number}"
        return web.json_response(answer)

    async def _whose(self, request: web.Request) -> web.Response:
        """Whose a token is: what a mail server asks before it lets somebody in."""
        token = request.query.get("access_token") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        for family in self._families:
            if token and token == family.access and not family.is_revoked:
                return web.json_response({"email": family.account, "active": True})
        return _error("invalid_token", 401)


def _error(code: str, status: int = 400) -> web.Response:
    return web.json_response({"error": code, "error_description": "as the test wants it"}, status=status)
