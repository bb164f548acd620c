"""Logging in by an owner's consent: tokens renewed ahead, rotated, refused, revoked, on both servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.connectors.email.conftest import Dovecot, dovecot_by_token
from tests.connectors.email.doubles import (
    ADDRESS,
    QuickEmail,
    Shelf,
    mail,
    outcome,
    part,
    running,
)

from omnibox.connector import BadSettings, ChannelDown, ChannelSettings, Consent, Temporary, Tokens
from omnibox.connector import consent as grants
from omnibox.connector.consent import Grant, read_grant
from omnibox.testing.context import KitContext
from omnibox.testing.identity import IdentityServer
from omnibox.testing.world.mail import MailHouse

CLIENT = "omnibox-client"
REDIRECT = "http://127.0.0.1:9/consent/return"
VERIFIER = "v" * 43


class Waits(KitContext):
    """Saves secrets so that `stored_setting` finds them; `fails` refuses to, as a store that is down."""

    fails = False

    async def save_secret(self, name: str, value: str) -> None:
        if self.fails:
            raise RuntimeError("the store is away")
        await super().save_secret(name, value)


@pytest_asyncio.fixture
async def identity() -> AsyncIterator[IdentityServer]:
    identity = IdentityServer()
    await identity.start()
    identity.add_client(CLIENT, "s3cret-canary", REDIRECT)
    identity.consents(ADDRESS)
    try:
        async with asyncio.timeout(60):
            yield identity
    finally:
        await identity.stop()


@pytest_asyncio.fixture
async def context(house: MailHouse, identity: IdentityServer) -> AsyncIterator[Waits]:
    """The connection as an admin set it up, with the consent that the owner gave."""
    house.accepts_token = identity.accepts
    settings = {
        **house.settings(ADDRESS),
        **identity.settings(CLIENT),
        "imap_password": "",
        "login": "google",
        "idle_seconds": 1,
    }
    context = Waits(settings, [ChannelSettings(ADDRESS, "Shop")])
    consent = consent_of(context)
    context.saved["grant"] = (await granted(context, consent)).as_text(consent)
    context.settings._values["grant"] = context.saved["grant"]
    identity.requests.clear()
    yield context
    await context.close()


def consent_of(context: KitContext) -> Consent:
    consent = QuickEmail.consent(context.settings)
    assert consent is not None
    return consent


async def granted(context: KitContext, consent: Consent) -> Grant:
    """Walk through the provider's page as a browser does, and redeem the code."""
    import aiohttp

    url = grants.page_url(consent, REDIRECT, "the-state", VERIFIER)
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        assert answer.status == 302
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    return await grants.redeem(context.http, consent, code, VERIFIER, REDIRECT)


def age(context: KitContext, seconds: float) -> None:
    """Let the stored token be good for `seconds` more."""
    consent = consent_of(context)
    stored = read_grant(context.saved["grant"], consent)
    assert stored is not None
    older = replace(stored, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))
    context.saved["grant"] = context.settings._values["grant"] = older.as_text(consent)


# ── Tokens


async def test_a_token_that_holds_is_used_without_asking_anybody(context: Waits, identity: IdentityServer) -> None:
    tokens = Tokens(context, consent_of(context))
    first = await tokens.current()
    assert await tokens.current() == first
    assert identity.accepts(ADDRESS, first)
    assert identity.requests == []


async def test_a_token_is_renewed_minutes_before_its_end_and_once_for_all_who_ask(
    context: Waits, identity: IdentityServer
) -> None:
    age(context, 200)
    tokens = Tokens(context, consent_of(context))
    found = await asyncio.gather(*(tokens.current() for _ in range(20)))
    assert len(set(found)) == 1
    assert identity.accepts(ADDRESS, found[0])
    assert [form["grant_type"] for form in identity.requests] == ["refresh_token"]


async def test_a_rotated_refresh_token_is_kept_before_the_new_token_is_used(
    context: Waits, identity: IdentityServer
) -> None:
    age(context, -10)
    before = read_grant(context.saved["grant"], consent_of(context))
    context.fails = True
    tokens = Tokens(context, consent_of(context))
    with pytest.raises(RuntimeError):
        await tokens.current()
    context.fails = False
    await tokens.current()  # kept now; the provider is not asked a second time with the void one
    after = read_grant(context.saved["grant"], consent_of(context))
    assert before
    assert after
    assert after.refresh_token != before.refresh_token
    assert len(identity.requests) == 1
    age(context, -10)  # the next start goes on from what was kept
    assert identity.accepts(ADDRESS, await Tokens(context, consent_of(context)).current())


async def test_what_another_process_renewed_is_taken_over(context: Waits, identity: IdentityServer) -> None:
    age(context, -10)
    mine, other = (Tokens(context, consent_of(context)) for _ in range(2))
    theirs = await other.current()
    assert await mine.current() == theirs
    assert len(identity.requests) == 1


