"""Set-up, sign-in, sessions: what lets someone in and what does not."""

from __future__ import annotations

import statistics
import time
from http.cookies import Morsel

import pytest
import sqlalchemy as sa
from tests.web.conftest import OpenHouse
from tests.web.house import PASSWORD, SETUP_CODE, Answer, Browser, House

from omnibox.store import tables as t
from omnibox.team import sessions
from omnibox.team.passwords import Passwords
from omnibox.team.sessions import Session
from omnibox.web import auth
from omnibox.web.errors import ApiError

OWNER = {"code": SETUP_CODE, "name": "Olga", "email": "Olga@Example.org", "password": PASSWORD}


async def log_in(browser: Browser, who: str, password: str = PASSWORD, *, stay: bool = False) -> Answer:
    return await browser.post("/api/login", {"email": f"{who}@example.org", "password": password, "stay": stay})


async def session_of(house: House, who: str) -> Session:
    token_hash, at = sessions.hash_of(house.tokens[who]), house.clock()
    found = await house.store.read(lambda tx: sessions.find(tx, token_hash, at))
    assert found is not None
    return found


def cookie_of(answer: Answer) -> Morsel[str]:
    found: Morsel[str] = answer.cookies[auth.COOKIE]
    return found


# ── Set-up


async def test_the_first_owner_is_made_with_the_code_and_is_signed_in(empty_house: House) -> None:
    browser = await empty_house.browser()
    assert (await browser.get("/api/setup")).json == {"needed": True}
    made = await browser.post("/api/setup", OWNER)
    assert (made.status, made.json["role"], made.json["email"]) == (201, "owner", "olga@example.org")
    assert (await browser.get("/api/me")).json["name"] == "Olga"
    assert (await browser.get("/api/setup")).json == {"needed": False}


async def test_a_wrong_set_up_code_makes_nobody_and_cannot_be_guessed_for_long(empty_house: House) -> None:
    browser = await empty_house.browser()
    answers = [await browser.post("/api/setup", {**OWNER, "code": f"guess {n}"}) for n in range(40)]
    assert {answer.code for answer in answers[:30]} == {"wrong_setup_code"}
    assert {answer.status for answer in answers[30:]} == {429}
    assert (await browser.get("/api/setup")).json == {"needed": True}


async def test_set_up_without_a_code_in_force_is_refused(build_house: OpenHouse) -> None:
    browser = await (await build_house(people=False, setup_code="")).browser()
    assert (await browser.post("/api/setup", {**OWNER, "code": ""})).code == "wrong_setup_code"


async def test_set_up_works_once(empty_house: House) -> None:
    first, second = await empty_house.browser(), await empty_house.browser()
    await first.post("/api/setup", OWNER)
    again = await second.post("/api/setup", {**OWNER, "email": "eve@example.org"})
    assert (again.status, again.code, auth.COOKIE in again.cookies) == (409, "conflict", False)


@pytest.mark.parametrize(
    ("member", "value"),
    [("password", "short"), ("password", "olga@example.org"), ("name", "   "), ("email", "no address")],
)
async def test_set_up_names_the_member_that_is_not_good(empty_house: House, member: str, value: str) -> None:
    answer = await (await empty_house.browser()).post("/api/setup", {**OWNER, member: value})
    assert (answer.status, answer.json["error"]["fields"][0]["path"]) == (422, member)


# ── Sign-in


async def test_signing_in_ignores_the_case_of_the_address(house: House) -> None:
    browser = await house.browser()
    answer = await browser.post("/api/login", {"email": " AGENT@example.ORG ", "password": PASSWORD})
    assert (answer.status, answer.json["id"]) == (200, house.ids["agent"])


@pytest.mark.parametrize("who", ["agent", "nobody", "removed"])
async def test_a_refusal_does_not_tell_whether_the_address_exists(house: House, who: str) -> None:
    refused = await log_in(await house.browser(), who, "wrong password")
    assert (refused.status, refused.code) == (401, "login_refused")
    other = await log_in(await house.browser(), "surely-nobody", "wrong password")
    assert refused.body == other.body
    assert {name for name in refused.headers if name != "Date"} == {name for name in other.headers if name != "Date"}


