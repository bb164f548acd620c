"""Following mailboxes: catch up from the cursor, wait for news, dial again when the line is dead."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from omnibox.connector import BadSettings, ChannelDown, Context, Envelope, Receive, SendError, Temporary
from omnibox_email import intake
from omnibox_email.account import Account
from omnibox_email.faults import Fault, LoginRefused, Lost, NoFolder, Refused, Timings
from omnibox_email.intake import Ours, Place

if TYPE_CHECKING:
    from omnibox_email.imap import Line
    from omnibox_email.imap_words import Folder, Size

MOST_ITEMS = 100
MOST_BYTES_AT_ONCE = 16 << 20
MOST_BYTES_PARSED_AT_ONCE = 1 << 20  # in one go of a thread; a hop to it and back costs as much as a small mail
BIG_MAIL = 5_000_000
BIGGEST_MAIL = 35 << 20
IDLE_JITTER = 1 / 6
PARSERS = 2  # memory: a parse holds about three times its mail
_SENT_NAMES = frozenset(
    {"sent", "sent items", "sent mail", "sent messages", "gesendet", "enviados", "inviata", "posta inviata"}
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a folder has been read. `since` is the day reading began: older mail is never imported by itself."""

    uidvalidity: int
    uid: int
    since: str = ""

    def as_cursor(self) -> dict[str, Any]:
        return {"uidvalidity": self.uidvalidity, "uid": self.uid, "since": self.since}


def read_mark(value: Any) -> Mark | None:
    """The mark in a cursor; None where there is none to go by."""
    if not isinstance(value, Mapping) or not isinstance(value.get("uid"), int):
        return None
    return Mark(int(value.get("uidvalidity") or 0), value["uid"], str(value.get("since") or ""))


async def dial(context: Context, account: Account, timings: Timings) -> Line:
    """A line that is logged in. Raises `Fault`, or what `context.connect` raises."""
    from omnibox_email import imap

    server = account.imap
    sock = await context.connect(server.host, server.port, timings.connect_s)
    try:
        line = await imap.dial(sock, server.host, server.security, server.tls(), timings)
    except ssl.SSLError:
        raise Refused("email.tls_failed") from None
    except OSError:
        raise Lost("email.connect_failed") from None
    try:
        if line.state != "AUTH":
            await line.log_in(server.user, server.password)
    except BaseException:
        line.abort()
        raise
    return line


