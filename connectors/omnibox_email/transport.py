"""Sending over SMTP, stage by stage, so that it is always known whether a mail can have left."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnibox.connector import BadSettings, ChannelDown, Context, Rejected, SendError, Temporary, Uncertain
from omnibox_email.account import Server
from omnibox_email.faults import Timings

if TYPE_CHECKING:
    import aiosmtplib

Leaving = Callable[[], Awaitable[None]]

CHUNK = 256 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_ID = re.compile(r"<([^<>\s@]{1,300}@[^<>\s@]{1,200})>")
_SES_HOST = re.compile(r"email-smtp\.([a-z0-9-]+)\.amazonaws\.com\Z", re.I)
_SES_ID = re.compile(r"\b([0-9a-f]{16}-[0-9a-f-]{30,60})\b")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the mail: what it said, for ids, and who was refused."""

    answer: str = field(repr=False)
    refused: Mapping[str, SendError]


@dataclass(frozen=True, slots=True)
class Handover:
    """One mail on its way to the server."""

    sender: str
    recipients: Sequence[str]
    raw: bytes = field(repr=False)
    leaving: Leaving = field(repr=False)

    @property
    def needs_utf8(self) -> bool:
        return not (self.sender + "".join(self.recipients)).isascii()


class NoExtraLine(Exception):
    """The server gives no further line just now; nothing was sent."""


