"""What is said at the door: SMTP (RFC 5321) and LMTP (RFC 2033), for mail to our own addresses and no other."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from omnibox_email.door.line import Line

MOST_RECIPIENTS = 100
MOST_NONSENSE = 20  # commands in a row that lead nowhere

_MAIL = re.compile(r"FROM: ?<([^<>]*)>((?: +[^ ]+)*) *", re.I)
_RCPT = re.compile(r"TO: ?<([^<>]*)>((?: +[^ ]+)*) *", re.I)
_SIZE = re.compile(r"SIZE=(\d{1,18})", re.I)
_HARMLESS = re.compile(r"SMTPUTF8|BODY=(?:7BIT|8BITMIME)", re.I)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it was handed over."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class House:
    """What stands behind the door.

    `reserve(bytes)` waits for room in memory and gives what `release` takes back, or None where there is none soon.
    `take` answers for a letter once it is safe, or says why it is not.
    """

    is_lmtp: bool
    most_bytes: int
    tls: ssl.SSLContext | None
    knows: Callable[[str], bool]
    reserve: Callable[[int], Awaitable[int | None]]
    release: Callable[[int], None]
    take: Callable[[Letter], Awaitable[str]]
    silence_s: float
    mail_s: float


class Talk:
    """One conversation with a mail server."""

    def __init__(self, line: Line, house: House) -> None:
        self._line = line
        self._house = house
        self._has_greeted = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._announced = 0
        self._nonsense = 0
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "LHLO" if house.is_lmtp else "EHLO": self._greet,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._reset,
            "NOOP": self._noop,
            "VRFY": self._verify,
            "STARTTLS": self._starttls,
        }
        if not house.is_lmtp:
            self._commands["HELO"] = self._greet_shortly

    async def run(self) -> None:
        """Until the other side has said goodbye; raises `Gone`."""
        await self._say(f"220 omnibox {'LMTP' if self._house.is_lmtp else 'ESMTP'}")
        while self._nonsense < MOST_NONSENSE:
            line = (await self._line.read_line(self._house.silence_s)).decode("utf-8", "replace")
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                self._line.close(b"221 2.0.0 bye\r\n")
                return
            command = self._commands.get(verb.upper())
            if command is None:
                await self._refuse("502 5.5.1 no such command here")
            else:
                await command(rest.strip(" "))
        self._line.close(b"421 4.7.0 that was nonsense too often\r\n")

    async def _say(self, *replies: str) -> None:
        await self._line.write("".join(f"{reply}\r\n" for reply in replies).encode(), self._house.silence_s)

    async def _refuse(self, reply: str) -> None:
        self._nonsense += 1
        await self._say(reply)

    def _forget(self) -> None:
        self._sender, self._recipients, self._announced = None, [], 0

    # ── Commands

    async def _greet(self, _: str) -> None:
        self._forget()
        self._has_greeted = True
        offers = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", f"SIZE {self._house.most_bytes}"]
        if self._house.tls is not None and not self._line.is_encrypted:
            offers.append("STARTTLS")
        await self._say("250-omnibox", *(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")

    async def _greet_shortly(self, _: str) -> None:
        self._forget()
        self._has_greeted = True
        await self._say("250 omnibox")

    async def _mail(self, rest: str) -> None:
        found = _MAIL.fullmatch(rest)
        if not self._has_greeted or self._sender is not None:
            return await self._refuse("503 5.5.1 not now")
        if found is None:
            return await self._refuse("501 5.5.4 write MAIL FROM:<address>")
        for parameter in found.group(2).split():
            if size := _SIZE.fullmatch(parameter):
                self._announced = int(size.group(1))
            elif not _HARMLESS.fullmatch(parameter):
                self._announced = 0
                return await self._refuse("555 5.5.4 no such parameter here")
        if self._announced > self._house.most_bytes:
            self._announced = 0
            return await self._say("552 5.3.4 this mail is too large")
        self._sender = found.group(1)
        return await self._say("250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = _RCPT.fullmatch(rest)
        if self._sender is None:
            return await self._refuse("503 5.5.1 MAIL first")
        if found is None:
            return await self._refuse("501 5.5.4 write RCPT TO:<address>")
        if found.group(2).strip():
            return await self._refuse("555 5.5.4 no such parameter here")
        address = _without_route(found.group(1))
        if not self._house.knows(address):
            return await self._refuse("550 5.1.1 no such mailbox here")
        if len(self._recipients) >= MOST_RECIPIENTS:
            return await self._say("452 4.5.3 too many recipients at once")
        self._recipients.append(address)
        return await self._say("250 2.1.5 ok")

    async def _data(self, rest: str) -> None:
        if not self._recipients or self._sender is None or rest:
            return await self._refuse("503 5.5.1 RCPT first" if not rest else "501 5.5.4 DATA stands alone")
        house, most = self._house, self._most()
        held = await house.reserve(most)
        if held is None:
            self._forget()
            return await self._say("452 4.3.1 no room just now")
        try:
            await self._say("354 go on")
            raw = await self._line.read_mail(most, house.silence_s, house.mail_s)
            letter = Letter(self._sender, tuple(self._recipients), raw or b"")
            reply = "552 5.3.4 this mail is too large" if raw is None else await house.take(letter)
        finally:
            house.release(held)
        # One answer for each recipient (RFC 2033 4.2): all of them have it, or none has.
        answers = len(self._recipients) if house.is_lmtp else 1
        self._forget()
        self._nonsense = 0
        return await self._say(*[reply] * answers)

    def _most(self) -> int:
        """Bytes to expect: what was announced, with room for stuffed dots and line ends that were counted as one."""
        most = self._house.most_bytes
        return min(most, self._announced + self._announced // 4 + 65536) if self._announced else most

    async def _reset(self, _: str) -> None:
        self._forget()
        await self._say("250 2.0.0 ok")

    async def _noop(self, _: str) -> None:
        self._nonsense += 1
        await self._say("250 2.0.0 ok")

    async def _verify(self, _: str) -> None:
        await self._refuse("252 2.1.5 send it and see")

    async def _starttls(self, rest: str) -> None:
        house = self._house
        if house.tls is None or self._line.is_encrypted or rest:
            return await self._refuse("503 5.5.1 not now")
        await self._line.encrypt(house.tls, b"220 2.0.0 go on\r\n", house.silence_s)
        self._forget()
        self._has_greeted = False
        return None


def _without_route(address: str) -> str:
    """`@a,@b:user@domain` is user@domain (RFC 5321 4.1.1.3)."""
    return address.rpartition(":")[2] if address.startswith("@") and ":" in address else address
