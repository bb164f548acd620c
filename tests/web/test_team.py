"""Invitations, resets, roles: how the team changes."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from tests.web.conftest import OpenHouse
from tests.web.house import PASSWORD, Answer, Browser, House

from omnibox.store import tables as t

NEW = {"email": "New@Example.org", "name": "Nora", "role": "agent"}


async def invite(house: House, who: str = "owner", **members: object) -> str:
    """The token of a fresh invitation."""
    answer = await (await house.browser(who)).post("/api/invitations", {**NEW, **members})
    assert answer.status == 201
    return str(answer.json["link"]).rpartition("/")[2]


async def reset(house: House, whom: str, who: str = "owner") -> str:
    answer = await (await house.browser(who)).post(f"/api/agents/{house.ids[whom]}/reset")
    assert answer.status == 201
    return str(answer.json["link"]).rpartition("/")[2]


async def use(browser: Browser, token: str, **members: object) -> Answer:
    return await browser.post(f"/api/links/{token}", {"password": "a new password", **members})


async def can_sign_in(house: House, email: str, password: str) -> bool:
    answer = await (await house.browser()).post("/api/login", {"email": email, "password": password})
    return answer.status == 200


async def announced(house: House) -> list[int]:
    """Which agents the log says were changed."""
    question = sa.select(t.event.c.agent_id).where(t.event.c.type == "agent.changed").order_by(t.event.c.seq)
    return list(await house.store.read(lambda tx: tx.execute(question).scalars().all()))


# ── Invitations


async def test_an_invited_person_chooses_name_and_password_and_is_in(house: House) -> None:
    token, guest = await invite(house), await house.browser()
    assert (await guest.get(f"/api/links/{token}")).json == {
        "kind": "invite",
        "email": "new@example.org",
        "name": "Nora",
    }
    joined = await use(guest, token, name="Nora Quist")
    assert (joined.status, joined.json["name"], joined.json["role"]) == (200, "Nora Quist", "agent")
    assert (await guest.get("/api/me")).json["is_active"] is True
    assert await can_sign_in(house, "new@example.org", "a new password")
    assert await announced(house) == [joined.json["id"]]


async def test_an_invited_person_is_listed_as_such_and_not_as_an_agent(house: House) -> None:
    await invite(house)
    owner = await house.browser("owner")
    (pending,) = (await owner.get("/api/invitations")).json
    assert (pending["email"], pending["role"], pending["expires_at"]) == (
        "new@example.org",
        "agent",
        "2026-03-08T12:00:00.250Z",
    )
    assert "new@example.org" not in {agent["email"] for agent in (await owner.get("/api/agents")).json}


@pytest.mark.parametrize("kind", ["invite", "reset"])
async def test_a_link_works_once(house: House, kind: str) -> None:
    token = await (invite(house) if kind == "invite" else reset(house, "agent"))
    assert (await use(await house.browser(), token)).status == 200
    again = await house.browser()
    assert [(await again.get(f"/api/links/{token}")).status, (await use(again, token)).status] == [404, 404]


@pytest.mark.parametrize(("kind", "lives_s"), [("invite", 7 * 24 * 3600), ("reset", 3600)])
async def test_a_link_ends(house: House, kind: str, lives_s: int) -> None:
    token, guest = await (invite(house) if kind == "invite" else reset(house, "agent")), await house.browser()
    house.clock.advance(seconds=lives_s - 1)
    assert (await guest.get(f"/api/links/{token}")).status == 200
    house.clock.advance(seconds=1)
    assert [(await guest.get(f"/api/links/{token}")).status, (await use(guest, token)).status] == [404, 404]


async def test_links_are_not_in_the_database(house: House) -> None:
    tokens = [await invite(house), await reset(house, "agent")]
    rows = await house.store.read(lambda tx: tx.execute(sa.select(t.link)).all())
    assert len(rows) == 2
    for row in rows:
        assert not any(token in str(row) for token in tokens)
        assert (await use(await house.browser(), row.token_hash)).status == 404


@pytest.mark.parametrize("token", ["%20", "%00", "null", "0", "..%2F..", "a" * 3000])
async def test_nonsense_is_no_link(house: House, token: str) -> None:
    await invite(house)
    assert (await (await house.browser()).get(f"/api/links/{token}")).status == 404


async def test_inviting_again_replaces_the_link(house: House) -> None:
    first, second = await invite(house), await invite(house, name="Nora Q")
    guest = await house.browser()
    assert (await guest.get(f"/api/links/{first}")).status == 404
    assert (await guest.get(f"/api/links/{second}")).json["name"] == "Nora Q"


async def test_an_admin_cannot_replace_the_invitation_of_an_admin(house: House) -> None:
    await invite(house, role="admin")
    answer = await (await house.browser("admin")).post("/api/invitations", NEW)
    assert (answer.status, answer.code) == (403, "owner_only")


async def test_a_withdrawn_invitation_lets_nobody_in(house: House) -> None:
    token, owner = await invite(house), await house.browser("owner")
    (pending,) = (await owner.get("/api/invitations")).json
    assert (await owner.send("DELETE", f"/api/invitations/{pending['id']}")).status == 204
    assert (await use(await house.browser(), token)).status == 404
    assert (await owner.get("/api/invitations")).json == []


@pytest.mark.parametrize("who", ["agent2", "removed"])
async def test_an_address_belongs_to_one_agent(house: House, who: str) -> None:
    answer = await (await house.browser("owner")).post("/api/invitations", {**NEW, "email": f"{who}@example.org"})
    assert (answer.status, answer.code) == (409, "conflict")


async def test_a_card_number_in_a_name_is_masked(house: House) -> None:
    token = await invite(house, name="Nora 4111 1111 1111 1111")
    assert "4111 1111 1111" not in (await (await house.browser()).get(f"/api/links/{token}")).json["name"]


@pytest.mark.parametrize(
    "email", ["", "x", "a@", "@b", "a b@c.d", "a@b@c", "<a@b.c>", "a@b.c\u0000", "a" * 300 + "@b.c"]
)
async def test_an_invitation_needs_an_address(house: House, email: str) -> None:
    answer = await (await house.browser("owner")).post("/api/invitations", {**NEW, "email": email})
    assert answer.status == 422


# ── Where links point


async def test_links_point_to_the_configured_address_whatever_the_host_header_says(build_house: OpenHouse) -> None:
    house = await build_house(public_url="https://inbox.example.org")
    answer = await (await house.browser("owner")).post("/api/invitations", NEW, headers={"Host": "evil.example"})
    assert answer.json["link"].startswith("https://inbox.example.org/inbox/link/")


async def test_without_a_configured_address_links_point_to_where_the_request_came(house: House) -> None:
    owner = await house.browser("owner")
    answer = await owner.post("/api/invitations", NEW)
    assert answer.json["link"].startswith(f"http://127.0.0.1:{house.server.port}/inbox/link/")


# ── Resets


async def test_a_reset_sets_the_password_and_ends_the_sessions(house: House) -> None:
    before = await house.browser("agent")
    token, fresh = await reset(house, "agent", "admin"), await house.browser()
    assert (await fresh.get(f"/api/links/{token}")).json["kind"] == "reset"
    assert (await before.get("/api/me")).status == 200
    answer = await use(fresh, token, name="Not by a reset")
    assert (answer.status, answer.json["name"]) == (200, "Agent")
    assert (await fresh.get("/api/me")).status == 200
    assert (await before.get("/api/me")).status == 401
    assert await can_sign_in(house, "agent@example.org", "a new password")
    assert not await can_sign_in(house, "agent@example.org", PASSWORD)


async def test_a_reset_opens_a_locked_name(house: House) -> None:
    stranger = await house.browser()
    for _ in range(6):
        await stranger.post("/api/login", {"email": "agent@example.org", "password": "wrong password"})
    assert (await use(await house.browser(), await reset(house, "agent"))).status == 200


async def test_a_reset_of_someone_who_was_promoted_meanwhile_no_longer_works(house: House) -> None:
    """Otherwise the admin who made it could become whoever they are now."""
    token = await reset(house, "agent", "admin")
    await (await house.browser("owner")).patch(f"/api/agents/{house.ids['agent']}", {"role": "admin"})
    assert (await use(await house.browser(), token)).status == 404


async def test_a_reset_of_someone_who_was_removed_meanwhile_no_longer_works(house: House) -> None:
    token = await reset(house, "agent")
    owner = await house.browser("owner")
    await owner.patch(f"/api/agents/{house.ids['agent']}", {"is_active": False})
    assert (await use(await house.browser(), token)).status == 404
    await owner.patch(f"/api/agents/{house.ids['agent']}", {"is_active": True})
    assert (await use(await house.browser(), token)).status == 404


async def test_a_bad_password_does_not_use_the_link_up(house: House) -> None:
    token, guest = await invite(house), await house.browser()
    assert (await use(guest, token, password="short")).status == 422
    assert (await use(guest, token)).status == 200


# ── Standing


@pytest.mark.parametrize("body", [{"role": "admin"}, {"is_active": False}])
async def test_a_change_of_standing_ends_the_sessions_and_is_announced(house: House, body: dict[str, object]) -> None:
    there = await house.browser("agent")
    changed = await (await house.browser("owner")).patch(f"/api/agents/{house.ids['agent']}", body)
    assert {key: changed.json[key] for key in body} == body
    assert (await there.get("/api/me")).status == 401
    assert await announced(house) == [house.ids["agent"]]


async def test_a_change_that_changes_nothing_disturbs_nobody(house: House) -> None:
    there = await house.browser("agent")
    same = {"role": "agent", "is_active": True}
    await (await house.browser("owner")).patch(f"/api/agents/{house.ids['agent']}", same)
    assert (await there.get("/api/me")).status == 200
    assert await announced(house) == []


@pytest.mark.parametrize("body", [{"role": "admin"}, {"is_active": False}])
async def test_the_last_owner_stays(house: House, body: dict[str, object]) -> None:
    owner = await house.browser("owner")
    mine = f"/api/agents/{house.ids['owner']}"
    refused = await owner.patch(mine, body)
    assert (refused.status, refused.code) == (409, "last_owner")
    await invite(house, role="owner")  # one who has not come counts for nothing
    assert (await owner.patch(mine, body)).code == "last_owner"
    await owner.patch(f"/api/agents/{house.ids['admin']}", {"role": "owner"})
    assert (await owner.patch(mine, body)).status == 200


async def test_of_two_owners_who_demote_each_other_at_once_one_stays(house: House) -> None:
    owner = await house.browser("owner")
    await owner.patch(f"/api/agents/{house.ids['admin']}", {"role": "owner"})
    other = await house.browser()
    await other.post("/api/login", {"email": "admin@example.org", "password": PASSWORD})
    answers = await asyncio.gather(
        owner.patch(f"/api/agents/{house.ids['admin']}", {"role": "agent"}),
        other.patch(f"/api/agents/{house.ids['owner']}", {"role": "agent"}),
    )
    assert sorted(answer.status for answer in answers) != [200, 200]
    third = await house.browser()
    found = []
    for who in ("owner", "admin"):
        answer = await third.post("/api/login", {"email": f"{who}@example.org", "password": PASSWORD})
        found.append(answer.json["role"])
    assert found.count("owner") >= 1


async def test_an_unknown_agent_is_not_found(house: House) -> None:
    owner = await house.browser("owner")
    await invite(house)
    assert [
        (await owner.patch(f"/api/agents/{unknown}", {"role": "agent"})).status
        for unknown in ("999", "0", "x", "9" * 30)
    ] == [404] * 4
    (pending,) = await house.store.read(
        lambda tx: tx.execute(sa.select(t.agent.c.id).where(t.agent.c.password_hash.is_(None))).all()
    )
    assert (await owner.patch(f"/api/agents/{pending.id}", {"is_active": True})).status == 404
