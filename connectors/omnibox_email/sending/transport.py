"""Sending over SMTP, stage by stage, so that it is always known whether a mail can have left."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnibox.connector import BadSettings, ChannelDown, Context, Rejected, SendError, Temporary, Uncertain
from omnibox_email import tokens
from omnibox_email.account import Server
from omnibox_email.faults import Timings
from omnibox_email.sending import verdicts

if TYPE_CHECKING:
    import aiosmtplib

    from omnibox_email.sending.envelope import Handover

Leaving = Callable[[], Awaitable[None]]

CHUNK = 256 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took the mail: what it said, for ids, and who was refused."""

    answer: str = field(repr=False)
    refused: Mapping[str, SendError]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A mail in the form that one server can take, and whom that server cannot reach."""

    mail: Handover
    able: Sequence[str]
    unable: Mapping[str, SendError]
    raw: bytes = field(repr=False)
    utf8: bool = False


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

    async def send(self, mail: Handover, *, is_extra: bool = False) -> Accepted:
        """Hand over one mail, or raise a `SendError`. `mail.leaving` is awaited right before the final dot.

        Where every one of several recipients is refused, nothing has left and all are in `refused`. On an extra line a
        failure to get the line is `NoExtraLine`.
        """
        self.waiting += 1
        try:
            async with self._lock:
                self._stop_timer()
                return await self._send(mail, is_extra=is_extra)
        finally:
            self.waiting -= 1

    async def _send(self, mail: Handover, *, is_extra: bool) -> Accepted:
        is_kept = await self._has_line()
        try:
            client = await self._line()
        except SendError as error:
            if is_extra and not isinstance(error, Rejected):
                raise NoExtraLine from None
            raise
        try:
            fitted = await self._fitting(client, mail)
            try:
                code, said = await self._offer(client, fitted)
            except Temporary:
                code, said = 421, ""
                if not is_kept:
                    raise
            if code == 421 and is_kept:  # the line died while it was kept: nothing has begun, another one will do
                self.close()
                client = await self._line()
                fitted = await self._fitting(client, mail)
                code, said = await self._offer(client, fitted)
            if code != 250:
                raise verdicts.sender_refused(code, said)
            accepted = await self._transfer(client, fitted)
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

    async def _fitting(self, client: aiosmtplib.SMTP, mail: Handover) -> Fitted:
        """The mail as this server can take it, if it can take it at all."""
        utf8 = mail.needs_utf8 and client.supports_extension("smtputf8")
        able = tuple(one for one in mail.recipients if utf8 or one.isascii())
        if not able or not (utf8 or mail.sender.isascii()):
            raise Rejected("email.address_not_supported")
        try:
            raw = await mail.raw(utf8=utf8)
        except ValueError:
            raise Rejected("email.address_not_supported") from None
        announced = client.esmtp_extensions.get("size", "")
        if announced.isdigit() and 0 < int(announced) < len(raw):
            raise Rejected("email.too_big")
        unable = {one: Rejected("email.address_not_supported") for one in mail.recipients if one not in able}
        return Fitted(mail, able, unable, raw, utf8=utf8)

    async def dial(self) -> aiosmtplib.SMTP:
        """A connected, encrypted, logged-in client, or a `SendError` that names the stage."""
        import aiosmtplib

        server, wait = self._server, self._timings
        context = await asyncio.to_thread(server.tls)
        try:
            sock = await self._context.connect(server.host, server.port, wait.connect_s)
        except BadSettings:
            raise ChannelDown("email.smtp_forbidden") from None
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
            raise verdicts.refusal("email.smtp_greeting_refused", error.code) from None
        except aiosmtplib.SMTPConnectError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise ChannelDown("email.smtp_tls_failed") from None
            raise Temporary("email.smtp_connect_failed") from None
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise verdicts.refusal("email.smtp_refused", error.code) from None
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
        if self._server.tokens is not None:
            await tokens.log_in_to_send(client, self._server)
            return
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

    async def _offer(self, client: aiosmtplib.SMTP, fitted: Fitted) -> tuple[int, str]:
        """The server's answer to MAIL."""
        options = [b"SMTPUTF8"] if fitted.utf8 else []
        if client.supports_extension("size"):
            options.append(b"SIZE=%d" % len(fitted.raw))
        if client.supports_extension("dsn"):
            options.append(b"RET=HDRS ENVID=" + _xtext(fitted.mail.letter.message_id))
        mail = fitted.mail
        code, said = await self._command(client, b"MAIL", b"FROM:<" + mail.sender.encode() + b">", *options)
        if 500 <= code < 600 and mail.plain_sender not in ("", mail.sender):
            # Some servers take no empty sender and no plus address from an account; that is no reason to keep the mail.
            return await self._command(client, b"MAIL", b"FROM:<" + mail.plain_sender.encode() + b">", *options)
        return code, said

    async def _transfer(self, client: aiosmtplib.SMTP, fitted: Fitted) -> Accepted:
        """What follows MAIL."""
        refused = await self._name_recipients(client, fitted)
        if len(refused) == len(fitted.mail.recipients):
            if len(refused) == 1:
                raise next(iter(refused.values()))
            self._is_clean = False
            return Accepted("", refused)
        code, said = await self._command(client, b"DATA")
        if code != 354:
            raise verdicts.content_refused(code, said)
        code, said = await self._data(client, fitted.raw, fitted.mail.leaving)
        if code != 250:
            raise verdicts.content_refused(code, said)
        return Accepted(said, refused)

    async def _name_recipients(self, client: aiosmtplib.SMTP, fitted: Fitted) -> dict[str, SendError]:
        refused: dict[str, SendError] = dict(fitted.unable)
        notify = b"NEVER" if fitted.mail.is_automatic else b"FAILURE,DELAY"
        options = [b"NOTIFY=" + notify] if client.supports_extension("dsn") else []
        for one in fitted.able:
            code, said = await self._command(client, b"RCPT", b"TO:<" + one.encode() + b">", *options)
            if code not in (250, 251, 252):
                refused[one] = verdicts.recipient_refused(code, said)
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


def _xtext(text: str) -> bytes:
    """A value for a parameter of MAIL (RFC 3461 4)."""
    octets = text.encode("ascii", "replace")[:100]
    return b"".join(b"%c" % one if 33 <= one <= 126 and one not in b"+=" else b"+%02X" % one for one in octets)


def _own_name(sock: Any) -> str:
    """How we greet: our address on that line; the machine's name is nobody's business."""
    host = sock.getsockname()[0]
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _close_quietly(sock: Any) -> None:
    try:
        sock.close()
    except OSError:
        return
