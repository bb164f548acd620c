"""P02: mails from an IMAP server until the last is visible in the inbox, against the bound pipeline in one script.

Both in mails per second of processor time: what the neighbours on the machine take shall not enter.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from email import policy
from email.message import EmailMessage
from pathlib import Path

from bench.report import Figure, Goal, wrong
from bench.servers import BARE, Server, hub, run_aside
from omnibox.testing.world.demo import Admin
from omnibox.testing.world.mail import MailHouse

MAILS, LONG = 500, 2000
ROUNDS = 3
VISIBLE_S = 90
WORDS = (
    "hello we are still waiting for our parcel and would like to know when it will arrive could you please look into"
    " this and tell us what happened thank you very much in advance kind regards the invoice shows another address"
)


def run(*, long: bool = False) -> list[Figure]:
    return asyncio.run(_run(LONG if long else MAILS))


async def _run(count: int) -> list[Figure]:
    house = MailHouse()
    await house.start()
    accounts = [f"help{number}@shop.example" for number in range(ROUNDS)]
    try:
        with hub([f"127.0.0.1:{house.imap_port}", f"127.0.0.1:{house.smtp_port}"]) as found:
            admin = await found.own()
            try:
                return [await _figure(admin, house, accounts, count, found.server)]
            finally:
                await admin.close()
    finally:
        await house.stop()


async def _figure(admin: Admin, house: MailHouse, accounts: list[str], count: int, server: Server) -> Figure:
    rounds = []
    name = f"mail ingest, {count} mails"
    for number, account in enumerate(accounts):
        mails = list(written(random.Random(number), account, count))
        limit_s, threads = await asyncio.to_thread(_bound, mails)
        house.add_account(account, "a password")
        for mail in mails:
            house.deliver(mail, account)
        before = server.cpu_s()
        made = await admin.connect(
            "email",
            account,
            {**house.settings(account), "import_existing": True},
            {"name": account, "address": account, "settings": {}},
        )
        channel = made["channels"][0]["id"]
        await _until_visible(admin, channel, (number + 1) * count)  # nothing else is stored here: ids are numbers
        took_s = server.cpu_s() - before
        seen = await _seen(admin, channel)
        if seen != (threads, count):
            return wrong("P02", name, f"{seen[1]} mails in {seen[0]} conversations, {count} in {threads} are right")
        rounds.append((count / limit_s, count / took_s))
    return Figure("P02", name, "mails per cpu second", tuple(rounds), Goal(0.5, "≥"))


def _bound(mails: list[bytes]) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        for number, mail in enumerate(mails):
            Path(folder, f"{number:06d}.eml").write_bytes(mail)
        took, threads = run_aside([sys.executable, str(BARE / "mail.py"), folder]).split()
        return float(took), int(threads)


async def _until_visible(admin: Admin, channel: int, last: int) -> None:
    """Until the list begins with the message `last`, or time is over. Only the first row is asked for: a whole list at
    each look would be a load of its own."""
    ends_at = time.perf_counter() + VISIBLE_S
    while time.perf_counter() < ends_at:
        await asyncio.sleep(0.1)
        page = await admin.ask("GET", f"/api/conversations?view=all&limit=1&channel={channel}")
        if any(row["last"]["id"] >= last for row in page["conversations"]):
            return


async def _seen(admin: Admin, channel: int) -> tuple[int, int]:
    """Conversations and messages of a channel."""
    rows, cursor = [], ""
    while True:
        page = await admin.ask("GET", f"/api/conversations?view=all&limit=200&channel={channel}{cursor}")
        rows += page["conversations"]
        if not page["next"]:
            return len(rows), sum(row["unread"] for row in rows)
        cursor = f"&before={page['next']}"


def written(rng: random.Random, to: str, count: int) -> list[bytes]:
    """Mails in the shape of real ones: a fifth with HTML, every second one answers the one before, a few large."""
    mails: list[bytes] = []
    for number in range(count):
        asks = number % 2 == 0
        words = [rng.choice(WORDS.split()) for _ in range(15_000 if number % 60 == 59 else rng.randint(60, 300))]
        text = "\n".join(" ".join(words[first : first + 12]) for first in range(0, len(words), 12))
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = f"Person {number // 2} <person{number // 2}@{to.partition('@')[0]}.example>"
        mail["To"] = to
        mail["Subject"] = ("" if asks else "Re: ") + f"Order of person {number // 2}"
        mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(time.time() - count + number))
        mail["Message-ID"] = f"<bench-{number}@{to.partition('@')[0]}.example>"
        if not asks:
            mail["In-Reply-To"] = mail["References"] = f"<bench-{number - 1}@{to.partition('@')[0]}.example>"
            text += f"\n\nOn Monday, the shop wrote:\n> {text[:200].replace(chr(10), chr(10) + '> ')}\n"
        mail.set_content(text)
        if number % 5 == 0:
            mail.add_alternative(f"<p>{text}</p>", subtype="html")
        mails.append(mail.as_bytes())
    return mails
