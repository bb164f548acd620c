"""The signature below own words: delimiter, device line, closing formula with a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice

from omnibox_email.charsets import words
from omnibox_email.quotes import footers
from omnibox_email.quotes.cards import (
    LONGEST_BLOCK,
    LONGEST_NAME,
    is_block,
    is_card,
    is_full_block,
    is_name,
    is_reached,
    is_sentence,
    is_signature,
    with_links,
)
from omnibox_email.quotes.devices import DECORATION, LINK, is_device_line, is_jest
from omnibox_email.quotes.ends import BARE_RULE, above_rules, filled_above, paragraph, possible_rules, strip_end
from omnibox_email.quotes.lines import LONGEST_LINE, bare, squash
from omnibox_email.quotes.signature_words import ANNOUNCES, APOLOGY, CLOSING, THANKS

LONGEST_SIGNATURE = 40
LONGEST_CLOSING = 32
LONGEST_FORMULA = 160
LONGEST_HEADING = 40
LONGEST_SHORTENED = 4  # letters of a formula such as «LG» and «Att.», which are also brands and codes
SHORTEST_DRAWN = 8
ROUNDS = 6

_DELIMITER = re.compile(r"--[ \t\u00a0]*\Z")
_DASHED = re.compile(r"(?:--?|[–—~/] ?)([A-ZÀ-ÖØ-ÞА-Я][\w'’.-]+(?: [A-ZÀ-ÖØ-ÞА-Я][\w'’.-]*){0,2})\Z")
_LOOSE = re.compile(r"(?:---?|_{2,5}|—|–{1,2})\Z")
_AFTER_FORMULA = " ,.!:;*_–—-/|&，。！：、،"
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{3,200}\Z")
_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")
_AND = re.compile(r"[\s,.!;&/+–-]+(?:(?:and|y|e|und|et|en|i|a|og|och|ja|dan|и|та)\s+)?")


def without_signature(lines: Sequence[str], *, has_history: bool, marked_up: Sequence[str] = ()) -> list[str]:
    """The lines above the signature, or all of them where nothing would be left.

    `has_history`: history was cut off below, so what stands last is more likely a signature; a closing formula
    stays in a text without history. `marked_up`: what the HTML marks as signature, squashed.
    """
    # The first step that finds something cuts, and all are asked again: below the formula with its name may stand a
    # device line, below that a notice, below that a list's footer. So what programs add comes first, then what people
    # write, from the surest sign to the weakest: a step may take for granted that those before it found nothing.
    out = strip_end(lines)
    whole = len(out)
    steps: list[Callable[[list[str]], int]] = [
        lambda rest: _marked_up(rest, marked_up),
        footers.footer,
        footers.tracker,
        _device,
        lambda rest: _delimited(rest, has_history=has_history),
    ]
    steps.append(lambda rest: _dashed_name(rest) if has_history or len(rest) < whole else 0)
    if has_history:
        steps += [_jest, *footers.OF_HISTORY, _closing, _boxed, _device_above_block, _block_alone, _address_alone]
        steps.append(lambda rest: _table_above(rest, len(rest)) if rest[-1][:1] == "|" else 0)
    for _ in range(ROUNDS):
        cut = next((cut for step in steps if 0 < (cut := step(out)) < len(out) and _has_words(out[:cut])), 0)
        if not cut:
            break
        out = strip_end(out[:cut])
    return out


def is_only_signature(lines: Sequence[str]) -> bool:
    """Whether no own words stand above the signature: nothing at all, a device line, or `-- ` at once."""
    first = next(filter(bare, lines), "")
    if first and not _is_mark(first):
        return False  # so it is with nearly every mail
    filled = list(islice(filter(bare, lines), LONGEST_BLOCK + 1))
    if not filled or (_DELIMITER.match(first) and len(filled) <= LONGEST_BLOCK):
        return True
    return len(filled) <= 4 and all(map(_is_mark, filled))


def _is_mark(line: str) -> bool:
    """Whether a line is a rule or a device line, which a signature may begin with."""
    shown = bare(line)
    return BARE_RULE.match(shown) is not None or is_device_line(shown)


def _has_words(lines: Sequence[str]) -> bool:
    return any(any(map(str.isalnum, line)) or not BARE_RULE.match(bare(line)) for line in lines if bare(line))


# ---- each of these gives the line its part of the signature begins at, or 0 ----


def _marked_up(lines: Sequence[str], marked_up: Sequence[str]) -> int:
    """What the HTML marks as signature, where the text ends with it."""
    wanted = {one for one in marked_up if one}
    if not wanted:
        return 0
    longest = max(map(len, wanted))
    tail = ""
    for at in range(len(lines) - 1, max(0, len(lines) - LONGEST_SIGNATURE), -1):
        own = squash(LINK.sub("", lines[at][:LONGEST_LINE]))
        tail = own + tail
        if own and tail in wanted:
            return above_rules(lines, at)
        if len(tail) > longest:
            break
    return 0


def _device(lines: Sequence[str]) -> int:
    """A last line such as «Sent from my iPhone», with an excuse for its brevity or a link below it."""
    last = len(lines) - 1
    if last < 1:
        return 0
    below = bare(lines[last])
    if is_device_line(below) and _stands_alone(lines, last):
        return _table_above(lines, above_rules(lines, last))
    above = last - 1
    while above > 0 and not bare(lines[above]):
        above -= 1
    if above < 1 or not is_device_line(bare(lines[above])) or not _stands_alone(lines, above):
        return 0
    is_of_it = APOLOGY.search(below) or LINK.fullmatch(below)
    return above_rules(lines, above) if len(below) <= 160 and is_of_it else 0


def _jest(lines: Sequence[str]) -> int:
    """A last paragraph of one line such as «Sent from a tiny keyboard», which names no device we know."""
    last = len(lines) - 1
    return last if last > 1 and not bare(lines[last - 1]) and is_jest(bare(lines[last])) else 0


def _table_above(lines: Sequence[str], at: int) -> int:
    """`at`, or the first line of a table of a name and an address above it, as NetEase's phone program draws it."""
    start = at
    while start > max(1, at - LONGEST_BLOCK) and len(bare(lines[start - 1])) <= LONGEST_NAME:
        start -= 1
        if bare(lines[start]) == "| |":
            return start
    return at


