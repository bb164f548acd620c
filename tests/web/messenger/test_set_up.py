"""Setting pages up through Facebook Login, as a browser does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.messenger.conftest import CAFE, CUSTOMERS, OLIVIA, OSCAR, OTHER, SHOP, Stage, outcome, until

from omnibox.store import tables as t
from omnibox.testing.world.graph import FIELDS, Fault, Graph


async def test_pages_are_chosen_at_facebook_and_live_after_one_click(stage: Stage) -> None:
    await stage.connect()
    shown = (await stage.shown())["consent"]
    assert (shown["is_given"], shown["has_choices"], shown["missing"]) == (False, True, None)
    assert outcome(await stage.sign_in()) == "choose"
    assert [(each["address"], each["name"], each["is_taken"]) for each in await stage.choices()] == [
        (SHOP, "Corner shop", False),
        (CAFE, "Café Olé", False),
    ]
    assert (await stage.choose(SHOP)).json == {"channels": 1}
    assert [each["is_taken"] for each in await stage.choices()] == [True, False]
    channel = await stage.channel(SHOP)
    assert (channel["name"], channel["state"], channel["secrets_set"]) == (
        "Corner shop",
        "draft",
        ["page_access_token", "granted_by"],
    )

    enabled = await stage.enable()
    assert (enabled["state"], enabled["health"]["code"], enabled["problems"]) == ("active", None, [])
    assert set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)  # by ourselves
    assert stage.graph.pages[CAFE].subscribed_fields == []  # nobody chose that one
    assert stage.graph.hooks.url == enabled["hook_url"]  # Meta tried the address, and took it

    await stage.graph.write(CUSTOMERS[SHOP], "Is it open?")
    assert await stage.texts(SHOP) == ["Is it open?"]
    await stage.reply(SHOP, "Until six.")
    await until(lambda: _is(stage.received(SHOP) == ["Until six."]))


async def test_what_facebook_is_asked_holds_no_secret_but_in_bodies_and_headers(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await stage.live(SHOP, CAFE)
    login = stage.graph.login
    (dialog,) = login.dialogs
    assert set(dialog) == {"client_id", "redirect_uri", "response_type", "scope", "state"}
    assert login.exchanged == [("POST", "authorization_code"), ("POST", "fb_exchange_token")]
    asked_by_name = {name for names in stage.graph.queries for name in names}
    assert not asked_by_name & {"access_token", "client_secret", "code", "fb_exchange_token"}
    shown = str(await stage.shown()) + str(await stage.choices())
    rows = await stage.house.store.read(
        lambda tx: [
            str(row) for table in (t.connection, t.channel, t.memory, t.job) for row in tx.execute(sa.select(table))
        ]
    )
    for secret in (stage.graph.app_secret, stage.graph.pages[SHOP].token, "EAAuser", "AQsim"):
        assert secret not in shown
        assert secret not in " ".join(rows)
        assert secret not in caplog.text


async def test_all_pages_are_listed_however_many_answers_that_takes(stage: Stage) -> None:
    many = [str(number) for number in range(2_000, 2_061)]
    for page in many:
        stage.graph.add_page(page, f"Page {page}")
    stage.graph.login.add_manager(OLIVIA, "Olivia", many)
    await stage.connect()
    await stage.sign_in()
    assert [each["address"] for each in await stage.choices()] == many


async def test_a_page_that_cannot_be_answered_for_says_why_and_is_not_taken(stage: Stage) -> None:
    stage.graph.login.managers[OLIVIA].tasks[CAFE] = ("ANALYZE",)
    await stage.connect()
    await stage.sign_in()
    problems = {each["address"]: each["problem"] for each in await stage.choices()}
    assert problems[SHOP] == ""
    assert "task" in problems[CAFE]
    refused = await stage.choose(SHOP, CAFE)
    assert (refused.status, refused.json["error"]["fields"][0]["path"]) == (422, "addresses")
    assert (await stage.shown())["channels"] == []


async def test_a_permission_that_was_left_out_is_named(stage: Stage) -> None:
    stage.graph.login.managers[OLIVIA].granted.remove("pages_messaging")
    await stage.connect()
    await stage.sign_in()
    assert all("pages_messaging" in each["problem"] for each in await stage.choices())


async def test_a_page_of_nobody_asked_cannot_be_taken(stage: Stage) -> None:
    await stage.connect()
    await stage.sign_in()
    assert (await stage.choose(OTHER)).status == 422


async def test_somebody_who_says_no_changes_nothing(stage: Stage) -> None:
    await stage.connect()
    assert outcome(await stage.sign_in("")) == "declined"
    assert (await stage.shown())["consent"]["is_given"] is False
    refused = await stage.admin.get(f"/api/connections/{stage.id}/consent/choices")
    assert refused.status == 409


async def test_without_app_id_nobody_can_be_asked(stage: Stage) -> None:
    await stage.connect(app_id=None)
    assert (await stage.shown())["consent"]["missing"] == "app_id"
    refused = await stage.admin.post(f"/api/connections/{stage.id}/consent", {})
    assert refused.json["error"]["fields"][0]["path"] == "settings.app_id"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"app_secret": "f" * 32}, "consent_client_refused"),
        ({"fault": Fault(status=500, code=2, edge="access_token")}, "consent_unavailable"),
        ({"fault": Fault(status=400, code=100, subcode=36007, edge="access_token")}, "unknown"),
        ({"fault": Fault(status=400, code=100, subcode=36009, edge="access_token")}, "unknown"),
        ({"fault": Fault(status=400, code=4, edge="access_token")}, "consent_unavailable"),
        ({"fault": Fault(shape="half", status=200, edge="access_token")}, "consent_unavailable"),
        ({"fault": Fault(status=400, code=190, edge="me")}, "unknown"),
    ],
)
async def test_a_code_that_cannot_be_redeemed_says_why(stage: Stage, wrong: dict[str, Any], word: str) -> None:
    fault = wrong.pop("fault", None)
    await stage.connect(**wrong)
    if fault is not None:
        stage.graph.fail(fault)
    assert outcome(await stage.sign_in()) == word
    assert (await stage.shown())["consent"]["is_given"] is False


async def test_a_login_configuration_takes_the_place_of_scopes(stage: Stage) -> None:
    await stage.connect(login_config="31415")
    assert outcome(await stage.sign_in()) == "choose"
    (dialog,) = stage.graph.login.dialogs
    assert (dialog["config_id"], dialog["scope"]) == ("31415", "")


async def test_a_pasted_token_serves_as_before_and_the_rest_is_done_by_itself(stage: Stage) -> None:
    await stage.connect(app_id=None)
    body = {"name": "Shop", "address": SHOP, "settings": {"page_access_token": stage.graph.pages[SHOP].token}}
    assert (await stage.admin.post(f"/api/connections/{stage.id}/channels", body)).status == 201
    enabled = await stage.enable()
    assert enabled["channels"][0]["health"]["code"] is None
    assert set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)
    await stage.graph.subscribe(enabled["hook_url"], enabled["settings"]["verify_token"])
    await stage.graph.write(CUSTOMERS[SHOP], "Hello")
    assert await stage.texts(SHOP) == ["Hello"]


async def test_two_apps_stand_side_by_side_and_neither_may_speak_for_the_other(stage: Stage) -> None:
    second = Graph(app_id="880011", app_secret="f" * 32, clock=lambda: stage.house.clock().timestamp())
    await second.start()
    try:
        second.add_page("204", "Branch").subscribed_fields.clear()
        second.add_person("8001", "Bo", "204")
        second.login.add_manager("9001", "Bea", ["204"])
        await stage.live(SHOP)
        branch = await stage.connect(second)
        assert outcome(await stage.sign_in("9001", branch, second)) == "choose"
        await stage.choose("204", connection=branch)
        enabled = await stage.enable(branch)
        assert enabled["channels"][0]["state"] == "active"
        await second.write("8001", "To the branch")
        await second.settled()
        await stage.graph.write(CUSTOMERS[SHOP], "To the shop")
        assert await stage.texts(SHOP) == ["To the shop"]
        rows = (await stage.admin.get("/api/conversations")).json["conversations"]
        assert {row["channel"] for row in rows} >= {enabled["channels"][0]["id"]}

        # What the second app signs does not open the first one's door.
        second.hooks.url, second.hooks.switches.retry_waits_s = stage.graph.hooks.url, ()
        await second.write("8001", "Forged")
        await second.settled()
        assert len(second.hooks.undelivered) == 1
    finally:
        await second.stop()


async def test_asking_again_renews_the_tokens_of_the_pages_we_have_and_of_no_other(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.pages[SHOP] = replace(stage.graph.pages[SHOP], token_error=460)
    stage.graph.pages[CAFE] = replace(stage.graph.pages[CAFE], token_error=460)
    assert outcome(await stage.sign_in()) == "choose"
    shown = await stage.shown()
    assert [each["address"] for each in shown["channels"]] == [SHOP]
    assert shown["channels"][0]["health"]["code"] is None
    await stage.graph.write(CUSTOMERS[SHOP], "Hi")
    await stage.reply(SHOP, "By the new token")
    await until(lambda: _is(stage.received(SHOP) == ["By the new token"]))


async def test_agents_neither_see_nor_choose_pages(stage: Stage) -> None:
    await stage.live(SHOP)
    agent = await stage.house.browser("agent")
    path = f"/api/connections/{stage.id}/consent/choices"
    assert (await agent.get(path)).status == 403
    assert (await agent.post(path, {"addresses": [CAFE]})).status == 403


# ── What Facebook calls back about


async def test_who_removes_the_app_is_forgotten_and_replies_wait_until_consent_is_given_again(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.sign_in(OSCAR)
    await stage.choose(OTHER)
    for page in (SHOP, OTHER):
        await stage.graph.write(CUSTOMERS[page], "Hello")
        assert await stage.texts(page) == ["Hello"]
    stage.graph.login.deauthorise_url = f"{(await stage.shown())['hook_url']}/withdrawn"

    assert await stage.graph.login.remove_app(OLIVIA) == 200
    shop = await stage.channel(SHOP)
    assert (shop["state"], shop["health"]["code"]) == ("paused", "consent_withdrawn")
    assert "Ask for consent again" in shop["health"]["why"]
    assert shop["secrets_set"] == []  # a token that must not be used is not kept
    assert (await stage.shown())["consent"]["is_needed"] is True
    assert (await stage.channel(OTHER))["state"] == "active"  # another person's consent

    await stage.reply(SHOP, "One")
    await stage.reply(SHOP, "Two")
    await stage.reply(OTHER, "To the other page")
    await until(lambda: _is(stage.received(OTHER) == ["To the other page"]))
    assert stage.received(SHOP) == []

    assert outcome(await stage.sign_in(OLIVIA)) == "choose"
    await until(lambda: _is(stage.received(SHOP) == ["One", "Two"]))
    healed = await stage.channel(SHOP)
    assert (healed["state"], healed["health"]["code"]) == ("active", None)


async def test_a_person_who_asks_for_deletion_hears_where_to_look(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await stage.live(SHOP)
    stage.graph.login.deletion_url = f"{(await stage.shown())['hook_url']}/erase"
    answer = await stage.graph.login.ask_deletion(OLIVIA)
    assert set(answer) == {"url", "confirmation_code"}
    assert answer["url"] == f"{stage.base}/erasures/{answer['confirmation_code']}"
    anybody = await stage.house.browser()
    page = await anybody.get(f"/erasures/{answer['confirmation_code']}")
    assert page.status == 200
    assert b"Done on" in page.body  # nothing but the login was hers
    shown = await stage.shown()
    assert (shown["consent"]["is_given"], shown["channels"][0]["secrets_set"]) == (False, [])
    assert (await anybody.get("/erasures/made-up")).status == 404
    assert OLIVIA not in caplog.text


async def test_a_customer_who_asks_for_deletion_waits_for_the_owner_under_one_code(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.graph.write(CUSTOMERS[SHOP], "Hello")
    await stage.conversation(SHOP)
    stage.graph.login.add_manager(CUSTOMERS[SHOP], "Customer", [])
    stage.graph.login.deletion_url = f"{(await stage.shown())['hook_url']}/erase"
    first = await stage.graph.login.ask_deletion(CUSTOMERS[SHOP])
    assert await stage.graph.login.ask_deletion(CUSTOMERS[SHOP]) == first
    (asked,) = (await stage.admin.get("/api/erasures")).json
    assert (asked["subject"], asked["done_at"]) == (CUSTOMERS[SHOP], None)
    assert asked["contact"] is not None
    anybody = await stage.house.browser()
    assert b"waiting" in (await anybody.get(f"/erasures/{first['confirmation_code']}")).body

    (done,) = (await stage.admin.post(f"/api/erasures/{asked['id']}/done")).json
    assert (done["subject"], done["done_at"] is None) == (None, False)
    assert b"Done on" in (await anybody.get(f"/erasures/{first['confirmation_code']}")).body
    assert (await stage.admin.post(f"/api/erasures/{asked['id']}/done")).status == 409


async def test_a_callback_where_nobody_could_have_consented_is_answered(stage: Stage) -> None:
    await stage.connect(app_id=None)
    body = {"name": "Shop", "address": SHOP, "settings": {"page_access_token": stage.graph.pages[SHOP].token}}
    await stage.admin.post(f"/api/connections/{stage.id}/channels", body)
    enabled = await stage.enable()
    stage.graph.login.deauthorise_url = f"{enabled['hook_url']}/withdrawn"
    assert await stage.graph.login.remove_app(OSCAR) == 200
    assert (await stage.channel(SHOP))["state"] == "active"


async def test_a_callback_that_facebook_did_not_sign_changes_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await stage.live(SHOP)
    path = (await stage.shown())["hook_url"].removeprefix(stage.base)
    genuine = stage.graph.login.signed_request(OLIVIA)
    signature, payload = genuine.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    other = Graph(app_secret="e" * 32).login.signed_request(OLIVIA)
    none = stage.graph.login.signed_request(OLIVIA, algorithm="none")
    for forged in (
        f"{flipped}.{payload}",
        f".{payload}",
        payload,
        f"{signature}.",
        other,
        none,
        "",
        "é.é",
        "x" * 20_000,
    ):
        for door in ("withdrawn", "erase"):
            anybody = await stage.house.browser()
            refused = await anybody.post(f"{path}/{door}", data={"signed_request": forged})
            assert refused.status == 403, forged
    assert (await anybody.post(f"{path}/withdrawn", data={})).status == 403
    assert (await anybody.post(f"{path}/withdrawn", data=b"\xff=\xfe")).status == 403
    assert (await anybody.post(f"{path}/withdrawn", data=b"x" * 70_000)).status == 413
    assert (await stage.channel(SHOP))["state"] == "active"
    assert (await stage.admin.get("/api/erasures")).json == []
    assert signature not in caplog.text
    assert payload not in caplog.text
    assert (await anybody.post("/hooks/no-such-key/withdrawn", data={"signed_request": genuine})).status == 404


async def _is(holds: bool) -> bool:
    return holds


async def test_a_page_that_another_connection_has_is_shown_with_its_cure_and_not_taken(stage: Stage) -> None:
    await stage.live(SHOP)
    # The same page seen by a second app, as when somebody registers a new one and forgets the first.
    second = Graph(app_id="880011", app_secret="f" * 32, clock=lambda: stage.house.clock().timestamp())
    await second.start()
    try:
        for page, name in ((SHOP, "Corner shop"), (CAFE, "Café Olé")):
            second.add_page(page, name)
        second.login.add_manager(OSCAR, "Oscar", [SHOP, CAFE])
        other = await stage.connect(second)
        assert outcome(await stage.sign_in(OSCAR, other, second)) == "choose"
        told = (
            f"The page {SHOP} is connected already: as “Corner shop”, by the connection “Pages”. "
            "Use that one and change it as you need it, or remove it first."
        )
        assert {each["address"]: each["problem"] for each in await stage.choices(other)} == {SHOP: told, CAFE: ""}
        assert (await stage.choose(SHOP, connection=other)).status == 422
        assert (await stage.choose(CAFE, connection=other)).json == {"channels": 1}

        # Two that an earlier release let stand side by side both get their new credentials.
        twin = sa.update(t.channel).where(t.channel.c.address == CAFE).values(address=SHOP)
        await stage.house.store.write(lambda tx: tx.execute(twin))
        for connection in (stage.id, other):
            assert [each["problem"] for each in await stage.choices(connection) if each["is_taken"]] == [""]
    finally:
        await second.stop()
