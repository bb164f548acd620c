"""Setting channels up through the API: what an admin sees, may change, and never gets to see."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest
import sqlalchemy as sa
from tests.test_registry import point
from tests.web.house import Browser, House

from omnibox.connector import BadSettings, Capabilities, Check, Context, Field, Inbound, Outbound, Request, Sent
from omnibox.events import events_after, read_head
from omnibox.inbox.views import moment
from omnibox.registry import Registered, load_connector
from omnibox.store import Transaction
from omnibox.store import tables as t

CANARY = "hunter2-canary"
RING_CANARY = "hunter2-ring"


class Pigeon:
    name = "pigeon"
    capabilities = Capabilities(max_text=10)
    settings = (
        Field("token", kind="secret", required=True),
        Field("loft", required=True),
        Field("limit", kind="number", default=5),
        Field("sign", kind="secret", makes="token"),
    )
    channel_settings = (Field("ring", kind="secret", required=True), Field("flies", kind="boolean", default=False))
    errors = {"pigeon.eaten": ("A hawk has eaten it.", "Send another one.")}  # noqa: RUF012

    def __init__(self, context: Context) -> None:
        self.context = context
        if context.setting("loft") == "on fire":
            raise BadSettings("the loft is on fire", "loft")
        if context.setting("loft") == "on ice":
            raise BadSettings("Warm the loft first.", "loft")

    def verify(self, request: Request) -> None: ...

    def parse(self, request: Request) -> Iterator[Inbound]:
        raise ValueError("no")

    async def send(self, part: Outbound) -> Sent:
        return Sent("1")

    async def check(self) -> AsyncIterator[Check]:
        yield Check("Loft found", ok=True)
        yield Check("Pigeon flies", ok=False, why="It sleeps.", cure="Wake it.")
        yield Check("Letter arrives", ok=None)


class Kiosk(Pigeon):
    name = "kiosk"
    capabilities = Capabilities(live=True)
    settings = (Field("greeting", default="Hello"),)
    channel_settings = (Field("sites", kind="list"),)

    def __init__(self, context: Context) -> None: ...


@pytest.fixture
async def admin(house: House) -> Browser:
    """An admin in a house where pigeons and kiosks can be connected, and one connector is broken."""
    house.hub.connections.registry = {
        **house.hub.connections.registry,
        "pigeon": load_connector(point(Pigeon)),
        "kiosk": load_connector(point(Kiosk, "kiosk")),
        "broken": Registered("broken", error="ImportError: no wings"),
    }
    return await house.browser("admin")


async def add(admin: Browser, settings: dict[str, Any] | None = None, connector: str = "pigeon") -> dict[str, Any]:
    answer = await admin.post("/api/connections", {"connector": connector, "name": "Mine", "settings": settings or {}})
    assert answer.status == 201, answer.body
    return cast("dict[str, Any]", answer.json)


async def add_running(admin: Browser) -> dict[str, Any]:
    """A connection with a channel, enabled."""
    made = await add(admin, {"token": CANARY, "loft": "north"})
    answer = await admin.post(f"/api/connections/{made['id']}/channels", channel_body())
    assert answer.status == 201, answer.body
    answer = await admin.post(f"/api/connections/{made['id']}/enable")
    assert answer.status == 200, answer.body
    return cast("dict[str, Any]", answer.json)


def channel_body(address: str = "coop", **settings: Any) -> dict[str, Any]:
    return {"name": "Coop", "address": address, "settings": {"ring": RING_CANARY, **settings}}


async def get(admin: Browser, connection: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", (await admin.get(f"/api/connections/{connection['id']}")).json)


async def told(house: House, after: int) -> set[tuple[str, int | None]]:
    """The events since `after`, as type and channel."""
    return {(event.type, event.channel_id) for event in await house.store.read(lambda tx: events_after(tx, after))}


async def seq(house: House) -> int:
    return (await house.store.read(read_head)).seq


# ── Connectors


async def test_connectors_are_shown_as_data_also_a_broken_one(admin: Browser) -> None:
    shown = {each["name"]: each for each in (await admin.get("/api/connectors")).json}
    assert {"hook", "pigeon", "kiosk", "broken"} <= set(shown)
    assert (shown["pigeon"]["title"], shown["pigeon"]["has_check"], shown["pigeon"]["error"]) == ("Pigeon", True, None)
    assert shown["pigeon"]["connection_schema"]["required"] == ["token", "loft"]
    assert list(shown["pigeon"]["channel_schema"]["properties"]) == ["ring", "flies"]
    assert shown["broken"]["error"] == "ImportError: no wings"
    assert shown["hook"]["channel_schema"] is None


async def test_a_broken_connector_cannot_be_chosen(admin: Browser) -> None:
    for name in ("broken", "unheard-of"):
        answer = await admin.post("/api/connections", {"connector": name, "name": "x"})
        assert (answer.status, answer.json["error"]["fields"][0]["path"]) == (422, "connector")


# ── Drafts


async def test_a_connection_begins_as_a_draft_that_may_lack_settings(admin: Browser, house: House) -> None:
    before = await seq(house)
    made = await add(admin)
    assert (made["state"], made["name"], made["channels"], made["secrets_set"]) == ("draft", "Mine", [], ["sign"])
    assert made["health"] == {"code": None, "why": None, "since": None, "is_down": False, "is_deaf": False}
    assert "/hooks/" in made["hook_url"]
    assert len(made["hook_url"].rpartition("/")[2]) >= 22
    assert await told(house, before) == {("settings.changed", None)}


async def test_a_nameless_connection_is_called_like_its_connector(admin: Browser) -> None:
    answer = await admin.post("/api/connections", {"connector": "pigeon"})
    assert answer.json["name"] == "Pigeon"


async def test_a_value_that_omnibox_makes_can_be_copied_while_it_is_a_draft(admin: Browser) -> None:
    made = await add(admin, {"token": CANARY, "loft": "north"})
    assert len(made["settings"]["sign"]) >= 22
    assert (await get(admin, made))["settings"]["sign"] == made["settings"]["sign"]
    await admin.post(f"/api/connections/{made['id']}/enable")
    assert "sign" not in (await get(admin, made))["settings"]
    renewed = await admin.patch(f"/api/connections/{made['id']}", {"settings": {"sign": None}})
    assert renewed.json["settings"]["sign"] not in ("", made["settings"]["sign"])
    assert "sign" not in (await get(admin, made))["settings"]


async def test_every_fault_of_the_settings_is_told_at_once(admin: Browser) -> None:
    made = await add(admin)
    answer = await admin.patch(
        f"/api/connections/{made['id']}", {"settings": {"limit": "x", "loft": "a\nb", "colour": "red", "token": 5}}
    )
    assert (answer.status, answer.code) == (422, "invalid")
    paths = [fault["path"] for fault in answer.json["error"]["fields"]]
    assert sorted(paths) == ["settings.colour", "settings.limit", "settings.loft", "settings.token"]
    assert (await get(admin, made))["settings"].keys() == {"sign"}


# ── Secrets


async def test_secrets_never_come_back_and_an_absent_one_stays(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    assert sorted(running["secrets_set"]) == ["sign", "token"]
    assert running["channels"][0]["secrets_set"] == ["ring"]
    one, channel = f"/api/connections/{running['id']}", f"/api/channels/{running['channels'][0]['id']}"
    answers = [
        await admin.patch(one, {"name": "Other", "settings": {"limit": 6}}),
        await admin.patch(one, {"settings": {"token": ""}}),
        await admin.patch(channel, {"settings": {"flies": True}}),
        await admin.patch(one, {"settings": {"limit": CANARY, "token": RING_CANARY}}),
        *[await admin.get(path) for path in ("/api/connections", one, "/api/connectors", "/api/snapshot")],
        await admin.post(f"{one}/check"),
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 422, 200, 200, 200, 200, 200]
    assert all(CANARY not in answer.body.decode() for answer in answers)
    assert all(RING_CANARY not in answer.body.decode() for answer in answers)
    assert stored(house, running) == {"token": CANARY, "loft": "north", "limit": 6}
    for path in house.folder.glob("omnibox.db*"):
        assert CANARY.encode() not in path.read_bytes()


def stored(house: House, connection: dict[str, Any]) -> dict[str, Any]:
    """What the connector itself sees, without what omnibox made."""
    live = house.hub.connections.by_hook(connection["hook_url"].rpartition("/")[2])
    assert live is not None
    return {name: value for name, value in live.context.settings.items() if name != "sign"}


async def test_null_takes_a_setting_back(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    one = f"/api/connections/{running['id']}"
    await admin.patch(one, {"settings": {"limit": 9}})
    await admin.patch(one, {"settings": {"limit": None}})
    assert stored(house, running)["limit"] == 5
    refused = await admin.patch(one, {"settings": {"token": None}})
    assert (refused.status, refused.json["error"]["fields"][0]["path"]) == (422, "settings.token")
    assert stored(house, running)["token"] == CANARY


async def test_a_name_is_masked_and_one_line(admin: Browser) -> None:
    answer = await admin.post("/api/connections", {"connector": "pigeon", "name": " My\n 4111 1111 1111 1111 "})
    assert answer.json["name"] == "My •••• •••• •••• 1111"
    for name in ("", " ", "x" * 101, "a\u202eb"):
        refused = await admin.patch(f"/api/connections/{answer.json['id']}", {"name": name})
        assert (refused.status, refused.json["error"]["fields"][0]["path"]) == (422, "name")


# ── Running


async def test_enabling_needs_every_setting_of_connection_and_channels(admin: Browser) -> None:
    made = await add(admin)
    enable = f"/api/connections/{made['id']}/enable"
    await admin.post(f"/api/connections/{made['id']}/channels", {"name": "Coop", "address": "coop"})
    refused = await admin.post(enable)
    assert [fault["path"] for fault in refused.json["error"]["fields"]] == ["settings.token", "settings.loft"]
    await admin.patch(f"/api/connections/{made['id']}", {"settings": {"token": CANARY, "loft": "north"}})
    refused = await admin.post(enable)
    channel_id = (await get(admin, made))["channels"][0]["id"]
    assert [fault["path"] for fault in refused.json["error"]["fields"]] == [f"channels.{channel_id}.settings.ring"]
    assert (await get(admin, made))["state"] == "draft"
    await admin.patch(f"/api/channels/{channel_id}", {"settings": {"ring": RING_CANARY}})
    assert (await admin.post(enable)).json["channels"][0]["state"] == "active"


async def test_what_the_connector_refuses_is_told_at_its_field_and_undone(admin: Browser, house: House) -> None:
    made = await add(admin, {"token": CANARY, "loft": "on fire"})
    refused = await admin.post(f"/api/connections/{made['id']}/enable")
    assert refused.json["error"]["fields"] == [{"path": "settings.loft", "message": "The loft is on fire."}]
    assert (await get(admin, made))["state"] == "draft"
    await admin.patch(f"/api/connections/{made['id']}", {"settings": {"loft": "on ice"}})
    refused = await admin.post(f"/api/connections/{made['id']}/enable")
    assert refused.json["error"]["fields"] == [{"path": "settings.loft", "message": "Warm the loft first."}]
    running = await add_running(admin)
    refused = await admin.patch(f"/api/connections/{running['id']}", {"settings": {"loft": "on fire", "limit": 1}})
    assert refused.json["error"]["fields"] == [{"path": "settings.loft", "message": "The loft is on fire."}]
    assert stored(house, running) == {"token": CANARY, "loft": "north", "limit": 5}


async def test_enabling_and_disabling_move_the_channels_along_and_tell_everyone(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    one, channel_id = f"/api/connections/{running['id']}", running["channels"][0]["id"]
    assert running["channels"][0]["state"] == "active"
    before = await seq(house)
    disabled = (await admin.post(f"{one}/disable")).json
    assert (disabled["state"], disabled["channels"][0]["state"]) == ("disabled", "disabled")
    assert await told(house, before) == {("channel.changed", channel_id), ("settings.changed", None)}
    assert house.hub.connections.way(channel_id) is None
    enabled = (await admin.post(f"{one}/enable")).json
    assert (enabled["state"], enabled["channels"][0]["state"]) == ("active", "active")
    assert house.hub.connections.way(channel_id) is not None


async def test_a_pause_is_explained_and_ended_by_enabling(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    channel_id = running["channels"][0]["id"]

    def pause(tx: Transaction) -> None:
        values = {"state": "paused", "code": "pigeon.eaten", "since": tx.clock(), "needs_person": True}
        tx.execute(sa.update(t.channel).where(t.channel.c.id == channel_id).values(values))

    await house.store.write(pause)
    (channel,) = (await get(admin, running))["channels"]
    assert channel["state"] == "paused"
    assert channel["health"] == {
        "code": "pigeon.eaten",
        "why": "A hawk has eaten it. Send another one.",
        "since": moment(house.clock()),
        "is_down": True,
        "is_deaf": False,
    }
    (channel,) = (await admin.post(f"/api/connections/{running['id']}/enable")).json["channels"]
    assert (channel["state"], channel["health"]["code"]) == ("active", None)


async def test_the_check_answers_right_wrong_and_untried(admin: Browser) -> None:
    made = await add(admin, {"token": CANARY, "loft": "north"})
    answer = await admin.post(f"/api/connections/{made['id']}/check")
    assert answer.json["checks"] == [
        {"name": "Loft found", "ok": True, "why": "", "cure": ""},
        {"name": "Pigeon flies", "ok": False, "why": "It sleeps.", "cure": "Wake it."},
        {"name": "Letter arrives", "ok": None, "why": "", "cure": ""},
    ]
    incomplete = await add(admin)
    (finding,) = (await admin.post(f"/api/connections/{incomplete['id']}/check")).json["checks"]
    assert finding["ok"] is False
    await admin.post(f"/api/connections/{made['id']}/disable")
    assert (await admin.post(f"/api/connections/{made['id']}/check")).status == 409


# ── Channels


async def test_a_channel_is_added_changed_and_removed(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    before = await seq(house)
    added = (await admin.post(f"/api/connections/{running['id']}/channels", channel_body("second"))).json
    assert (added["state"], added["address"], added["settings"], added["waiting"]) == ("active", "second", {}, 0)
    assert (added["connector"], added["is_live"], added["snippet"]) == ("pigeon", False, None)
    assert house.hub.connections.way(added["id"]) is not None
    changed = await admin.patch(f"/api/channels/{added['id']}", {"address": "third", "settings": {"flies": True}})
    assert (changed.json["address"], changed.json["settings"], changed.json["name"]) == (
        "third",
        {"flies": True},
        "Coop",
    )
    way = house.hub.connections.way(added["id"])
    assert way is not None
    assert (way.address, way.settings) == ("third", {"ring": RING_CANARY, "flies": True})
    assert (await admin.send("DELETE", f"/api/channels/{added['id']}")).status == 204
    assert house.hub.connections.way(added["id"]) is None
    assert await told(house, before) == {("channel.changed", added["id"])}


async def test_an_address_stands_once_on_a_connection(admin: Browser) -> None:
    running = await add_running(admin)
    channels = f"/api/connections/{running['id']}/channels"
    second = (await admin.post(channels, channel_body("second"))).json
    for answer in (
        await admin.post(channels, channel_body("coop")),
        await admin.patch(f"/api/channels/{second['id']}", {"address": "coop"}),
    ):
        assert (answer.status, answer.json["error"]["fields"][0]["path"]) == (409, "address")
    for address in ("", " ", "a\nb", "x" * 321):
        answer = await admin.post(channels, channel_body(address))
        assert (answer.status, answer.json["error"]["fields"][0]["path"]) == (422, "address")


async def test_a_channel_of_a_running_connection_must_be_complete(admin: Browser) -> None:
    running = await add_running(admin)
    answer = await admin.post(f"/api/connections/{running['id']}/channels", {"name": "x", "address": "y"})
    assert (answer.status, answer.json["error"]["fields"][0]["path"]) == (422, "settings.ring")
    assert len((await get(admin, running))["channels"]) == 1


async def test_a_channel_for_a_website_has_a_key_and_a_snippet(admin: Browser, house: House) -> None:
    made = await add(admin, connector="kiosk")
    channels = f"/api/connections/{made['id']}/channels"
    first, second = [(await admin.post(channels, {"name": "Shop"})).json for _ in range(2)]
    assert first["is_live"] is True
    assert first["address"] != second["address"]
    key = first["snippet"].partition('data-site="')[2].partition('"')[0]
    assert len(key) >= 22
    assert f'src="{admin.client.make_url("/w/loader.js")}"' in first["snippet"]
    await admin.post(f"/api/connections/{made['id']}/enable")
    found = house.hub.connections.by_site(key)
    assert found is not None
    assert found[1].channel_id == first["id"]


async def test_what_has_conversations_is_not_removed(admin: Browser, house: House) -> None:
    for path in (f"/api/connections/{house.ids['connection']}", f"/api/channels/{house.ids['channel']}"):
        answer = await admin.send("DELETE", path)
        assert (answer.status, answer.code, answer.json["error"]["cure"]) == (
            409,
            "has_conversations",
            "Disable it instead.",
        )
    assert len((await admin.get("/api/connections")).json[0]["channels"]) == 1


async def test_a_connection_without_conversations_is_removed_whole(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    hook = "/hooks/" + running["hook_url"].rpartition("/")[2]
    await admin.post(hook, data=b"garbage")  # leaves something in quarantine
    assert (await admin.send("DELETE", f"/api/connections/{running['id']}")).status == 204
    assert (await admin.get(f"/api/connections/{running['id']}")).status == 404
    assert (await admin.post(hook, data=b"garbage")).status == 404
    assert (await admin.get("/api/quarantine")).json == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/connections/999"),
        ("PATCH", "/api/connections/999"),
        ("DELETE", "/api/connections/999"),
        ("POST", "/api/connections/999/check"),
        ("POST", "/api/connections/999/enable"),
        ("POST", "/api/connections/999/disable"),
        ("POST", "/api/connections/999/channels"),
        ("PATCH", "/api/channels/999"),
        ("DELETE", "/api/channels/999"),
        ("POST", "/api/quarantine/999/retry"),
    ],
)
async def test_what_is_not_there_is_404(admin: Browser, method: str, path: str) -> None:
    assert (await admin.send(method, path, {})).status == 404


async def test_a_connection_whose_connector_is_gone_is_shown_and_can_be_removed(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    del cast("dict[str, Registered]", house.hub.connections.registry)["pigeon"]
    shown = await get(admin, running)
    assert shown["health"]["code"] == shown["channels"][0]["health"]["code"] == "connector_missing"
    one, channel = f"/api/connections/{running['id']}", f"/api/channels/{running['channels'][0]['id']}"
    assert (await admin.patch(one, {"settings": {"limit": 1}})).status == 409
    assert (await admin.patch(channel, {"name": "x"})).status == 409
    assert (await admin.send("DELETE", f"/api/connections/{running['id']}")).status == 204


async def test_settings_of_another_key_are_said_to_be_unreadable(admin: Browser, house: House) -> None:
    running = await add_running(admin)
    values = {"settings": "gAAAAA-of-another-key"}
    await house.store.write(
        lambda tx: tx.execute(sa.update(t.connection).where(t.connection.c.id == running["id"]).values(values))
    )
    answer = await admin.get(f"/api/connections/{running['id']}")
    assert (answer.status, answer.code) == (503, "wrong_key")


# ── Quarantine


async def test_what_could_not_be_read_is_listed_masked_and_read_again(admin: Browser, house: House) -> None:
    shop = (await admin.get(f"/api/connections/{house.ids['connection']}")).json
    item = {"id": "q1", "from": "me", "to": "shop", "time": 1772366400, "tex": "4111 1111 1111 1111"}
    body = json.dumps(item).encode()
    await send_to_hook(admin, shop, body)
    (entry,) = (await admin.get("/api/quarantine")).json
    assert (entry["connection"], entry["size"], entry["reason"]) == (shop["id"], len(body), "KeyError")
    assert "•••• •••• •••• 1111" in entry["excerpt"]
    again = await admin.post(f"/api/quarantine/{entry['id']}/retry")
    assert (again.status, [left["id"] for left in again.json]) == (200, [entry["id"]])  # still not to be read
    mended = {"hook": load_connector(point(MendedHook, "hook"))}
    house.hub.connections.registry = {**house.hub.connections.registry, **mended}
    await house.hub.connections.reload(shop["id"])
    assert (await admin.post(f"/api/quarantine/{entry['id']}/retry")).json == []
    assert (await admin.get("/api/quarantine")).json == []
    rows = (await admin.get("/api/conversations")).json["conversations"]
    assert "•••• •••• •••• 1111" in [row["last"]["text"] for row in rows]


async def test_what_was_put_aside_by_a_disabled_connection_waits_for_it(admin: Browser, house: House) -> None:
    shop = (await admin.get(f"/api/connections/{house.ids['connection']}")).json
    await send_to_hook(admin, shop, b"{}")
    (entry,) = (await admin.get("/api/quarantine")).json
    await admin.post(f"/api/connections/{shop['id']}/disable")
    answer = await admin.post(f"/api/quarantine/{entry['id']}/retry")
    assert (answer.status, answer.code) == (409, "conflict")


async def send_to_hook(admin: Browser, shop: dict[str, Any], body: bytes) -> None:
    from tests.web.house import HOOK_SECRET

    signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    path = "/hooks/" + shop["hook_url"].rpartition("/")[2]
    assert (await admin.post(path, data=body, headers={"X-Signature": signature})).status == 200


def _mended() -> type:
    from omnibox_hook import Hook

    class Mended(Hook):
        def parse(self, request: Request) -> Iterator[Inbound]:
            item = request.json()
            body = json.dumps(item | {"text": item.get("text", item["tex"])}).encode()
            yield from super().parse(Request(request.headers, body))

    return Mended


MendedHook = _mended()
