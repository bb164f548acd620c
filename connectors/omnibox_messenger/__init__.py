"""Facebook Messenger: messages to a Facebook page, and the page's answers."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from omnibox.connector import (
    AddressKind,
    BadSettings,
    Capabilities,
    Check,
    Choice,
    Consent,
    Context,
    Envelope,
    Field,
    FileLimits,
    Forged,
    Grant,
    Look,
    Outbound,
    Place,
    Profile,
    Request,
    Retry,
    Sent,
    Signal,
    Step,
    Upkept,
    Window,
)
from omnibox_messenger.explained import ERRORS
from omnibox_messenger.offering import OFFERS
from omnibox_messenger.rendering import GRAPH, MOST_TEXT, VERSION
from omnibox_messenger.setup.app import FIELDS as APP
from omnibox_messenger.setup.app import read_app
from omnibox_messenger.setup.welcome import FIELDS as WELCOME
from omnibox_messenger.setup.welcome import wanted

if TYPE_CHECKING:
    from omnibox_messenger.graph import AsyncBot
    from omnibox_messenger.pace import Pace

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
        offers=OFFERS,
        receipts=frozenset({"delivered", "read"}),
        windows=(
            Window(DAY_S - SAFETY_S, mode="response"),
            Window(
                7 * DAY_S - SAFETY_S,
                mode="human_agent",
                authors=frozenset({"agent"}),
                needs="human_agent",
                title="Human Agent",
            ),
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
        *APP,
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
        Field(
            "signals",
            kind="boolean",
            title="Show typing and seen",
            help="Customers see when somebody types an answer and when their message was read.",
            default=True,
        ),
        Field(
            "personas",
            kind="boolean",
            title="Show who answers",
            help="Customers see the name and picture of the agent, instead of the page's. "
            "Only for agents who have a picture in their profile.",
            default=False,
        ),
        *WELCOME,
        Field("granted_by", kind="consent", title="Facebook Login"),
    )
    errors = ERRORS
    steps = (
        Step(
            "Make a Meta app",
            "At developers.facebook.com make an app of the type Business; add Messenger and Facebook Login.",
        ),
        Step("Enter ID and secret", "Copy App ID and app secret from App settings → Basic into this form and save."),
        Step(
            "Allow the way back",
            "Under Facebook Login → Settings enter the redirect address that this page shows. Deauthorize callback: "
            "{hook_url}/withdrawn · Data deletion request: {hook_url}/erase.",
        ),
        Step(
            "Choose your pages",
            "Press Ask for consent, sign in at Facebook, and choose the pages. Or, without Facebook Login: generate a "
            "page access token under Messenger → Settings and add a channel here with the page's id and the token.",
        ),
        Step(
            "Switch on",
            "omnibox tells Meta where to call and subscribes the pages. Without an App ID do the first by hand under "
            "Messenger → Settings → Webhooks. Callback URL: {hook_url} · Verify token: {verify_token}.",
        ),
        Step("Check", "Press Check. When all is green, write to the page from another account."),
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._app_secret = str(context.setting("app_secret")).strip()
        self._verify_token = str(context.setting("verify_token"))
        self._app = read_app(context.settings)
        self._bots: dict[str, AsyncBot] = {}  # by page
        self._paces: dict[str, Pace] = {}  # by page, and they outlive a token
        for channel in context.channels:
            wanted(channel.settings)

    def verify(self, request: Request) -> None:
        """Raise `Forged` unless the body carries Meta's HMAC-SHA256; the old SHA-1 header counts for nothing."""
        kind, _, signature = request.header("x-hub-signature-256").partition("=")
        if kind != "sha256" or not request.signed_by(self._app_secret, signature):
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

    def parse(self, request: Request) -> Iterable[Envelope]:
        """One envelope per element of every entry, in their order; raises ValueError for a body of another shape."""
        from omnibox_messenger.envelopes import envelopes

        return envelopes(request.body, self._app.id)

    async def send(self, part: Outbound) -> Sent:
        from omnibox_messenger.sending import send

        return await send(self._context, self._bot(part.channel), part)

    async def look_up(self, part: Outbound) -> Sent | Literal["absent", "unknown"]:
        """Whether an uncertain part stands in the thread."""
        from omnibox_messenger.reading import look_up

        return await look_up(self._bot(part.channel), part)

    async def missed(self, channel: str, since: datetime) -> AsyncIterator[Sequence[Envelope]]:
        """What stands in the page's threads since then, for the time in which no webhook came."""
        from omnibox_messenger.history import missed

        async for found in missed(self._bot(channel), since):
            yield found

    async def signal(self, address: str, channel: str, signal: Signal) -> None:
        """Show the person that somebody types, or has read, where the page's settings want it."""
        from omnibox_messenger.sending import signal as tell

        if self._context.channel(channel).settings.get("signals", True):
            await tell(self._bot(channel), address, signal)

    async def profile(self, address: str, channel: str) -> Profile:
        """The person's name and picture, or a stopgap; raises `Temporary` where asking again may help."""
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
            async for found in checks.page_checks(bot, channel, self._app.id):
                yield found
        yield await checks.webhook_check(bot, self._context, self._app.id)

    @classmethod
    def consent(cls, settings: Mapping[str, Any]) -> Consent | None:
        """Facebook's login page; raises `BadSettings` naming the setting that is missing."""
        from omnibox_messenger.setup.login import consent_of

        return consent_of(settings)

    @classmethod
    def places(cls, settings: Mapping[str, Any], addresses: Sequence[str]) -> Iterator[Place]:
        """The pages, and the app: Meta calls one address for an app, that of the connection which said it last."""
        for page in addresses:
            yield Place(f"page {page}", f"The page {page}", address=page)
        if app := str(settings.get("app_id") or "").strip():
            yield Place(f"app {app}", f"The Meta app {app}", setting="app_id")

    async def redeem(self, code: str, redirect_url: str) -> Grant:
        from omnibox_messenger.setup.login import redeem

        return await redeem(self._context.http, self._app, code, redirect_url)

    async def choices(self, grant: Grant) -> Sequence[Choice]:
        """The pages that the person who signed in let us into."""
        from omnibox_messenger.setup.login import choices

        return await choices(self._context.http, self._app, grant)

    async def upkeep(self) -> Upkept:
        """What is wrong at Meta, after what can be set right was."""
        from omnibox_messenger.errors import refusal
        from omnibox_messenger.health.probing import Look as Probe

        meaning = refusal(self._context.log, self._context.connection)
        probe = Probe(self._context, self._app, self._bot, meaning, self._verify_token)
        return await probe.all(datetime.now(UTC).date())

    async def apply(self, address: str) -> None:
        """Tell Meta what the page shows before the first message."""
        from omnibox_messenger.setup import welcome

        await welcome.apply(self._context, self._bot(address), self._context.channel(address).settings)

    def withdrawn(self, request: Request) -> str:
        """Who removed the app; raises `Forged`."""
        from omnibox_messenger.setup.signed import read_person

        return read_person(request, self._app_secret)

    def erasure(self, request: Request) -> str:
        """Who wants their data deleted; raises `Forged`."""
        return self.withdrawn(request)

    def granted(self, settings: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        return str(settings.get("granted_by") or ""), ("page_access_token", "granted_by")

    def erasure_answer(self, status_url: str, code: str) -> Mapping[str, Any]:
        return {"url": status_url, "confirmation_code": code}

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
        from omnibox_messenger.pace import Pace

        context = self._context
        token = str(context.channel(page).settings.get("page_access_token") or "")
        if not token:
            raise BadSettings("paste the page access token of this page", "page_access_token")
        bot = self._bots.get(page)
        if bot is None or bot.access_token != token:
            access = Access(self._app.base, self._app.version, page, token, self._app_secret)
            pace = self._paces.setdefault(page, Pace())
            bot = self._bots[page] = AsyncBot(access, context.http, refusal(context.log, context.connection), pace)
        return bot