class Keeper:
    """The cursor of all folders of a connection; hands items over one batch at a time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._cursor: dict[str, Any] = dict(receive.cursor)
        self._lock = asyncio.Lock()

    def mark(self, folder: str) -> Mark | None:
        return read_mark(self._cursor.get(folder))

    async def take(self, folder: str, items: Sequence[Envelope], mark: Mark | None) -> None:
        """Commit `items` with the new mark; None leaves the mark where it is. At most 100 items go at once."""
        async with self._lock:
            batches = [items[i : i + MOST_ITEMS] for i in range(0, len(items), MOST_ITEMS)] or [[]]
            for batch in batches[:-1]:
                await self._receive(batch, dict(self._cursor))
            cursor = {**self._cursor, folder: mark.as_cursor()} if mark else dict(self._cursor)
            await self._receive(batches[-1], cursor)
            self._cursor = cursor


class Follower:
    """Follows the folders of one account until cancelled."""

    def __init__(self, context: Context, account: Account, ours: Ours, timings: Timings) -> None:
        self._context = context
        self._account = account
        self._ours = ours
        self._timings = timings
        self._parsers = asyncio.Semaphore(PARSERS)

    async def run(self, receive: Receive) -> None:
        """Raises a `SendError` that says why it cannot go on, or whatever `receive` raises."""
        keeper = Keeper(receive)
        try:
            async with asyncio.TaskGroup() as tasks:
                for folder in self._account.folders:
                    tasks.create_task(self._follow(folder, keeper))
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _follow(self, folder: str, keeper: Keeper) -> None:
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

        while True:  # each round begins with a fresh back-off: the line before had proved itself
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(Lost),
                wait=wait_random_exponential(multiplier=self._timings.backoff_base_s, max=self._timings.backoff_most_s),
                stop=stop_after_attempt(self._timings.attempts),
                reraise=True,
            )
            try:
                await retrying(self._one_line, folder, keeper)
            except LoginRefused as fault:
                raise ChannelDown(fault.code) from None
            except Refused as fault:
                raise ChannelDown(fault.code) from None
            except Lost as fault:
                raise Temporary(fault.code, retry_after=self._timings.backoff_base_s * 15) from None

    async def _one_line(self, folder: str, keeper: Keeper) -> None:
        """Read over one line until it breaks. Returns when it had survived a round of waiting, else raises `Lost`."""
        try:
            line = await dial(self._context, self._account, self._timings)
        except Temporary as error:
            raise Lost(error.code) from None
        except BadSettings:
            raise ChannelDown("email.imap_forbidden") from None
        has_survived = False
        try:
            opened = await line.examine(folder)
            is_sent = await self._is_sent_folder(line, folder)
            await self._begin(line, opened, keeper, is_sent=is_sent)
            while True:
                await self._fetch_new(line, opened, keeper, is_sent=is_sent)
                if not line.has_news:  # it came while we were reading
                    await self._wait(line)
                    has_survived = True
        except Lost as fault:
            self._context.log.info("mail line lost", connection=self._context.connection, code=fault.code)
            if not has_survived:
                raise
        finally:
            line.abort()

    async def _wait(self, line: Line) -> None:
        if line.can("IDLE"):
            seconds = self._account.idle_seconds
            jitter = random.uniform(-seconds, seconds) * IDLE_JITTER  # noqa: S311 # not for secrets
            await line.idle(seconds + jitter)
            return
        await asyncio.sleep(self._timings.poll_s)
        await line.run("NOOP")

    async def _is_sent_folder(self, line: Line, folder: str) -> bool:
        if folder == self._account.sent_folder or folder.rpartition("/")[2].lower() in _SENT_NAMES:
            return True
        if folder.upper() == "INBOX":
            return False
        return any(name == folder and "\\sent" in attributes for name, attributes in await line.folders())

    async def _begin(self, line: Line, opened: Folder, keeper: Keeper, *, is_sent: bool) -> None:
        """Bring the mark in line with the folder: set the first one, or read a renumbered folder again."""
        mark = keeper.mark(opened.name)
        if mark and mark.uidvalidity == opened.uidvalidity:
            return
        last = await self._last_uid(line, opened)
        if mark is None:
            since = "" if self._account.imports_existing else datetime.now(UTC).date().isoformat()
            first = Mark(opened.uidvalidity, 0 if self._account.imports_existing else last, since)
            await keeper.take(opened.name, [], first)
            return
        # Renumbered: everything since reading began is offered again, what is known already is recognised by its key.
        self._context.log.warning("mailbox renumbered", connection=self._context.connection)
        uids = await line.search("UID", f"1:{max(last, 1)}", *_since(mark.since))
        async with aclosing(self._read(line, opened, uids, is_sent=is_sent)) as batches:
            async for items, _ in batches:
                await keeper.take(opened.name, items, None)
        await keeper.take(opened.name, [], Mark(opened.uidvalidity, last, mark.since))

    async def _last_uid(self, line: Line, opened: Folder) -> int:
        if opened.uidnext is not None:
            return opened.uidnext - 1
        return max(await line.search("ALL"), default=0)

    async def _fetch_new(self, line: Line, opened: Folder, keeper: Keeper, *, is_sent: bool) -> None:
        mark = keeper.mark(opened.name)
        assert mark
        uids = await line.after(mark.uid)
        async with aclosing(self._read(line, opened, uids, is_sent=is_sent)) as batches:
            async for items, last in batches:
                await keeper.take(opened.name, items, Mark(mark.uidvalidity, last, mark.since))

    async def _read(
        self, line: Line, opened: Folder, uids: Sequence[int], *, is_sent: bool
    ) -> AsyncGenerator[tuple[list[Envelope], int], None]:
        """Yields (envelopes, last UID) batch by batch; while one is parsed and stored, the next is fetched."""
        batches = self._fetch(line, opened, uids, is_sent=is_sent)
        fetching = asyncio.ensure_future(anext(batches, None))
        try:
            while (found := await fetching) is not None:
                fetching = asyncio.ensure_future(anext(batches, None))
                raws, last = found
                yield await self._parse_all(raws), last
        finally:
            if not fetching.done():
                fetching.cancel()
                await asyncio.wait([fetching])
            if not fetching.cancelled():
                fetching.exception()  # asked for, so that nobody complains: the line is given up anyway

    async def _fetch(
        self, line: Line, opened: Folder, uids: Sequence[int], *, is_sent: bool
    ) -> AsyncIterator[tuple[list[Raw], int]]:
        """Yields (mails, last UID) batch by batch: bounded in number and in bytes."""
        for chunk in _chunks(uids, MOST_ITEMS):
            sizes = await line.sizes(chunk)
            for batch in _batches(chunk, sizes):
                place: Callable[[int], Place] = lambda uid, sizes=sizes: Place(  # type: ignore[misc] # noqa: E731
                    opened.name, opened.uidvalidity, uid, sizes[uid].received_at, is_sent_folder=is_sent
                )
                bodies = await self._bodies(line, batch, sizes)
                yield [Raw(body, place(uid), sizes[uid].size) for uid, body in bodies.items()], batch[-1]

    async def _bodies(self, line: Line, uids: Sequence[int], sizes: Mapping[int, Size]) -> dict[int, bytes | str]:
        """The raw mails in order; a word instead of one says why not. Mails gone meanwhile are left out."""
        small = [uid for uid in uids if uid in sizes and sizes[uid].size <= BIG_MAIL]
        found: dict[int, bytes | str] = dict(await line.bodies(small)) if small else {}
        for uid in uids:
            if uid in found or uid not in sizes:
                continue
            if sizes[uid].size > BIGGEST_MAIL:
                found[uid] = "too_big"
            elif sizes[uid].size > BIG_MAIL:
                body = await line.body_in_steps(uid, sizes[uid].size)
                if body is not None:
                    found[uid] = body
            elif await line.search("UID", str(uid)):
                found[uid] = "not_served"
        return {uid: found[uid] for uid in uids if uid in found}

    async def _parse_all(self, mails: Sequence[Raw]) -> list[Envelope]:
        items: list[Envelope] = []
        for some in _portions(mails):
            async with self._parsers:
                items += await asyncio.to_thread(_parse, some, self._ours)
        return items


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as the server gave it; a word instead of its bytes says why it did not."""

    body: bytes | str
    place: Place
    size: int