class Transport:
    """One kept connection to the submission server; sends go one after the other."""

    def __init__(self, context: Context, server: Server, timings: Timings, *, does_log_in: bool) -> None:
        self._context = context
        self._server = server
        self._timings = timings
        self._does_log_in = does_log_in
        self._client: aiosmtplib.SMTP | None = None
        self._lock = asyncio.Lock()
        self._closing: asyncio.TimerHandle | None = None
        self._is_clean = True
        self.waiting = 0  # mails, the one that is being sent included

    async def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, leaving: Leaving, *, is_extra: bool = False
    ) -> Accepted:
        """Hand over one mail, or raise a `SendError`. `leaving` is awaited right before the final dot.

        On an extra line a failure to get the line is `NoExtraLine`.
        """
        self.waiting += 1
        try:
            async with self._lock:
                self._stop_timer()
                return await self._send(Handover(sender, recipients, raw, leaving), is_extra=is_extra)
        finally:
            self.waiting -= 1

    async def _send(self, mail: Handover, *, is_extra: bool) -> Accepted:
        is_kept = await self._has_line()
        try:
            client = self._fitting(await self._line(), mail)
        except SendError as error:
            if is_extra and not isinstance(error, Rejected):
                raise NoExtraLine from None
            raise
        try:
            try:
                code, said = await self._offer(client, mail)
            except Temporary:
                code, said = 421, ""
                if not is_kept:
                    raise
            if code == 421 and is_kept:  # the line died while it was kept: nothing has begun, another one will do
                self.close()
                client = self._fitting(await self._line(), mail)
                code, said = await self._offer(client, mail)
            if code != 250:
                raise _sender_refused(code, said)
            accepted = await self._transfer(client, mail)
        except SendError as error:
            self._after_failure(error)
            raise
        except BaseException:
            self.close()
            raise
        self._start_timer()
        return accepted

    # -- the connection --

    async def _has_line(self) -> bool:
        """Whether there is a kept line, ready for a new mail."""
        import aiosmtplib

        if self._client is None or not self._client.is_connected:
            return False
        if not self._is_clean:
            try:
                await self._client.execute_command(b"RSET", timeout=self._timings.command_s)
            except (aiosmtplib.SMTPException, OSError):
                self.close()
                return False
            self._is_clean = True
        return True

    async def _line(self) -> aiosmtplib.SMTP:
        """The kept client, or a new one, logged in."""
        if self._client is None or not self._client.is_connected:
            self.close()
            self._client = await self.dial()
            self._is_clean = True
        return self._client

    def _fitting(self, client: aiosmtplib.SMTP, mail: Handover) -> aiosmtplib.SMTP:
        """The client, where its server can take this mail at all."""
        announced = client.esmtp_extensions.get("size", "")
        if announced.isdigit() and 0 < int(announced) < len(mail.raw):
            self._start_timer()
            raise Rejected("email.too_big")
        if mail.needs_utf8 and not client.supports_extension("smtputf8"):
            self._start_timer()
            raise Rejected("email.address_not_supported")
        return client

    async def dial(self) -> aiosmtplib.SMTP:
        """A connected, encrypted, logged-in client, or a `SendError` that names the stage."""
        import aiosmtplib

        server, wait = self._server, self._timings
        try:
            sock = await self._context.connect(server.host, server.port, wait.connect_s)
        except BadSettings:
            raise ChannelDown("email.smtp_forbidden") from None
        context = server.tls()
        client = aiosmtplib.SMTP(
            hostname=server.host,
            sock=sock,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=context,
            local_hostname=_own_name(sock),
            timeout=wait.command_s,
        )
        try:
            await client.connect(timeout=wait.connect_s)
            await client._ehlo_or_helo_if_needed()
            if server.security == "starttls":
                await _start_tls(client, context, server.host)
            if self._does_log_in:
                await self._log_in(client)
        except aiosmtplib.SMTPConnectResponseError as error:
            raise _refusal("email.smtp_greeting_refused", error.code) from None
        except aiosmtplib.SMTPConnectError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise ChannelDown("email.smtp_tls_failed") from None
            raise Temporary("email.smtp_connect_failed") from None
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise _refusal("email.smtp_refused", error.code) from None
        except (aiosmtplib.SMTPException, OSError):
            client.close()
            raise Temporary("email.smtp_connect_failed") from None
        except BaseException:
            client.close()
            if client.transport is None and sock.fileno() != -1 and client.protocol is None:
                _close_quietly(sock)
            raise
        return client

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        import aiosmtplib

        if not client.supports_extension("auth"):
            raise ChannelDown("email.smtp_no_login")
        try:
            await client.login(self._server.user.encode(), self._server.password.encode())
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise Temporary("email.smtp_login_unavailable", whole_channel=True) from None
            is_switched_off = "5.7.139" in error.message
            raise ChannelDown(
                "email.smtp_password_login_off" if is_switched_off else "email.smtp_login_refused"
            ) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            raise Temporary("email.smtp_connect_failed") from None
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPException):
            raise ChannelDown("email.smtp_no_login") from None

    def _after_failure(self, error: SendError) -> None:
        """Keep the line after a plain refusal; after anything else its state is unknown."""
        if isinstance(error, Uncertain) or self._client is None or not self._client.is_connected:
            self.close()
        else:
            self._is_clean = False
            self._start_timer()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._closing = asyncio.get_running_loop().call_later(self._timings.kept_s, self.close)

    def _stop_timer(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def close(self) -> None:
        """Drop the connection; the next send dials again."""
        self._stop_timer()
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # -- one mail --

    async def _offer(self, client: aiosmtplib.SMTP, mail: Handover) -> tuple[int, str]:
        """The server's answer to MAIL."""
        options = [b"SMTPUTF8"] if mail.needs_utf8 else []
        if client.supports_extension("size"):
            options.append(b"SIZE=%d" % len(mail.raw))
        return await self._command(client, b"MAIL", b"FROM:<" + mail.sender.encode() + b">", *options)

    async def _transfer(self, client: aiosmtplib.SMTP, mail: Handover) -> Accepted:
        """What follows MAIL."""
        refused = await self._name_recipients(client, mail.recipients)
        code, said = await self._command(client, b"DATA")
        if code != 354:
            raise _content_refused(code, said)
        code, said = await self._data(client, mail.raw, mail.leaving)
        if code != 250:
            raise _content_refused(code, said)
        return Accepted(said, refused)

    async def _name_recipients(self, client: aiosmtplib.SMTP, recipients: Sequence[str]) -> dict[str, SendError]:
        refused: dict[str, SendError] = {}
        for one in recipients:
            code, said = await self._command(client, b"RCPT", b"TO:<" + one.encode() + b">")
            if code not in (250, 251, 252):
                refused[one] = _recipient_refused(code, said)
        if len(refused) == len(recipients):
            waiting = [error for error in refused.values() if isinstance(error, Temporary)]
            raise waiting[0] if waiting else next(iter(refused.values()))
        return refused

    async def _command(self, client: aiosmtplib.SMTP, *words: bytes) -> tuple[int, str]:
        """Code and text of the answer. Before the dot a lost line is `Temporary`: nothing has left."""
        import aiosmtplib

        try:
            response = await client.execute_command(*words, timeout=self._timings.command_s)
        except aiosmtplib.SMTPResponseException:
            client.close()
            raise Temporary("email.smtp_nonsense") from None
        except (aiosmtplib.SMTPException, OSError):
            client.close()
            raise Temporary("email.smtp_line_lost") from None
        except ValueError:
            raise Rejected("email.address_not_supported") from None
        return response.code, response.message

    async def _data(self, client: aiosmtplib.SMTP, raw: bytes, leaving: Leaving) -> tuple[int, str]:
        import aiosmtplib

        protocol: Any = client.protocol
        try:
            async with asyncio.timeout(self._timings.data_s):
                await _write(protocol, stuffed(raw))
        except (aiosmtplib.SMTPException, OSError, TimeoutError, AttributeError):
            client.close()
            raise Temporary("email.smtp_line_lost") from None
        await leaving()
        if protocol.transport is None or protocol.transport.is_closing():
            client.close()
            raise Temporary("email.smtp_line_lost")  # the dot was never written
        try:
            protocol.write(b".\r\n")
            response = await protocol.read_response(timeout=self._timings.after_dot_s)
        except (aiosmtplib.SMTPException, OSError):
            client.close()
            raise Uncertain("email.smtp_no_answer") from None
        except BaseException:
            client.close()
            raise
        return response.code, response.message


async def _start_tls(client: aiosmtplib.SMTP, context: ssl.SSLContext | None, host: str) -> None:
    import aiosmtplib

    if not client.supports_extension("starttls"):
        raise ChannelDown("email.smtp_no_starttls")
    try:
        await client.starttls(server_hostname=host, tls_context=context)
        await client._ehlo_or_helo_if_needed()
    except aiosmtplib.SMTPServerDisconnected:
        raise Temporary("email.smtp_connect_failed") from None
    except (ssl.SSLError, aiosmtplib.SMTPResponseException):
        raise ChannelDown("email.smtp_tls_failed") from None


async def _write(protocol: Any, data: bytes) -> None:
    """Write with back-pressure. An answer that comes early (a refusal amid the data) is kept for the reader."""
    protocol._response_pending = True
    view = memoryview(data)
    for start in range(0, len(view), CHUNK):
        protocol.write(bytes(view[start : start + CHUNK]))
        await protocol._drain_helper()


def stuffed(raw: bytes) -> bytes:
    """The mail as DATA carries it: CRLF line ends only, a line's leading dot doubled, ending in CRLF."""
    data = _LINE_END.sub(b"\r\n", raw)
    data = re.sub(rb"(?m)^\.", b"..", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _own_name(sock: Any) -> str:
    """How we greet: our address on that line; the machine's name is nobody's business."""
    host = sock.getsockname()[0]
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _close_quietly(sock: Any) -> None:
    try:
        sock.close()
    except OSError:
        return


def _refusal(code: str, status: int) -> SendError:
    return ChannelDown(code) if 500 <= status < 600 else Temporary(code)


def _is_about_size(status: int, said: str) -> bool:
    enhanced = _ENHANCED.search(said)
    return (enhanced is not None and enhanced.group(1) in ("5.3.4", "5.2.3")) or (status == 552 and enhanced is None)


def _sender_refused(status: int, said: str) -> SendError:
    if _is_about_size(status, said):
        return Rejected("email.too_big")
    return _refusal("email.sender_refused", status)


def _recipient_refused(status: int, said: str) -> SendError:
    if status < 500:
        return Temporary("email.recipient_deferred")
    enhanced = _ENHANCED.search(said)
    is_unknown = enhanced.group(1).startswith("5.1.") if enhanced else status in (550, 551, 553)
    return Rejected("email.no_such_mailbox" if is_unknown else "email.recipient_refused", unreachable=is_unknown)


def _content_refused(status: int, said: str) -> SendError:
    if _is_about_size(status, said):
        return Rejected("email.too_big")
    if 500 <= status < 600:
        return Rejected("email.content_refused")
    if 400 <= status < 500:
        return Temporary("email.deferred")
    return Uncertain("email.smtp_nonsense")


def aliases(answer: str, host: str, own: str) -> tuple[str, ...]:
    """The ids a relay gave the mail in its last answer: answers of customers will name those."""
    found = _ID.findall(answer)
    ses = _SES_HOST.search(host)
    if ses and (given := _SES_ID.search(answer)):
        region = ses.group(1)
        domain = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
        found.append(f"{given.group(1)}@{domain}")
    return tuple(one for one in dict.fromkeys(found) if one != own)
