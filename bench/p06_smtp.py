"""P06, mail: queued replies over SMTP against one bare kept connection, and what a kill -9 in the middle leaves."""

from __future__ import annotations

import asyncio
import re
import secrets
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP

from bench.p06_outbound import reply_to_all
from bench.report import Figure, Goal, wrong
from bench.servers import BARE, Hub, hub, run_aside
from omnibox.testing.world.demo import Admin
from omnibox.testing.world.mail import MailHouse
from omnibox.testing.world.smtp import SmtpServer, Submitted

PEOPLE, LONG, ROUNDS = 150, 500, 3
KILLS, LONG_KILLS = 2, 10
ACCOUNT, PASSWORD = "help@shop.example", secrets.token_hex(8)
ALL_S = 60
SETTLED = frozenset({"sent", "uncertain", "failed"})
MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*<([^>]+)>")


class Post(SmtpServer):
    """Takes mail, counts its ids, and greets nobody while its gate is shut."""

    def __init__(self) -> None:
        super().__init__(lambda user, password: password == PASSWORD, self._note)
        self.seen: Counter[str] = Counter()
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def _note(self, mail: Submitted) -> None:
        found = MESSAGE_ID.search(mail.raw)
        self.seen[found[1].decode() if found else ""] += 1
        self.times.append(time.perf_counter())
        self.received.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.gate.wait()
        await super()._serve(reader, writer)

    async def start_over(self, *, is_open: bool) -> None:
        """Forget what came; kept lines end, so that the next one stands before the gate."""
        await self.drop()
        self.seen.clear()
        self.times.clear()
        if is_open:
            self.gate.set()
        else:
            self.gate.clear()

    def rate(self) -> float:
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


def run(*, long: bool = False) -> list[Figure]:
    return asyncio.run(_run(LONG if long else PEOPLE, LONG_KILLS if long else KILLS))


async def _run(people: int, kills: int) -> list[Figure]:
    house = MailHouse()
    house.smtp = post = Post()
    await house.start()
    house.add_account(ACCOUNT, PASSWORD)
    for number in range(people):
        house.deliver(_question(number), ACCOUNT)
    try:
        with hub([f"127.0.0.1:{house.imap_port}", f"127.0.0.1:{house.smtp_port}"]) as found:
            admin = await found.own()
            try:
                conversations = await _set_up(admin, house, people)
                figure = await _rates(found, admin, post, conversations)
                return [figure, await _kills(found, admin, post, conversations, kills)]
            finally:
                await admin.close()
    finally:
        await house.stop()


def _question(number: int) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Person {number} <person{number}@customer.example>"
    mail["To"] = ACCOUNT
    mail["Subject"] = f"Order of person {number}"
    mail["Message-ID"] = f"<question-{number}@customer.example>"
    mail.set_content("Is it on its way?")
    return mail.as_bytes()


async def _set_up(admin: Admin, house: MailHouse, people: int) -> list[int]:
    settings = {**house.settings(ACCOUNT), "import_existing": True}
    await admin.connect("email", "Help", settings, {"name": "Help", "address": ACCOUNT, "settings": {}})
    ids: list[int] = []
    async with asyncio.timeout(ALL_S):
        while len(ids) < people:
            await asyncio.sleep(0.2)
            ids, cursor = [], ""
            while True:
                page = await admin.ask("GET", f"/api/conversations?view=all&limit=200{cursor}")
                ids += [row["id"] for row in page["conversations"]]
                if not page["next"]:
                    break
                cursor = f"&before={page['next']}"
    return ids


async def _rates(found: Hub, admin: Admin, post: Post, conversations: list[int]) -> Figure:
    count = len(conversations)
    name = f"outbound, {count} mails"
    command = [sys.executable, str(BARE / "smtp.py"), str(post.port), ACCOUNT, PASSWORD, str(count)]
    rounds, cpu_us = [], []
    for _ in range(ROUNDS):
        await post.start_over(is_open=True)
        await asyncio.to_thread(run_aside, command)
        limit = post.rate()
        await post.start_over(is_open=False)
        await reply_to_all(admin, conversations)
        before_s = found.server.cpu_s()
        post.gate.set()
        ends_at = time.perf_counter() + ALL_S
        while len(post.times) < count and time.perf_counter() < ends_at:
            await asyncio.sleep(0.02)
        if len(post.seen) != count or post.seen.total() != count:
            return wrong("P06", name, f"{len(post.seen)} of {count} mails arrived, {post.seen.total()} in all")
        rounds.append((limit, post.rate()))
        cpu_us.append((found.server.cpu_s() - before_s) / count * 1e6)
    note = f"{min(cpu_us):,.0f} µs of the hub's CPU each"
    return Figure("P06", name, "mails/s", tuple(rounds), Goal(0.8, "≥"), note=note)


async def _kills(found: Hub, admin: Admin, post: Post, conversations: list[int], times: int) -> Figure:
    """Killed amid the sending and started again: what is called sent arrived once, nothing arrived twice."""
    name, doubts, sent = "outbound, kill -9", 0, 0
    for round_number in range(times):
        count = len(conversations)
        await _settled(found)
        await post.start_over(is_open=False)
        await reply_to_all(admin, conversations)
        newest = _newest(found, count)
        post.gate.set()
        while len(post.times) < count * (round_number + 1) // (times + 1):
            await asyncio.sleep(0.001)
        found.server.kill()
        await asyncio.to_thread(found.start)
        states = await _settled(found, newest)
        lost = sum(1 for mail, state, _ in states if state == "sent" and post.seen[mail] != 1)
        unsent = sum(1 for _, state, _ in states if state not in SETTLED)
        doubled = sum(1 for arrivals in post.seen.values() if arrivals > 1)
        if lost or unsent or doubled or len(states) != count:
            return wrong("P06", name, f"{lost} called sent did not arrive, {unsent} left over, {doubled} arrived twice")
        doubted = {conversation for _, state, conversation in states if state == "uncertain"}
        conversations = [each for each in conversations if each not in doubted]  # a doubt holds up what follows it
        doubts, sent = doubts + len(doubted), sent + count
    note = f"{times} kills, {sent:,} mails, 0 missing, 0 doubled, {doubts} uncertain"
    return Figure("P06", f"{name}: missing or doubled", "mails", ((0, 0),), Goal(0, of="ours"), note=note)


def _newest(found: Hub, count: int) -> int:
    """The id before those of the last `count` deliveries."""
    with _database(found) as database:
        return int(database.execute("SELECT max(id) FROM delivery").fetchone()[0]) - count


async def _settled(found: Hub, after: int = 0) -> list[tuple[str, str, int]]:
    """Message-ID, state and conversation of the deliveries after one, once none is on its way or `ALL_S` are over."""
    ends_at = time.perf_counter() + ALL_S
    while True:
        with _database(found) as database:
            rows = database.execute(
                "SELECT external_id, state, conversation_id FROM delivery WHERE id > ?", (after,)
            ).fetchall()
        if all(state in SETTLED for _, state, _ in rows) or time.perf_counter() > ends_at:
            return rows
        await asyncio.sleep(0.1)


@contextmanager
def _database(found: Hub) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{found.database}?mode=ro", uri=True)
    try:
        yield database
    finally:
        database.close()
