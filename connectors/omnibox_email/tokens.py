"""Logging in by password or by the owner's consent, on either server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnibox.connector import ChannelDown, Temporary
from omnibox_email.account import Server
from omnibox_email.faults import LoginRefused

if TYPE_CHECKING:
    import aiosmtplib

    from omnibox_email.mailbox.imap import Line


async def log_in(line: Line, server: Server) -> None:
    """Log a mailbox's line in; a token that is refused is renewed once. Raises `Fault` or a `SendError`."""
    if server.tokens is None:
        await line.log_in(server.user, server.password)
        return
    token = await server.tokens.current()
    try:
        await line.log_in_by_token(server.user, token)
        return
    except LoginRefused:
        newer = await server.tokens.after_refusal(token)
    if newer is None:
        raise LoginRefused("email.token_refused")
    try:
        await line.log_in_by_token(server.user, newer)
    except LoginRefused:
        raise LoginRefused("email.token_refused") from None


async def log_in_to_send(client: aiosmtplib.SMTP, server: Server) -> None:
    """As `log_in`, for the submission server; raises a `SendError`."""
    import aiosmtplib

    assert server.tokens is not None
    token: str | None = await server.tokens.current()
    for _ in range(2):
        assert token is not None
        try:
            await client.auth_xoauth2(server.user, token)
            return
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise Temporary("email.smtp_login_unavailable", whole_channel=True) from None
            if "5.7.139" in error.message:
                raise ChannelDown("email.smtp_password_login_off") from None
            token = await server.tokens.after_refusal(token)
            if token is None:
                break
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            raise Temporary("email.smtp_connect_failed") from None
        except aiosmtplib.SMTPException:
            raise ChannelDown("email.smtp_no_login") from None
    raise ChannelDown("email.token_refused")
