"""An owner's consent through the doors that a browser uses, for a connector nobody has heard of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from tests.test_registry import point
from tests.web.conftest import OpenHouse
from tests.web.house import Answer, Browser, House

from omnibox.connector import BadSettings, Capabilities, ChannelDown, Consent, Context, Field, Outbound, Sent, Tokens
from omnibox.inbox import channels
from omnibox.registry import load_connector
from omnibox.store import tables as t
from omnibox.testing.identity import IdentityServer

CLIENT = "omnibox-client"
ACCOUNT = "help@shop.example"
SECRET = "s3cret-canary"


class Lantern:
    """A platform that lets nobody in without the owner's consent."""

    name = "lantern"
    capabilities = Capabilities()
    settings = (
        Field("owner", title="Whose", required=True),
        Field("client_id", title="Client", required=True),
        Field("client_secret", kind="secret", title="Secret"),
        Field("base", title="Where", required=True),
        Field("has_device", kind="boolean", title="Devices", default=True),
        Field("flame", kind="consent", title="Consent"),
    )
    channel_settings = ()
    made: list[Lantern] = []  # noqa: RUF012 # for the tests

    def __init__(self, context: Context) -> None:
        consent = self.consent(context.settings)
        assert consent
        self.tokens = Tokens(context, consent)
        self.made.append(self)

    @classmethod
    def consent(cls, settings: Mapping[str, Any]) -> Consent | None:
        if settings.get("owner") == "nobody":
            return None
        for name in ("owner", "client_id", "base"):
            if not settings.get(name):
                raise BadSettings(f"the setting {name} is missing", name)
        base = settings["base"]
        return Consent(
            setting="flame",
            authorize_url=f"{base}/authorize?prompt=consent",
            token_url=f"{base}/token",
            device_url=f"{base}/device" if settings.get("has_device") else "",
            client_id=settings["client_id"],
            client_secret=settings.get("client_secret") or "",
            scopes=("light", "offline_access"),
            extra={"login_hint": settings["owner"]},
        )

    async def send(self, part: Outbound) -> Sent:
        await self.tokens.current()
        return Sent("1")


