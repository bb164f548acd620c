"""P02: mails from an IMAP server until the last is visible in the inbox, against the bound pipeline in one script.

Both in mails per second of processor time: what the neighbours on the machine take shall not enter. The mailbox is
connected before, as it is for an operator: to connect it costs the same however many mails come.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from email import policy
from email.message import EmailMessage
from pathlib import Path

from bench.report import Figure, Goal, wrong
from bench.servers import BARE, Hub, hub, run_aside
from omnibox.testing.world.demo import Admin
from omnibox.testing.world.mail import MailHouse

MAILS, LONG = 500, 2000
ROUNDS = 5
WARM_UP = 20
VISIBLE_S = 90
LOOK_S = 0.05
ACCOUNT = "help@shop.example"
WORDS = (
    "hello we are still waiting for our parcel and would like to know when it will arrive could you please look into"
    " this and tell us what happened thank you very much in advance kind regards the invoice shows another address"
)


def run(*, long: bool = False) -> list[Figure]:
    return asyncio.run(_run(LONG if long else MAILS))


async def _run(count: int) -> list[Figure]:
    house = MailHouse()
    await house.start()
    house.add_account(ACCOUNT, "a password")
    try:
        with hub([f"127.0.0.1:{house.imap_port}", f"127.0.0.1:{house.smtp_port}"]) as found:
            admin = await found.own()
            try:
                made = await admin.connect(
                    "email",
                    ACCOUNT,
                    {**house.settings(ACCOUNT), "import_existing": True},
                    {"name": "Help", "address": ACCOUNT, "settings": {}},
                )
                mailbox = Mailbox(house, found, admin, made["channels"][0]["id"])
                await mailbox.take(list(written("warm", WARM_UP)))
                return [await _figure(mailbox, count)]
            finally:
                await admin.close()
    finally:
        await house.stop()


async def _figure(mailbox: Mailbox, count: int) -> Figure:
    rounds = []
    name = f"mail ingest, {count} mails"
    for number in range(ROUNDS):
        mails = list(written(f"round{number}", count))
        limit_s, threads = await asyncio.to_thread(_bound, mails)
        there = await mailbox.seen()
        took_s = await mailbox.take(mails)
        now = await mailbox.seen()
        seen = now[0] - there[0], now[1] - there[1]
        if seen != (threads, count):
            return wrong("P02", name, f"{seen[1]} mails in {seen[0]} conversations, {count} in {threads} are right")
        rounds.append((count / limit_s, count / took_s))
    return Figure("P02", name, "mails per cpu second", tuple(rounds), Goal(0.5, "≥"))


class Mailbox:
    """A connected mailbox, and the hub that follows it."""

    def __init__(self, house: MailHouse, found: Hub, admin: Admin, channel: int) -> None:
        self._house, self._found, self._admin = house, found, admin
        self._channel = channel
        self._delivered = 0

    async def take(self, mails: list[bytes]) -> float:
        """Deliver all at once; the hub's seconds of processor time until the last is in the list of conversations."""
        before = self._found.server.cpu_s()
        for mail in mails:
            self._house.deliver(mail, ACCOUNT)
        self._delivered += len(mails)
        await self._until_visible()
        return self._found.server.cpu_s() - before

    async def _until_visible(self) -> None:
        """Until the list begins with the last message, or time is over. The server is asked when its database has all:
        a list at each look would be a load of its own."""
        ends_at = time.perf_counter() + VISIBLE_S
        while time.perf_counter() < ends_at:
            await asyncio.sleep(LOOK_S)
            if await asyncio.to_thread(self._stored) < self._delivered:
                continue
            page = await self._admin.ask("GET", f"/api/conversations?view=all&limit=1&channel={self._channel}")
            if any(row["last"]["id"] >= self._delivered for row in page["conversations"]):
                return  # nothing else is stored here: ids are numbers

    def _stored(self) -> int:
        with closing(sqlite3.connect(f"file:{self._found.database}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM message").fetchone()[0])

    async def seen(self) -> tuple[int, int]:
        """Conversations and messages of the channel."""
        rows, cursor = [], ""
        while True:
            asked = f"/api/conversations?view=all&limit=200&channel={self._channel}{cursor}"
            page = await self._admin.ask("GET", asked)
            rows += page["conversations"]
            if not page["next"]:
                return len(rows), sum(row["unread"] for row in rows)
            cursor = f"&before={page['next']}"


def _bound(mails: list[bytes]) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        for number, mail in enumerate(mails):
            Path(folder, f"{number:06d}.eml").write_bytes(mail)
        took, threads = run_aside([sys.executable, str(BARE / "mail.py"), folder]).split()
        return float(took), int(threads)


def written(series: str, count: int) -> Iterator[bytes]:
    """Mails in the shape of real ones: a fifth with HTML, every second one answers the one before, a few large."""
    rng = random.Random(series)
    for number in range(count):
        asks = number % 2 == 0
        words = [rng.choice(WORDS.split()) for _ in range(15_000 if number % 60 == 59 else rng.randint(60, 300))]
        text = "\n".join(" ".join(words[first : first + 12]) for first in range(0, len(words), 12))
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = f"Person {number // 2} <person{number // 2}@{series}.example>"
        mail["To"] = ACCOUNT
        mail["Subject"] = ("" if asks else "Re: ") + f"Order of person {number // 2}"
        mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(time.time() - count + number))
        mail["Message-ID"] = f"<bench-{number}@{series}.example>"
        if not asks:
            mail["In-Reply-To"] = mail["References"] = f"<bench-{number - 1}@{series}.example>"
            text += f"\n\nOn Monday, the shop wrote:\n> {text[:200].replace(chr(10), chr(10) + '> ')}\n"
        mail.set_content(text)
        if number % 5 == 0:
            mail.add_alternative(f"<p>{text}</p>", subtype="html")
        yield mail.as_bytes()