async def test_an_unknown_address_costs_as_much_as_a_wrong_password() -> None:
    """Processor time, not the clock on the wall."""
    passwords = Passwords(passes=2, memory_kib=16384, lanes=1)
    stored = await passwords.hash(PASSWORD)
    spent: dict[bool, list[float]] = {True: [], False: []}
    await passwords.fits("wrong", None)
    for _ in range(4):
        for known in (True, False):
            before = time.process_time()
            assert not await passwords.fits("wrong", stored if known else None)
            spent[known].append(time.process_time() - before)
    passwords.close()
    # Leaving the hash out would be a factor of hundreds.
    assert 0.4 < statistics.median(spent[True]) / statistics.median(spent[False]) < 2.5


async def test_a_removed_agent_cannot_sign_in_with_the_right_password(house: House) -> None:
    assert (await log_in(await house.browser(), "removed")).code == "login_refused"


async def test_five_failures_lock_a_name_even_for_the_right_password_until_half_an_hour_after_the_first(
    house: House,
) -> None:
    browser = await house.browser()
    for _ in range(5):
        assert (await log_in(browser, "agent", "wrong password")).status == 401
        house.clock.advance(minutes=2)
    for left_min in (20, 10):
        locked = await log_in(browser, "agent")
        assert (locked.status, locked.code) == (429, "slow_down")
        assert locked.headers["Retry-After"] == str(left_min * 60)
        assert locked.json["error"]["cure"] == f"Wait {left_min} min, then try again."
        house.clock.advance(minutes=10)
    assert (await log_in(browser, "agent")).status == 200


async def test_a_locked_name_locks_no_other(house: House) -> None:
    browser = await house.browser()
    for _ in range(6):
        await log_in(browser, "agent", "wrong password")
    assert (await log_in(browser, "agent2")).status == 200


async def test_an_unknown_name_is_locked_just_like_a_known_one(house: House) -> None:
    known, unknown = await house.browser(), await house.browser()
    for _ in range(6):
        here = await log_in(known, "agent", "wrong password")
        there = await log_in(unknown, "nobody", "wrong password")
        assert (here.status, here.body) == (there.status, there.body)
    assert here.status == 429


async def test_a_right_password_clears_the_count(house: House) -> None:
    browser = await house.browser()
    for _ in range(3):
        for _ in range(4):
            assert (await log_in(browser, "agent", "wrong password")).status == 401
        browser.client.session.cookie_jar.clear()
        assert (await log_in(browser, "agent")).status == 200
        browser.client.session.cookie_jar.clear()


async def test_hundreds_of_guesses_get_at_most_five_tries_and_one_address_at_most_thirty(house: House) -> None:
    browser = await house.browser()
    tried = [await log_in(browser, "owner", f"guess {n}") for n in range(150)]
    assert [answer.status for answer in tried].count(401) == 5
    others = [await log_in(browser, f"name{n}", "guess") for n in range(150)]
    assert [answer.status for answer in others].count(401) < 30
    assert others[-1].status == 429


async def test_guesses_of_strangers_do_not_keep_the_owner_out(build_house: OpenHouse) -> None:
    """A browser in which the owner signed in before has tries of its own."""
    house = await build_house()
    own, strange = await house.browser(), await house.browser()
    assert (await log_in(own, "owner")).status == 200
    await own.post("/api/logout")
    for _ in range(8):
        await log_in(strange, "owner", "wrong password")
    assert (await log_in(strange, "owner")).status == 429
    assert (await log_in(own, "owner")).status == 200


