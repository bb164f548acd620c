"""Delivery reports that are only text: whom they name, and what they say of each.

Mail systems list the failed addresses in a few shapes, whatever the language: an address that heads a line, one after
a word for «recipient», one in a line of the SMTP dialogue. The most telling shape that occurs decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omnibox_email.bounces import codes, reports, wording
from omnibox_email.bounces.copies import Copy
from omnibox_email.bounces.outcome import MOST_RECIPIENTS, MOST_TEXT, Reported
from omnibox_email.heads import addresses

MOST_LINES = 2000
LONGEST_LINE = 2000

ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&*+/=?^_{|}~][A-Za-z0-9.!#$%&'*+/=?^_`{"
    r"|}~-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_HEADS = re.compile(
    r"[^\w\n@]{0,12}(?:\d{1,3}[.)][ \t]{1,3})?(?:smtp[: ]+|mailto:|rfc822;)?"
    rf"[\[<\"'(]{{0,3}}({ADDRESS.pattern})[\]>\"')]{{0,3}}",
    re.I,
)
_AFTER_HEADING = re.compile(r"[ \t]*(?:[:：;,(\[]|\.\.\.|[-–—] |\Z)")
_RCPT = re.compile(rf"(?:rcpt[ _]to[: ]{{1,3}}|(?:rejected|refused|invalid) recipient:? )<?({ADDRESS.pattern})", re.I)
_ENDS = re.compile(rf"[^:\n]{{3,80}}:[ \t]*<?({ADDRESS.pattern})>?[ \t]*\Z", re.I)
_DIALOGUE = re.compile(r"(?<![\w.])[45]\d\d[ #-]|[45]\.\d\.\d")
_NAME_ONLY = re.compile(r"[ \t]+([A-Za-z0-9._-]{2,40})[ \t]*\([^()\n]{3,60}\)[ \t]*\Z")
_SYSTEM_LOCAL = re.compile(r"(?:mailer-?daemon|postmaster|abuse|hostmaster|mail-?daemon)(?:[-+].*)?\Z", re.I)
_SHAPES = ("heads", "named", "dialogue", "ends", "to", "mentioned")


@dataclass(frozen=True, slots=True)
class Listed:
    """The addresses that are named as not reached, the line of each, and by which shape they were found."""

    found: tuple[tuple[str, int], ...]
    shape: str

    @property
    def is_structured(self) -> bool:
        return self.shape not in ("mentioned", "")


def explained(text: str) -> str:
    """The words of the mail system: what stands above the copy of the original."""
    head = text[:MOST_TEXT]
    begins = wording.COPY_BEGINS.search(head)
    head = head[: begins.start()] if begins else head
    if (second := wording.SECOND_COPY_BEGINS.search(head)) and listed(
        head[: second.start()], frozenset()
    ).is_structured:
        head = head[: second.start()]
    return head


def listed(text: str, own: frozenset[str]) -> Listed:
    """Who was not reached, by the most telling shape; `own` are the addresses of the two who correspond here."""
    shapes: dict[str, list[tuple[str, int]]] = {shape: [] for shape in _SHAPES}
    lines = text.split("\n")[:MOST_LINES]
    for number, line in enumerate(lines):
        if "@" in line:
            for shape, address in _read_line(lines, number, line[:LONGEST_LINE]):
                shapes[shape].append((address.rstrip("."), number))
    for shape in _SHAPES:
        if kept := [each for each in shapes[shape] if _is_other(each[0], own)]:
            return Listed(_unique(kept if shape != "mentioned" else _where_it_failed(lines, kept)), shape)
    for shape in _SHAPES[:3]:  # nobody else is named: they wrote to themselves, or to a postmaster
        if shapes[shape]:
            return Listed(_unique(shapes[shape]), shape)
    return Listed((), "")


def _where_it_failed(lines: Sequence[str], found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Of several that are mentioned, those in lines that tell of a failure."""
    told = [each for each in found if _DIALOGUE.search(lines[each[1]]) or wording.FAILED.search(lines[each[1]])]
    return told or found


