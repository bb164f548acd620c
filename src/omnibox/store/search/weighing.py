"""How much of an FTS5 index a question would touch, before it is asked.

FTS5 keeps its words in order in leaf pages of about 4,000 bytes, segment by segment, and in the table `…_idx` the first
word of each page. So the pages between two words tell how much is kept of all words between them, for two look-ups per
segment. A word of its main index begins with «0», one of its indexes of beginnings with «1» (the first) or «2».
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from omnibox.store.transaction import Reader

INDEXED = (3, 4)  # lengths of the beginnings that have an index of their own, as `schema` says


class Range(NamedTuple):
    """Words from `first` on and before `end`, as FTS5 writes them."""

    first: bytes
    end: bytes


def whole(word: str) -> Range:
    first = f"0{word}".encode()
    return Range(first, first + b"\0")


def begun(word: str) -> Range:
    """All words with this beginning: one entry of an index where it has that length, else all that must be merged."""
    if len(word) in INDEXED:
        first = f"{1 + INDEXED.index(len(word))}{word}".encode()
        return Range(first, first + b"\0")
    first = f"0{word}".encode()
    return Range(first, first + b"\xff")  # which no letter begins with


def pages_of(tx: Reader, table: str, ranges: Sequence[Range]) -> list[int]:
    """About how many leaf pages each range has in an FTS5 table; 0 where that is less than one."""
    if not ranges:
        return []
    asked = ", ".join(f"({place}, :first{place}, :end{place})" for place in range(len(ranges)))
    values = {f"first{place}": each.first for place, each in enumerate(ranges)}
    values |= {f"end{place}": each.end for place, each in enumerate(ranges)}
    index = f"{table}_idx"
    statement = sa.text(
        f"WITH RECURSIVE segment (id) AS (SELECT min(segid) FROM {index} UNION ALL"  # noqa: S608
        f" SELECT (SELECT min(segid) FROM {index} WHERE segid > segment.id) FROM segment WHERE id IS NOT NULL),"
        f" asked (place, first, ending) AS (VALUES {asked})"
        " SELECT (SELECT sum(max(0, coalesce("
        # The lowest bit of a page's number says something else.
        f" (SELECT pgno / 2 FROM {index} WHERE segid = segment.id AND term >= ending ORDER BY term LIMIT 1)"
        f" - (SELECT pgno / 2 FROM {index} WHERE segid = segment.id AND term <= first ORDER BY term DESC LIMIT 1),"
        " 0))) FROM segment) FROM asked ORDER BY place"
    )
    return [int(pages or 0) for pages in tx.execute(statement, values).scalars()]