async def test_a_revoked_consent_is_told_apart_from_a_server_that_is_down(
    context: Waits, identity: IdentityServer
) -> None:
    age(context, -10)
    tokens = Tokens(context, consent_of(context))
    passing = [
        (500, {}),
        (503, {"error": "temporarily_unavailable"}),
        (429, {"error": "invalid_grant"}),
        (400, {"error": "something_new"}),
        (200, {"nothing": "here"}),
        (404, {}),
    ]
    for status, said in passing:
        identity.answers = [(status, said, {"Retry-After": "7"} if status == 503 else {})]
        with pytest.raises(Temporary) as caught:
            await tokens.current()
        assert caught.value.code == grants.UNAVAILABLE, (status, said)
        assert caught.value.retry_after == (7 if status == 503 else 0)
    for code, wanted in (("invalid_client", grants.REFUSED), ("invalid_grant", grants.NEEDED)):
        identity.answers = [(400, {"error": code}, {})]
        with pytest.raises(ChannelDown) as down:
            await tokens.current()
        assert (down.value.code, down.value.resumes) == (wanted, False)
    assert identity.accepts(ADDRESS, await tokens.current())  # none of it has spoilt what there is
    identity.revoke()
    age(context, -10)
    with pytest.raises(ChannelDown, match=grants.NEEDED):
        await Tokens(context, consent_of(context)).current()


async def test_a_token_server_that_is_down_costs_nothing_while_the_token_holds(
    context: Waits, identity: IdentityServer
) -> None:
    age(context, 120)
    identity.answers = [(500, {}, {})]
    tokens = Tokens(context, consent_of(context))
    assert identity.accepts(ADDRESS, await tokens.current())
    assert len(identity.requests) == 1


async def test_a_renewal_goes_on_when_who_waits_for_it_is_cancelled(context: Waits, identity: IdentityServer) -> None:
    age(context, -10)
    tokens = Tokens(context, consent_of(context))
    before = context.saved["grant"]
    waiting = asyncio.create_task(tokens.current())
    await identity.until_asked(1)
    waiting.cancel()
    await asyncio.wait([waiting])
    await tokens.close()
    assert context.saved["grant"] != before


async def test_a_grant_for_another_client_or_place_is_never_sent_there(
    context: Waits, identity: IdentityServer
) -> None:
    age(context, -10)
    moved = replace(consent_of(context), client_id="another")
    with pytest.raises(ChannelDown, match=grants.NEEDED):
        await Tokens(context, moved).current()
    assert identity.requests == []


async def test_refusals_do_not_make_it_renew_again_and_again(context: Waits, identity: IdentityServer) -> None:
    tokens = Tokens(context, consent_of(context))
    first = await tokens.current()
    second = await tokens.after_refusal(first)
    assert second not in (None, first)
    assert await tokens.after_refusal(second or "") is None
    assert await tokens.after_refusal(first) == second  # another line had used the old one
    assert len(identity.requests) == 1


async def test_no_secret_is_told(context: Waits, identity: IdentityServer) -> None:
    age(context, -10)
    identity.answers = [(400, {"error": "invalid_grant"}, {})]
    consent = consent_of(context)
    with pytest.raises(ChannelDown) as caught:
        await Tokens(context, consent).current()
    told = f"{caught.value!r} {consent!r} {read_grant(context.saved['grant'], consent)!r} {context.log.lines}"
    for secret in ("s3cret-canary", "refresh-", "access-"):
        assert secret not in told


# ── Codes for devices


async def test_a_code_for_devices_is_waited_for_and_redeemed(context: Waits, identity: IdentityServer) -> None:
    consent = consent_of(context)
    code = await grants.ask_device(context.http, consent)
    with pytest.raises(grants.Waiting):
        await grants.redeem_device(context.http, consent, code.code)
    identity.answers = [(400, {"error": "slow_down"}, {})]
    with pytest.raises(grants.Waiting) as slower:
        await grants.redeem_device(context.http, consent, code.code)
    assert slower.value.slower
    identity.enter(code.user_code, ADDRESS)
    given = await grants.redeem_device(context.http, consent, code.code)
    assert identity.accepts(ADDRESS, given.access_token)
    assert given.refresh_token


async def test_a_code_that_is_declined_or_too_old_is_no_fault_of_ours(context: Waits, identity: IdentityServer) -> None:
    consent = consent_of(context)
    code = await grants.ask_device(context.http, consent)
    identity.enter(code.user_code, "")
    for _ in ("declined", "gone"):
        with pytest.raises(grants.Declined):
            await grants.redeem_device(context.http, consent, code.code)


async def test_a_code_is_good_only_with_the_verifier_it_was_asked_with(
    context: Waits, identity: IdentityServer
) -> None:
    import aiohttp

    consent = consent_of(context)
    url = grants.page_url(consent, REDIRECT, "state", VERIFIER)
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    with pytest.raises(ChannelDown, match=grants.NEEDED):
        await grants.redeem(context.http, consent, code, "w" * 43, REDIRECT)


# ── The mailbox


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("offers", [{"SASL-IR"}, set()])
async def test_a_mailbox_is_read_by_token(house: MailHouse, context: Waits, mechanism: str, offers: set[str]) -> None:
    house.imap.logs_in_by, house.imap.offers = [mechanism], offers
    shelf = Shelf()
    async with running(QuickEmail(context), shelf):
        await shelf.until_cursor()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert "LOGIN" not in house.imap.commands


