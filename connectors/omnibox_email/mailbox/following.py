"""Following mailboxes: catch up from the cursor, wait for news, dial again when the line is dead."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from omnibox.connector import BadSettings, ChannelDown, Context, Receive, SendError, Temporary, Unreadable
from omnibox_email import tokens
from omnibox_email.account import Account
from omnibox_email.faults import Fault, LoginRefused, Lost, NoFolder, Refused, Throttled, Timings
from omnibox_email.intake import Ours
from omnibox_email.mailbox.counting import Counter
from omnibox_email.mailbox.cursors import Keeper, Mark, first_mark, renumbered
from omnibox_email.mailbox.fetching import Batch, Fetcher
from omnibox_email.mailbox.sent import sent_folders

if TYPE_CHECKING:
    from omnibox_email.mailbox.imap import Line
    from omnibox_email.mailbox.imap_words import Folder

IDLE_JITTER = 1 / 6
MOST_LINES = 3  # providers give an account 5 (Yahoo) to 15 (Gmail) of them, and people's own programs need some


async def dial(context: Context, account: Account, timings: Timings) -> Line:
    """A line that is logged in. Raises `Fault`, a `SendError`, or what `context.connect` raises."""
    from omnibox_email.mailbox import imap

    server = account.imap
    try:
        tls = await asyncio.to_thread(server.tls)
        sock = await context.connect(server.host, server.port, timings.connect_s)
        line = await imap.dial(sock, server.host, server.security, tls, timings)
    except ssl.SSLError:
        raise Refused("email.tls_failed") from None
    except OSError:
        raise Lost("email.connect_failed") from None
    try:
        if line.state != "AUTH":
            await tokens.log_in(line, server)
    except BaseException:
        line.abort()
        raise
    return line


class Follower:
    """Follows the folders of one account until cancelled.

    The first folders have a line each, on which the server tells of news at once. The others, and the folder of sent
    mail, are looked at from the first line, once in each round of waiting.
    """

    def __init__(self, context: Context, account: Account, ours: Ours, timings: Timings) -> None:
        self._context = context
        self._account = account
        self._timings = timings
        self._fetcher = Fetcher(ours)

    async def run(self, receive: Receive) -> None:
        """Raises a `SendError` that says why it cannot go on, or whatever `receive` raises."""
        keeper = Keeper(receive)
        counter = Counter(keeper, self._fetcher, self._timings.count_s)
        watched, visited = self._account.folders[:MOST_LINES], self._account.folders[MOST_LINES:]
        try:
            async with asyncio.TaskGroup() as tasks:
                for number, folder in enumerate(watched):
                    reader = _Reader(self._context, self._account, self._timings, self._fetcher, keeper, counter)
                    tasks.create_task(reader.follow(folder, visited, is_first=number == 0))
        except BaseExceptionGroup as group:
            raise _first(group) from None


class _Reader:
    """One line after the other on the same folder."""

    def __init__(
        self,
        context: Context,
        account: Account,
        timings: Timings,
        fetcher: Fetcher,
        keeper: Keeper,
        counter: Counter,
    ) -> None:
        self._context = context
        self._account = account
        self._timings = timings
        self._fetcher = fetcher
        self._keeper = keeper
        self._counter = counter
        self._sent = ""

    async def follow(self, folder: str, visited: Sequence[str], *, is_first: bool) -> None:
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        while True:  # each round begins with a fresh back-off: the line before had proved itself
            retrying = AsyncRetrying(
                retry=retry_if_exception(lambda error: isinstance(error, Lost) and not isinstance(error, Throttled)),
                wait=wait_random_exponential(multiplier=self._timings.backoff_base_s, max=self._timings.backoff_most_s),
                stop=stop_after_attempt(self._timings.attempts),
                reraise=True,
            )
            try:
                await retrying(self._one_line, folder, visited, is_first=is_first)
            except Refused as fault:
                raise ChannelDown(fault.code) from None
            except Throttled as fault:
                raise Temporary(fault.code, retry_after=fault.wait_s) from None
            except Lost as fault:
                raise Temporary(fault.code, retry_after=self._timings.backoff_base_s * 15) from None

    async def _one_line(self, folder: str, visited: Sequence[str], *, is_first: bool) -> None:
        """Read over one line until it breaks. Returns when it had survived a round of waiting, else raises `Lost`."""
        try:
            line = await dial(self._context, self._account, self._timings)
        except Temporary as error:
            wait_s = error.retry_after
            raise (Throttled(error.code, wait_s) if wait_s else Lost(error.code)) from None
        except BadSettings:
            raise ChannelDown("email.imap_forbidden") from None
        has_survived = False
        try:
            self._sent = next(iter(await sent_folders(line, self._account)), "")
            others = self._others(folder, visited) if is_first else []
            if others:
                await self._look(line, folder)  # what customers wrote comes before the answers to it
            while True:
                for other in others:
                    await self._visit(line, other)
                opened = await self._look(line, folder)
                while await self._wait(line):  # news: the others can wait for the end of a quiet round
                    await self._fetch_new(line, opened)
                has_survived = True
        except Throttled:
            raise
        except Lost as fault:
            self._context.log.info("mail line lost", connection=self._context.connection, code=fault.code)
            if not has_survived:
                raise
        finally:
            line.abort()

    async def _look(self, line: Line, folder: str) -> Folder:
        """Open a folder and read what is new in it."""
        opened = await line.examine(folder, writes=self._settles(folder))
        await self._begin(line, opened)
        await self._fetch_new(line, opened)
        await self._counter.count(line, opened, is_sent=folder == self._sent)
        return opened

    async def _visit(self, line: Line, folder: str) -> None:
        try:
            await self._look(line, folder)
        except NoFolder:
            if folder in self._account.folders:
                raise  # what an admin named is there or wrong; the folder of sent mail was found by us

    async def _wait(self, line: Line) -> bool:
        """One round of waiting; whether it ended with news."""
        if line.has_news:  # it came while we were reading
            return True
        if line.can("IDLE"):
            seconds = self._account.idle_seconds
            jitter = random.uniform(-seconds, seconds) * IDLE_JITTER  # noqa: S311 # not for secrets
            return await line.idle(seconds + jitter)
        await asyncio.sleep(self._timings.poll_s)
        await line.run("NOOP")
        return False

    # -- which folders --

    def _others(self, folder: str, visited: Sequence[str]) -> list[str]:
        sent = [self._sent] if self._sent and self._account.reads_sent else []
        known = (folder, *self._account.folders[:MOST_LINES])
        return [name for name in dict.fromkeys([*visited, *sent]) if name not in known]

    def _settles(self, folder: str) -> bool:
        return self._account.afterwards != "leave" and folder != self._sent and folder in self._account.folders

    # -- reading --

    async def _begin(self, line: Line, opened: Folder) -> None:
        """Bring the mark in line with the folder: set the first one, or read a renumbered folder again."""
        mark = self._keeper.mark(opened.name)
        is_same = mark is not None and mark.uidvalidity == opened.uidvalidity
        if mark and is_same and not (opened.uidnext is not None and opened.uidnext <= mark.uid):
            if mark.todo:
                await self._settle(line, opened, mark.todo)
        elif mark is None:
            last = await _last_uid(line, opened)
            first = first_mark(opened.uidvalidity, last, imports_existing=self._account.imports_existing)
            await self._keeper.take(opened.name, [], first)
        else:
            # Everything since reading began is offered again; what is known already is recognised by its key.
            self._context.log.warning("mailbox renumbered", connection=self._context.connection)
            last = await _last_uid(line, opened)
            await self._keeper.take(opened.name, [], renumbered(mark, opened.uidvalidity, last))

    async def _fetch_new(self, line: Line, opened: Folder) -> None:
        mark = self._mark(opened)
        if mark.uid < mark.upto:
            again = await line.search("UID", f"{mark.uid + 1}:{mark.upto}", *_since(mark.since))
            await self._take(line, opened, [uid for uid in again if mark.uid < uid <= mark.upto])
            mark = self._mark(opened)
            await self._keeper.take(opened.name, [], replace(mark.at(max(mark.uid, mark.upto)), upto=0))
        await self._take(line, opened, await line.after(self._mark(opened).uid))

    async def _take(self, line: Line, opened: Folder, uids: Sequence[int]) -> None:
        """Read mails, store them with the mark, and only then mark or move them."""
        is_sent = opened.name == self._sent
        async with aclosing(self._fetcher.read(line, opened, uids, is_sent=is_sent)) as batches:
            async for batch in batches:
                mark = self._mark(opened)
                unread = {item.position for item in batch.items if isinstance(item, Unreadable)}
                todo = [uid for uid, place in batch.places.items() if place.position not in unread]
                settles = self._settles(opened.name)
                mark = mark.at(batch.last, todo if settles else ())
                outcomes = await self._keeper.take(opened.name, batch.items, mark)
                self._note_waits(batch, outcomes, mark)
                if settles:
                    await self._settle(line, opened, _stored(batch, outcomes, todo))

    def _mark(self, opened: Folder) -> Mark:
        mark = self._keeper.mark(opened.name)
        assert mark
        return mark

    async def _settle(self, line: Line, opened: Folder, uids: Sequence[int]) -> None:
        """Mark or move what is stored. A refusal stops nothing: the mail is safe here and stays where it is."""
        if uids and self._settles(opened.name):
            try:
                if self._account.afterwards == "move":
                    await line.move(uids, self._account.move_to)
                else:
                    await line.mark(uids, "\\Seen")
            except Refused as fault:
                self._context.log.warning("mail not settled", connection=self._context.connection, code=fault.code)
        self._keeper.settled(opened.name)

    def _note_waits(self, batch: Batch, outcomes: Sequence[str], mark: Mark) -> None:
        """How long mails lay on the server, by its own date of arrival."""
        now, since = datetime.now(UTC), mark.began_at - timedelta(seconds=1)
        arrived = {place.position: place.received_at for place in batch.places.values()}
        for item, outcome in zip(batch.items, outcomes, strict=True):
            at = arrived.get(getattr(item, "position", ""))
            if outcome == "stored" and at is not None and at >= since:
                self._keeper.receive.waited(max(0.0, (now - at).total_seconds()))


def _stored(batch: Batch, outcomes: Sequence[str], todo: Sequence[int]) -> list[int]:
    """Of `todo`, those that were not put aside: what a person still has to look at stays where it is."""
    aside = {
        getattr(item, "position", "")
        for item, outcome in zip(batch.items, outcomes, strict=True)
        if outcome == "quarantined"
    }
    return [uid for uid in todo if batch.places[uid].position not in aside]


async def _last_uid(line: Line, opened: Folder) -> int:
    if opened.uidnext is not None:
        return opened.uidnext - 1
    return max(await line.search("ALL"), default=0)


def _since(day: str) -> tuple[str, ...]:
    """The search for mail that came since `day`; a day earlier, since servers count in their own zone."""
    if not day:
        return ()
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    moment = datetime.fromisoformat(day) - timedelta(days=1)
    return "SINCE", f"{moment.day:02}-{months[moment.month - 1]}-{moment.year}"


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


__all__ = ["Fault", "Follower", "LoginRefused", "NoFolder", "dial"]
