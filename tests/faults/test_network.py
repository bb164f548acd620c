"""Names that do not resolve, certificates that ended: never taken for success, and gone with their cause."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.faults.houses import at_rest, hasten, opened, outbound, people, received
from tests.inbox.house import House
from tests.servers import spare_port

from omnibox.testing.world.demo import CUSTOMER, MAILBOX

NOWHERE = "graph.nowhere.example"
YEAR = timedelta(days=365)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path / "home", allow=[NOWHERE, "localhost"]) as house:
        yield house


async def change(house: House, connector: str, **settings: Any) -> int:
    """Change settings of a connection as an admin does; returns its id."""
    connections = await house.admin.ask("GET", "/api/connections")
    found = next(each for each in connections if each["connector"] == connector)
    await house.admin.ask("PATCH", f"/api/connections/{found['id']}", {"settings": settings})
    return int(found["id"])


async def code_of(house: House, conversation: int) -> str | None:
    return (await outbound(house, conversation))[0]["deliveries"][0]["code"]  # type: ignore[no-any-return]


async def test_a_name_that_does_not_resolve_delays_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver fails; when it is back, the reply leaves by itself, once."""
    (psid, row), *_ = (await people(house, 1)).items()
    real, is_down = socket.getaddrinfo, True

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        if host == NOWHERE and is_down:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1" if host == NOWHERE else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    await change(house, "messenger", graph_base=f"http://{NOWHERE}:{house.world.graph.port}")
    sent = await house.reply(row["id"], "answer")
    await house.until(lambda: code_of(house, row["id"]))
    assert await house.state_of(sent) == "queued"
    assert received(house, psid) == []
    is_down = False
    hasten(house, 30)
    await house.until_state(sent, "sent", "delivered")
    assert received(house, psid) == ["answer"]


class Front:
    """Speaks TLS to us and passes on what is inside, with a certificate of its own that may have ended."""

    def __init__(self, port: int, folder: Path) -> None:
        self._to, self._folder, self.port = port, folder, spare_port()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._server: asyncio.Server | None = None

    async def open(self, *, is_over: bool) -> str:
        """Begin to listen; returns the certificate, which signs itself."""
        made = self._certificate(is_over=is_over)
        secret = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self._folder / "front.pem"
        path.write_bytes(secret + made)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        return made.decode()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    def _certificate(self, *, is_over: bool) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        begin = datetime.now(UTC) - YEAR
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + YEAR * (0.9 if is_over else 2))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._to)
        with contextlib.suppress(OSError):
            await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65_536):
        writer.write(some)
        await writer.drain()
    writer.close()


async def test_an_ended_certificate_pauses_the_mailbox_and_keeps_its_replies(house: House, tmp_path: Path) -> None:
    """With a valid one of the same maker the same reply leaves: it was the date that was refused."""
    mail = house.world.house
    front = Front(mail.smtp_port, tmp_path)
    trusted = await front.open(is_over=True)
    mail.write(CUSTOMER, MAILBOX, "Order", "Where is it?")
    row = await house.row(CUSTOMER)
    secure = {"smtp_host": "localhost", "smtp_port": front.port, "smtp_security": "tls"}
    connection = await change(house, "email", **secure, certificate=trusted)
    sent = await house.reply(row["id"], "On its way")
    assert await house.until(lambda: code_of(house, row["id"])) == "email.smtp_tls_failed"
    assert await house.state_of(sent) == "queued"
    await front.close()
    await change(house, "email", certificate=await front.open(is_over=False))
    await house.admin.ask("POST", f"/api/connections/{connection}/enable")
    await at_rest(house, [row["id"]])
    await front.close()
    assert await house.state_of(sent) == "sent"
    assert len(mail.sent_to(CUSTOMER)) == 1


async def test_a_page_behind_an_ended_certificate_is_told_nothing(house: House, tmp_path: Path) -> None:
    (psid, row), *_ = (await people(house, 1)).items()
    front = Front(house.world.graph.port, tmp_path)
    await front.open(is_over=True)
    asked = len(house.world.graph.asked)
    await change(house, "messenger", graph_base=f"https://localhost:{front.port}")
    sent = await house.reply(row["id"], "answer")
    assert await house.until(lambda: code_of(house, row["id"])) == "no_connection"
    await front.close()
    assert await house.state_of(sent) == "queued"
    assert len(house.world.graph.asked) == asked
    await change(house, "messenger", graph_base=house.world.graph.base)
    hasten(house, 30)
    await house.until_state(sent, "sent", "delivered")
    assert received(house, psid) == ["answer"]
