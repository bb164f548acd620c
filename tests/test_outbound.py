"""The door out, against real listeners on loopback: what is forbidden is never reached, what is named is."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from omnibox.connector import (
    Answer,
    BadSettings,
    ChannelDown,
    ConnectorError,
    Rejected,
    SendError,
    Temporary,
    Uncertain,
)
from omnibox.outbound import Guard, GuardedHttp, LookUp, is_public
from omnibox.outbound.http import IDLE_S
from omnibox.testing import Platform

FORBIDDEN = """
127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 127.0.0.1. 0 0.0.0.0 0.0.0.1 0.1.2.3
2130706433 017700000001 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 127.0x0.0.1 127.00.00.01
localhost LOCALHOST localhost. 127.0.0.1%00 １２７.0.0.1 127。0。0。1
10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.255
100.64.0.1 100.100.100.200 100.127.255.255 169.254.0.1 169.254.169.254 169.254.170.2 168.63.129.16
192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 2852039166 0xa9fea9fe
:: ::1 0:0:0:0:0:0:0:1 ::127.0.0.1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1
2002:7f00:1:: 2002:a9fe:a9fe::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1 2001:db8::1
3fff::1 fc00::1 fd00:ec2::254 fd12:3456:789a::1 fe80::1 fe80::1%lo fec0::1 ff02::1 ff05::1:3 100::1 5f00::1
"""
PUBLIC = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.255 \
2606:4700:4700::1111 2a00:1450::1 64:ff9b::808:808"


class Listener:
    """Counts who connects, on IPv4 and IPv6 loopback."""

    def __init__(self) -> None:
        self.hits = 0
        self.heard: asyncio.Queue[int] = asyncio.Queue()
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        self._servers = [await asyncio.start_server(self._count, "127.0.0.1", 0)]
        self.port = self._servers[0].sockets[0].getsockname()[1]
        self._servers.append(await asyncio.start_server(self._count, "::1", self.port))

    async def close(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    def _count(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        self.heard.put_nowait(self.hits)
        writer.close()


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.start()
    yield listener
    await listener.close()


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    await platform.start()
    yield platform
    await platform.close()


@pytest_asyncio.fixture
async def http(platform: Platform) -> AsyncIterator[GuardedHttp]:
    """A client that may reach the platform and nothing else on loopback."""
    client = GuardedHttp(Guard([platform.url.removeprefix("http://").strip("/")]))
    yield client
    await client.close()


def found(*addresses: str) -> LookUp:
    async def look_up(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return look_up


def is_literal(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def url_of(host: str, port: int, path: str = "/") -> str:
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


# --- addresses


@pytest.mark.parametrize("host", FORBIDDEN.split())
async def test_no_form_of_a_private_address_is_reached(host: str, canary: Listener) -> None:
    guard = Guard()
    client = GuardedHttp(guard)
    with pytest.raises(ConnectorError) as by_socket:  # a form that nobody knows is simply not found
        await guard.connect(host, canary.port, 5)
    with pytest.raises((BadSettings, Temporary)) as by_post:
        await client.post(url_of(host, canary.port), json={})
    with pytest.raises(SendError) as by_fetch:
        await client.fetch(url_of(host, canary.port), 100, 5)
    await client.close()
    assert canary.hits == 0
    if is_literal(host):  # refused by the rule, not for want of a route
        assert type(by_socket.value) is type(by_post.value) is BadSettings
        assert by_fetch.value.code == "address_forbidden"


def test_there_are_many_forms() -> None:
    assert len(set(FORBIDDEN.split())) >= 60


async def test_the_canary_would_have_sung(canary: Listener) -> None:
    guard = Guard(["127.0.0.0/8", "::1"])
    for host in ("127.0.0.1", "::1", "localhost", "127.1"):
        (await guard.connect(host, canary.port, 5)).close()
    async with asyncio.timeout(5):
        for _ in range(4):
            await canary.heard.get()


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


async def test_a_forbidden_target_names_the_cure() -> None:
    for host, shown in (("10.1.2.3", "10.1.2.3:993"), ("fd00::1", "[fd00::1]:993")):
        with pytest.raises(BadSettings) as caught:
            await Guard().connect(host, 993)
        assert shown in str(caught.value)
        assert f'outbound_allow = ["{shown}"]' in str(caught.value)
        Guard([shown])  # and the cure is one


async def test_a_name_that_leads_inside_is_forbidden(canary: Listener) -> None:
    guard = Guard(look_up=found("127.0.0.1", "::1", "::ffff:127.0.0.1"))
    with pytest.raises(BadSettings):
        await guard.connect("innocent.example", canary.port)
    assert canary.hits == 0


async def test_of_mixed_answers_only_the_allowed_are_used(platform: Platform) -> None:
    port = int(platform.url.strip("/").rpartition(":")[2])
    guard = Guard([f"127.0.0.1:{port}"], look_up=found("10.0.0.1", "::1", "127.0.0.1"))
    link = await guard.connect("mixed.example", port)
    assert link.getpeername()[0] == "127.0.0.1"
    assert link.gettimeout() == 0
    link.close()


async def test_a_name_is_looked_up_once_so_a_second_answer_changes_nothing(canary: Listener) -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    # The first answer passes the check; nobody listens there. The second one would lead to the canary.
    guard = Guard(["127.0.0.2"], look_up=rebinding)
    client = GuardedHttp(guard)
    with pytest.raises(Temporary):
        await client.post(f"http://rebinding.example:{canary.port}/", json={})
    assert asked == ["rebinding.example"]
    with pytest.raises(BadSettings):
        await client.post(f"http://rebinding.example:{canary.port}/", json={})
    await client.close()
    assert canary.hits == 0


async def test_the_socket_itself_looks_again() -> None:
    guard = Guard(["wiki.lan:80"], look_up=found("10.0.0.9"))
    assert not guard.permits_socket("10.0.0.9", 80)
    await guard.resolve("wiki.lan", 80)
    assert guard.permits_socket("10.0.0.9", 80)
    assert not guard.permits_socket("10.0.0.9", 443)
    assert not guard.permits_socket("10.0.0.8", 80)


async def test_an_address_that_slipped_through_gets_no_socket(canary: Listener) -> None:
    class Fooled(Guard):
        async def resolve(self, host: str, port: int) -> list[str]:
            return ["127.0.0.1"]

    client = GuardedHttp(Fooled())
    with pytest.raises(Temporary):
        await client.post(f"http://fooled.example:{canary.port}/", json={})
    await client.close()
    assert canary.hits == 0


# --- what the operator allows


@pytest.mark.parametrize(
    ("entry", "host", "port", "is_open"),
    [
        ("10.0.0.0/8", "10.9.8.7", 25, True),
        ("10.0.0.0/8", "11.0.0.1", 25, True),
        ("10.0.0.0/8", "192.168.0.1", 25, False),
        ("192.168.1.5", "192.168.1.5", 993, True),
        ("192.168.1.5:993", "192.168.1.5", 993, True),
        ("192.168.1.5:993", "192.168.1.5", 25, False),
        ("fd00::/8", "fd12::1", 25, True),
        ("[fd12::1]:25", "fd12::1", 25, True),
        ("[fd12::1]:25", "fd12::1", 26, False),
        ("[fd12::1]", "fd12::1", 26, True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 25, False),
        ("mail.lan:993", "mail.lan", 993, True),
        ("mail.lan:993", "MAIL.LAN.", 993, True),
        ("mail.lan:993", "mail.lan", 25, False),
        ("mail.lan:993", "other.mail.lan", 993, False),
        ("mail.lan", "mail.lan", 25, True),
        ("mail.lan", "10.7.7.7", 25, False),
        ("10.7.7.0/24", "any.lan", 25, True),
    ],
)
async def test_the_allow_list_opens_what_it_names(entry: str, host: str, port: int, is_open: bool) -> None:
    guard = Guard([entry], look_up=found("10.7.7.7"))
    if is_open:
        assert await guard.resolve(host, port)
    else:
        with pytest.raises(BadSettings):
            await guard.resolve(host, port)


async def test_a_name_never_opens_what_clouds_keep_secrets_behind() -> None:
    for address in ("169.254.169.254", "fd00:ec2::254", "fe80::1", "168.63.129.16"):
        guard = Guard(["meta.lan"], look_up=found(address))
        with pytest.raises(BadSettings):
            await guard.resolve("meta.lan", 80)
        assert await Guard([address]).resolve(address, 80)


@pytest.mark.parametrize(
    "entry",
    ["", " ", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8:25", "mail.lan:", "mail.lan:0", "mail.lan:65536",
     "mail.lan:imap", "mail.lan:99:1", "http://mail.lan", "mail lan", "*.lan", "-a.lan", "a..lan", "10.0.0.256",
     "127.1", "0x7f.1", "[::1"],
)  # fmt: skip
def test_a_wrong_entry_is_named_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a network, a host or host:port") as caught:
        Guard(["10.0.0.0/8", entry])
    assert repr(entry) in str(caught.value)


# --- connections


async def test_a_closed_port_is_temporary(canary: Listener) -> None:
    await canary.close()
    with pytest.raises(Temporary):
        await Guard(["127.0.0.1"]).connect("127.0.0.1", canary.port)


async def test_a_dead_address_leaves_time_for_the_next(canary: Listener) -> None:
    guard = Guard(["127.0.0.0/8"], look_up=found("127.0.0.9", "127.0.0.1"))
    link = await guard.connect("two.example", canary.port)
    assert link.getpeername() == ("127.0.0.1", canary.port)
    link.close()
    with socket.socket() as silent:  # a full queue: whoever comes now hears nothing
        silent.bind(("127.0.0.9", canary.port))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(("127.0.0.9", canary.port))
        link = await guard.connect("two.example", canary.port, 1)
        assert link.getpeername() == ("127.0.0.1", canary.port)
        for other in (link, *waiting):
            other.close()


async def test_a_name_nobody_knows_is_temporary() -> None:
    async def nothing(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    guard = Guard(look_up=nothing)
    client = GuardedHttp(guard)
    with pytest.raises(Temporary):
        await guard.connect("nowhere.example", 25)
    with pytest.raises(Temporary):
        await client.post("https://nowhere.example/", json={})
    await client.close()


async def test_a_stuck_look_up_ends_by_the_timeout() -> None:
    async def stuck(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    guard = Guard(look_up=stuck)
    client = GuardedHttp(guard)
    with pytest.raises(Temporary):
        await guard.connect("slow.example", 25, 0.01)
    with pytest.raises(Temporary):
        await client.post("https://slow.example/", json={}, timeout_s=0.01)
    await client.close()


# --- the language of errors


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, Rejected, "http_400"), (404, Rejected, "http_404"), (408, Rejected, "http_408"),
        (301, Rejected, "http_301"), (302, Rejected, "http_302"), (308, Rejected, "http_308"),
        (401, ChannelDown, "http_401"), (403, ChannelDown, "http_403"),
        (429, Temporary, "http_429"), (503, Temporary, "http_503"),
        (500, Uncertain, "http_500"), (502, Uncertain, "http_502"), (504, Uncertain, "http_504"),
        (599, Uncertain, "http_599"),
    ],
)  # fmt: skip
async def test_a_status_is_a_decision(
    http: GuardedHttp, platform: Platform, status: int, error: type[SendError], code: str
) -> None:
    platform.answer(status, {"error": 1}, {"Location": f"{platform.url}other"})
    with pytest.raises(SendError) as caught:
        await http.post(platform.url, json={})
    assert type(caught.value) is error
    assert caught.value.code == code
    with pytest.raises(SendError) as caught:
        await http.get(platform.url)
    assert type(caught.value) is (Temporary if error is Uncertain else error)
    assert platform.arrived == 2


async def test_what_is_sent_arrives(http: GuardedHttp, platform: Platform) -> None:
    platform.answer(201, {"id": "m1", "nested": [1, None, "ü"]})
    headers = {"X-Token": "t"}
    assert await http.post(platform.url, json={"a": "ü\ud800"}, headers=headers, params={"q": "1 &"}) == {
        "id": "m1",
        "nested": [1, None, "ü"],
    }
    await http.post(platform.url, form={"a": "1", "b": "ü"})
    await http.post(platform.url, form={"a": "1", "file": ("näme.png", b"\x89PNG\xff", "image/png")})
    await http.get(f"{platform.url}x/y?z=1", params={"q": "2"})
    plain, form, multipart, get = platform.requests
    assert (plain.method, dict(plain.query), plain.headers["X-Token"]) == ("POST", {"q": "1 &"}, "t")
    assert plain.body == b'{"a": "\\u00fc\\ud800"}'
    assert form.body == b"a=1&b=%C3%BC"
    assert b"\x89PNG\xff" in multipart.body
    assert b"image/png" in multipart.body
    assert (get.method, get.path, dict(get.query)) == ("GET", "/x/y", {"z": "1", "q": "2"})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"null", b'"', b"{} x"])
async def test_an_answer_that_is_no_json_is_uncertain(http: GuardedHttp, platform: Platform, body: bytes) -> None:
    platform.answer(200, body)
    with pytest.raises(Uncertain):
        await http.post(platform.url, json={})


async def test_an_endless_answer_is_cut_off(http: GuardedHttp, platform: Platform) -> None:
    platform.answer(200, b'"' + b"x" * (5 << 20) + b'"')
    with pytest.raises(Uncertain):
        await http.post(platform.url, json={})


@pytest.mark.parametrize("cut", ["before", "inside"])
async def test_a_connection_that_broke_is_uncertain_for_a_post_only(
    http: GuardedHttp, platform: Platform, cut: str
) -> None:
    platform.answer(200, b"{}", cut=cut)
    with pytest.raises(Uncertain):
        await http.post(platform.url, json={})
    assert platform.arrived == 1
    with pytest.raises(Temporary):
        await http.get(platform.url)


async def test_a_kept_link_that_breaks_is_uncertain_too(http: GuardedHttp, platform: Platform) -> None:
    await http.post(platform.url, json={})
    platform.answer(cut="before")
    with pytest.raises(Uncertain):
        await http.post(platform.url, json={})
    assert platform.arrived == 2


async def test_an_idle_link_is_dropped_before_the_platform_drops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert IDLE_S == 2
    monkeypatch.setattr("omnibox.outbound.http.IDLE_S", 0.05)
    dropped = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.read()  # ends when the client closes
        dropped.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    client = GuardedHttp(Guard(["127.0.0.1"]))
    await client.post(url_of("127.0.0.1", server.sockets[0].getsockname()[1]), json={})
    await asyncio.wait_for(dropped.wait(), 10)
    await client.close()
    server.close()


async def test_a_body_without_end_is_cut_off() -> None:
    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    url = url_of("127.0.0.1", server.sockets[0].getsockname()[1])
    client = GuardedHttp(Guard(["127.0.0.1"]))
    with pytest.raises(Rejected) as caught:
        await client.fetch(url, 1000)
    assert caught.value.code == "file_too_large"
    with pytest.raises(Uncertain) as odd:
        await client.post(url, json={})
    assert odd.value.code == "unexpected_answer"
    await client.close()
    server.close()


async def test_no_answer_in_time_is_uncertain(http: GuardedHttp, platform: Platform) -> None:
    platform.hold()
    with pytest.raises(Uncertain):
        await http.post(platform.url, json={}, timeout_s=0.2)
    with pytest.raises(Temporary):
        await http.get(platform.url, timeout_s=0.2)


async def test_a_server_that_speaks_no_tls_got_nothing(http: GuardedHttp, platform: Platform) -> None:
    with pytest.raises(Temporary):
        await http.post(platform.url.replace("http", "https"), json={})
    assert platform.arrived == 0


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "999999999999999999999"}, 86_400),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "٣"}, 0),
        ({"Retry-After": "Mon, 02 Nov 2026 09:31:00 GMT", "Date": "Mon, 02 Nov 2026 09:30:00 GMT"}, 60),
        ({"Retry-After": "Mon, 02 Nov 2026 09:29:00 GMT", "Date": "Mon, 02 Nov 2026 09:30:00 GMT"}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 86_400),
        ({}, 0),
    ],
)
async def test_the_wait_a_platform_asks_for_is_kept(
    http: GuardedHttp, platform: Platform, headers: dict[str, str], wait_s: float
) -> None:
    platform.answer(429, {}, headers)
    with pytest.raises(Temporary) as caught:
        await http.post(platform.url, json={})
    assert caught.value.retry_after == wait_s


async def test_a_connectors_own_table_goes_first(http: GuardedHttp, platform: Platform) -> None:
    seen: list[Answer] = []

    def refusal(answer: Answer) -> SendError | None:
        seen.append(answer)
        own = {1: Temporary("busy"), 2: Rejected("gone"), 3: Temporary("later", 5)}
        return own.get(answer.json["e"]) if answer.json else None

    for status, body, error, wait_s in (
        (500, {"e": 1}, Temporary, 9), (200, {"e": 2}, Rejected, 0), (403, {"e": 3}, Temporary, 5),
        (403, {"e": 4}, ChannelDown, 0), (500, b"<html>", Uncertain, 0),
    ):  # fmt: skip
        platform.answer(status, body, {"Retry-After": "9", "X-Usage": "80"})
        with pytest.raises(SendError) as caught:
            await http.post(platform.url, json={}, refusal=refusal)
        assert type(caught.value) is error
        assert getattr(caught.value, "retry_after", 0) == wait_s
    assert [answer.status for answer in seen] == [500, 200, 403, 403, 500]
    assert seen[0].headers["x-usage"] == "80"


@pytest.mark.parametrize(
    "url",
    ["", "shop.example", "ftp://shop.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://", "http:///x",
     "//shop.example", "http://[::1", "http://shop.example:99999/", "javascript:alert(1)", "unix:/run/x.sock"],
)  # fmt: skip
async def test_only_web_addresses_are_asked(http: GuardedHttp, url: str) -> None:
    with pytest.raises(BadSettings):
        await http.post(url, json={})
    with pytest.raises(Rejected):
        await http.fetch(url, 10)


async def test_a_pasted_line_break_is_named(http: GuardedHttp, platform: Platform) -> None:
    with pytest.raises(BadSettings, match="line break"):
        await http.post(platform.url, json={}, headers={"Authorization": "Bearer abc\r\nX: 1"})
    assert platform.arrived == 0


async def test_no_cookie_and_no_proxy(
    http: GuardedHttp, platform: Platform, canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    platform.answer(200, {}, {"Set-Cookie": "spy=1; Path=/"})
    await http.post(platform.url, json={})
    await http.post(platform.url, json={})
    assert "Cookie" not in platform.requests[1].headers
    assert canary.hits == 0


async def test_errors_and_logs_say_no_address_and_no_text(
    http: GuardedHttp, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    secret = f"{platform.url}hooks/t0p-s3cret"
    for status, cut in ((400, ""), (500, ""), (200, "before"), (200, "inside")):
        platform.answer(status, {"message": "t0p-s3cret"} if status != 200 else b"x", cut=cut)
        with pytest.raises(SendError) as caught:
            await http.post(secret, json={"text": "t0p-s3cret"}, headers={"X": "t0p-s3cret"})
        told.append(repr(caught.value) + repr(caught.value.__cause__) + repr(vars(caught.value)))
    await platform.close()
    with pytest.raises(Temporary) as lost:
        await http.post(secret, json={"text": "t0p-s3cret"})
    assert "t0p-s3cret" not in "".join(told) + repr(lost.value) + caplog.text


# --- remote files


async def test_a_file_is_fetched(http: GuardedHttp, platform: Platform) -> None:
    platform.answer(200, b"\x89PNG", {"Content-Type": "image/png; charset=x"})
    fetched = await http.fetch(f"{platform.url}a.png?sig=1", 4)
    assert (fetched.content, fetched.content_type) == (b"\x89PNG", "image/png")
    assert "PNG" not in repr(fetched)


async def test_a_file_too_large_is_refused(http: GuardedHttp, platform: Platform) -> None:
    platform.answer(200, b"12345")
    with pytest.raises(Rejected) as caught:
        await http.fetch(platform.url, 4)
    assert caught.value.code == "file_too_large"
    platform.answer(200, b"12345", cut="inside")  # announces more than it has
    with pytest.raises(Rejected):
        await http.fetch(platform.url, 6)


@pytest.mark.parametrize(
    ("status", "error"), [(404, Rejected), (403, Rejected), (204, Rejected), (429, Temporary), (500, Temporary)]
)
async def test_what_is_no_file(http: GuardedHttp, platform: Platform, status: int, error: type[SendError]) -> None:
    platform.answer(status, b"")
    with pytest.raises(error):
        await http.fetch(platform.url, 4)


async def test_a_slow_file_ends_by_the_timeout(http: GuardedHttp, platform: Platform) -> None:
    platform.hold()
    with pytest.raises(Temporary):
        await http.fetch(platform.url, 4, timeout_s=0.1)


async def test_five_redirects_are_followed_and_no_more(http: GuardedHttp, platform: Platform) -> None:
    platform.answer(302, b"", {"Location": "/again"})
    with pytest.raises(Rejected) as caught:
        await http.fetch(platform.url, 4)
    assert caught.value.code == "too_many_redirects"
    assert [request.path for request in platform.requests] == ["/", *["/again"] * 5]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_each_redirect_is_checked_again(
    http: GuardedHttp, platform: Platform, canary: Listener, status: int
) -> None:
    targets = [url_of(host, canary.port) for host in ("127.0.0.1", "::1", "localhost", "127.1", "::ffff:127.0.0.1")]
    for target in (*targets, "file:///etc/passwd", "http://", "//127.0.0.1:1/", "http://[x"):
        platform.answer(status, b"", {"Location": target})
        with pytest.raises(Rejected):
            await http.fetch(platform.url, 100)
    assert canary.hits == 0


async def test_a_file_is_fetched_from_web_ports_only() -> None:
    asked = []

    async def look_up(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    client = GuardedHttp(Guard(["files.lan:8080"], look_up=look_up))
    for url in ("http://files.example:22/", "http://files.example:6379/", "https://files.example:8443/"):
        with pytest.raises(Rejected):
            await client.fetch(url, 10)
    assert asked == []
    with pytest.raises(SendError):
        await client.fetch("http://files.lan:8080/", 10)
    assert asked == [("files.lan", 8080)]
    await client.close()