def _boxed(lines: Sequence[str]) -> int:
    """A name with numbers to reach it by below a drawn line, often with another one below, as usual in Japan."""
    last = len(lines) - 1
    end = last if _is_long_rule(lines[last]) else last + 1
    for at in range(end - 1, max(0, end - LONGEST_BLOCK), -1):
        if _is_long_rule(lines[at]):
            above = filled_above(lines, at)
            below = [line for one in lines[at + 1 : end] if (line := bare(one))]
            is_apart = not bare(lines[at - 1]) or above.endswith(_SENTENCE_ENDS)
            is_set_off = is_apart and not above.endswith((":", "：")) and not ANNOUNCES.search(above)
            return at if is_set_off and len(below) > 1 and is_full_block(below) else 0
    return 0


def _dashed_name(lines: Sequence[str]) -> int:
    """A last line such as «-Ann Smith», set off by a blank line and no item of a list."""
    last = len(lines) - 1
    found = _DASHED.match(bare(lines[last]))
    if not found or last < 2 or bare(lines[last - 1]) or not is_name(found.group(1)):
        return 0
    above = filled_above(lines, last)
    is_item = above.startswith(("-", "–", "—", "*", "•")) or above.endswith((":", "："))
    return 0 if is_item or found.group(1).casefold() in _ANSWERS else last


def _is_long_rule(line: str) -> bool:
    shown = bare(line)
    return len(shown) >= SHORTEST_DRAWN and len(set(shown)) <= 2 and not any(map(str.isalnum, shown))


def _device_above_block(lines: Sequence[str]) -> int:
    """A device line with a name and numbers below it."""
    for at in range(len(lines) - 2, max(0, len(lines) - LONGEST_BLOCK), -1):
        if is_device_line(bare(lines[at])):
            below = [line for one in lines[at + 1 :] if (line := bare(one))]
            return above_rules(lines, at) if is_block(below, needs_name=True) and is_name(below[0]) else 0
    return 0


def _block_alone(lines: Sequence[str]) -> int:
    """A last paragraph of a name and at least two lines to reach it by, though no formula stands above it.

    The name may be a paragraph of its own, above the firm and the numbers.
    """
    start = paragraph(lines, len(lines))
    if start > 2 and is_reached(bare(lines[start])):
        named = paragraph(lines, start - 1)
        start = named if start - 1 - named in (1, 2) else start
    above = filled_above(lines, start)
    if start < 2 or above.endswith((":", "：")) or ANNOUNCES.search(above):
        return 0
    return start if is_card([shown for line in lines[start:] if (shown := bare(line))]) else 0


def _address_alone(lines: Sequence[str]) -> int:
    """A last line of nothing but an address well apart from the words, which Foxmail puts above the history."""
    last = len(lines) - 1
    if last < 3 or "@" not in lines[last] or bare(lines[last - 1]) or bare(lines[last - 2]):
        return 0
    if not _ADDRESS.match(bare(lines[last])):
        return 0
    return 0 if filled_above(lines, last).endswith((":", "：")) else last


