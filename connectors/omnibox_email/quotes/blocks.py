"""Blocks of mail headers, rules such as «-----Original Message-----», and «reply above this line»."""

from __future__ import annotations

import re
from collections.abc import Iterable

from omnibox_email.quotes.history_words import FIELDS, LONGEST_LABEL, PHRASE_STARTS, PHRASES, REPLY_ABOVE, WROTE
from omnibox_email.quotes.lines import LONGEST_LINE, Page, is_framed

MOST_BLOCK_LINES = 40
MOST_WRAPPED = 8
LONGEST_REQUEST = 30
MOST_FOREIGN_FIELDS = 7

_DASHES = "-_=‐‑–—―─━－*~#+"
_BEFORE_RULES = _DASHES + " >|"
_EDGE = " \t*_-=‐‑–—―─━－~#+>|[](){}.…:："
_DRAWN = re.compile(r"[_=‐‑–—―─━－~-]{3}|[*#]{10}")
HOUR = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}|\d{1,2} ?(?:uhr|am|pm|時|时|點|点|시)\b", re.I)
YEAR = re.compile(r"(?:19[89]|20\d|25\d|٢٠\d)\d|\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)|[A-Z][a-z]{2}-\d{1,2}-\d{2}(?!\d)")
_WORDED_RULE = re.compile(r"[-_=~]{4,40} ?[^-_=~\s][^-_=~]{2,60}[-_=~]{4,40}\Z")
# «"Ann Smith" ---02/04/2012 09:12:01---Dear Bob», as Notes repeats the first words above its headers
_NOTES_RULE = re.compile(r"[^\n-]{2,60}---\d{1,4}[./-]\d{1,2}[./-]\d{2,4} \d{1,2}[:.]\d{2}[^-]{0,12}---")
_FOREIGN = re.compile(r"\*?[^\W\d_\x00-\u036f][^\d:：<>@/]{0,22}[:：]\*? ?\S")
ADDRESSED = re.compile(r"[<\[(][^\s<>@]{1,80}@[^\s<>@]{1,120}[>\])]\Z")
_GLUED = re.compile(r"[-_=]{2,40} ?([^-_=].{3,40}?) ?[-_=]{2,40} ?(\w.{3,})")
_INLINE_LABEL = re.compile(r"(?<![^\s*_>])([^\W\d_][^\s:：*]{0,14}(?: [^\s:：*]{1,10})?)\*{0,2} ?[:：]")


# A line that is nothing but one of these, whatever is drawn round it.
_ALONE = PHRASES | {label.strip(_EDGE) for label in FIELDS}
_LONGEST_ALONE = max(map(len, _ALONE))
_SIGNS = frozenset(_BEFORE_RULES + _EDGE)


def may_open(page: Page) -> list[int]:
    """The lines that could open history at all, by signs that cost next to nothing: few lines of a mail have one.

    For whatever `rule_end`, `field_of` and `notes_block_start` find.
    """
    return [
        at
        for at, (raw, line) in enumerate(zip(page.lines, page.bare, strict=True))
        if line
        and (
            ":" in line
            or "：" in line
            or (raw is not line and len(raw) > len(line) + 1)  # several blanks: columns
            or line[0] in _SIGNS
            or ((len(line) <= _LONGEST_ALONE or line[-1] in _SIGNS) and _is_alone(line))
        )
    ]


def _is_alone(line: str) -> bool:
    return line.strip(_EDGE).casefold() in _ALONE


def is_drawn(line: str) -> bool:
    """Whether the line is nothing but a rule: dashes, underscores and the like."""
    return not line.strip(" *_=~#‐‑–—―─━－-") and _DRAWN.search(line) is not None


def is_rule(line: str) -> bool:
    """Whether a line directly above headers is drawn, or frames words in whatever language."""
    return is_drawn(line) or _WORDED_RULE.match(line) is not None or _NOTES_RULE.match(line) is not None


def field_of(line: str, *, is_small: bool = False) -> tuple[str, str] | None:
    """The kind and the value of a line such as «*Gesendet:* Montag», or None; `is_small`: small letters will do."""
    stripped = line.strip(" *_|>\t")
    at = stripped.find(":")
    wide = stripped.find("：")
    at = wide if at < 0 or 0 <= wide < at else at
    if not 0 < at <= LONGEST_LABEL + 4:
        return None
    label = stripped[:at].strip(" *_\t")
    if not is_small and label[:1].islower() and label.isascii():
        return None  # programs write it with a capital letter; people and their files do not
    kind = FIELDS.get(label.casefold())
    return (kind, stripped[at + 1 :].strip(" *_\t")) if kind else None