@dataclass(slots=True)
class Stage:
    house: House
    admin: Browser
    identity: IdentityServer
    id: int

    async def shown(self) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self.admin.get(f"/api/connections/{self.id}")).json)

    async def ask(self, browser: Browser | None = None) -> str:
        """Where the browser is sent to."""
        answer = await (browser or self.admin).post(f"/api/connections/{self.id}/consent", {})
        assert answer.status == 200, answer.body
        return str(answer.json["url"])

    async def follow(self, url: str) -> str:
        """What the provider's page sends back, as a path of ours."""
        import aiohttp

        async with aiohttp.ClientSession() as other, other.get(url, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            parts = urlsplit(answer.headers["Location"])
            return f"{parts.path}?{parts.query}"

    async def consent(self) -> Answer:
        return await self.admin.get(await self.follow(await self.ask()))

    def connector(self) -> Lantern:
        live = self.house.hub.connections.find(self.id)
        assert live
        return cast("Lantern", live.connector)


@pytest.fixture
async def stage(build_house: OpenHouse) -> AsyncIterator[Stage]:
    house = await build_house(outbound_allow=("127.0.0.1",))
    house.hub.connections.registry = {
        **house.hub.connections.registry,
        "lantern": load_connector(point(Lantern, "lantern")),
    }
    admin = await house.browser("admin")
    identity = IdentityServer()
    await identity.start()
    settings = {"owner": ACCOUNT, "client_id": CLIENT, "client_secret": SECRET, "base": identity.base}
    answer = await admin.post("/api/connections", {"connector": "lantern", "name": "L", "settings": settings})
    assert answer.status == 201, answer.body
    made = answer.json
    identity.add_client(CLIENT, SECRET, made["consent"]["redirect_url"])
    identity.consents(ACCOUNT)
    assert (await admin.post(f"/api/connections/{made['id']}/channels", {"name": "L", "address": "l"})).status == 201
    yield Stage(house, admin, identity, made["id"])
    await identity.stop()


def outcome(answer: Answer) -> tuple[str, str]:
    """The page it leads to, and with which word."""
    assert answer.status == 302, answer.body
    parts = urlsplit(answer.headers["Location"])
    return parts.path, parse_qs(parts.query)["consent"][0]


async def test_consent_given_on_the_providers_page_lets_the_connection_in(stage: Stage) -> None:
    before = (await stage.shown())["consent"]
    assert (before["is_given"], before["is_needed"], before["has_device"]) == (False, False, True)
    assert (before["has_choices"], before["missing"]) == (False, None)
    assert urlsplit(before["redirect_url"]).path == "/consent/return"  # which names no channel
    given = await stage.consent()
    assert outcome(given) == (f"/inbox/settings/channels/{stage.id}", "given")
    assert given.headers["Referrer-Policy"] == "no-referrer"
    assert (await stage.shown())["consent"]["is_given"] is True
    assert stage.identity.accepts(ACCOUNT, await stage.connector().tokens.current())
    page = stage.identity.pages[0]
    assert page["scope"] == "light offline_access"
    assert page["login_hint"] == ACCOUNT
    assert page["code_challenge_method"] == "S256"
    assert stage.identity.requests[0]["code_verifier"] not in str(page)


async def test_tokens_lie_encrypted_and_never_leave_by_the_api(stage: Stage) -> None:
    await stage.consent()
    shown = await stage.shown()
    assert "flame" not in shown["settings"]
    assert "flame" in shown["secrets_set"]
    rows = await stage.house.store.read(
        lambda tx: [str(row) for table in (t.connection, t.memory) for row in tx.execute(sa.select(table))]
    )
    told = " ".join([*rows, str(shown)])
    for secret in ("access-", "refresh-", SECRET, stage.identity.requests[0]["code_verifier"]):
        assert secret not in told


async def test_a_state_serves_once(stage: Stage) -> None:
    back = await stage.follow(await stage.ask())
    assert outcome(await stage.admin.get(back))[1] == "given"
    assert outcome(await stage.admin.get(back)) == ("/inbox/settings/channels", "unknown")
    assert len(stage.identity.requests) == 1


async def test_an_answer_counts_only_in_the_session_that_asked(stage: Stage) -> None:
    back = await stage.follow(await stage.ask())
    for who, wanted in (("anonymous", "signed_out"), ("agent", "signed_out"), ("admin2", "unknown")):
        browser = await stage.house.browser(who)
        assert outcome(await browser.get(back)) == ("/inbox/settings/channels", wanted), who
    assert (await stage.shown())["consent"]["is_given"] is False
    assert stage.identity.requests == []


@pytest.mark.parametrize("query", ["", "?state=", "?state=made-up&code=code-1", "?state=" + "x" * 5000, "?code=code-1"])
async def test_an_answer_that_nobody_asked_for_changes_nothing(stage: Stage, query: str) -> None:
    assert outcome(await stage.admin.get(f"/consent/return{query}")) == ("/inbox/settings/channels", "unknown")
    assert stage.identity.requests == []


async def test_a_question_is_open_for_a_quarter_of_an_hour(stage: Stage) -> None:
    back = await stage.follow(await stage.ask())
    stage.house.clock.advance(minutes=16)
    assert outcome(await stage.admin.get(back))[1] == "unknown"


async def test_an_owner_who_says_no_is_shown_as_that(stage: Stage) -> None:
    stage.identity.consents("")
    assert outcome(await stage.consent()) == (f"/inbox/settings/channels/{stage.id}", "declined")


@pytest.mark.parametrize(
    ("status", "said", "word"),
    [
        (503, {}, "consent_unavailable"),
        (401, {"error": "invalid_client"}, "consent_client_refused"),
        (400, {"error": "invalid_grant"}, "unknown"),
    ],
)
async def test_a_code_that_cannot_be_redeemed_says_why(
    stage: Stage, status: int, said: dict[str, str], word: str
) -> None:
    stage.identity.answers = [(status, said, {})]
    assert outcome(await stage.consent()) == (f"/inbox/settings/channels/{stage.id}", word)
    assert (await stage.shown())["consent"]["is_given"] is False


async def test_a_consent_that_does_not_last_is_refused(stage: Stage) -> None:
    stage.identity.answers = [(200, {"access_token": "only-this"}, {})]
    assert outcome(await stage.consent())[1] == "not_lasting"


async def test_a_connection_that_waits_for_consent_runs_again_when_it_is_given(stage: Stage) -> None:
    await stage.consent()
    assert (await stage.admin.post(f"/api/connections/{stage.id}/enable")).status == 200
    stage.identity.revoke()
    down = ChannelDown("consent_needed", resumes=False)
    await stage.house.store.write(lambda tx: channels.note_fault(tx, stage.id, down))
    paused = await stage.shown()
    assert (paused["state"], paused["health"]["code"]) == ("paused", "consent_needed")
    assert "consent" in paused["health"]["why"]
    await stage.consent()
    healed = await stage.shown()
    assert (healed["state"], healed["health"]["code"]) == ("active", None)
    assert stage.identity.accepts(ACCOUNT, await stage.connector().tokens.current())


async def test_settings_that_mean_another_account_void_the_consent(stage: Stage) -> None:
    await stage.consent()
    await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"owner": "other@shop.example"}})
    assert (await stage.shown())["consent"]["is_given"] is False


