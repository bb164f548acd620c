"""pymessenger's payload builders over omnibox's guarded client: no request leaves here without time-out or table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymessenger.bot import Bot
from pymessenger.utils import generate_appsecret_proof

from omnibox.connector import Answer, Http, Refusal, SendError
from omnibox_messenger.pace import Pace

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Access:
    """Where the Graph API is and who asks it."""

    base: str
    version: str
    page: str
    token: str = field(repr=False)
    app_secret: str = field(repr=False)


class AsyncBot(Bot):
    """One page with one token; every builder it inherits returns an awaitable, since all end in `send_raw`.

    The token goes into the Authorization header: pymessenger puts it into the query string, which proxies log.
    """

    def __init__(self, access: Access, http: Http, refusal: Refusal, pace: Pace | None = None) -> None:
        super().__init__(access.token, api_version=access.version, app_secret=access.app_secret)
        self.graph_url = f"{access.base.rstrip('/')}/v{access.version}"
        self.page = access.page
        self.http, self._means, self.pace = http, refusal, pace or Pace()
        self.telling = asyncio.Lock()  # a look at the connection and an admin may both tell what the page shows
        self._proof = generate_appsecret_proof(access.token, access.app_secret)

    def refusal(self, answer: Answer) -> SendError | None:
        """The error an answer means; what it says about the quota is heeded."""
        self.pace.hear(answer.headers)
        return self._means(answer)

    def __repr__(self) -> str:
        return f"AsyncBot({self.page})"

    @property
    def auth_args(self) -> dict[str, str]:
        """What goes into the query string: the proof that we know the app's secret, and not the token."""
        return {"appsecret_proof": self._proof}

    def send_raw(self, payload: Mapping[str, Any]) -> Awaitable[dict[str, Any]]:
        """Post to the Send API; `recipient` and `message` may be the JSON strings some builders make of them."""
        return self.post(f"{self.page}/messages", json=_plain(payload))

    async def post(
        self,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, str | tuple[str, bytes, str]] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        """The decoded answer; raises a `SendError`."""
        answer = await self.http.post(
            f"{self.graph_url}/{path}",
            json=json,
            form=form,
            headers=self._headers(),
            params=self.auth_args,
            refusal=self.refusal,
            timeout_s=timeout_s or TIMEOUT_S,
        )
        return _object(answer)

    async def get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The decoded answer; raises a `SendError`."""
        answer = await self.http.get(
            f"{self.graph_url}/{path}",
            headers=self._headers(),
            params={**params, **self.auth_args},
            refusal=self.refusal,
            timeout_s=TIMEOUT_S,
        )
        return _object(answer)

    async def get_as_app(self, app_id: str, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The decoded answer to a question that only the app itself may ask."""
        answer = await self.http.get(
            f"{self.graph_url}/{path}",
            headers={"Authorization": f"Bearer {app_id}|{self.app_secret}"},
            params=params,
            refusal=self.refusal,
            timeout_s=TIMEOUT_S,
        )
        return _object(answer)

    async def debug_token(self, app_id: str) -> dict[str, Any]:
        """What Meta knows of our token. The one call that has to name it in the query string."""
        return await self.get_as_app(app_id, "debug_token", {"input_token": self.access_token})

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def _object(answer: Any) -> dict[str, Any]:
    """Anything but an object is no answer of the Graph API; the caller misses its members then."""
    return answer if isinstance(answer, dict) else {}


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    nested = {name: payload.get(name) for name in ("recipient", "message")}
    return {**payload, **{name: json.loads(value) for name, value in nested.items() if isinstance(value, str)}}
