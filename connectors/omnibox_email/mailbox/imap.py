"""One IMAP line: the few commands we need, in the words of the mailbox reader."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aioimaplib import aioimaplib as library  # type: ignore[import-untyped]

from omnibox_email.faults import LoginRefused, Lost, NoFolder, NotServed, Refused, Timings
from omnibox_email.heads import dates
from omnibox_email.mailbox.imap_wire import LONGEST_LITERAL, Pieces, Wire
from omnibox_email.mailbox.imap_words import Fetched, Folder, Size, fetched_in, listed_in, quoted, quoted_name, uid_set
from omnibox_email.mailbox.throttles import wait_asked

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)", re.I)
_ARRIVED = re.compile(rb'INTERNALDATE "([^"]{10,40})"', re.I)
_RESPONSE_CODE = re.compile(rb"\[([A-Z-]+)")
_TEMPORARY = frozenset({b"UNAVAILABLE", b"INUSE", b"LIMIT", b"SERVERBUG", b"CONTACTADMIN"})


class Line(Wire):
    """A connection on which one owner runs one command at a time."""

    async def ask_capabilities(self) -> None:
        result, lines = await self.run("CAPABILITY")
        words = next((bytes(line).split()[1:] for line in lines if line.upper().startswith(b"CAPABILITY")), [])
        if result != "OK" or not words:
            raise Lost("email.no_imap")
        self.capabilities = {word.decode("ascii", "replace").upper() for word in words}

    def can(self, capability: str) -> bool:
        return capability in self.capabilities

    async def log_in(self, user: str, password: str) -> None:
        """Raises `LoginRefused`, or `Lost` where the server says that it cannot just now."""
        if self.can("LOGINDISABLED"):
            raise Refused("email.login_needs_tls")
        if (user + password).isascii() and not re.search(r"[\x00-\x1f\x7f]", user + password):
            result, lines = await self.run("LOGIN", quoted(user), quoted(password))
        else:
            result, lines = await self._authenticate("PLAIN", f"\0{user}\0{password}", "")
        await self._logged_in(result, lines)

    async def log_in_by_token(self, user: str, token: str) -> None:
        """As `log_in`, with an OAuth access token (XOAUTH2, else RFC 7628)."""
        if self.can("AUTH=OAUTHBEARER") and not self.can("AUTH=XOAUTH2"):
            name = user.replace("=", "=3D").replace(",", "=2C")
            words = f"n,a={name},\x01auth=Bearer {token}\x01\x01"
            result, lines = await self._authenticate("OAUTHBEARER", words, base64.b64encode(b"\x01").decode())
        else:
            words = f"user={user}\x01auth=Bearer {token}\x01\x01"
            result, lines = await self._authenticate("XOAUTH2", words, "")
        await self._logged_in(result, lines)

    async def _authenticate(self, mechanism: str, words: str, after_refusal: str) -> tuple[str, Pieces]:
        """`after_refusal` answers the challenge that a refused login brings: without one the server says no more."""
        answer = base64.b64encode(words.encode()).decode()
        has_initial = self.can("SASL-IR")
        self._challenge_answers = [after_refusal] if has_initial else [answer, after_refusal]
        return await self.run("AUTHENTICATE", mechanism, *([answer] if has_initial else []))

    async def _logged_in(self, result: str, lines: Pieces) -> None:
        if result != "OK":
            said = bytes(lines[-1]) if lines else b""
            code = _RESPONSE_CODE.search(said.upper())
            if wait_asked(said) is not None:
                raise self._lost("email.login_unavailable", said)
            if code and code.group(1) in _TEMPORARY:
                raise Lost("email.login_unavailable")
            raise LoginRefused("email.login_refused")
        self.state = library.AUTH
        await self.ask_capabilities()

    async def upgrade(self, context: ssl.SSLContext, host: str) -> None:
        """STARTTLS. What the server said before counts for nothing (RFC 3501 6.2.1)."""
        await self.ask_capabilities()
        if not self.can("STARTTLS"):
            raise Refused("email.no_starttls")
        result, _ = await self.run("STARTTLS")
        if result != "OK" or self._buffer:  # bytes behind the answer would be taken for encrypted ones
            raise Refused("email.no_starttls")
        self.transport = await self.loop.start_tls(
            self.transport, self, context, server_hostname=host, ssl_handshake_timeout=self.timings.connect_s
        )

    async def examine(self, folder: str, *, writes: bool = False) -> Folder:
        """Open a folder, for reading only unless it `writes`: flags are other people's business."""
        result, lines = await self.run("SELECT" if writes else "EXAMINE", quoted_name(folder))
        if result != "OK":
            if wait_asked(bytes(lines[-1]) if lines else b"") is not None:
                raise self._lost("email.line_lost", bytes(lines[-1]))
            raise NoFolder(folder)
        self.state = library.SELECTED
        text = b"\n".join(bytes(line) for line in lines)
        validity, following = (re.search(name + rb" (\d+)", text, re.I) for name in (b"UIDVALIDITY", b"UIDNEXT"))
        return Folder(folder, int(validity.group(1)) if validity else 0, int(following.group(1)) if following else None)

    async def search(self, *criteria: str) -> list[int]:
        """The UIDs that fit, ascending."""
        result, lines = await self.run("SEARCH", *criteria, prefix="UID")
        if result != "OK":
            raise self._lost("email.search_refused", bytes(lines[-1]) if lines else b"")
        found = {
            int(word)
            for line in lines[:-1]
            if line[:6].upper() == b"SEARCH"
            for word in bytes(line)[6:].split()
            if word.isdigit()
        }
        return sorted(found)

    async def after(self, uid: int) -> list[int]:
        """The UIDs above `uid`. Servers answer `n:*` with the last mail even when `n` is too high: filtered."""
        self._noticed = self._exists
        return [one for one in await self.search("UID", f"{uid + 1}:*") if one > uid]

    async def sizes(self, uids: Sequence[int]) -> dict[int, Size]:
        found = {}
        for fetched in await self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE)"):
            size = _SIZE.search(fetched.facts)
            date = _ARRIVED.search(fetched.facts)
            when = dates.parse_date(date.group(1).decode("ascii", "replace")) if date else None
            found[fetched.uid] = Size(int(size.group(1)) if size else 0, when or datetime.now(UTC))
        return found

    async def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        fetched = await self._fetch(uids, "(UID BODY.PEEK[])")
        return {one.uid: one.body for one in fetched if one.body is not None}

    async def body_in_steps(self, uid: int, size: int, step: int = 1 << 20) -> bytes | None:
        """A big mail, fetched piece by piece; None when it is gone meanwhile. Servers state `size` wrongly at times."""
        pieces: list[bytes] = []
        length = 0
        while length <= LONGEST_LITERAL:
            fetched = await self._fetch([uid], f"(UID BODY.PEEK[]<{length}.{step}>)")
            piece = next((one.body for one in fetched if one.uid == uid), None)
            if piece is None:
                return None
            pieces.append(piece)
            length += len(piece)
            if not piece or (len(piece) < step and length >= size):
                break
        return await asyncio.to_thread(b"".join, pieces)  # 25 MB are copied while the loop goes on

    async def _fetch(self, uids: Sequence[int], what: str) -> list[Fetched]:
        result, lines = await self.run("FETCH", uid_set(uids), what, prefix="UID")
        if result != "OK":
            said = bytes(lines[-1]) if lines else b""
            if wait_asked(said) is not None:
                raise self._lost("email.fetch_refused", said)
            if b"EXPUNGEISSUED" not in said.upper():  # (RFC 5530) then the others have come
                raise NotServed("email.fetch_refused")
        return list(fetched_in(lines))

    async def mark(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag. Raises `Refused`."""
        await self._change("STORE", uid_set(uids), "+FLAGS.SILENT", f"({flag})")

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails to a folder, which is made where it is not there. Raises `Refused`.

        Without MOVE (RFC 6851) and UIDPLUS the mails are copied and marked as deleted; nobody else's are expunged.
        """
        try:
            await self._copy(uids, folder)
        except Refused:
            await self.run("CREATE", quoted_name(folder))
            await self._copy(uids, folder)
        if self.can("MOVE"):
            return
        await self.mark(uids, "\\Deleted")
        if self.can("UIDPLUS"):
            await self._change("EXPUNGE", uid_set(uids))

    async def _copy(self, uids: Sequence[int], folder: str) -> None:
        await self._change("MOVE" if self.can("MOVE") else "COPY", uid_set(uids), quoted_name(folder))

    async def _change(self, name: str, *args: str) -> None:
        result, lines = await self.run(name, *args, prefix="UID")
        if result != "OK":
            said = bytes(lines[-1]) if lines else b""
            if wait_asked(said) is not None:
                raise self._lost("email.line_lost", said)
            raise Refused("email.not_settled")

    async def folders(self) -> list[tuple[str, frozenset[str]]]:
        """(name, attributes in lower case) of every folder."""
        result, lines = await self.run("LIST", '""', '"*"')
        if result != "OK":
            return []
        return [found for i, line in enumerate(lines) if (found := listed_in(line, lines[i + 1 : i + 2]))]


async def dial(sock: Any, host: str, security: str, context: ssl.SSLContext | None, timings: Timings) -> Line:
    """A line on the connected socket, greeted and encrypted as asked. Raises `Lost`, `Refused` or `ssl.SSLError`."""
    loop = asyncio.get_running_loop()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    line = Line(loop, timings)
    is_tls = security == "tls"
    try:
        async with asyncio.timeout(timings.connect_s):
            await loop.create_connection(
                lambda: line,
                sock=sock,
                ssl=context if is_tls else None,
                server_hostname=host if is_tls else None,
                ssl_handshake_timeout=timings.connect_s if is_tls else None,
            )
            greeting = await line.greeting
            line.state = library.AUTH if b"PREAUTH" in greeting.upper()[:12] else library.NONAUTH
            if security == "starttls":
                assert context
                await line.upgrade(context, host)
            await line.ask_capabilities()
    except TimeoutError:
        _let_go(line, sock)
        raise Lost("email.no_greeting") from None
    except BaseException:
        _let_go(line, sock)
        raise
    return line


def _let_go(line: Line, sock: Any) -> None:
    line.abort()
    if line.transport is None:  # else the transport closes it
        sock.close()