def _parse(mails: Sequence[Raw], ours: Ours) -> list[Envelope]:
    items: list[Envelope] = []
    for mail in mails:
        if isinstance(mail.body, str) or not mail.body:
            items.append(intake.unreadable(str(mail.body or "empty"), mail.place, size=mail.size))
        else:
            items.extend(intake.take_in(mail.body, mail.place, ours))
    return items


def _portions(mails: Sequence[Raw]) -> Iterator[list[Raw]]:
    """Mails in order, cut where a thread would be busy for long."""
    portion: list[Raw] = []
    weight = 0
    for mail in mails:
        if portion and weight + len(mail.body) > MOST_BYTES_PARSED_AT_ONCE:
            yield portion
            portion, weight = [], 0
        portion.append(mail)
        weight += len(mail.body)
    if portion:
        yield portion


def _since(day: str) -> tuple[str, ...]:
    """The search for mail that came since `day`; a day earlier, since servers count in their own zone."""
    if not day:
        return ()
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    moment = datetime.fromisoformat(day) - timedelta(days=1)
    return "SINCE", f"{moment.day:02}-{months[moment.month - 1]}-{moment.year}"


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[i : i + size] for i in range(0, len(uids), size))


def _batches(uids: Sequence[int], sizes: Mapping[int, Size]) -> Iterator[list[int]]:
    """UIDs in order, cut where their mails together grow too big for memory."""
    batch: list[int] = []
    weight = 0
    for uid in uids:
        size = min(sizes[uid].size, BIGGEST_MAIL) if uid in sizes else 0
        if batch and weight + size > MOST_BYTES_AT_ONCE:
            yield batch
            batch, weight = [], 0
        batch.append(uid)
        weight += size
    if batch:
        yield batch


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that decides: one of ours before any other."""
    flat: list[BaseException] = []
    stack: list[BaseException] = [group]
    while stack:
        error = stack.pop()
        if isinstance(error, BaseExceptionGroup):
            stack.extend(error.exceptions)
        else:
            flat.append(error)
    return next((error for error in flat if isinstance(error, SendError)), flat[0])


__all__ = ["Fault", "Follower", "NoFolder", "dial"]