def rule_end(page: Page, at: int) -> int:
    """The line after a rule with words that opens history at `at`; 0 where there is none."""
    line = page.bare[at]
    if is_framed(line) or _is_glued(line):
        return at + 1
    if len(line) > 200:
        return 0
    core = line.strip(_EDGE).casefold().replace("i\u0307", "i")  # what casefolding makes of «İ»
    if not core:
        return 0
    opens = len(line) - len(line.lstrip(_BEFORE_RULES)) >= 2 and line.lstrip("> |")[:1] in _DASHES
    closes = line.rstrip()[-2:].strip(_DASHES) == ""
    if opens and closes and (core in PHRASES or core.startswith(PHRASE_STARTS)):
        return at + 1 if core != "original" or headers_follow(page, page.next_filled(at + 1)) else 0
    if opens and not closes and core.startswith("forwarded by") and YEAR.search(line):
        is_cut = at + 1 < len(page.lines) and page.bare[at + 1].endswith("---")  # the line was too long for somebody
        return at + 2 if is_cut else 0
    if opens and closes and WROTE.search(core) and len(core) > 6 and line.count("-") >= 6:
        return at + 1
    if core not in PHRASES:
        return 0
    if core.startswith(_DAVID):
        return at + 1
    if line.endswith((":", "：")) and core.startswith(_APPLE):
        return at + 1
    after = page.next_filled(at + 1)
    if after < len(page.lines) and after <= at + 2 and (opens or closes or not line.endswith(".")):
        return at + 1 if field_of(page.bare[after]) else 0
    return 0


def _is_glued(line: str) -> bool:
    """Whether the headers follow the rule on its own line: «-------- Original message --------From: Ann …»."""
    found = _GLUED.match(line) if line[:2] in ("--", "__", "==") else None
    if found is None or found.group(1).casefold() not in PHRASES:
        return False
    first = field_of(found.group(2)[:LONGEST_LINE])
    return first is not None and first[0] in ("from", "sent", "date", "subject")


_DAVID = "original message processed by"  # a subject stands between it and the headers
_APPLE = (
    "begin",
    "anfang",
    "inizio",
    "inicio",
    "début",
    "início",
    "start",
    "början",
    "börja",
    "początek",
    "začátek",
    "začiatok",
    "начало",
    "початок",
    "edelleen",
    "továbbított",
    "başlangıç",
    "weitergeleitete",
    "original message follows",
)


# One of these stands in every line that `REPLY_ABOVE` finds; looked for first, since the pattern costs 20 µs a line.
_ABOVE = (
    "above",
    "oberhalb",
    "über",
    "encima",
    "arriba",
    "dessus",
    "sopra",
    "acima",
    "boven",
    "ovanför",
    "over denne",
    "powyżej",
    "nad t",
    "выше",
    "вище",
    "yläpuolelle",
    "satır",
    "この",
    "此行",
)


# The same for a text of nothing but ASCII, where each stands for as many of them as it can; «bov» for above and boven.
_ABOVE_IN_ASCII = ("bov", "oberhalb", "de esta l", "dessus", "questa ", "acima d", "over denne")


def may_ask(lines: Iterable[str]) -> bool:
    """Whether `is_reply_above` could find anything on one of the lines."""
    text = "\n".join(lines)
    if "#" in text and "##-" in text:
        return True
    return any(map(text.lower().__contains__, _ABOVE_IN_ASCII if text.isascii() else _ABOVE))


def is_reply_above(line: str) -> bool:
    """Whether a help desk asks on this line to answer above it."""
    if line.startswith("##-") and line.endswith("-##"):
        return True  # Zendesk's, in whatever language
    if not 12 <= len(line) <= 200 or not any(map(line.lower().__contains__, _ABOVE)) or not REPLY_ABOVE.search(line):
        return False
    if line[:1] in "-_=#*—–(<[~>" or not line.endswith((".", "?", "!")):
        return True
    return REPLY_ABOVE.match(line) is not None and len(line) <= LONGEST_REQUEST


def header_block_end(page: Page, start: int, *, is_ruled: bool) -> int:
    """The line after a block of mail headers that begins at `start`; 0 where none does.

    `is_ruled`: a rule stands above it, so less is asked of the block.
    """
    first = field_of(page.bare[start])
    if first is None or first[0] not in ("from", "sender", "sent", "date", "subject", "to"):
        return _one_line_block(page, start) if first else 0
    values, end = _fields(page, start)
    bold = page.bare[start].startswith(("*", "_"))
    if _is_block(values, is_ruled=is_ruled or bold):
        return end
    return _one_line_block(page, start)


