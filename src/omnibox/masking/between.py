"""Reads over what stands between digits in a plain text: inline tags, entities, escapes of JSON, marks of a quote."""

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from omnibox.masking.alphabet import BULLET, GAP, Span

_INLINE = "a|abbr|b|bdi|bdo|big|code|em|font|i|kbd|label|mark|nobr|s|samp|small|span|strike|strong|sub|sup|tt|u|var|wbr"
_TAG = rf"</?(?:{_INLINE})(?:\s[^<>]{{0,200}})?/?>"
_ENTITY = r"&(?:[a-z]{2,8}|\#[0-9]{1,5}|\#x[0-9a-f]{1,4});"
_ESCAPE = r"\\(?:[nrt]|u[0-9a-f]{4})"
_QUOTE = r"\r?\n[ \t]?(?:>[ \t]?){1,6}"
_QUOTE_OF_DIGIT = re.compile(r"\n[ \t]?(?:>[ \t]?){1,6}\d")  # begins with a plain character: found at no cost
_TOKEN = re.compile(f"{_TAG}|{_ENTITY}|{_ESCAPE}|{_QUOTE}", re.IGNORECASE)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}

# A hidden digit counts as one, so that a masked text is read as it was before.
_RUN = re.compile(
    rf"(?<=[\d{BULLET}])(?:{GAP}{{0,3}}(?:{_TAG}|{_ENTITY}|{_ESCAPE}|{_QUOTE})){{1,8}}{GAP}{{0,3}}(?=[\d{BULLET}])",
    re.IGNORECASE,
)
_ALL_GAP = re.compile(f"{GAP}*")
_INVISIBLE = "\u200b"


class Reading:
    """A text without the markup between its digits, and where each of its pieces stands in the source."""

    def __init__(self, source: str) -> None:
        self._starts: list[int] = []
        self._pieces: list[Span] = []  # of the source
        shown: list[str] = []
        length = position = 0
        for run in _RUN.finditer(source):
            separator = _separator(run.group())
            if separator is None:
                continue
            self._starts.append(length)
            self._pieces.append((position, run.start()))
            shown += (source[position : run.start()], separator)
            length += run.start() - position + len(separator)
            position = run.end()
        self._starts.append(length)
        self._pieces.append((position, len(source)))
        self.text = "".join((*shown, source[position:])) if shown else source

    def to_source(self, spans: Iterable[Span]) -> Iterator[Span]:
        """The same spans in the source, without the markup in them."""
        for start, end in spans:
            for index in range(bisect_right(self._starts, start) - 1, len(self._starts)):
                offset = self._starts[index]
                if offset >= end:
                    break
                left, right = self._pieces[index]
                begin, stop = left + max(start - offset, 0), min(left + end - offset, right)
                if begin < stop:
                    yield begin, stop


def may_hold_markup(text: str) -> bool:
    """Whether there can be a tag, an entity, an escape or the mark of a quote."""
    return (
        (">" in text and ("<" in text or _QUOTE_OF_DIGIT.search(text) is not None))
        or ("&" in text and ";" in text)
        or "\\" in text
    )


def _separator(run: str) -> str | None:
    """What a reader sees between the digits; None if it is more than separators."""
    shown = _TOKEN.sub(lambda token: _shown(token.group()), run)
    return (shown or _INVISIBLE) if _ALL_GAP.fullmatch(shown) else None


def _shown(token: str) -> str:
    if token.startswith("<"):
        return ""
    if token[0] in "\r\n":
        return "\n"
    if token.startswith("&"):
        return html.unescape(token)
    return _ESCAPED.get(token[1].lower()) or chr(int(token[2:], 16))
