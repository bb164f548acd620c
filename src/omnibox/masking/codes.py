"""Finds security codes and dates of expiry: right after a key word, or beside a card number."""

import re
from collections.abc import Sequence
from typing import Protocol

from omnibox.masking.alphabet import GAP, LETTERS, Span
from omnibox.masking.words import (
    BEFORE_CODE,
    BEFORE_DATE,
    PUNCTUATION,
    SECURITY_WORD,
    find_key_words,
    lower,
    names_card_itself,
)


class Number(Protocol):
    """Where a card number stands in the text, and its length in digits."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def length(self) -> int: ...


_CURRENCY = r"[€$£¥%]|(?:eur|euros?|usd|gbp|chf|dollars?|d[oó]lares|pesos|pounds?|franken)\b"

# Not the beginning of a longer number, a time, a price, an identifier or an address.
_WHOLE = rf"(?![{LETTERS}\d@])(?![.,:]\d)(?!\s?(?:{_CURRENCY}))"
_NOT_A_DAY = r"(?![/\-.]\d{1,2}(?!\d)|[/\-.]\d{4})"

_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:20)?\d\d"
_MONTH_NAMES = (
    "jan|ene|gen|jän|feb|fév|mar|mär|mrz|apr|abr|avr|mai|may|mag|jun|giu|juin|jul|lug|ago|aug|aoû|sep|set|oct|okt|ott"
    "|out|nov|dec|dic|dez|déc"
)
_NAMED_MONTH = rf"(?:{_MONTH_NAMES})[a-zäéûç]{{0,8}}\.?[ /\-]{{1,2}}(?:del? )?{_YEAR}"

_DATE = (
    rf"(?<!\d)(?:{_MONTH}\s?[/\-.|]\s?{_YEAR}|(?:0[1-9]|1[0-2]) ?{_YEAR}|20\d\d[/\-.]{_MONTH}"
    rf"|{_NAMED_MONTH})(?!\d){_NOT_A_DAY}{_WHOLE}"
)
_CODE = rf"(?<!\d)\d{{3,4}}(?!\d){_WHOLE}(?![/\-]\d{{1,4}}(?!\d)(?![/\-]\d))"

_NAMED = re.compile(rf"{BEFORE_CODE}(?P<code>{_CODE})|{BEFORE_DATE}(?P<date>{_DATE})")
_SECRET_REACH = 40  # characters between the word for a secret number and the word for its card

# Beside a number a date has a slash, a dash, a bar or a space: with a dot it may be a price.
_BESIDE = r"(?:[ \t\xa0,;:|/()\[\]\-–—·\"'«»]|\r?\n){1,4}"
_BARE_DATE = rf"{_MONTH} ?[/\-|] ?{_YEAR}(?!\d){_NOT_A_DAY}{_WHOLE}|(?:0[1-9]|1[0-2])[ \t]{_YEAR}(?!\d){_WHOLE}"
# Without a mark between month and year it is one only with the code behind it.
_TIGHT_DATE = rf"(?:0[1-9]|1[0-2])\d\d(?=[ \t,;|/]{{1,3}}\d{{3,4}}(?!\d){_WHOLE}(?!{GAP}\d))"
_BARE_CODE = rf"\d{{3,4}}(?!\d){_WHOLE}"
# Words that announce a date or a code only where a card stands before them.
_DATE_WORDS = "(?:valid[ao]?|v[aá]lid[ao]|validez|val|vc?to|venc)[ .:=]{1,3}"
_NEXT_DATE = re.compile(rf"{_BESIDE}(?:{_DATE_WORDS})?({_BARE_DATE}|{_TIGHT_DATE})")
_CODE_WORDS = (
    "(?:(?:and|y|e|et|und|with|con|avec|mit|com|the|el|la|il|le|der|o|my|mi|mio|mon|mein|meu) ){0,3}"
    "(?:code|c[oó]d(?:igo)?|codice|security|clave|seguridad|sicurezza|kpn)(?: (?:is|es|è|est|ist|é|lautet))?"
    "[ .:=]{1,3}"
)
# With the code behind it a date may have any mark or its month's name, and a comma or a line break may follow.
_NEXT_PAIR = re.compile(
    rf"{_BESIDE}({_MONTH} ?(?P<mark>[/.\-|]) ?{_YEAR}|{_NAMED_MONTH})"
    rf"(?:(?!(?P=mark)(?:19|20)\d\d)[ \t,;:|/\-\n]){{1,3}}(?:(?:{SECURITY_WORD}){PUNCTUATION})?"
    rf"(?(mark)|(?!(?:19|20)\d\d(?!\d)))(\d{{3,4}})(?!\d)(?![.:/\-]\d)(?![{LETTERS}@])(?!\s?(?:{_CURRENCY}))"
)
# As in a list of many cards: number, month, year and code with one mark between them.
_NEXT_LISTED = re.compile(rf"([:;,])((?:0[1-9]|1[0-2])\1{_YEAR})\1(\d{{3,4}})(?!\d)(?![.:]\d)(?!\s?(?:{_CURRENCY}))")
# What follows the number on the tracks of a magnetic stripe, ISO/IEC 7813.
_NEXT_TRACK = re.compile(r"(?:=|\^[^^\n\d]{2,26}\^)(\d{7,30})(?!\d)")
_NEXT_CODE = re.compile(rf"{_BESIDE}(?:{_CODE_WORDS})?({_BARE_CODE})")
_NEXT_NAMED = re.compile(rf"{_BESIDE}(?:{_NAMED.pattern})")
_DATE_BEFORE = re.compile(rf"(?<![\d/\-.:,])({_MONTH} ?[/|] ?{_YEAR})[ \t,;:|/(\-–—]{{1,3}}\Z")
_LONGEST_DATE_BEFORE = 14

_MORE_DIGITS = re.compile(rf"(?:{GAP}){{1,3}}\d")
_YEAR_OF_FOUR = re.compile(r"(?:19|20)\d\d")
_LENGTH_WITH_FOUR_DIGIT_CODE = 15  # American Express
_MOST_BESIDE = 3
_WORD_NEXT = re.compile(rf"[ \t]*[{LETTERS}]")  # on a line of its own a number beside is alone


def find_codes(text: str, cards: Sequence[Number]) -> list[Span]:
    """Spans of the codes and dates in `text`, in which `cards`, in order, are hidden already.

    Hidden, so that what is decided here does not change when the text is masked again.
    """
    text = lower(text)
    spans = _named(text)
    for card in cards:
        spans += _before(text, card.start)
        spans += _beside(text, card)
    return spans


def _named(text: str) -> list[Span]:
    found = (_NAMED.match(text, start) for start in find_key_words(text))
    return [_span(match) for match in found if match and (match["secret"] is None or _is_of_card(text, match))]


def _span(match: re.Match[str]) -> Span:
    return match.span("date" if match["code"] is None else "code")


def _is_of_card(text: str, match: re.Match[str]) -> bool:
    """Whether a card is named near the word for a secret number."""
    return names_card_itself(text[max(0, match.start() - _SECRET_REACH) : match.end() + _SECRET_REACH])


def _before(text: str, start: int) -> list[Span]:
    match = _DATE_BEFORE.search(text, max(0, start - _LONGEST_DATE_BEFORE), start)
    return [match.span(1)] if match else []


def _beside(text: str, card: Number) -> list[Span]:
    """Up to three dates and codes in a row after a number, with or without key words between them."""
    spans: list[Span] = []
    position = card.end
    while len(spans) < _MOST_BESIDE:
        found = _next(text, position, card)
        if not found or _ends_before_words(text, position, found[-1][1]):
            break
        spans += found
        position = found[-1][1]
    return spans


def _next(text: str, position: int, card: Number) -> list[Span]:
    """The date, the code or both that stand next."""
    if match := _NEXT_NAMED.match(text, position):
        return [_span(match)]
    if match := _NEXT_PAIR.match(text, position):
        return [match.span(1), match.span(3)]
    if match := _NEXT_LISTED.match(text, position):
        return [match.span(2), match.span(3)]
    if match := _NEXT_TRACK.match(text, position):
        return [match.span(1)]
    if match := _NEXT_DATE.match(text, position):
        return [match.span(1)]
    match = _NEXT_CODE.match(text, position)
    return [match.span(1)] if match and _is_code(text, match.span(1), card) else []


def _ends_before_words(text: str, start: int, end: int) -> bool:
    """Whether words follow what stands on a line of its own."""
    return "\n" in text[start:end] and _WORD_NEXT.match(text, end) is not None


def _is_code(text: str, span: Span, card: Number) -> bool:
    """Whether three or four bare digits beside a number are no year and no part of a longer number."""
    start, end = span
    if card.length != _LENGTH_WITH_FOUR_DIGIT_CODE and _YEAR_OF_FOUR.fullmatch(text, start, end):
        return False
    return _MORE_DIGITS.match(text, end) is None or _NEXT_DATE.match(text, end) is not None
