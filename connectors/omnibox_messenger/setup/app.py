"""The Meta app of a connection: its settings, read and checked, and the calls that go without a page's token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnibox.connector import BadSettings, Field, Http, Refusal
from omnibox_messenger.rendering import GRAPH, VERSION

LOGIN = "https://www.facebook.com"
TIMEOUT_S = 15.0

FIELDS = (
    Field(
        "app_id",
        title="App ID",
        help="App settings → Basic → App ID. Needed for Facebook Login; with it the check sees the webhook's state and "
        "when a token ends.",
        placeholder="1234567890123456",
    ),
    Field(
        "login_config",
        title="Login configuration",
        help="Only with Facebook Login for Business: the ID of the configuration that names the permissions.",
        group="advanced",
    ),
    Field(
        "login_base",
        kind="url",
        title="Login address",
        help="Where Facebook's login page is.",
        default=LOGIN,
        group="advanced",
    ),
    Field("login", kind="consent", title="Facebook Login"),
)


@dataclass(frozen=True, slots=True)
class App:
    """`id` is empty where the admin did not give it: then only page tokens can ask."""

    id: str
    secret: str = field(repr=False)
    version: str = VERSION
    base: str = GRAPH
    login_base: str = LOGIN
    login_config: str = ""

    @property
    def graph_url(self) -> str:
        return f"{self.base}/v{self.version}"

    @property
    def token(self) -> str:
        return f"{self.id}|{self.secret}"

    def proof(self, token: str) -> str:
        """Shows Meta that who uses the token knows the app's secret."""
        return hmac.new(self.secret.encode(), token.encode(), "sha256").hexdigest()

    async def get(
        self, http: Http, path: str, token: str, refusal: Refusal, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The decoded answer to a person's token; raises a `SendError`."""
        answer = await http.get(
            f"{self.graph_url}/{path}",
            headers={"Authorization": f"Bearer {token}"},
            params={**(params or {}), "appsecret_proof": self.proof(token)},
            refusal=refusal,
            timeout_s=TIMEOUT_S,
        )
        return answer if isinstance(answer, dict) else {}

    async def get_as_app(
        self, http: Http, path: str, refusal: Refusal, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The decoded answer to a question that only the app itself may ask; raises a `SendError`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.graph_url}/{path}"
        answer = await http.get(url, headers=headers, params=params, refusal=refusal, timeout_s=TIMEOUT_S)
        return answer if isinstance(answer, dict) else {}

    async def post_as_app(self, http: Http, path: str, refusal: Refusal, form: Mapping[str, str]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.graph_url}/{path}"
        answer = await http.post(url, form=form, headers=headers, refusal=refusal, timeout_s=TIMEOUT_S)
        return answer if isinstance(answer, dict) else {}


def read_app(settings: Mapping[str, Any]) -> App:
    """The app as the settings say; raises `BadSettings` naming the one that cannot be right."""
    version = _word(settings, "graph_version", VERSION).removeprefix("v")
    if not re.fullmatch(r"[0-9]{1,3}\.[0-9]", version):
        raise BadSettings("write the version as Meta does, for example 26.0", "graph_version")
    app_id = _word(settings, "app_id")
    if app_id and not re.fullmatch(r"[0-9]{1,30}", app_id):
        raise BadSettings("the App ID consists of digits; copy it from App settings → Basic", "app_id")
    config = _word(settings, "login_config")
    if config and not re.fullmatch(r"[0-9]{1,30}", config):
        raise BadSettings("the ID of a login configuration consists of digits", "login_config")
    base, login_base = (
        _address(settings, name, known) for name, known in (("graph_base", GRAPH), ("login_base", LOGIN))
    )
    return App(app_id, _word(settings, "app_secret"), version, base, login_base, config)


def _word(settings: Mapping[str, Any], name: str, default: str = "") -> str:
    return str(settings.get(name) or default).strip()


def _address(settings: Mapping[str, Any], name: str, default: str) -> str:
    address = _word(settings, name, default).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+", address):
        raise BadSettings("write the address as https://host, without a path", name)
    return address
