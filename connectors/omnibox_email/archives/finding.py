"""Which files below a path hold mail, and of which kind: an mbox of many, or a single one."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from omnibox.connector import NoArchive
from omnibox_email.archives import mboxes
from omnibox_email.archives.mboxes import Span
from omnibox_email.charsets import words

LOOKED_AT = 8192

# Names of folders that nobody wants back, as the usual programs and providers write them.
_UNWANTED = words(
    """
    trash bin deleted papierkorb gelöscht corbeille papelera cestino lixeira prullenbak kosz papperskorgen roskakori
    drafts draft entwürfe brouillons borradores bozze rascunhos concepten templates vorlagen
    junk spam bulk pourriel indésirables posta-indesiderata outbox postausgang
    deleted-items deleted-messages gelöschte-elemente éléments-supprimés elementos-eliminados posta-eliminata
    junk-e-mail junk-email junk-mail bulk-mail unsent-messages spam-mail
    """
)
_FLAGS = re.compile(r"[:;!,]2,([A-Za-z]*)\Z")
_MOMENT = re.compile(r"\A(\d{9,10})\.")
_HEADER_LINE = re.compile(rb"\A[!-9;-~]{1,80}[ \t]*:")
_MAIL_HEADER = re.compile(
    rb"^(?:from|to|subject|date|message-id|received|return-path|mime-version|delivered-to)[ \t]*:", re.I | re.M
)
_EMLX = re.compile(rb"\A\s{0,20}(\d{1,12})\s{0,20}\n")


@dataclass(frozen=True, slots=True)
class Found:
    """A file with mail in it."""

    path: str
    size: int
    changed_ns: int
    is_mbox: bool
    arrived_at: datetime


def find(paths: Sequence[str], left_out: Counter[str]) -> Iterator[Found]:
    """The files in `paths`, those of a folder by the bytes of their paths; raises `NoArchive` or `OSError`."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not Path(path).exists():
            raise NoArchive(f"{path}: there is no such file or folder")
        files = _below(path, left_out) if Path(path).is_dir() else [path]
        for file in files:
            status = Path(file).stat()
            if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            found = _kind(file, status, is_named=file == path)
            if found is not None:
                yield found
            elif status.st_size:
                left_out["other files"] += 1


def span_of(file: BinaryIO, found: Found) -> Span:
    """The one mail of a file; Apple's .emlx begins with its length and ends with notes."""
    if found.path.lower().endswith(".emlx"):
        head = file.read(64)
        if counted := _EMLX.match(head):
            return Span(counted.end(), min(found.size, counted.end() + int(counted.group(1))), b"")
    return Span(0, found.size, b"")


def _below(folder: str, left_out: Counter[str]) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        is_maildir = {"cur", "new"} <= set(folders)
        kept = [name for name in folders if not _is_unwanted(name) and not (is_maildir and name == "tmp")]
        left_out["folders of drafts, spam or deleted mail"] += (
            len(folders) - len(kept) - ("tmp" in folders and is_maildir)
        )
        folders[:] = sorted(kept, key=os.fsencode)
        in_maildir = Path(top).name in ("cur", "new")
        for name in sorted(names, key=os.fsencode):
            if _is_unwanted(name):
                left_out["folders of drafts, spam or deleted mail"] += 1
            elif in_maildir and (reason := _flagged(name)):
                left_out[reason] += 1
            elif not name.startswith("dovecot") or in_maildir:
                yield os.path.join(top, name)  # noqa: PTH118 - the path as found: pathlib would drop a leading `./`
    left_out += Counter()  # drops the zeros


def _is_unwanted(name: str) -> bool:
    """Whether a folder, or an mbox named like one, holds what was thrown away, never sent, or unwanted."""
    plain = _decoded(name.removesuffix(".sbd").removesuffix(".mbox")).casefold()
    last = plain.strip(".").rpartition(".")[2].rpartition("/")[2]
    return re.sub(r"[\s_]+", "-", last) in _UNWANTED


def _decoded(name: str) -> str:
    """Folders of a mail server are named in modified UTF-7."""
    if "&" not in name:
        return name
    from omnibox_email.mailbox.imap_words import decode_name

    try:
        return decode_name(name)
    except (ValueError, UnicodeError):
        return name


def _flagged(name: str) -> str:
    flags = found.group(1) if (found := _FLAGS.search(name)) else ""
    return "deleted" if "T" in flags else "drafts" if "D" in flags else ""


def _kind(path: str, status: os.stat_result, *, is_named: bool) -> Found | None:
    """What a file is, by its first bytes; None where it holds no mail."""
    with Path(path).open("rb") as file:
        head = file.read(LOOKED_AT)
    name = Path(path).name
    is_mbox = mboxes.begins_like_mbox(head)
    if not is_mbox and not _is_mail(name, head, is_named=is_named):
        return None
    moment = _MOMENT.match(name)
    seconds = float(moment.group(1)) if moment else status.st_mtime
    return Found(path, status.st_size, status.st_mtime_ns, is_mbox, datetime.fromtimestamp(seconds, UTC))


def _is_mail(name: str, head: bytes, *, is_named: bool) -> bool:
    if not head.strip():
        return False
    if is_named or name.lower().endswith((".eml", ".emlx")):
        return True
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return _HEADER_LINE.match(text) is not None and _MAIL_HEADER.search(text) is not None