async def test_a_known_browser_has_five_tries_and_only_for_its_own_name(house: House) -> None:
    browser = await house.browser()
    assert (await log_in(browser, "agent")).status == 200
    for _ in range(5):
        assert (await log_in(browser, "agent", "wrong password")).status == 401
    assert (await log_in(browser, "agent")).status == 429
    for _ in range(5):
        await log_in(browser, "owner", "wrong password")
    assert (await log_in(await house.browser(), "owner")).status == 429


async def test_a_forged_known_browser_cookie_counts_for_nothing(house: House) -> None:
    browser = await house.browser()
    for n in range(6):
        forged = f"{sessions.hash_of('owner@example.org')[:32]}.{n}.{'a' * 26}"
        browser.client.session.cookie_jar.update_cookies({auth.KNOWN_COOKIE: forged}, browser.client.make_url("/api/"))
        answer = await log_in(browser, "owner", "wrong password")
    assert answer.status == 429


# ── The session


async def test_signing_in_gives_a_new_session_and_ends_the_one_the_browser_came_with(house: House) -> None:
    browser = await house.browser("agent2")
    planted = browser.token
    assert (await log_in(browser, "agent")).status == 200
    assert browser.token != planted
    victim = await house.browser()
    victim.take_token(planted)
    assert (await victim.get("/api/me")).code == "signed_out"


async def test_the_cookie_is_hidden_from_scripts_and_other_sites(house: House) -> None:
    cookie = cookie_of(await log_in(await house.browser(), "agent"))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["secure"], cookie["max-age"]) == ("", "")
    assert len(cookie.value) >= 43


async def test_the_cookie_is_secure_where_the_site_is(build_house: OpenHouse) -> None:
    house = await build_house(public_url="https://inbox.example.org")
    assert cookie_of(await log_in(await house.browser(), "agent"))["secure"] is True


async def test_the_database_does_not_hold_what_would_sign_in(house: House) -> None:
    browser = await house.browser()
    await log_in(browser, "agent")
    rows = await house.store.read(lambda tx: tx.execute(sa.select(t.session)).all())
    assert browser.token not in str(rows)
    for row in rows:
        thief = await house.browser()
        thief.take_token(row.token_hash)
        assert (await thief.get("/api/me")).status == 401


@pytest.mark.parametrize(("stay", "hours"), [(False, 12), (True, 30 * 24)])
async def test_a_session_ends_when_it_is_not_used(house: House, *, stay: bool, hours: int) -> None:
    browser = await house.browser()
    await log_in(browser, "agent", stay=stay)
    house.clock.advance(hours=hours, seconds=-1)
    assert (await browser.get("/api/me")).status == 200
    house.clock.advance(hours=hours, seconds=1)
    assert (await browser.get("/api/me")).status == 401


async def test_use_moves_the_end_on_and_renews_a_cookie_that_stays(house: House) -> None:
    browser = await house.browser()
    assert cookie_of(await log_in(browser, "agent", stay=True))["max-age"] == str(30 * 24 * 3600)
    assert auth.COOKIE not in (await browser.get("/api/me")).cookies
    for _ in range(4):
        house.clock.advance(days=20)
        used = await browser.get("/api/me")
        assert (used.status, cookie_of(used).value) == (200, browser.token)


async def test_signing_out_ends_the_session_in_the_store(house: House) -> None:
    browser = await house.browser("agent")
    token = browser.token
    assert (await browser.post("/api/logout")).status == 204
    assert browser.token == ""
    browser.take_token(token)
    assert (await browser.get("/api/me")).code == "signed_out"
    assert (await browser.post("/api/logout")).status == 204


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 5000, "' OR 1=1 --"])
async def test_nonsense_in_the_cookie_is_signed_out(house: House, token: str) -> None:
    browser = await house.browser()
    answer = await browser.get("/api/me", headers={"Cookie": f"{auth.COOKIE}={token}"})
    assert (answer.status, answer.code) == (401, "signed_out")


# ── One's own account