def _is_other(address: str, own: frozenset[str]) -> bool:
    return addresses.fold(address) not in own and not _SYSTEM_LOCAL.match(address.partition("@")[0])


def _unique(found: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    first: dict[str, tuple[str, int]] = {}
    for address, number in found:
        first.setdefault(addresses.fold(address), (address, number))
    return tuple(first.values())[:MOST_RECIPIENTS]


def _read_line(lines: Sequence[str], number: int, line: str) -> list[tuple[str, str]]:
    """The addresses of one line, each with its shape."""
    if wording.OTHER_LINE.match(line):
        return []
    if found := wording.RECIPIENT_LINE.match(line):
        rest = line[found.end() :]
        if near := ADDRESS.search(rest[:200]):
            return [("named", one) for one in (ADDRESS.findall(rest) if _is_only_addresses(rest) else [near.group()])]
    if found := _RCPT.search(line):
        return [("dialogue", found.group(1))]
    if (found := _HEADS.match(line)) and _is_heading(lines, number, line, found):
        return [("heads", found.group(1))]
    if wording.TO_LINE.match(line):
        return [("to", one) for one in ADDRESS.findall(line)]
    if wording.ASKS_FOR_HELP.search(ADDRESS.sub("", line)) and not _DIALOGUE.search(line):
        return []
    mentioned = [one.group() for one in ADDRESS.finditer(line) if not _is_aside(line, one.start())]
    if len(mentioned) == 1 and _is_introduced(lines, number):
        return [("heads", mentioned[0])]
    if found := _ENDS.match(line):
        return [("ends", found.group(1))]
    return [("mentioned", one) for one in mentioned]


def _is_only_addresses(rest: str) -> bool:
    return not re.search(r"[A-Za-z]{3}", ADDRESS.sub("", rest))


def _is_heading(lines: Sequence[str], number: int, line: str, found: re.Match[str]) -> bool:
    if _AFTER_HEADING.match(line, found.end()):
        return True
    before = lines[number - 1] if number else ""
    return not before.strip() or before.rstrip().endswith((":", "："))


def _is_aside(line: str, at: int) -> bool:
    """Whether the address stands in brackets that tell where a forwarding came from."""
    return bool(wording.EXPANDED.search(line, max(0, at - 40), at))


def _is_introduced(lines: Sequence[str], number: int) -> bool:
    """Whether the line belongs to a list that a line with a colon at its end opens."""
    for back in range(number - 1, max(-1, number - 6), -1):
        before = lines[back].strip()
        if before:
            return before.endswith((":", "：")) and bool(
                wording.FAILED.search(" ".join(lines[max(0, back - 3) : back + 1]))
            )
    return False


def asides(text: str, own: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """Addresses that stand only in brackets: a program behind them failed, such as the filter of a mailbox."""
    lines = [line[:LONGEST_LINE] for line in text.split("\n")[:MOST_LINES]]
    found = [
        (one.group(), number)
        for number, line in enumerate(lines)
        for one in (ADDRESS.finditer(line) if "@" in line else ())
        if _is_aside(line, one.start()) and _is_other(one.group(), own)
    ]
    return _unique(found)


def is_refused(text: str) -> bool:
    """Whether a server's refusal (RFC 5321 4.2, RFC 3463) stands in the text."""
    return _DIALOGUE.search(text) is not None


def is_told(found: Listed, text: str) -> bool:
    """Whether one address is merely mentioned, but in the very sentence that says what failed."""
    if len(found.found) != 1:
        return False
    lines, number = text.split("\n"), found.found[0][1]
    return bool(wording.FAILED.search(" ".join(lines[max(0, number - 1) : number + 2])[:LONGEST_LINE]))


def names_only(text: str, copy: Copy) -> tuple[tuple[str, int], ...]:
    """Addressees of the copy that the text names by their local part or their name alone."""
    found = []
    names = {name.casefold(): address for name, address in copy.names}
    for number, line in enumerate(text.split("\n")[:MOST_LINES]):
        if (name := _NAME_ONLY.match(line[:200])) and (address := reports.completed(name.group(1), copy.addressees)):
            found.append((address, number))
        elif names and not wording.TO_LINE.match(line) and not wording.OTHER_LINE.match(line):
            said = line[:200].strip().casefold()
            found += [(address, number) for name, address in names.items() if said.startswith(name)]
    return _unique(found)


def of_copy(found: Listed, copy: Copy) -> Listed:
    """Of addresses that are merely mentioned, those the original went to, where it went to any of them."""
    if found.is_structured:
        return found
    went_to = {addresses.fold(one) for one in copy.addressees}
    kept = tuple(each for each in found.found if addresses.fold(each[0]) in went_to)
    return Listed(kept or found.found, found.shape)


def spoken(text: str, subject: str) -> str:
    """The mail system's own words: nothing of the original's subject, which may speak of delays and failures itself."""
    before, _, _ = subject.partition(":")
    own = before if wording.NOTICE.search(before) else subject
    return wording.SUBJECT_LINE.sub("", f"{own}\n{text[:8000]}")


def action_of(text: str, subject: str) -> str:
    """What the text says became of the mail."""
    words = spoken(text, subject)
    if wording.DELAYED.search(words):
        return "delayed"
    if wording.FAILED.search(words):
        return "failed"
    if wording.RELAYED.search(words):
        return "relayed"
    return "delivered" if wording.ARRIVED.search(words) else "failed"


def reported(found: Sequence[tuple[str, int]], text: str, action: str) -> tuple[Reported, ...]:
    """Each recipient with the code that stands beside it; codes of others are not taken."""
    lines = [line[:LONGEST_LINE] for line in text.split("\n")[:MOST_LINES]]
    lowered = [line.lower() for line in lines]
    if any(number < 0 for _, number in found):
        heads = _headed(lines)
        found = [(address, heads.get(addresses.fold(address), -1)) for address, _ in found]
    starts = {number for _, number in found}
    out = []
    for address, number in found:
        status = codes.best(_section(lines, number, starts), action)
        status = status or codes.best(_about(lines, lowered, address, starts), action)
        if status is None and len(found) == 1:
            status = codes.best(text, action)
        elif status is None and _stands_apart(number, starts):
            status = codes.best(" ".join(lines[number : number + 6]), action)
        out.append(Reported(address, status, action, detail=status))
    return tuple(out)


def with_code(one: Reported, text: str) -> Reported:
    """A recipient whose report has no status, with the code that the words beside it give to the address."""
    if one.address.lower() not in text.lower() and ADDRESS.search(text):
        return one  # the words are about somebody else
    (said,) = reported([(one.address, -1)], text, one.action or "failed")
    return replace(one, status=said.status, detail=said.status)


def _headed(lines: Sequence[str]) -> dict[str, int]:
    """The first line that each address heads."""
    heads: dict[str, int] = {}
    for number, line in enumerate(lines):
        if "@" in line and (found := _HEADS.match(line)):
            heads.setdefault(addresses.fold(found.group(1)), number)
    return heads


def _section(lines: Sequence[str], number: int, starts: set[int]) -> str:
    """The lines from a recipient to the next one; after the last one, to the next blank line."""
    section = [lines[number]] if 0 <= number < len(lines) else []
    following = min((each for each in starts if each > number), default=0)
    for each in range(number + 1, min(len(lines), following or number + 30, number + 60)):
        if not following and not lines[each].strip():
            break
        section.append(lines[each])
    return " ".join(section)


def _stands_apart(number: int, starts: set[int]) -> bool:
    """Whether it is the last of several that have paragraphs of their own each: its words go on after a blank line."""
    return number == max(starts) and len(starts) > 1 and number - sorted(starts)[-2] >= 3


def _about(lines: Sequence[str], lowered: Sequence[str], address: str, starts: set[int]) -> str:
    """Every line that names the address, with the one that follows it unless that is another recipient's."""
    wanted = address.lower()
    near = [number for number, line in enumerate(lowered) if wanted in line][:50]
    return " ".join(" ".join(lines[number : number + (1 if number + 1 in starts else 2)]) for number in near)
