"""What somebody typed, as terms. Anything may be typed: there is no syntax that could be wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from omnibox.masking import mask
from omnibox.store.search.folding import fold, is_unspaced, words_of

MOST_TERMS = 12
LONGEST = 500  # characters of a query
SHORTEST_BEGINNING = 3  # Latin letters, or two of others, such as Korean; a shorter word is looked for as it is
SHORTEST_PART = 3  # letters, since parts of words are found by threes
CHUNK = re.compile(r'"([^"]*)("|$)|([^\s"]+)')
PART = re.compile(r"[^\W_]{3,}")


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or several that must follow each other; `text` is what it looks like inside a folded text."""

    words: tuple[str, ...]
    is_open: bool  # the last word may be the beginning of one
    text: str
    is_part: bool  # long enough to be looked for inside words


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all be found in a message, in any order."""

    terms: tuple[Term, ...]

    @property
    def has_beginnings(self) -> bool:
        return any(term.is_open for term in self.terms)

    @property
    def has_parts(self) -> bool:
        return any(term.is_part for term in self.terms)


def parse(typed: str) -> Query:
    """The terms of what was typed. Card numbers in it are masked as they are in the store."""
    masked = mask(typed[:LONGEST].replace("\0", ""))
    terms: dict[Term, None] = {}
    for phrase, end, chunk in CHUNK.findall(masked):
        term = _term(phrase or chunk, is_open=not end)
        if term is not None:
            terms[term] = None
    return Query(tuple(terms)[:MOST_TERMS])


def _term(typed: str, *, is_open: bool) -> Term | None:
    folded = " ".join(fold(typed).split())
    words = list(words_of(folded))
    if not words:
        return None
    last = words[-1]
    if is_unspaced(last):
        if len(words) > 1 and is_unspaced(words[-2]) and len(last) == 1:
            words.pop()  # the end of a run only where the text ends too
        is_open = is_open or len(last) == 1
        return Term(tuple(words), is_open and len(words[-1]) == 1, folded, is_part=False)
    is_open = is_open and len(last) >= SHORTEST_BEGINNING - (not last.isascii())
    return Term(tuple(words), is_open, folded, is_part=PART.search(folded) is not None)
