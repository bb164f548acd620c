"""Mail of the past in files: mbox files, maildirs, folders of single mails; in the order in which it arrived.

Two passes: the first finds where each mail lies and when it arrived, and keeps 44 bytes of it; the second reads mail by
mail. The order matters: an answer finds its conversation when the question is there before it.
"""

from __future__ import annotations

import hashlib
import os
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from omnibox.connector import Echo, Envelope, Inbound, NoArchive, Notice, Past, Receipt, Unreadable
from omnibox_email import intake
from omnibox_email.archives import finding, mboxes
from omnibox_email.archives.finding import Found
from omnibox_email.archives.mboxes import HEAD, Span
from omnibox_email.heads import addresses, dates, headers
from omnibox_email.intake import Ours, Place
from omnibox_email.mailbox.fetching import BIGGEST_MAIL

MOST_OPEN = 16
MOST_PASSES = 50
_END_OF_HEAD = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_RECEIVED = re.compile(rb"^received[ \t]*:((?:[^\r\n]|\r?\n[ \t]){0,4000})", re.I | re.M)
_FROM = re.compile(rb"^from[ \t]*:((?:[^\r\n]|\r?\n[ \t]){0,2000})", re.I | re.M)
_DATE = re.compile(rb"^date[ \t]*:((?:[^\r\n]|\r?\n[ \t]){0,500})", re.I | re.M)
_ID = re.compile(rb"^message-id[ \t]*:\s{0,10}<([^<>\s]{1,998})>", re.I | re.M)
_ANSWERS = re.compile(
    rb"^in-reply-to[ \t]*:[^<>\r\n]{0,200}(?:\r?\n[ \t])?[^<>\r\n]{0,200}<([^<>\s]{1,998})>", re.I | re.M
)
_ANCESTORS = re.compile(rb"^references[ \t]*:(?:(?:[^\r\n]|\r?\n[ \t]){0,20000})<([^<>\s]{1,998})>", re.I | re.M)
# What mail programs note in their files; the same mail in a mailbox has none of it, and must have the same key.
_NOTES = re.compile(
    rb"^(?:content-length|status|x-status|x-uid|x-uidl|x-keywords|x-imap|x-imapbase|x-mozilla-[a-z0-9-]+"
    rb"|x-account-key|x-evolution(?:-[a-z0-9-]+)?|x-gm-thrid|x-gmail-labels|x-kmail-[a-z0-9-]+|x-tuid)"
    rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.I | re.M,
)
_MOZILLA = re.compile(rb"^x-mozilla-status[ \t]*:[ \t]*([0-9a-f]{1,8})", re.I | re.M)
_X_STATUS = re.compile(rb"^x-status[ \t]*:[ \t]*([A-Z]{1,10})", re.I | re.M)
_INTERNAL = re.compile(rb"^x-imap(?:base)?[ \t]*:", re.I | re.M)
_INTERNAL_SUBJECT = re.compile(rb"^subject[ \t]*:[ \t]*DON'T DELETE THIS MESSAGE", re.I | re.M)
_EXPUNGED = 0x0008


def look_through(paths: Sequence[str], ours: Ours, address: str, report: Callable[[int, int], None]) -> MailArchive:
    """The archive in `paths`; a mail that names none of our addresses is for `address`."""
    folded = address.casefold()
    own = sorted(ours.channels, key=lambda each: each.address.casefold() != folded)
    archive = MailArchive(replace(ours, channels=tuple(own)))
    try:
        archive.look_through(paths, report)
    except BaseException:
        archive.close()
        raise
    if not len(archive):
        archive.close()
        raise NoArchive("there are no mails in it: name mbox files, maildirs, or folders of .eml files")
    return archive


