"""Facebook Messenger: messages to a Facebook page, and the page's answers."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from omnibox.connector import (
    AddressKind,
    BadSettings,
    Capabilities,
    Check,
    Context,
    Envelope,
    Field,
    FileLimits,
    Forged,
    Look,
    Outbound,
    Profile,
    Request,
    Retry,
    Sent,
    Step,
    Window,
)
from omnibox_messenger.explained import ERRORS
from omnibox_messenger.rendering import GRAPH, MOST_TEXT, VERSION

if TYPE_CHECKING:
    from omnibox_messenger.graph import AsyncBot

DAY_S = 24 * 3600
SAFETY_S = 5 * 60  # Meta's clock decides, ours only guesses


class Messenger:
    name = "messenger"
    look = Look(
        title="Messenger",
        light="#0866FF",
        dark="#4C9BFF",
        noun="Messenger message",
        summary="Messages to a Facebook page",
    )
    capabilities = Capabilities(
        address=AddressKind("psid"),
        max_text=MOST_TEXT,
        files=FileLimits(bytes=25 * 1024 * 1024),
        receipts=frozenset({"delivered", "read"}),
        windows=(
            Window(DAY_S - SAFETY_S, mode="response"),
            Window(7 * DAY_S - SAFETY_S, mode="human_agent", authors=frozenset({"agent"}), needs="human_agent"),
        ),
        retry=Retry(waits=(2, 8, 30, 120, 300), most=6),
        threads_by="contact",
        dedupe_scope="channel",
        marks_leaving=True,
        max_body=4 << 20,  # Meta batches up to 1,000 events in one call
        send_timeout_s=150,  # two uploads of 60 s and a send
    )
    settings = (
        Field(
            "app_secret",
            kind="secret",
            title="App secret",
            help="App settings → Basic → App secret. It proves that a call comes from Meta.",
            required=True,
        ),
        Field(
            "verify_token",  # shown, since it has to be copied; it only answers one question of Meta's
            title="Verify token",
            help="Copy it into the webhook form of the Meta app.",
            required=True,
            makes="token",
        ),
        Field(
            "app_id",
            title="App ID",
            help="Optional. With it the check can see the webhook's state and when a token ends.",
            placeholder="1234567890123456",
        ),
        Field(
            "graph_version",
            title="Graph version",
            help="The version of Meta's Graph API, without the v.",
            default=VERSION,
            group="advanced",
        ),
        Field(
            "graph_base",
            kind="url",
            title="Graph address",
            help="Where the Graph API is.",
            default=GRAPH,
            group="advanced",
        ),
    )
    channel_settings = (
        Field(
            "page_access_token",
            kind="secret",
            title="Page access token",
            help="Messenger → Settings → Access tokens → Generate, for this page.",
            required=True,
        ),
        Field(
            "human_agent",
            kind="boolean",
            title="Human Agent is approved",
            help="Lets people, never machines, answer up to 7 days after the customer's last message. "
            "Only switch it on once Meta has approved Human Agent for the app.",
            default=False,
        ),
    )
    errors = ERRORS
    steps = (
        Step("Make a Meta app", "At developers.facebook.com make an app of the type Business and add Messenger to it."),
        Step("Enter the app secret", "Copy it from App settings → Basic → App secret into this form and save."),
        Step(
            "Connect the webhook",
            "In the app open Messenger → Settings → Webhooks. Callback URL: {hook_url} · Verify token: {verify_token}.",
        ),
        Step("Add your page", "Under Access tokens add the page and generate its token. Add a channel here with both."),
        Step(
            "Subscribe the page",
            "Under Webhooks add subscriptions for the page and select every field that the check names as missing.",
        ),
        Step("Check", "Press Check. When all is green, write to the page from another account."),
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._app_secret = str(context.setting("app_secret")).strip()
        self._verify_token = str(context.setting("verify_token"))
        self._app_id = str(context.settings.get("app_id") or "").strip()
        self._version = str(context.settings.get("graph_version") or VERSION).strip().removeprefix("v")
        self._base = str(context.settings.get("graph_base") or GRAPH).strip().rstrip("/")
        self._bots: dict[str, AsyncBot] = {}  # by page
        if not re.fullmatch(r"[0-9]{1,3}\.[0-9]", self._version):
            raise BadSettings("write the version as Meta does, for example 26.0", "graph_version")
        if not re.fullmatch(r"https?://[^\s/?#@]+", self._base):
            raise BadSettings("write the address as https://host, without a path", "graph_base")
        if self._app_id and not re.fullmatch(r"[0-9]{1,30}", self._app_id):
            raise BadSettings("the App ID consists of digits; copy it from App settings → Basic", "app_id")

    def verify(self, request: Request) -> None:
        """Raise `Forged` unless the body carries Meta's HMAC-SHA256; the old SHA-1 header counts for nothing."""
        found = re.fullmatch(r"sha256=([0-9a-f]{64})", request.header("x-hub-signature-256"))
        if found is None or not request.signed_by(self._app_secret, found[1]):
            raise Forged("x-hub-signature-256 does not match the body")

    def challenge(self, request: Request) -> str:
        """The digits Meta wants back; raises `Forged`."""
        asked = request.query
        given = asked.get("hub.verify_token", "").encode(errors="replace")
        is_known = hmac.compare_digest(given, self._verify_token.encode())
        answer = asked.get("hub.challenge", "")
        if not is_known or asked.get("hub.mode") != "subscribe" or not re.fullmatch(r"[0-9]{1,64}", answer):
            raise Forged("the verify token does not match")
        return answer

    def parse(self, request: Request) -> Iterator[Envelope]:
        """One envelope per element of every entry, in their order; raises ValueError for a body of another shape."""
        from omnibox_messenger.envelopes import envelopes

        return envelopes(request.body, self._app_id)

    async def send(self, part: Outbound) -> Sent:
        from omnibox_messenger.sending import send

        return await send(self._context, self._bot(part.channel), part)

    async def look_up(self, part: Outbound) -> Sent | Literal["absent", "unknown"]:
        """Whether an uncertain part stands in the thread."""
        from omnibox_messenger.reading import look_up

        return await look_up(self._bot(part.channel), part)

    async def profile(self, address: str, channel: str) -> Profile | None:
        """The person's name, if Meta tells it; raises `Temporary` where asking again may help."""
        from omnibox_messenger.reading import profile

        return await profile(self._bot(channel), address)

    async def check(self) -> AsyncIterator[Check]:
        """What is right and what is missing, page by page."""
        from omnibox_messenger import checks

        for found in checks.settings_checks(self._context):
            yield found
        yield checks.channels_check(self._context.channels)
        bot: AsyncBot | None = None
        for channel in self._context.channels:
            try:
                bot = self._bot(channel.address)
            except BadSettings as error:
                yield checks.wrong(f"Page access token of {channel.address}", "It is missing.", str(error))
                continue
            async for found in checks.page_checks(bot, channel, self._app_id):
                yield found
        yield await checks.webhook_check(bot, self._context, self._app_id)

    @classmethod
    def normalize(cls, raw: bytes, account: str | None) -> Iterator[Mapping[str, Any]]:
        """The lines of `omnibox normalize`; raises ValueError(`empty`, `invalid` or `unsupported`)."""
        from omnibox_messenger.offline import lines

        return lines(raw, account)

    @classmethod
    def render(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The requests of `omnibox render`; raises ValueError(`empty` or `unsupported`)."""
        from omnibox_messenger.rendering import render

        return render(item)

    def _bot(self, page: str) -> AsyncBot:
        """The page's client; a new token makes a new one, since the old one keeps its proof."""
        from omnibox_messenger.errors import refusal
        from omnibox_messenger.graph import Access, AsyncBot

        context = self._context
        token = str(context.channel(page).settings.get("page_access_token") or "")
        if not token:
            raise BadSettings("paste the page access token of this page", "page_access_token")
        bot = self._bots.get(page)
        if bot is None or bot.access_token != token:
            access = Access(self._base, self._version, page, token, self._app_secret)
            bot = self._bots[page] = AsyncBot(access, context.http, refusal(context.log, context.connection))
        return bot
