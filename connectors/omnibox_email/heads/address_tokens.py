"""Address lists cut into entries and tokens: one pass that knows quotes, comments, brackets and encoded words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omnibox_email.heads import encoded_words

MOST_UNCLOSED = 50
LONGEST_QUOTE = 2000


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an entry: `word` (text outside everything), `quoted`, `encoded`, `comment` or `angle`."""

    kind: str
    text: str


def entries(text: str) -> Iterator[tuple[list[Token], str]]:
    """(tokens, what ended the entry): a comma, a semicolon, the colon of a group's name, or the end of the text."""
    tokens: list[Token] = []
    start = i = 0  # plain text runs from `start` to `i`
    has_at = has_angle = False
    unclosed = 0  # each quote or comment that never closes costs a look ahead: only a few are looked for
    words = _Words(text)
    last_semicolon = text.rfind(";")
    while i < len(text):
        letter = text[i]
        if letter not in _STRUCTURE:
            has_at = has_at or letter == "@"
            i += 1
            continue
        kind, content, end = "", "", i + 1
        if letter == "=" and (end_of_word := words.end_at(i)):
            kind, content, end = "encoded", text[i:end_of_word], end_of_word
        elif letter in '"(' and unclosed < MOST_UNCLOSED:
            closed = _closing(text, i)
            if letter == '"' and closed and _SWALLOWED.search(text, i, closed):
                closed = 0  # the quote of an earlier name was never closed: this one is the next name's
            unclosed += not closed
            if closed:
                kind, content, end = "quoted" if letter == '"' else "comment", text[i + 1 : closed], closed + 1
                has_at = has_at or (letter == '"' and "@" in content)
        elif letter == "<":
            closed = _angle_end(text, i)
            kind, content, end = "angle", text[i + 1 : closed], closed + (text[closed : closed + 1] not in (",", ";"))
            has_angle = True
        ends = not kind and (
            letter in ",;"
            or (letter in _WIDE_SEPARATORS and (has_at or has_angle))
            or (letter == ":" and not has_at and not has_angle and _ends_a_group_name(text, i, last_semicolon))
        )
        if kind or ends:
            if start < i:
                tokens.append(Token("word", text[start:i]))
            start = end
        if kind:
            tokens.append(Token(kind, content))
        elif ends:
            yield tokens, "," if letter in ",，、" else ":" if letter == ":" else ";"
            tokens, has_at, has_angle = [], False, False
        i = end
    if start < len(text):
        tokens.append(Token("word", text[start:]))
    yield tokens, ""


_SWALLOWED = re.compile(r"@[^<>@\s]{1,300}>\s?[,;]")
_WIDE_SEPARATORS = "，；、"
_STRUCTURE = frozenset('="(<,;:' + _WIDE_SEPARATORS)


_NAME_GOES_ON = re.compile(r"[^,;:<]{0,200}<[^<>]{0,300}@")


def _ends_a_group_name(text: str, colon: int, last_semicolon: int) -> bool:
    """Whether a colon ends the name of a group; in `Ann [mailto:ann@x.example]` and `Sales: Ann <…>` it does not.

    A group ends with a semicolon; without one in the rest a colon before a name in brackets is part of the name.
    """
    if text[max(0, colon - 7) : colon].lower().endswith(("[mailto", "[smtp", "(mailto")):
        return False
    return last_semicolon > colon or _NAME_GOES_ON.match(text, colon + 1) is None


class _Words:
    """The encoded words of a text, asked for in order."""

    def __init__(self, text: str) -> None:
        self._rest = encoded_words.find(text) if "=?" in text else iter(())
        self._next = next(self._rest, None)

    def end_at(self, at: int) -> int:
        """Where the word ends that begins at `at`; 0 where none does."""
        while self._next is not None and self._next.start < at:
            self._next = next(self._rest, None)
        return self._next.end if self._next is not None and self._next.start == at else 0


def _closing(text: str, start: int) -> int:
    """Where the quote or comment that opens at `start` closes; 0 where it does not within reason."""
    opening = text[start]
    depth, i, end = 0, start, min(len(text), start + LONGEST_QUOTE)
    while i < end:
        letter = text[i]
        if letter == "\\":
            i += 1
        elif opening == '"' and letter == '"' and i > start:
            return i
        elif opening == "(" and letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0:
                return i
        i += 1
    return 0


_ANGLE_END = re.compile(r">+|[,;](?![^<>,;]{0,300}>)|\Z")


def _angle_end(text: str, start: int) -> int:
    """Where an angle address ends: at the last `>` of its own, else at the next separator, else at the end."""
    limit = min(len(text), start + LONGEST_QUOTE)
    inner = start + 1
    if (quoted := re.compile(r'\s*"(?:[^"\\<>]|\\.){0,200}"@').match(text, inner, limit)) is not None:
        inner = quoted.end()  # a quoted local part may hold a separator
    found = _ANGLE_END.search(text, inner, limit)
    return found.end() - 1 if found and found.group()[:1] == ">" else found.start() if found else limit
