"""The check behind the set-up button: each step by itself, the first that fails says what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

from omnibox.connector import BadSettings, ChannelDown, Check, Context, SendError, Temporary
from omnibox_email import tokens
from omnibox_email.account import Account, Server
from omnibox_email.faults import Fault, LoginRefused, Lost, NoFolder, Refused, Throttled, Timings
from omnibox_email.sending.transport import Transport

_TLS_CURE = (
    "Check the server's name: it must be the one in its certificate. For a server of your own, paste its authority's "
    "certificate; with port 143 or 587 choose starttls."
)
_LOGIN_CURE = (
    "Type user and password again. With two-step verification, Gmail, Yahoo and iCloud want an app password made in "
    "the account's security settings."
)
_CONSENT = "Press «Ask for consent» on this page and let the mailbox's owner answer."
_ASK_AGAIN = (
    "Was the consent given by the owner of the user named here? Is IMAP on for this mailbox, and SMTP AUTH too? Then "
    "ask for consent again."
)


async def run(context: Context, account: Account, timings: Timings) -> AsyncIterator[Check]:
    """Findings in the order of the steps; steps that could not be tried come as None."""
    if account.door is not None:
        from omnibox_email.door import listening

        incoming, steps = listening.check(account.door), list(listening.STEPS)
    else:
        incoming, steps = _imap(context, account, timings), _imap_steps(account)
    async for check in _stop_at_failure(incoming, steps):
        yield check
    steps = ["SMTP server found", "SMTP connection", "SMTP login", "Sender accepted"]
    async for check in _stop_at_failure(_smtp(context, account, timings), steps):
        yield check


def _imap_steps(account: Account) -> list[str]:
    return ["IMAP server found", "IMAP connection", "IMAP login", *(f"Folder {name}" for name in account.folders)]


async def _stop_at_failure(found: AsyncIterator[Check], steps: list[str]) -> AsyncIterator[Check]:
    tried = set()
    async for check in found:
        tried.add(check.name)
        yield check
    for name in steps:
        if name not in tried:
            yield Check(name, None, "Not tried, because an earlier step failed.")


async def _imap(context: Context, account: Account, timings: Timings) -> AsyncIterator[Check]:
    from omnibox_email.mailbox import imap

    server = account.imap
    found = await _resolve("IMAP", server)
    yield found
    if not found.ok:
        return
    name = "IMAP connection"
    try:
        tls = await asyncio.to_thread(server.tls)
        sock = await context.connect(server.host, server.port, timings.connect_s)
        line = await imap.dial(sock, server.host, server.security, tls, timings)
    except BadSettings as error:
        yield Check(name, ok=False, why="The operator's rules forbid this target.", cure=str(error))
        return
    except ssl.SSLCertVerificationError:
        yield Check(name, ok=False, why="The server's certificate is not valid for this name.", cure=_TLS_CURE)
        return
    except ssl.SSLError:
        yield Check(name, ok=False, why="The server speaks no TLS on this port.", cure=_TLS_CURE)
        return
    except Refused:
        yield Check(name, ok=False, why="The server offers no STARTTLS.", cure="Choose tls with port 993 instead.")
        return
    except (Lost, Temporary, OSError):
        yield Check(
            name,
            ok=False,
            why=f"Nothing that speaks IMAP answers on port {server.port}.",
            cure="Check server, port and encryption: 993 with tls, 143 with starttls. A firewall may be in the way.",
        )
        return
    yield Check(name, ok=True, why=_security(server))
    try:
        async for check in _imap_logged_in(line, account):
            yield check
    finally:
        line.abort()


async def _imap_logged_in(line: object, account: Account) -> AsyncIterator[Check]:
    from omnibox_email.mailbox.imap import Line

    assert isinstance(line, Line)
    try:
        if line.state != "AUTH":
            await tokens.log_in(line, account.imap)
    except LoginRefused as fault:
        yield _login_refused("IMAP login", fault.code)
        return
    except SendError as error:
        yield _no_token("IMAP login", error)
        return
    except Throttled as fault:
        why = f"The server asks us to stay away for {fault.wait_s:.0f} seconds."
        yield Check(
            "IMAP login", ok=False, why=why, cure="Try again then; close other programs that read this mailbox."
        )
        return
    except Refused:
        yield Check("IMAP login", ok=False, why="The server wants encryption first.", cure="Choose tls or starttls.")
        return
    except Lost:
        yield Check("IMAP login", ok=False, why="The server broke off during the login.", cure="Try again in a minute.")
        return
    yield Check("IMAP login", ok=True)
    for folder in account.folders:
        name = f"Folder {folder}"
        try:
            await line.examine(folder)
        except NoFolder:
            known = ", ".join(sorted(known for known, _ in await line.folders())[:20])
            cure = f"The server has these folders: {known}." if known else "Check how the folder is written."
            yield Check(name, ok=False, why="There is no such folder, or it may not be read.", cure=cure)
        except Fault:
            yield Check(name, ok=False, why="The server broke off.", cure="Try again in a minute.")
            return
        else:
            push = "news arrive at once" if line.can("IDLE") else "the server has no IDLE: looked at once a minute"
            yield Check(name, ok=True, why=push)
    if account.afterwards == "move":
        try:
            is_there = account.move_to in {name for name, _ in await line.folders()}
        except Fault:
            return
        yield Check(f"Folder {account.move_to}", ok=True, why="" if is_there else "It is made with the first mail.")


def _login_refused(name: str, code: str) -> Check:
    if code != "email.token_refused":
        return Check(name, ok=False, why="The server refused user or password.", cure=_LOGIN_CURE)
    return Check(name, ok=False, why="The server does not take the token that consent gave.", cure=_ASK_AGAIN)


def _no_token(name: str, error: SendError) -> Check:
    """Why there is no token to log in with."""
    match error.code:
        case "consent_needed":
            return Check(name, ok=False, why="The mailbox's owner has not consented, or not any more.", cure=_CONSENT)
        case "consent_client_refused":
            cure = "Compare client ID, client secret and scopes with the application you registered there."
            return Check(name, ok=False, why="The provider does not know omnibox as it is set up here.", cure=cure)
    return Check(name, ok=False, why="The provider's token server does not answer.", cure="Try again in a minute.")


async def _smtp(context: Context, account: Account, timings: Timings) -> AsyncIterator[Check]:
    server = account.smtp
    found = await _resolve("SMTP", server)
    yield found
    if not found.ok:
        return
    transport = Transport(context, server, timings, does_log_in=account.does_log_in)
    try:
        client = await transport.dial()
    except SendError as error:
        failed = _smtp_failure(error, server)
        if failed.name == "SMTP login":
            yield Check("SMTP connection", ok=True, why=_security(server))
        yield failed
        return
    except BadSettings as error:
        yield Check("SMTP connection", ok=False, why="The operator's rules forbid this target.", cure=str(error))
        return
    yield Check("SMTP connection", ok=True, why=_security(server))
    yield Check("SMTP login", ok=True, why="" if account.does_log_in else "switched off")
    try:
        for own in account.addresses or ():
            response = await client.execute_command(
                b"MAIL", b"FROM:<" + own.address.encode() + b">", timeout=timings.command_s
            )
            await client.execute_command(b"RSET", timeout=timings.command_s)
            if response.code != 250:
                cure = "Let your provider allow this account to send from that address, or use the account's own."
                yield Check(
                    "Sender accepted", ok=False, why=f"The server refuses to send from {own.address}.", cure=cure
                )
                return
        yield Check(
            "Sender accepted",
            ok=True if account.addresses else None,
            why="" if account.addresses else "No address yet.",
        )
    except (OSError, TimeoutError):
        yield Check("Sender accepted", ok=False, why="The server broke off.", cure="Try again in a minute.")
    finally:
        client.close()


def _smtp_failure(error: SendError, server: Server) -> Check:
    code = error.code
    if code == "email.smtp_password_login_off":
        return Check(
            "SMTP login",
            ok=False,
            why="Your provider has switched off passwords for SMTP (5.7.139).",
            cure="Let an administrator of the tenant allow authenticated SMTP for this mailbox.",
        )
    if code.startswith("consent_"):
        return _no_token("SMTP login", error)
    if code == "email.token_refused":
        return _login_refused("SMTP login", code)
    if code in ("email.smtp_login_refused", "email.smtp_login_unavailable"):
        return Check("SMTP login", ok=False, why="The server refused user or password.", cure=_LOGIN_CURE)
    if code == "email.smtp_no_login":
        return Check(
            "SMTP login",
            ok=False,
            why="The server offers no login on this line.",
            cure="Choose tls or starttls; for a relay without a login switch «Log in before sending» off.",
        )
    if code == "email.smtp_tls_failed":
        return Check("SMTP connection", ok=False, why="No encrypted connection came about.", cure=_TLS_CURE)
    if code == "email.smtp_no_starttls":
        return Check(
            "SMTP connection", ok=False, why="The server offers no STARTTLS.", cure="Choose tls with port 465 instead."
        )
    if code == "email.smtp_forbidden":
        cure = f"Let the operator add {server.host}:{server.port} to outbound_allow."
        return Check("SMTP connection", ok=False, why="The operator's rules forbid this target.", cure=cure)
    refuses = isinstance(error, ChannelDown)
    return Check(
        "SMTP connection",
        ok=False,
        why="The server refuses to talk to us."
        if refuses
        else f"Nothing that speaks SMTP answers on port {server.port}.",
        cure="Check server, port and encryption: 465 with tls, 587 with starttls. Many networks block port 25.",
    )


async def _resolve(kind: str, server: Server) -> Check:
    name = f"{kind} server found"
    try:
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return Check(
            name, ok=False, why="This name leads to no server.", cure="Check the server's name for a slip of the pen."
        )
    return Check(name, ok=True)


def _security(server: Server) -> str:
    return {"tls": "encrypted", "starttls": "encrypted by STARTTLS"}.get(server.security, "not encrypted")
