"""Introductions of quotations: «On 2 May 2024 at 10:15, Ann <ann@x.example> wrote:» in any language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from omnibox_email.quotes.history_words import (
    DAY_STARTS,
    DAYS,
    GLUE,
    PRONOUNS,
    QUOTING,
    STARTERS,
    WROTE,
)
from omnibox_email.quotes.lines import Page, bare, unmarked

MOST_LINES = 5
LONGEST = 500
MOST_NAME_WORDS = 12
MOST_FOREIGN = 5  # words of a language we do not read, beside date, time and address
LONGEST_NAMED = 200
MOST_FINAL = 3  # words such as «ha scritto:» on a line of their own
MOST_BEGUN = 6  # words of a name on the first line of two
LOOKED_BACK = 32  # texts; each line is asked about again from each of the next ones

_MAIL = re.compile(r"[<(\[\"']{0,3}(?:mailto:)?[^\s<>@()\[\]\"]{1,80}@[^\s<>@()\[\]\"]{1,120}[>)\]\"'’]{0,3}")
_ANGLED = re.compile(r"<(?:mailto:)?[^\s<>@]{1,80}@[^\s<>]{1,120}>")
_MAIL_ENDS = re.compile(r"@[^\s<>]{1,120}>\)?\s?[:：]\*?\Z")
_LINK = re.compile(r"[<(\[]?(?:https?://|mailto:)[^\s<>)\]]{1,300}[>)\]]?")
_YEAR = re.compile(r"(?<!\d)(?:19[89]\d|20\d\d|25\d\d|٢٠\d\d)(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2}(?!\d)")
_HOUR = re.compile(r"(?<!\d)\d{1,2} ?[:.h] ?\d{2}(?!\d)|\d{1,2} ?(?:[ap]\.?m\b|uhr|時|时|點|点|시)", re.I)
_DIGIT = re.compile(r"\d")
_CLOSES = re.compile(r"(?:[:：]|[:：]\*|\*\s?[:：]|:_|[:：]\s?[-–—]{2,})\s?\Z")
_VERB_ENDS = re.compile(
    r"(?:\bwrote|escribi[óo]|scritto|[ée]crit|schrieb|geschrieben|escreveu|skrev|napisał|написал)\Z"
)
_NEWS = re.compile(r"(?<!\S)news:\S{3,200}\.{3}\Z")  # «Ann wrote in message news:1@x.example...»
_CLOSING_LETTERS = ":：*_-–—"  # what `_CLOSES` finds ends with one of them
_OPEN_ENDS = (
    *("写道", "寫道", "書きました", "--", "wrote", "escribió", "escribio", "scritto", "crit", "schrieb", "chrieben"),
    *("creveu", "skrev", "isał", "исал", ">"),
)
_LAST_LETTERS = frozenset(_CLOSING_LETTERS) | {end[-1] for end in _OPEN_ENDS}
_NEAR_DAY = re.compile(r"(?<!\w)i (?:dag|går|gaar|forgårs|förrgår|morges|morse|aftes|kväll|natt)(?!\w)", re.I)
_TOKEN = re.compile(r"[^\s,;:：،«»„“”()<>\[\]|/*_\"]+")
_QUOTED_NAME = re.compile(r"[\"“„«][^\"“”«»]{1,80}[\"”“»]|'[^']{1,80}'(?=\s[<(])")
# «Ihr Hafen-Team <team@hafen.example>», «I Love Lamps <…>»: a house that speaks of itself, and no story.
_TEAM = re.compile(r"(?<!\w)(?:I|Ihre?)(?: [^\W\d_a-z][\w&.-]{0,40}){1,5} ?(?=\(?<[^<>@\s]{1,80}@)")
_FIRST_DATE = re.compile(r"\d{4}\s?[-/.年년]\s?\d{1,2}(?!\d)|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}")
_DRAWN_BEFORE = "-–—*> "  # «--- On Mon, 4/2/12, Ann <ann@x.example> wrote:»
_GLUED_START = re.compile(
    r"(?<=[\s.!?…)])(?:On|Am|Le|El|Il giorno|Il|Em|Op|Den|W dniu|Dnia"
    r"|Dne)\s(?=(?:[^\W\d_]{2,12}\.?,?\s)?[^\W\d_]{0,10}\.?\s?\d)"
)


class Strength(IntEnum):
    """How sure an introduction is: a weak one needs marked lines below it."""

    NONE = 0
    BARE = 1  # nothing but a name: «Ann wrote:»
    WEAK = 2
    STRONG = 3


@dataclass(frozen=True, slots=True)
class Introduction:
    """An introduction from line `start` up to and without line `end`; `before` are own words on its first line."""

    start: int
    end: int
    strength: Strength
    before: str = ""


def introductions(page: Page) -> dict[int, Introduction]:
    """All introductions of a page by the line they begin at."""
    found: dict[int, Introduction] = {}
    verbs: dict[int, bool] = {}
    for at, line in enumerate(page.bare):
        last = line[-1:]
        closes = last in _LAST_LETTERS and (
            line.endswith(_OPEN_ENDS) or (last in _CLOSING_LETTERS and _CLOSES.search(line[-8:]) is not None)
        )
        closes = closes or (last == "." and line.endswith("...") and _NEWS.search(line) is not None)
        if not (closes or "@" in line) or len(line) > LONGEST:
            continue
        if page.marked[at]:
            one = _broken_by_marks(page, at) if closes else None
        else:
            one = (_ending_at(page, at, verbs) if closes else None) or _within(page, at, ends=closes)
            if closes and at and (one is None or one.strength is not Strength.STRONG):
                one = _torn(page, at) or one
        if one and (one.start not in found or one.strength > found[one.start].strength):
            found[one.start] = one
    return found


def _ending_at(page: Page, last: int, verbs: dict[int, bool]) -> Introduction | None:
    """The introduction whose last line is `last`: the surest one, of as few lines as make it, back to its beginning."""
    best: tuple[int, Strength, bool] | None = None
    joined, has_verb = "", False
    for start in range(last, max(-1, last - MOST_LINES), -1):
        line = page.bare[start]
        if not line or page.marked[start] or len(joined) + len(line) > LONGEST:
            break
        if best and best[1] is Strength.STRONG and best[2] and not _may_begin(line, start, best[0]):
            break
        joined = f"{line} {joined}".strip()
        if start not in verbs:
            verbs[start] = WROTE.search(line) is not None  # the long pattern runs once over each line
        has_verb = has_verb or verbs[start]
        strength = assess(joined, has_verb=has_verb)
        if strength is not Strength.NONE and (best is None or _is_better(page, start, strength, *best)):
            best = (start, strength, _starts_well(line))
    return Introduction(best[0], last + 1, best[1]) if best else None


def _torn(page: Page, last: int) -> Introduction | None:
    """An introduction of two lines that a blank line was put between, or of which only the first has a mark."""
    start = last - 1 if last == 1 or not page.is_blank(last - 1) else last - 2
    above, line = bare(unmarked(page.lines[start])), page.bare[last]
    if "@" not in above and "@" not in line:
        return None
    is_torn = (start == last - 1) == page.marked[start] and not (start and page.marked[start - 1])
    begins = is_torn and len(above) + len(line) <= LONGEST and (_starts_well(above) or _names_somebody(above))
    if not begins:
        return None
    joined = f"{above} {line}"
    is_one = _ANGLED.search(joined) and assess(joined) is Strength.STRONG
    is_rest = len(line.split()) <= MOST_FINAL or _residue(above) == (0, 0, False)
    return Introduction(start, last + 1, Strength.STRONG) if is_one and is_rest else None


def _is_better(page: Page, start: int, strength: Strength, present: int, least: Strength, begins_well: bool) -> bool:
    """Whether an introduction that begins at `start` is to be taken rather than the shorter one at `present`."""
    line = page.bare[start]
    if start == present - 1 and _dangles(line) and not _begins_with_starter(page.bare[present]):
        return True
    if start == present - 1 and _is_begun(page, start):
        return True
    if strength > least:
        return _starts_well(line) or _names_somebody(line) or _continues(page.bare[present])
    if not begins_well and (_continues(page.bare[present]) or _starts_well(line)):
        return True
    return strength >= least and start == present - 1 and _names_somebody(line)


def _may_begin(line: str, start: int, present: int) -> bool:
    """Whether an introduction that is whole already may begin a line higher still."""
    return start == present - 1 and ("@" in line or _dangles(line))


def _is_begun(page: Page, start: int) -> bool:
    """Whether a paragraph begins with a line such as «Ann Smith schrieb am», which goes on with a date or a name."""
    line = page.bare[start]
    if (start and not page.is_blank(start - 1)) or not (_YEAR.search(line) or WROTE.search(line)):
        return False
    last = _TOKEN.findall(line)[-1].strip(".").casefold()
    ends_open = line.endswith((",", "،", "，")) or last in STARTERS
    unknown, names, is_narrated = _residue(line)
    return (ends_open or _starts_well(line)) and not unknown and not is_narrated and names <= MOST_BEGUN


def _begins_with_starter(line: str) -> bool:
    first = _TOKEN.search(line.lstrip(_DRAWN_BEFORE))
    return first is not None and not first.group()[0].islower() and first.group().casefold() in STARTERS


def _dangles(line: str) -> bool:
    """Whether a line is a beginning such as «On» or «pt., 20» that makes no sense without the next."""
    tokens = _TOKEN.findall(line)
    if not tokens or len(line) > 60 or not (_begins_with_starter(line) or _is_calendar(tokens[0].casefold())):
        return False
    last = tokens[-1].strip(".").casefold()
    ends_open = line.endswith(",") or last.isdigit() or last in GLUE or last in STARTERS
    return ends_open and _residue(line) == (0, 0, False)


def _names_somebody(line: str) -> bool:
    """Whether a line is a name with an address and no sentence, as introductions of many languages begin."""
    unknown, names, is_narrated = _residue(line)
    is_open = not _CLOSES.search(line[-8:]) or line.count("(") > line.count(")")
    return "@" in line and not unknown and not is_narrated and names <= 6 and is_open


@lru_cache(maxsize=LOOKED_BACK)
def _starts_well(line: str) -> bool:
    first, *more = [*_TOKEN.findall(line[:60].lstrip(_DRAWN_BEFORE))[:2], ""]
    word = first.casefold()
    if first.strip(".").isdigit() and len(first) <= 3:
        return _is_calendar(more[0].casefold())  # «20 ноября 2016»
    return (
        _begins_with_starter(line)
        or bool(_FIRST_DATE.match(line.lstrip("-* ")))
        or _is_calendar(word)
        or bool(QUOTING.match(line))
    )


def _continues(line: str) -> bool:
    """Whether a line looks like the rest of an introduction that began above it."""
    return line.startswith(("<", "(", "[")) or line[:1].islower() or bool(_MAIL.match(line))


def _broken_by_marks(page: Page, last: int) -> Introduction | None:
    """An introduction that begins unmarked and whose end slipped behind a `>`."""
    joined = ""
    for start in range(last, max(-1, last - 3), -1):
        line = bare(unmarked(page.lines[start])) if page.marked[start] else page.bare[start]
        if not line or len(line) > LONGEST:
            return None
        joined = f"{line} {joined}".strip()
        if not page.marked[start]:
            is_one = assess(joined) is Strength.STRONG and _starts_well(line)
            return Introduction(start, last + 1, Strength.STRONG) if is_one else None
    return None


def _within(page: Page, at: int, *, ends: bool) -> Introduction | None:
    """An introduction that own words precede on its line, or that quoted words follow on it."""
    line = page.bare[at]
    if "@" not in line or not WROTE.search(line) or not _YEAR.search(line):
        return None
    verb = list(WROTE.finditer(line))[-1]
    colon = line.find(":", verb.end(), verb.end() + 6)
    if colon < 0 and (named := _ANGLED.search(line, verb.end(), verb.end() + LONGEST_NAMED)):
        colon = line.find(":", named.end(), named.end() + 2)  # «schrieb Ann <ann@x.example>: Hello»
    if colon < 0 or (len(line) > colon + 1 and line[colon + 1] not in " >"):
        return None
    head = line[: colon + 1]
    starts = [0] if not ends and _starts_well(line) else []
    starts += [found.start() for found in _GLUED_START.finditer(head)][-3:]
    for start in starts:
        text = head[start:]
        if _HOUR.search(text) and _ANGLED.search(text) and assess(text) is Strength.STRONG:
            own = _cut_raw(page.lines[at], line, start)
            return Introduction(at, at + 1, Strength.STRONG, own) if own is not None else None
    return None


def _cut_raw(raw: str, shown: str, start: int) -> str | None:
    """What stands before character `start` of the bare line, taken from the raw one."""
    if not start:
        return ""
    position = raw.rfind(shown[start : start + 12])
    return raw[:position].rstrip() if position >= 0 else None


def assess(text: str, *, has_verb: bool | None = None) -> Strength:
    """How surely `text`, joined to one line, introduces a quotation; `has_verb` where that is known already."""
    if len(text) > LONGEST:
        return Strength.NONE
    mail = "@" in text and _MAIL.search(text)
    has_digits = _DIGIT.search(text) is not None
    year, hour = has_digits and _YEAR.search(text), has_digits and _HOUR.search(text)
    wrote = WROTE.search(text) is not None if has_verb is None else has_verb
    if not (wrote or mail or QUOTING.match(text) or (year and hour)) or not _is_closed(text, has_wrote=wrote):
        return Strength.NONE
    unknown, names, is_narrated = _residue(text)
    if is_narrated or names > MOST_NAME_WORDS:
        return Strength.NONE
    if not year and not hour and not mail:
        return _assess_nameless(text, unknown, names, has_wrote=wrote)
    most = 3 if _ANGLED.search(text) else 1
    if unknown > most:
        is_known = unknown <= 3 and wrote and year and hour and _starts_well(text)
        is_built_so = unknown <= MOST_FOREIGN and most > 1 and year and hour and _CLOSES.search(text[-8:])
        return Strength.WEAK if is_known or is_built_so else Strength.NONE
    if wrote and ((mail and (year or hour)) or (year and hour and names)):
        return Strength.WEAK if _VERB_ENDS.search(text) else Strength.STRONG
    ends_with_mail = _MAIL_ENDS.search(text[-140:]) is not None
    if (
        not unknown
        and _starts_well(text)
        and ((wrote and year and (names or mail)) or (ends_with_mail and year and hour))
    ):
        return Strength.STRONG
    if year and ends_with_mail and _FIRST_DATE.match(text):
        return Strength.STRONG
    if wrote and mail and not unknown and text.startswith("--"):
        return Strength.STRONG  # «---- Ann <ann@x.example> wrote:»
    if wrote or (mail and (year or hour or QUOTING.match(text))) or (year and hour and not unknown):
        return Strength.WEAK
    return Strength.NONE


def _assess_nameless(text: str, unknown: int, names: int, *, has_wrote: bool) -> Strength:
    """«Ann Smith wrote:», «Quoting Ann Smith:»: nothing but a name."""
    if unknown == 0 and 0 < names <= 5 and (has_wrote or QUOTING.match(text)):
        return Strength.BARE
    return Strength.NONE


def _is_closed(text: str, *, has_wrote: bool) -> bool:
    if _CLOSES.search(text[-8:]):
        return True
    if text.endswith(("写道", "寫道", "書きました")):
        return True
    if has_wrote and text.endswith("--") and re.search(r"\w\s?-{2,}\Z", text):
        return True
    if has_wrote and (_VERB_ENDS.search(text) or _NEWS.search(text)):
        return True
    # Google's of 2012: «2012/4/2 Ann <ann@x.example>», without a colon
    return bool(_FIRST_DATE.match(text) and re.search(r"@[^\s<>]{1,120}>\Z", text))


@lru_cache(maxsize=LOOKED_BACK)
def _residue(text: str) -> tuple[int, int, bool]:
    """Words that are neither date nor name nor of the formula; words of a name; whether somebody tells a story."""
    rest = _QUOTED_NAME.sub(" Q ", text)
    if "<" in rest and "I" in rest:
        rest = _TEAM.sub(" Q ", rest)
    if "://" in rest or "mailto:" in rest:
        rest = _LINK.sub(" ", rest)
    rest = WROTE.sub(" ", _MAIL.sub(" ", rest) if "@" in rest else rest)
    if rest[:2] in ("I ", "i "):  # «I dag kl. 17:55 skrev Ann:»; elsewhere a pronoun
        rest = _NEAR_DAY.sub(" ", rest)
    unknown = names = 0
    for token in _TOKEN.findall(rest):
        word = token.strip(".·’'-–—!?")
        if token in PRONOUNS or word in PRONOUNS:
            return 0, 0, True
        if not word.isalpha() and (not any(map(str.isalpha, word)) or any(map(str.isdigit, word))):
            continue
        folded = word.casefold()
        if folded in GLUE or token.casefold() in GLUE or _is_calendar(folded):
            continue
        if word[:1].islower():
            unknown += 1
        else:
            names += 1
    return unknown, names, False


def _is_calendar(word: str) -> bool:
    return word.strip(".") in DAYS or (5 <= len(word) <= 14 and word.startswith(DAY_STARTS))
