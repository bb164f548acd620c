"""The place in a text where somebody's words were found, with the words marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from omnibox.store.search import Query, Term, fold
from omnibox.store.search.folding import Places, composed, is_unspaced

BEFORE, LENGTH = 40, 180  # characters before the first marked word, and of the whole excerpt
MOST_READ = 20_000  # characters of a text that are looked through
MOST_PLACES = 50  # of one term
RUN = re.compile(r"[^\W_]+")
SPACE = re.compile(r"\s+")
BETWEEN = r"[\W_]{1,20}"  # of two words of a phrase


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with the places of the terms in it; `found` counts the terms that are."""

    text: str
    ranges: tuple[tuple[int, int], ...]
    found: int


def mark(query: Query, text: str) -> Marked:
    """Where the terms stand in the text: as words where they do, else inside words."""
    text = composed(text[:MOST_READ])
    folded = fold(text)
    found = [hits for term in query.terms if (hits := _places(term, folded))]
    if not found:
        return Marked(text, (), 0)
    original = Places(text).original
    ranges = [(original(start), original(end)) for hits in found for start, end in hits]
    return Marked(text, tuple(_joined(ranges)), len(found))


def excerpt(marked: Marked) -> list[Piece]:
    """A line of the text around its first mark."""
    text, ranges = marked.text, marked.ranges
    start = max(ranges[0][0] - BEFORE, 0) if ranges else 0
    if start:
        space = text.find(" ", start, ranges[0][0])
        start = space + 1 if space >= 0 else start
    end = min(start + LENGTH, len(text))
    pieces = [Piece("…", is_match=False)] if start else []
    at = start
    for first, last in ranges:
        if first >= end:
            break
        last = min(last, end)
        pieces += [Piece(text[at:first], is_match=False), Piece(text[first:last], is_match=True)]
        at = last
    pieces.append(Piece(text[at:end] + ("…" if end < len(text) else ""), is_match=False))
    return [Piece(SPACE.sub(" ", piece.text), piece.is_match) for piece in pieces if piece.text]


def _places(term: Term, folded: str) -> list[tuple[int, int]]:
    runs, *patterns = _form(term)
    if all(run in folded for run in runs):
        for pattern in patterns:
            if hits := [match.span() for match in islice(pattern.finditer(folded), MOST_PLACES)]:
                return hits
    return []


@lru_cache(maxsize=256)
def _form(term: Term) -> tuple[list[str], re.Pattern[str], re.Pattern[str]]:
    """Its runs of letters, the term as words, and anywhere. As words it begins where a word begins and, unless it is
    open, ends where one ends."""
    runs = RUN.findall(term.text)
    anywhere = re.compile(re.escape(term.text))
    if not runs:
        return runs, anywhere, anywhere
    begins = "" if is_unspaced(runs[0]) else r"(?<![^\W_])"
    ends = "" if term.is_open or is_unspaced(runs[-1][-1]) else r"(?![^\W_])"
    return runs, re.compile(begins + BETWEEN.join(map(re.escape, runs)) + ends), anywhere


def _joined(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """In order, and those that touch as one."""
    last: tuple[int, int] | None = None
    for start, end in sorted(ranges):
        if last is not None and start <= last[1]:
            last = last[0], max(last[1], end)
        else:
            if last is not None:
                yield last
            last = start, end
    if last is not None:
        yield last