async def test_a_refused_token_is_renewed_once_and_reading_goes_on(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    identity.spoil()
    shelf = Shelf()
    async with running(QuickEmail(context), shelf):
        await shelf.until_cursor()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert house.imap.commands.count("AUTHENTICATE") == 2
    assert len(identity.requests) == 1


async def test_a_token_that_ends_in_mid_session_is_renewed_with_the_next_line(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    shelf = Shelf()
    async with running(QuickEmail(context), shelf):
        await house.imap.until_idle(ADDRESS)
        identity.spoil()
        house.imap.say_bye("Session invalidated - AccessTokenExpired")
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert len(identity.requests) == 1


async def test_a_revoked_consent_takes_the_mailbox_down_until_a_person_acts(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    identity.revoke()
    async with running(QuickEmail(context), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, ChannelDown)
    assert (error.code, error.resumes) == (grants.NEEDED, False)
    assert len(identity.requests) == 1


async def test_a_token_server_that_is_down_is_temporary_for_the_mailbox(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    age(context, -10)
    identity.answers = [(503, {}, {"Retry-After": "120"})] * 5
    async with running(QuickEmail(context), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, Temporary)
    assert (error.code, error.retry_after) == (grants.UNAVAILABLE, 120)
    assert len(identity.requests) == 1  # it was asked to stay away, and does


async def test_a_good_token_that_the_server_does_not_take_is_named(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    house.imap.refuses_login = True
    async with running(QuickEmail(context), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, ChannelDown)
    assert error.code == "email.token_refused"


# ── The way out


async def test_a_reply_leaves_by_the_same_token_and_a_refused_one_is_renewed(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    identity.spoil()
    connector = QuickEmail(context)
    await connector.send(part())
    await connector.close()
    assert [each.user for each in house.smtp.received] == [ADDRESS]
    assert house.smtp.commands.count("AUTH") == 2
    assert len(identity.requests) == 1


async def test_a_reply_waits_where_consent_was_revoked(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    identity.revoke()
    connector = QuickEmail(context)
    with pytest.raises(ChannelDown, match=grants.NEEDED):
        await connector.send(part())
    await connector.close()
    assert house.smtp.received == []


# ── Setting up


async def test_the_check_says_what_is_wrong_with_the_consent(
    house: MailHouse, context: Waits, identity: IdentityServer
) -> None:
    good = [found async for found in QuickEmail(context).check()]
    assert [found.name for found in good if found.ok is not True] == []
    identity.revoke()
    bad = {found.name: found async for found in QuickEmail(context).check()}
    for name in ("IMAP login", "SMTP login"):
        assert bad[name].ok is False
        assert "consent" in bad[name].why


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"client_id": ""}, "client_id"),
        ({"imap_user": ""}, "imap_user"),
        ({"token_url": "http://identity.example/token"}, "token_url"),
        ({"login": "other", "authorize_url": ""}, "authorize_url"),
        ({"login": "microsoft", "tenant": "a/../b", "token_url": ""}, "tenant"),
    ],
)
async def test_a_setting_that_consent_needs_is_named(context: Waits, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(BadSettings) as caught:
        QuickEmail(KitContext({**context.settings, **changed}))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("login", "hosts", "scope"),
    [
        ("google", ("imap.gmail.com", "smtp.gmail.com"), "https://mail.google.com/"),
        ("microsoft", ("outlook.office365.com", "smtp.office365.com"), "offline_access"),
    ],
)
def test_the_big_providers_need_no_address_to_be_typed(login: str, hosts: tuple[str, str], scope: str) -> None:
    settings = {"login": login, "imap_user": ADDRESS, "client_id": "c", "smtp_security": "tls"}
    connector = QuickEmail(KitContext(settings, [ChannelSettings(ADDRESS, "Shop")]))
    account = connector._account
    assert (account.imap.host, account.smtp.host) == hosts
    consent = QuickEmail.consent(settings)
    assert consent
    assert scope in consent.scopes
    url = grants.page_url(consent, "https://omnibox.example/consent/return", "s", VERIFIER)
    assert "code_challenge_method=S256" in url
    assert VERIFIER not in url


# ── Against a real server


async def test_dovecot_takes_the_token(dovecot: Dovecot, context: Waits, identity: IdentityServer) -> None:
    async with dovecot_by_token(identity.base) as server:
        settings = {**context.settings, "imap_port": server.imap}
        shelf = Shelf()
        own = Waits(settings, [ChannelSettings(ADDRESS, "Shop")])
        own.saved = dict(context.saved)
        async with running(QuickEmail(own), shelf):
            await shelf.until_cursor()
            server.put(ADDRESS, mail("by token"), "1.a")
            await shelf.until(1)
        identity.revoke()
        async with running(QuickEmail(own), Shelf()) as task:
            error = await outcome(task)
        await own.close()
    assert isinstance(error, ChannelDown)
    assert error.code == grants.NEEDED
