"""Masks HTML: what a reader sees as one number is one, whatever tags, comments and entities lie between its digits.

The numbers are looked for in a view of the document, the text as it is shown; what is found is put back at the places
in the source from which the digits came. An inline tag or a comment parts two groups of digits as an invisible
character does. `<br>` and `<div>` are one line break, a table cell ends in a bar, every other block is a blank line: so
a number goes on over a `<br>` or a `<div>` by the rule for line breaks, and never from one paragraph or cell to the
next. The values of attributes, comments, scripts and styles are texts of their own.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from omnibox.masking.alphabet import Span
from omnibox.masking.plain import FEWEST_DIGITS, Masked, count_digits, find_hidden, hide
from omnibox.masking.rows import may_hold_number
from omnibox.masking.words import may_name_code_or_date

_COMMENT = r"<!--.*?(?:-->|\Z)"
_TAG = r"""</?[A-Za-z](?:[^<>"']++|"[^"]*+"|'[^']*+')*+>"""
_OTHER = r"<[!?][^<>]*+>"
_NUMBERED = r"&\#(?:[xX][0-9A-Fa-f]{1,8}|[0-9]{1,9});?"
_ANY_ENTITY = rf"(?:{_NUMBERED}|&[A-Za-z][A-Za-z0-9]{{1,31}};?)"
_NUMBERED_ENTITY = re.compile(_NUMBERED)
_ENTITY = re.compile(_ANY_ENTITY)
_UNSEEN = re.compile(f"{_COMMENT}|{_TAG}|{_OTHER}", re.DOTALL)
_TOKEN = re.compile(
    rf"""
    (?P<comment>{_COMMENT})
  | (?P<tag>{_TAG})
  | (?P<other>{_OTHER})
  | (?P<entity>{_ANY_ENTITY})
  | (?P<blank>[ \t\r\n\f]{{2,}}|[\t\r\n\f])
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]*)")
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]++)\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'<>]++)""")

# What the end and the beginning of an element put into the view; all others are inline.
_BLOCKS = (
    "address article aside blockquote body center dd details dialog dl dt fieldset figcaption figure footer form h1 h2"
    " h3 h4 h5 h6 head header hr html iframe legend li main menu nav ol option p pre script section select style"
    " summary table tbody textarea tfoot thead title tr ul"
)
_MARKS = dict.fromkeys(_BLOCKS.split(), "\n\n") | {"br": "\n", "div": "\n", "td": "|", "th": "|"}
_RAW = re.compile(r"<(script|style)(?=[\s/>])", re.IGNORECASE)
_LINKS = frozenset({"action", "background", "cite", "data", "formaction", "href", "longdesc", "poster", "src"})
_QUERY_OR_FRAGMENT = re.compile("[?#]")
_PATH_SCHEME = re.compile(r"\s*(?:cid|mid|data|https?):", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,30}:")
_INVISIBLE = "\u200b"
_DIGIT_AND_WORD = re.compile(r"\d\w|\w\d")

Find = Callable[[str], Sequence[Span]]
"""The spans of a text whose digits must not be seen, in order."""


@dataclass(slots=True)
class _View:
    """A text made from pieces of a source, and where each piece came from."""

    pieces: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    sources: list[Span] = field(default_factory=list)
    length: int = 0
    last: str = ""
    is_parted: bool = False

    def add(self, text: str, start: int, end: int) -> None:
        """Append what `source[start:end]` shows."""
        if not text:
            return
        if self.last == "\n" and text.isspace():
            return
        if self.is_parted and _DIGIT_AND_WORD.fullmatch(self.last + text[0]):
            self._append(_INVISIBLE, start, start)
        self.is_parted = False
        self._append(text, start, end)

    def part(self) -> None:
        """Something invisible stands here."""
        self.is_parted = True

    def end(self, mark: str, at: int) -> None:
        """A line, a cell or a block ends or begins here. Boxes that end and begin together end one line."""
        if mark != self.last:
            self._append(mark, at, at)

    def _append(self, text: str, start: int, end: int) -> None:
        self.pieces.append(text)
        self.starts.append(self.length)
        self.sources.append((start, end))
        self.length += len(text)
        self.last = text[-1]

    def hidden(self, find: Find) -> list[Span]:
        """Spans of the source whose digits must not be seen; an entity that shows a digit is a span of its own."""
        text = "".join(self.pieces)
        return [place for span in find(text) for place in self._places(*span)]

    def _places(self, start: int, end: int) -> Iterator[Span]:
        for index in range(bisect_right(self.starts, start) - 1, len(self.starts)):
            offset = self.starts[index]
            if offset >= end:
                return
            source, piece = self.sources[index], self.pieces[index]
            if source[1] - source[0] == len(piece):
                yield source[0] + max(start - offset, 0), source[0] + min(end - offset, len(piece))
            elif piece.isdecimal():
                yield source


def mask_html(source: str) -> Masked:
    """HTML with card numbers, security codes and dates of expiry hidden; every other character as it was.

    Text, comments and the values of attributes are masked. The path of a link stays, as it does in plain text.
    """
    if type(source) is Masked:
        return source
    if count_digits(source) < FEWEST_DIGITS or not _may_hold(source):
        return Masked(source)
    return Masked(hide_found(source, _find_numbers))


def hide_found(source: str, find: Find) -> str:
    """HTML without the digits in the spans that `find` finds in its texts."""
    view = _View()
    spans: list[Span] = []
    for start, end in _read(source, view, spans, find):
        spans += _within(start, find(source[start:end]))
    spans += view.hidden(find)
    return _hide(source, sorted(set(spans)))


def _may_hold(source: str) -> bool:
    """Whether a number, or a key word of a code or a date, is possible: a cheap look at the source with its tags and
    without. Most documents end here; they are never taken apart.
    """
    if "&" in source:
        if any(_shows_letter(entity.group()) for entity in _NUMBERED_ENTITY.finditer(source)):
            return True
        source = _ENTITY.sub(" ", source)
    if may_hold_number(source) or may_name_code_or_date(source):
        return True
    shown = _UNSEEN.sub("", source)
    return may_hold_number(shown) or may_name_code_or_date(shown)


def _shows_letter(entity: str) -> bool:
    shown = html.unescape(entity)
    return shown.isdecimal() or (shown.isascii() and shown.isalpha())


def _find_numbers(text: str) -> list[Span]:
    return find_hidden(text)[0]


def _read(source: str, view: _View, spans: list[Span], find: Find) -> Iterator[Span]:
    """Fill `view` with what is shown and `spans` with what attributes hide; yields texts that are not shown."""
    position = 0
    while (match := _TOKEN.search(source, position)) is not None:
        start, end = match.span()
        view.add(source[position:start], position, start)
        position = end
        match match.lastgroup:
            case "entity":
                _add_entity(view, match.group(), start, end)
            case "blank":
                view.add(" ", start, end)
            case "tag":
                spans += _within_tag(match.group(), start, find)
                _add_tag(view, match.group(), end)
                if raw := _RAW.match(source, start):
                    position = _raw_end(source, raw[1], end)
                    yield end, position
            case _:
                view.part()
                yield start, end
    view.add(source[position:], position, len(source))


def _raw_end(source: str, name: str, start: int) -> int:
    closing = re.compile(f"</{name}", re.IGNORECASE).search(source, start)
    return closing.start() if closing else len(source)


def _add_entity(view: _View, entity: str, start: int, end: int) -> None:
    shown = html.unescape(entity)
    if len(shown) == end - start:  # not an entity after all; or one whose every character is its own
        view.add(shown, start, end)
        return
    for character in shown:
        view.add(character, start, end)


def _add_tag(view: _View, tag: str, end: int) -> None:
    name = _NAME.match(tag)
    kind = name[1].lower() if name else ""
    if kind == "br" and view.last == "\n":
        view.end("\n\n", end)
    elif kind in _MARKS:
        view.end(_MARKS[kind], end)
    else:
        view.part()


def _within_tag(tag: str, start: int, find: Find) -> Iterator[Span]:
    """Spans to hide in the values of a tag's attributes."""
    if count_digits(tag) < FEWEST_DIGITS:
        return
    for attribute in _ATTRIBUTE.finditer(tag):
        begin, end = attribute.span(2)
        if tag[begin] in "\"'":
            begin, end = begin + 1, end - 1
        path = _path_length(tag[begin:end]) if attribute[1].lower() in _LINKS else 0
        view = _View()
        _add_value(view, tag, begin, end)
        for place in view.hidden(find):
            if place[0] >= begin + path:
                yield start + place[0], start + place[1]


def _path_length(value: str) -> int:
    """How much of a link is its path, which stays. The number of `tel:` and the like is no path."""
    if _OTHER_SCHEME.match(value) and not _PATH_SCHEME.match(value):
        return 0
    query = _QUERY_OR_FRAGMENT.search(value)
    return query.start() if query else len(value)


def _add_value(view: _View, tag: str, begin: int, end: int) -> None:
    position = begin
    for entity in _ENTITY.finditer(tag, begin, end):
        view.add(tag[position : entity.start()], position, entity.start())
        _add_entity(view, entity.group(), *entity.span())
        position = entity.end()
    view.add(tag[position:end], position, end)


def _within(start: int, spans: Sequence[Span]) -> list[Span]:
    return [(start + begin, start + end) for begin, end in spans]


def _hide(source: str, spans: list[Span]) -> str:
    """Bullets for the digits in these spans; a span that is an entity becomes one bullet."""
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        if _ENTITY.fullmatch(source, start, end):
            pieces += (source[position:start], "•")
        else:
            pieces += (source[position:start], hide(source[max(start, position) : end], [(0, end - start)]))
        position = max(position, end)
    return "".join((*pieces, source[position:]))
