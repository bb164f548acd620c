"""What the world's IMAP server keeps: mails in folders; and how its commands name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


class Watcher(Protocol):
    """Somebody who has the folder open."""

    def announce(self) -> None:
        """Say how many mails there are, where that is news."""

    def expunged(self, number: int) -> None:
        """Say that the mail of this number is gone."""


@dataclass(slots=True)
class StoredMail:
    """One mail in a folder."""

    uid: int
    raw: bytes = field(repr=False)
    received_at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class MailFolder:
    """A folder: mails in order of their UIDs, and who watches it."""

    name: str
    uidvalidity: int
    uidnext: int = 1
    attributes: tuple[str, ...] = ()
    mails: list[StoredMail] = field(default_factory=list)
    watchers: set[Watcher] = field(default_factory=set, repr=False)
    openers: set[Watcher] = field(default_factory=set, repr=False)

    def put(self, raw: bytes, received_at: datetime | None = None, flags: Sequence[str] = ()) -> int:
        """Add a mail; who idles hears of it at once. Returns its UID."""
        mail = StoredMail(self.uidnext, raw, received_at or datetime.now(UTC), set(flags))
        self.uidnext += 1
        self.mails.append(mail)
        for watcher in list(self.watchers):
            watcher.announce()
        return mail.uid

    def expunge(self, uids: Iterable[int]) -> None:
        """Mails are gone; who has the folder open hears of it."""
        for uid in uids:
            numbers = [number for number, mail in enumerate(self.mails, 1) if mail.uid == uid]
            for number in numbers:
                del self.mails[number - 1]
                for opener in list(self.openers):
                    opener.expunged(number)

    def renumber(self) -> None:
        """What a rebuilt mailbox does: new UIDVALIDITY, new UIDs, same mails."""
        self.uidvalidity += 1
        for number, mail in enumerate(self.mails, 1):
            mail.uid = number + 100
        self.uidnext = len(self.mails) + 101


def fits(mail: StoredMail, criteria: list[str], folder: MailFolder) -> bool:
    words = list(criteria)
    while words:
        word = words.pop(0).upper()
        if word == "UID" and not in_set(mail.uid, words.pop(0), folder):
            return False
        if word == "SINCE":
            since = datetime.strptime(words.pop(0), "%d-%b-%Y").replace(tzinfo=UTC)
            if mail.received_at.date() < since.date():
                return False
        if word == "HEADER":
            name, value = words.pop(0), words.pop(0)
            head = mail.raw.replace(b"\r\n", b"\n").split(b"\n\n")[0].decode("latin-1")
            lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
            if not any(line.lower().startswith(name.lower() + ":") and value.lower() in line.lower() for line in lines):
                return False
    return True


def in_set(uid: int, text: str, folder: MailFolder) -> bool:
    last = folder.mails[-1].uid if folder.mails else 0
    for piece in text.split(","):
        first, _, end = piece.partition(":")
        low, high = (last if bound == "*" else int(bound) for bound in (first, end or first))
        if min(low, high) <= uid <= max(low, high):
            return True
    return False


_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)', re.S)


def words_of(text: str) -> list[str]:
    return [
        re.sub(r"\\(.)", r"\1", found.group(1), flags=re.S) if found.group(1) is not None else found.group(2)
        for found in _WORD.finditer(text)
    ]