async def test_agents_change_their_name_and_switch_and_nothing_else(house: House) -> None:
    browser = await house.browser("agent")
    changed = await browser.patch(
        "/api/me",
        {"name": " Ann \n Lee ", "is_on": False, "role": "owner", "id": 1, "email": "x@y.z", "is_active": False},
    )
    assert changed.json == {
        "id": house.ids["agent"],
        "name": "Ann Lee",
        "email": "agent@example.org",
        "role": "agent",
        "is_on": False,
        "is_online": False,
        "is_active": True,
        "signature": "",
        "picture": "",
    }
    signed = {"is_on": True, "signature": "\r\nAnn\r\n\tDesk 2 \x07 \n\n"}
    assert (await browser.patch("/api/me", signed)).json["signature"] == "Ann\n\tDesk 2"
    for picture in ("https://example.org/ann.jpg", ""):
        assert (await browser.patch("/api/me", {"picture": f" {picture} "})).json["picture"] == picture
    for wrong in ("http://example.org/ann.jpg", "ann.jpg", "https://example.org/?card=4111-1111-1111-1111"):
        assert (await browser.patch("/api/me", {"picture": wrong})).status == 422
    assert (await browser.get("/api/me")).json["name"] == "Ann Lee"


async def test_an_agent_is_online_when_switched_on_and_connected(house: House) -> None:
    house.hub.is_online = lambda agent_id: agent_id == house.ids["agent"]
    browser = await house.browser("agent")
    assert (await browser.get("/api/me")).json["is_online"] is True
    assert (await browser.patch("/api/me", {"is_on": False})).json["is_online"] is False


async def test_changing_the_password_ends_every_session_but_gives_this_browser_a_new_one(house: House) -> None:
    here, elsewhere = await house.browser("agent"), await house.browser("agent")
    heard = house.tokens["agent"]
    answer = await here.post("/api/me/password", {"password": PASSWORD, "new_password": "another good one"})
    assert answer.status == 200
    assert here.token != heard
    assert (await here.get("/api/me")).status == 200
    assert (await elsewhere.get("/api/me")).status == 401
    assert (await log_in(await house.browser(), "agent")).status == 401
    assert (await log_in(await house.browser(), "agent", "another good one")).status == 200


async def test_a_borrowed_browser_cannot_guess_its_way_to_another_password(house: House) -> None:
    browser = await house.browser("agent")
    bodies = [{"password": f"guess {n}", "new_password": "another good one"} for n in range(6)]
    answers = [await browser.post("/api/me/password", body) for body in bodies]
    assert [answer.status for answer in answers] == [422] * 5 + [429]
    assert answers[0].json["error"]["fields"][0]["path"] == "password"


# ── The feed's pass


async def test_a_pass_is_good_for_its_session_and_a_minute(house: House) -> None:
    mine, other = await session_of(house, "agent"), await session_of(house, "agent2")
    given = auth.make_pass(house.hub, mine)
    house.clock.advance(seconds=58)
    auth.check_pass(house.hub, mine, given)
    for session, token in [(other, given), (mine, ""), (mine, given[:-1] + ("a" if given[-1] != "a" else "b"))]:
        with pytest.raises(ApiError, match="401"):
            auth.check_pass(house.hub, session, token)
    house.clock.advance(seconds=3)
    with pytest.raises(ApiError, match="401"):
        auth.check_pass(house.hub, mine, given)


async def test_sockets_can_ask_which_of_their_sessions_live(house: House) -> None:
    hashes = {who: sessions.hash_of(token) for who, token in house.tokens.items()}

    async def living() -> set[str]:
        at = house.clock()
        found = await house.store.read(lambda tx: sessions.living(tx, set(hashes.values()), at))
        return {who for who, token_hash in hashes.items() if token_hash in found}

    assert await living() == {"owner", "admin", "admin2", "agent", "agent2"}
    await (await house.browser("owner")).patch(f"/api/agents/{house.ids['agent']}", {"role": "admin"})
    await (await house.browser("admin")).post("/api/logout")
    assert await living() == {"owner", "admin2", "agent2"}
