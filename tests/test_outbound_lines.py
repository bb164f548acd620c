"""Kept lines, against servers on loopback that say what they like: which line carries what, and which none again."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from omnibox.connector import Temporary, Uncertain
from omnibox.outbound import Guard, GuardedHttp, lines

GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"n": 1}'
POISON = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"n": 9}'
SOON_S = 20.0


@dataclass
class Talker:
    """Answers each request with `says`, and counts lines and what came on each."""

    says: bytes = GOOD
    then: bytes = b""  # after the answer was taken, unasked
    ends: bool = False  # the line, after the answer
    lines: int = 0
    heard: list[bytes] = field(default_factory=list)
    over: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        number = self.lines
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                self.heard.append(head + await reader.readexactly(int(length[1]) if length else 0))
                writer.write(self.says)
                await writer.drain()
                if self.ends:
                    break
                if self.then:
                    await self.more.wait()
                    writer.write(self.then)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.over.put_nowait(number)


@pytest.fixture
async def talker() -> AsyncIterator[Talker]:
    talker = Talker()
    server = await asyncio.start_server(talker.serve, "127.0.0.1", 0)
    talker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    yield talker
    server.close()


@pytest.fixture
async def http(talker: Talker) -> AsyncIterator[GuardedHttp]:
    client = GuardedHttp(Guard(["127.0.0.1"]))
    yield client
    await client.close()


async def test_one_line_carries_request_after_request(talker: Talker, http: GuardedHttp) -> None:
    for number in range(3):
        assert await http.post(talker.url, json={"number": number}) == {"n": 1}
    assert talker.lines == 1
    assert [json.loads(each.partition(b"\r\n\r\n")[2]) for each in talker.heard] == [{"number": n} for n in range(3)]


async def test_requests_at_once_have_lines_of_their_own(talker: Talker, http: GuardedHttp) -> None:
    await asyncio.gather(*(http.post(talker.url, json={}) for _ in range(5)))
    assert talker.lines == 5
    await asyncio.gather(*(http.post(talker.url, json={}) for _ in range(5)))
    assert talker.lines == 5


@pytest.mark.parametrize(
    "says",
    [
        GOOD.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"),
        GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        GOOD + POISON,
    ],
)
async def test_a_line_that_may_say_more_is_not_used_again(talker: Talker, http: GuardedHttp, says: bytes) -> None:
    talker.says = says
    for _ in range(2):
        assert await http.post(talker.url, json={}) == {"n": 1}
    assert talker.lines == 2


async def test_an_answer_nobody_asked_for_ends_the_line(
    talker: Talker, http: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibox.outbound.http.IDLE_S", 3600)
    talker.then = POISON
    assert await http.post(talker.url, json={}) == {"n": 1}
    talker.more.set()
    async with asyncio.timeout(SOON_S):
        assert await talker.over.get() == 1  # the client has hung up
    assert await http.post(talker.url, json={}) == {"n": 1}
    assert talker.lines == 2


async def test_a_line_that_lay_too_long_is_not_used_though_it_is_open_yet(
    talker: Talker, http: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibox.outbound.http.IDLE_S", 0)
    for _ in range(2):  # the second asks before the loop can close what the first left
        await http.post(talker.url, json={})
    assert talker.lines == 2


async def test_who_no_longer_waits_hangs_up(talker: Talker, http: GuardedHttp) -> None:
    talker.says = GOOD[:-1]
    asking = asyncio.create_task(http.post(talker.url, json={}))
    async with asyncio.timeout(SOON_S):
        while not talker.heard:
            await asyncio.sleep(0)
        asking.cancel()
        assert await talker.over.get() == 1
    talker.says = GOOD
    assert await http.post(talker.url, json={}) == {"n": 1}


@pytest.mark.parametrize(
    "says",
    [
        GOOD[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + b'{"n": 1}\r\n',
        b"SMTP 220 hello\r\n\r\n",
        GOOD + b"and so on",
        b"",
    ],
)
async def test_half_an_answer_is_a_doubt(talker: Talker, http: GuardedHttp, says: bytes) -> None:
    talker.says, talker.ends = says, True
    with pytest.raises(Uncertain):
        await http.post(talker.url, json={})


async def test_a_body_that_ends_with_the_line_is_whole(talker: Talker, http: GuardedHttp) -> None:
    talker.says, talker.ends = b'HTTP/1.1 200 OK\r\n\r\n{"n": 1}', True
    assert await http.post(talker.url, json={}) == {"n": 1}


async def test_a_closed_client_hangs_up_and_asks_nobody(talker: Talker, http: GuardedHttp) -> None:
    await http.post(talker.url, json={})
    await http.close()
    async with asyncio.timeout(SOON_S):
        assert await talker.over.get() == 1
    with pytest.raises(Temporary):
        await http.post(talker.url, json={})
    assert talker.lines == 1


class SlowGuard(Guard):
    """Hands out its links only once it `may`."""

    may: asyncio.Event

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> socket.socket:
        link = await super().connect(host, port, timeout_s)
        await self.may.wait()
        return link


async def test_who_is_still_connecting_when_the_client_closes_sends_nothing(talker: Talker) -> None:
    guard = SlowGuard(["127.0.0.1"])
    guard.may = asyncio.Event()
    http = GuardedHttp(guard)
    asking = asyncio.create_task(http.post(talker.url, json={}))
    async with asyncio.timeout(SOON_S):
        while not talker.lines:
            await asyncio.sleep(0)
        await http.close()
        guard.may.set()
        with pytest.raises(Temporary):
            await asking
        assert await talker.over.get() == 1
    assert talker.heard == []


async def test_who_waits_when_the_client_closes_is_in_doubt_at_once(talker: Talker, http: GuardedHttp) -> None:
    talker.says = GOOD[:-1]
    asking = asyncio.create_task(http.post(talker.url, json={}, timeout_s=3600))
    async with asyncio.timeout(SOON_S):
        while not talker.heard:
            await asyncio.sleep(0)
        await http.close()
        with pytest.raises(Uncertain):
            await asking
        assert await talker.over.get() == 1


async def test_what_a_request_says(talker: Talker, http: GuardedHttp) -> None:
    await http.post(
        f"{talker.url}v1/ö?a=1#part",
        json={"text": "ž"},
        headers={"content-type": "application/vnd.shop+json", "X-Key": "k"},
        params={"b": "2 3"},
    )
    head, _, body = talker.heard[0].partition(b"\r\n\r\n")
    start, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert start == "POST /v1/%C3%B6?a=1&b=2+3 HTTP/1.1"
    assert headers["host"] == talker.url.removeprefix("http://").strip("/")
    assert (headers["content-type"], headers["x-key"]) == ("application/vnd.shop+json", "k")
    assert len(headers) == len(lines)
    assert (json.loads(body), int(headers["content-length"])) == ({"text": "ž"}, len(body))


async def test_a_password_in_the_address_is_sent_as_such(talker: Talker, http: GuardedHttp) -> None:
    await http.post(talker.url.replace("//", "//ann:secret@"), json={})
    assert b"\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n" in talker.heard[0]


# ── Encrypted


def certificate_of(name: str, path: Path) -> None:
    """A key and a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(
    ("host", "is_trusted", "arrives"),
    [("shop.example", True, True), ("shop.example.", True, True), ("fake.example", True, False),
     ("shop.example", False, False)],
)  # fmt: skip
async def test_only_who_proves_the_name_is_told_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, *, is_trusted: bool, arrives: bool
) -> None:
    async def look_up(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    certificate_of("shop.example", own := tmp_path / "own.pem")
    certificate_of("shop.example", other := tmp_path / "other.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own)
    monkeypatch.setenv("SSL_CERT_FILE", str(own if is_trusted else other))
    lines._secure.cache_clear()
    talker = Talker()
    server = await asyncio.start_server(talker.serve, "127.0.0.1", 0, ssl=context)
    client = GuardedHttp(Guard(["127.0.0.1"], look_up=look_up))
    url = f"https://{host}:{server.sockets[0].getsockname()[1]}/"
    try:
        if arrives:
            assert await client.post(url, json={}) == {"n": 1}
        else:
            with pytest.raises(Temporary):
                await client.post(url, json={})
    finally:
        await client.close()
        server.close()
        lines._secure.cache_clear()
    assert bool(talker.heard) is arrives
