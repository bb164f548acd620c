"""The daily look at a connection: asks Meta, sets right what may be set right without a person, says what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from omnibox.connector import (
    BadSettings,
    ChannelDown,
    ChannelSettings,
    Context,
    Problem,
    Refusal,
    SendError,
    Temporary,
    Uncertain,
    Upkept,
)
from omnibox_messenger.checks import ENDS, FIELDS, NOTICE
from omnibox_messenger.decoding import elements, flag, identifier, member, milliseconds, moment, text
from omnibox_messenger.graph import AsyncBot
from omnibox_messenger.setup import welcome
from omnibox_messenger.setup.app import App

TOKEN_NOTICE = timedelta(days=14)
HEARING = frozenset({"messages", "message_echoes", "messaging_postbacks"})  # without these something was missed
SENDING = ("pages_messaging",)


@dataclass(slots=True)
class Look:
    """One look at a connection and what has come of it so far."""

    context: Context
    app: App
    bot_of: Callable[[str], AsyncBot]
    refusal: Refusal
    verify_token: str
    problems: list[Problem] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    async def all(self, today: date) -> Upkept:
        """Every page, the app and the version. Where Meta does not answer, that part is unknown."""
        self._version(today)
        if self.app.id:
            await self._app()
        for channel in self.context.channels:
            await self._page(channel)
        return Upkept(tuple(self.problems), tuple(self.mended), tuple(self.unknown))

    def _say(self, code: str, address: str = "", *, is_down: bool = False, is_deaf: bool = False, **facts: str) -> None:
        self.problems.append(Problem(code, address, facts, is_down=is_down, is_deaf=is_deaf))

    # ── The app

    def _version(self, today: date) -> None:
        ends = ENDS.get(self.app.version)
        if ends is not None and ends - today <= NOTICE:
            code = "messenger.version_ended" if ends < today else "messenger.version_ends"
            self._say(code, version=self.app.version, ends=str(ends))

    async def _app(self) -> None:
        try:
            await self._webhook()
            await self._mode()
        except (Temporary, Uncertain):
            self.unknown.append("")
        except SendError:
            self._say("messenger.app_refused")

    async def _webhook(self) -> None:
        """Meta calls this very address; where it calls none, or has stopped, it is told again."""
        asked = await self.app.get_as_app(self.context.http, f"{self.app.id}/subscriptions", self.refusal)
        pages = [found for found in elements(asked.get("data")) if member(found, "object") == "page"]
        ours = [found for found in pages if text(member(found, "callback_url")) == self.context.hook_url]
        if any(flag(member(found, "active")) for found in ours):
            return
        if pages and not ours:
            self._say("messenger.webhook_elsewhere", is_deaf=True)
            return
        form = {
            "object": "page",
            "callback_url": self.context.hook_url,
            "verify_token": self.verify_token,
            "fields": ",".join(FIELDS),
        }
        try:
            await self.app.post_as_app(self.context.http, f"{self.app.id}/subscriptions", self.refusal, form)
        except (Temporary, Uncertain):
            raise
        except SendError:
            self._say("messenger.webhook_lost", is_deaf=True)
        else:
            self.context.log.info("the webhook was registered again", connection=self.context.connection)
            self.mended.extend(channel.address for channel in self.context.channels)

    async def _mode(self) -> None:
        """An app that Meta has not approved reaches only people with a role in it."""
        try:
            answer = await self.app.get_as_app(self.context.http, f"{self.app.id}/permissions", self.refusal)
        except SendError:
            return  # not every app is told; what it means for a reply its own error says
        states = {
            text(member(each, "permission")): text(member(each, "status")) for each in elements(answer.get("data"))
        }
        if states and any(states.get(name) != "live" for name in SENDING):
            self._say("messenger.app_in_development")

    # ── A page

    async def _page(self, channel: ChannelSettings) -> None:
        try:
            bot = self.bot_of(channel.address)
        except BadSettings:
            code = "consent_needed" if self.app.id else "messenger.token_dead"
            self.problems.append(Problem(code, channel.address, is_down=True))
            return
        before = len(self.problems)
        try:
            await bot.pace.turn("other", is_urgent=False)
            if await self._token(bot, channel.address):
                await self._subscription(bot, channel.address)
                await self._welcome(bot, channel)
        except (Temporary, Uncertain):
            del self.problems[before:]
            self.unknown.append(channel.address)
        except SendError as error:
            self.problems.append(Problem(error.code, channel.address, is_down=isinstance(error, ChannelDown)))

    async def _token(self, bot: AsyncBot, address: str) -> bool:
        """Whether the token is this page's and may send."""
        found = await bot.get("me", {"fields": "id"})
        if identifier(found.get("id")) != address:
            self._say("messenger.token_other_page", address, is_down=True)
            return False
        return await self._grants(bot, address) if self.app.id else True

    async def _grants(self, bot: AsyncBot, address: str) -> bool:
        """What Meta tells the app's owner of the token."""
        asked = {"input_token": bot.access_token}
        answer = await self.app.get_as_app(self.context.http, "debug_token", self.refusal, asked)
        facts = member(answer, "data")
        if not flag(member(facts, "is_valid")):
            self._say("messenger.token_dead", address, is_down=True)
            return False
        if identifier(member(facts, "app_id")) != self.app.id:
            self._say("messenger.token_other_app", address, is_deaf=True)
            return False
        scopes = {text(scope) for scope in elements(member(facts, "scopes"))}
        missing = [name for name in SENDING if name not in scopes]
        if missing:
            self._say("messenger.permission_missing", address, is_down=True, missing=", ".join(missing))
            return False
        ends_ms = milliseconds(member(facts, "expires_at"))  # 0: never
        if ends_ms and moment(ends_ms) - datetime.now(UTC) < TOKEN_NOTICE:
            self._say("messenger.token_ends", address, ends=str(moment(ends_ms).date()))
        return True

    async def _subscription(self, bot: AsyncBot, address: str) -> None:
        """The page hands its events to the app; where it does not, it is subscribed again."""
        have = await self._subscribed(bot)
        if have >= set(FIELDS):
            return
        refused = ""
        try:
            await bot.post(f"{bot.page}/subscribed_apps", json={"subscribed_fields": ",".join(FIELDS)})
        except (Temporary, Uncertain):
            raise
        except SendError as error:
            refused = error.code
        missing = sorted(set(FIELDS) - await self._subscribed(bot))
        if missing:
            is_deaf = not HEARING.isdisjoint(missing)
            code = "messenger.subscription_lost" if is_deaf else "messenger.subscription_partial"
            self._say(code, address, is_deaf=is_deaf, missing=", ".join(missing))
            return
        self.context.log.info(
            "a page was subscribed again", connection=self.context.connection, page=address, before=refused
        )
        if not have >= HEARING:
            self.mended.append(address)

    async def _subscribed(self, bot: AsyncBot) -> set[str]:
        answer = await bot.get(f"{bot.page}/subscribed_apps", {"fields": "id,subscribed_fields"})
        apps = elements(answer.get("data"))
        ours = [app for app in apps if not self.app.id or identifier(member(app, "id")) == self.app.id]
        return {text(name) or "" for app in ours for name in elements(member(app, "subscribed_fields"))}

    async def _welcome(self, bot: AsyncBot, channel: ChannelSettings) -> None:
        try:
            await welcome.apply(self.context, bot, channel.settings)
        except BadSettings as error:
            self._say("messenger.welcome_refused", channel.address, setting=error.field)