def _stands_alone(lines: Sequence[str], at: int) -> bool:
    """Whether the line is not the end of a sentence that began above."""
    above = bare(lines[at - 1])
    shown = bare(lines[at]).lstrip(DECORATION)
    if not above or not shown[:1].islower() or shown.startswith(("http", "www.")):
        return True
    return bool(BARE_RULE.match(above)) or shown[1:2].isupper()  # «iPhone'umdan gönderildi»


def _delimited(lines: Sequence[str], *, has_history: bool) -> int:
    """What stands below `-- `; below `--`, `__` and the like only where it looks like a signature."""
    loose = 0
    for at in possible_rules(lines, max(1, len(lines) - LONGEST_SIGNATURE)):
        line = lines[at]
        if line[:2] == "--" and _DELIMITER.match(line) and len(line) > 2:
            return at
        if _LOOSE.match(bare(line)):
            if loose:
                return 0  # a text divided by such lines
            loose = at
    if not loose:
        return 0
    is_rule = bare(lines[loose]) == "---"  # Roundcube's above an answer, and what anybody draws between paragraphs
    below = with_links([shown for line in lines[loose + 1 :] if (shown := bare(line))])
    above = filled_above(lines, loose)
    if above.endswith((":", "：")) and not CLOSING.match(above):
        return 0  # what it announces
    if not has_history and (is_rule or bare(lines[loose - 1])):
        is_closed = above.endswith((".", "!", "?")) or len(above) > LONGEST_HEADING
        is_card = bare(lines[loose]) == "--" and is_closed and bool(below) and is_signature(below, is_expected=False)
        return loose if is_card else 0  # else a heading underlined
    if is_rule and (not below or any(map(str.isdigit, below[0])) or below[0].endswith(".")):
        return 0
    if is_rule and any(map(BARE_RULE.match, below)):
        return 0
    return loose if is_signature(below, is_expected=has_history and not is_rule) else 0


def _closing(lines: Sequence[str]) -> int:
    """A closing formula that a name follows; the formula alone stays."""
    for at in range(len(lines) - 1, max(0, len(lines) - LONGEST_CLOSING - 1), -1):
        shown = bare(lines[at]).lstrip("*_- ")
        if not shown or len(shown) > LONGEST_FORMULA:
            continue
        below = [line for one in lines[at + 1 :] if (line := bare(one))]
        thanks = THANKS.match(shown)
        formula = _behind(thanks, shown) if thanks else CLOSING.match(shown)
        if formula and _closes_with(shown[formula.end() :], below) and _is_set_off(lines, at, formula.group(), shown):
            return at
        if thanks and not shown[thanks.end() :].strip(" ,.!") and len(below) >= 2 and is_full_block(below):
            return at
        if is_sentence(bare(lines[at])):
            break  # nothing above it is followed by a name and numbers alone
    return 0


def _behind(thanks: re.Match[str], shown: str) -> re.Match[str] | None:
    """The formula of «Thank you, kind regards», and the one that begins with thanks itself."""
    joint = _AND.match(shown, thanks.end())
    return CLOSING.match(shown) or (CLOSING.match(shown, joint.end()) if joint else None)


def _is_set_off(lines: Sequence[str], at: int, formula: str, shown: str) -> bool:
    """Whether a formula of one word is told from a word: by a blank line above, a comma, or a sentence above and a
    name beside it; and nothing announces it."""
    above = filled_above(lines, at)
    if above.endswith((":", "：")):
        return False
    if " " in formula or shown[len(formula) :].lstrip().startswith((",", "!", "，", "！", "،")):
        return True
    beside = shown[len(formula) :].strip(_AFTER_FORMULA)
    below = [line for one in lines[at + 1 :] if (line := bare(one))]
    name = beside or next(iter(below), "")
    is_named = len(formula) > LONGEST_SHORTENED or (is_name(name) and not any(map(str.isdigit, name)))
    if not bare(lines[at - 1]):
        return is_named
    if beside:  # «Best Lamp», «Good Lamp» may be a list
        is_alone = not below or any(map(is_reached, below))
        return is_named and is_alone and above.endswith(_SENTENCE_ENDS)
    return is_named and above.endswith(_SENTENCE_ENDS) and not above.endswith(("?", "？"))


def _closes_with(rest: str, below: Sequence[str]) -> bool:
    """Whether what follows a formula, on its line and below, is nothing but a name and what belongs to it."""
    rest = rest.strip(_AFTER_FORMULA)
    again = CLOSING.match(rest)  # «Med vennlig hilsen / Best regards»
    rest = rest[again.end() :].strip(_AFTER_FORMULA) if again else rest
    if rest:
        return is_name(rest) and is_block(below, needs_name=False)
    return bool(below) and is_block(below, needs_name=True)


_ANSWERS = words("yes no ok okay none ja nein si sí oui non sim não nee tak nie ano ne да нет так ні yep nope done")