class MailArchive:
    """An `Archive` of mails."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        self._files: list[Found] = []
        self._file = array("L")
        self._start = array("Q")
        self._length = array("q")  # below zero: counted, not quoted
        self._at = array("q")  # microseconds
        self._id = array("Q")  # the first eight bytes of a hash: of its id, and of the one it answers; 0 without
        self._answers = array("Q")
        self._order = array("L")
        self._left_out: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._open: dict[str, BinaryIO] = {}
        self._now = datetime.now(UTC)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()[:32]

    @property
    def left_out(self) -> Mapping[str, int]:
        return self._left_out

    def __len__(self) -> int:
        return len(self._order)

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()

    # ── The first pass

    def look_through(self, paths: Sequence[str], report: Callable[[int, int], None]) -> None:
        found = list(finding.find(paths, self._left_out))
        total, done = sum(each.size for each in found), 0
        for each in found:
            self._digest.update(f"{each.path}\0{each.size}\0{each.changed_ns}\n".encode("utf-8", "surrogateescape"))
            self._files.append(each)
            with Path(each.path).open("rb") as file:
                before = done
                if each.is_mbox:
                    for span in mboxes.spans(file, lambda at, before=before: report(before + at, total)):  # type: ignore[misc]
                        self._note(file, each, span)
                else:
                    self._note(file, each, finding.span_of(file, each))
            done += each.size
            report(done, total)
        self._order = array("L", in_order(self._at, self._id, self._answers))

    def _note(self, file: BinaryIO, found: Found, span: Span) -> None:
        if span.end <= span.start:
            return
        block = os.pread(file.fileno(), min(HEAD, span.end - span.start), span.start)
        head = block[: end.end()] if (end := _END_OF_HEAD.search(block)) else block
        if reason := _why_not(head):
            self._left_out[reason] += 1
            return
        self._file.append(len(self._files) - 1)
        self._start.append(span.start)
        self._length.append((span.start - span.end) if span.is_counted else (span.end - span.start))
        self._id.append(_short(_ID.search(head)))
        self._answers.append(_short(_ANSWERS.search(head) or _ANCESTORS.search(head)))
        self._at.append(int(_arrival(head, span.separator, found.arrived_at, self._now).timestamp() * 1_000_000))

    # ── The second pass

    def read(self, number: int) -> Past:
        at = self._order[number]
        found, start, length = self._files[self._file[at]], self._start[at], self._length[at]
        moment = datetime.fromtimestamp(self._at[at] / 1_000_000, UTC)
        place = f"{found.path}:{start}" if found.is_mbox else found.path
        try:
            envelopes = tuple(self._envelopes(found, Span(start, start + abs(length), b"", length < 0), moment))
        except OSError as error:
            envelopes = (Unreadable(type(error).__name__, place, size=abs(length)),)
        return Past(place, moment, tuple(_at_place(each, place) for each in envelopes))

    def _envelopes(self, found: Found, span: Span, moment: datetime) -> list[Envelope]:
        place = Place("", 0, 0, moment)
        if span.end - span.start > BIGGEST_MAIL:
            return [intake.unreadable("too_big", place, size=span.end - span.start)]
        raw = _without_notes(mboxes.content(self._opened(found.path), span, is_quoted=found.is_mbox))
        if not raw:
            return [intake.unreadable("empty", place, size=0)]
        if self._is_from_us(raw):
            sent = intake.take_in(raw, replace(place, is_sent_folder=True), self._ours)
            if sent and not any(isinstance(item, Echo) and not item.part_id and not item.address for item in sent):
                return sent
        return intake.take_in(raw, place, self._ours)  # also from us to us: a form of ours that writes for somebody

    def _is_from_us(self, raw: bytes) -> bool:
        named = _FROM.search(raw, 0, _end_of_head(raw))
        return named is not None and any(self._ours.owns(box.address) for box in addresses.parse_list(named.group(1)))

    def _opened(self, path: str) -> BinaryIO:
        if path not in self._open:
            if len(self._open) >= MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[path] = Path(path).open("rb")  # noqa: SIM115 # kept for the mails that follow; `close` closes it
        return self._open[path]


def in_order(at: Sequence[int], ids: Sequence[int], answers: Sequence[int]) -> list[int]:
    """The numbers of mails by their time; but none before the one that it answers, whatever the clocks said."""
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    known = array("Q", (ids[number] for number in by_id))
    key = array("q", at)
    parents: list[tuple[int, int]] = []
    for number, answered in enumerate(answers):
        found = bisect_left(known, answered) if answered else len(known)
        if found < len(known) and known[found] == answered and by_id[found] != number:
            parents.append((number, by_id[found]))
    for _ in range(MOST_PASSES):  # each settles one further step of a chain; a circle never settles
        late = [(child, parent) for child, parent in parents if key[child] <= key[parent]]
        for child, parent in late:
            key[child] = max(key[child], key[parent] + 1)
        if not late:
            break
    return sorted(range(len(key)), key=key.__getitem__)


def _short(found: re.Match[bytes] | None) -> int:
    if found is None:
        return 0
    return int.from_bytes(hashlib.blake2b(found.group(1), digest_size=8).digest(), "big")


def _at_place(item: Envelope, place: str) -> Envelope:
    """Files have no place that a mailbox would know: a mail in it is told by its key."""
    if isinstance(item, Unreadable):
        return replace(item, at=place, position="")
    return replace(item, position="") if isinstance(item, (Inbound, Echo, Receipt, Notice)) else item


def _why_not(head: bytes) -> str:
    """Why a mail is passed over; empty for one that is taken."""
    status = _MOZILLA.search(head)
    if status and int(status.group(1)[-4:], 16) & _EXPUNGED:
        return "deleted"
    flags = _X_STATUS.search(head)
    if flags and b"D" in flags.group(1).upper():
        return "deleted"
    if flags and b"T" in flags.group(1).upper():
        return "drafts"
    if _INTERNAL.search(head) and _INTERNAL_SUBJECT.search(head):
        return "notes of a mail program"
    return ""


def _arrival(head: bytes, separator: bytes, otherwise: datetime, now: datetime) -> datetime:
    """When a mail reached us: by the last server's stamp, by its own date, by its file; never in the future."""
    stamps: Iterator[bytes] = (
        found.group(1).rpartition(b";")[2] if pattern is _RECEIVED else found.group(1)
        for pattern in (_RECEIVED, _DATE)
        if (found := pattern.search(head))
    )
    for stamp in (*stamps, separator.removeprefix(b"From ")):
        moment = dates.parse_date(headers.to_text(stamp)) if stamp else None
        if moment is not None and moment.astimezone(UTC) <= now + timedelta(minutes=10):
            return min(moment.astimezone(UTC), now)
    return min(otherwise, now)


def _without_notes(raw: bytes) -> bytes:
    end = _end_of_head(raw)
    return _NOTES.sub(b"", raw[:end]) + raw[end:]


def _end_of_head(raw: bytes) -> int:
    """Where the last header line ends, its line end included."""
    found = _END_OF_HEAD.search(raw)
    return len(raw) if found is None else found.start() + (found.end() - found.start()) // 2