def foreign_block_end(page: Page, start: int) -> int:
    """The line after headers in a language we do not read: a name with its address, a moment, an address, a subject.

    0 where there are none. Nothing but their build tells them, so all four have to be there, set off; only languages
    in other than Latin letters are taken so: people write such lists as well.
    """
    first = page.bare[start]
    if "@" not in first or not _FOREIGN.match(first) or not ADDRESSED.search(first):
        return 0
    if start and not page.is_blank(start - 1) and not is_drawn(page.bare[start - 1]):
        return 0
    end = start + 1
    while end < min(len(page.lines), start + MOST_FOREIGN_FIELDS) and _FOREIGN.match(page.bare[end]):
        end += 1
    fields = page.bare[start + 1 : end]
    has_moment = any(YEAR.search(line) and HOUR.search(line) for line in fields[:2])
    has_address = any(ADDRESSED.search(line) for line in fields[:3])
    has_subject = len(fields) > 2 and not ADDRESSED.search(fields[-1])
    is_closed = end >= len(page.lines) or page.is_blank(end)
    return end if has_moment and has_address and has_subject and is_closed else 0


def headers_follow(page: Page, at: int) -> bool:
    """Whether mail headers begin at line `at`; a rule stands above them."""
    is_field = at < len(page.lines) and field_of(page.bare[at]) is not None
    return is_field and header_block_end(page, at, is_ruled=True) > 0


def _fields(page: Page, start: int) -> tuple[dict[str, str], int]:
    """The headers of the block at `start` by kind, wrapped ones and single blank lines between them allowed."""
    values: dict[str, str] = {}
    end = last = start
    wrapped, is_waiting, kind = 0, False, ""
    is_small = page.bare[start][:1].islower()  # Orange's «envoyé : …», «de : …»
    for at in range(start, min(len(page.lines), start + MOST_BLOCK_LINES)):
        line = page.bare[at]
        if not line:
            continue
        blanks = at - last - 1
        found = field_of(line, is_small=is_small)
        if found:
            kind, value = found
            if kind == "sender":
                kind = "other" if "from" in values else "from"
            if blanks > 1 or (kind == "from" and (kind in values or (blanks > 0 and _goes_on(page, at)))):
                break
            values.setdefault(kind, value)
            end, wrapped, is_waiting = at + 1, 0, not value
        else:
            wrapped += 1
            if wrapped > MOST_WRAPPED or (blanks > 0 and not is_waiting) or is_drawn(line):
                break  # below a rule another block begins
            if is_waiting and not values[kind]:
                values[kind] = line  # the label stood on a line of its own
            is_waiting = False
        last = at
    return values, end


def _goes_on(page: Page, at: int) -> bool:
    """Whether the next line is filled: below a blank line a closely set block begins, and none goes on."""
    return at + 1 < len(page.lines) and not page.is_blank(at + 1)


def _is_block(values: dict[str, str], *, is_ruled: bool) -> bool:
    when = values.get("sent") or values.get("date") or ""
    who = values.get("from", "") + " " + values.get("to", "")
    if "from" not in values or len(values) < 3:
        return False
    has_time = bool(YEAR.search(when) and HOUR.search(when))
    has_mail = "@" in who
    dated = "sent" in values or "date" in values
    if dated and "to" in values and "subject" in values:
        return has_time or has_mail or ((is_ruled or "sent" in values) and bool(YEAR.search(when)))
    if is_ruled:
        return (has_time or has_mail) and len({"sent", "date", "to", "subject"} & values.keys()) >= 2
    if not dated or not has_time:
        return False
    return "sent" in values and ("to" in values or "subject" in values)


def _one_line_block(page: Page, start: int) -> int:
    """A block whose lines a converter ran together: «From: … Sent: … To: … Subject: …»."""
    line = page.bare[start]
    if len(line) > 900 or line.count(":") + line.count("：") < 4:
        return 0
    kinds = {FIELDS.get(label.casefold().split(" ")[-1]) or FIELDS.get(label.casefold()) for label in _labels(line)}
    if not {"from", "to", "subject"} <= kinds or not kinds & {"sent", "date"}:
        return 0
    return start + 1 if YEAR.search(line) and HOUR.search(line) else 0


def _labels(line: str) -> list[str]:
    return _INLINE_LABEL.findall(line)[:40]