async def test_what_is_missing_is_named_before_anybody_is_asked(stage: Stage) -> None:
    await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"client_id": None}})
    assert (await stage.shown())["consent"]["missing"] == "client_id"
    refused = await stage.admin.post(f"/api/connections/{stage.id}/consent", {})
    assert refused.status == 422
    assert refused.json["error"]["fields"][0]["path"] == "settings.client_id"


async def test_a_connection_that_needs_no_consent_offers_none(stage: Stage) -> None:
    await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"owner": "nobody"}})
    assert (await stage.shown())["consent"] is None
    assert (await stage.admin.post(f"/api/connections/{stage.id}/consent", {})).status == 409


async def test_nobody_types_a_grant_but_it_can_be_dropped(stage: Stage) -> None:
    typed = await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"flame": "{}"}})
    assert typed.status == 422
    await stage.consent()
    await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"flame": None}})
    assert (await stage.shown())["consent"]["is_given"] is False


async def test_another_page_cannot_ask_in_our_name(stage: Stage) -> None:
    refused = await stage.admin.post(
        f"/api/connections/{stage.id}/consent", {}, headers={"Origin": "https://evil.example"}
    )
    assert refused.status == 403


async def test_a_change_builds_a_connector_once_even_where_who_watches_is_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections, write = stage.house.hub.connections, stage.house.store.write

    async def watched(item: Any) -> Any:
        written = await write(item)
        await connections._catch_up()
        return written

    monkeypatch.setattr(type(stage.house.store), "write", lambda _, item: watched(item))
    for act in ("enable", "disable", "enable"):
        Lantern.made.clear()
        assert (await stage.admin.post(f"/api/connections/{stage.id}/{act}")).status == 200
        assert len(Lantern.made) == (act == "enable")  # each one more would be one more login


# ── By a code


async def test_a_code_typed_elsewhere_lets_the_connection_in(stage: Stage) -> None:
    path = f"/api/connections/{stage.id}/consent/device"
    code = (await stage.admin.post(path, {})).json
    assert code["user_code"]
    assert code["url"].startswith(stage.identity.base)
    assert (await stage.admin.post(f"{path}/answer", {})).json == {"is_given": False}
    asked = len(stage.identity.requests)
    for _ in range(5):  # a page that asks too often asks nobody
        assert (await stage.admin.post(f"{path}/answer", {})).json == {"is_given": False}
    assert len(stage.identity.requests) == asked == 1
    stage.identity.enter(code["user_code"], ACCOUNT)
    stage.house.clock.advance(seconds=6)
    assert (await stage.admin.post(f"{path}/answer", {})).json == {"is_given": True}
    assert (await stage.shown())["consent"]["is_given"] is True
    assert (await stage.admin.post(f"{path}/answer", {})).status == 409  # there is nothing to wait for any more


async def test_a_code_that_is_declined_is_shown_as_that(stage: Stage) -> None:
    path = f"/api/connections/{stage.id}/consent/device"
    code = (await stage.admin.post(path, {})).json
    stage.identity.enter(code["user_code"], "")
    declined = await stage.admin.post(f"{path}/answer", {})
    assert declined.status == 409
    assert "not given" in declined.json["error"]["message"]


async def test_a_colleague_waits_for_no_code_of_ours(stage: Stage) -> None:
    path = f"/api/connections/{stage.id}/consent/device"
    code = (await stage.admin.post(path, {})).json
    stage.identity.enter(code["user_code"], ACCOUNT)
    other = await stage.house.browser("admin2")
    assert (await other.post(f"{path}/answer", {})).status == 409


async def test_a_provider_without_a_way_for_devices_offers_no_code(stage: Stage) -> None:
    await stage.admin.patch(f"/api/connections/{stage.id}", {"settings": {"has_device": False}})
    assert (await stage.shown())["consent"]["has_device"] is False
    assert (await stage.admin.post(f"/api/connections/{stage.id}/consent/device", {})).status == 409


async def test_an_identity_server_that_is_down_is_told_to_the_admin(stage: Stage) -> None:
    await stage.identity.stop()
    answer = await stage.admin.post(f"/api/connections/{stage.id}/consent/device", {})
    assert (answer.status, answer.code) == (502, "consent_unavailable")
