"""Moves the store of a home folder to PostgreSQL. May be killed at any point and started again.

A table is cut into pieces. A piece whose hash the target has already noted is passed over, so the first run, which may
take place while the hub goes on, copies everything, and the last one, with the hub stopped, only what changed since. At
the end all rows are read back, and only where every hash is equal do the tables take their place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from omnibox import crash
from omnibox.store.migrations import HEAD
from omnibox.store.moving.shapes import Digest, Shape, all_shapes, digest_of
from omnibox.store.moving.source import Source
from omnibox.store.moving.target import SCHEMA, NotReached, Target, connected

__all__ = ["Compared", "MoveRefused", "NotReached", "move"]

Report = Callable[[str, int, int], None]
"""What is being copied or compared, how many rows of it are done, how many there are."""


class MoveRefused(Exception):
    """It was not begun, or not finished; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A table on both sides."""

    table: str
    rows: int
    source: str
    target: str


async def move(path: Path, url: sa.URL, report: Report, *, is_last: bool) -> list[Compared]:
    """Copy what the target lacks; with `is_last` compare everything and put it in its place.

    Returns the comparison, table by table; nothing without `is_last`. The source is not written. Raises `MoveRefused`,
    `NotReached` before anything was begun, and the driver's errors and OSError where the line breaks: then the same may
    be asked again.
    """
    source = Source(path)
    try:
        _check_source(source)
        async with connected(url) as link:
            home = await link.fetchval("SELECT current_schema()")
            if home is None:
                raise MoveRefused("the user has no schema to put tables in; see search_path of that database")
            target = Target(link, str(home))
            return await _move(source, target, url, report, is_last=is_last)
    finally:
        source.close()


def _check_source(source: Source) -> None:
    found = source.revision()
    if found != HEAD:
        raise MoveRefused(
            f"the database here is at revision {found}, this release moves {HEAD}: "
            "start `omnibox serve` of this release once"
        )


async def _move(source: Source, target: Target, url: sa.URL, report: Report, *, is_last: bool) -> list[Compared]:
    if not await target.lock():
        raise MoveRefused("another `omnibox migrate-to` is at work on that database; wait for its end")
    mark = f"{source.name()} at {HEAD}"
    if held := await target.held():
        return await _judge_finished(source, target, report, held)
    begun = await target.begun_by()
    if begun not in (None, mark):
        raise MoveRefused(
            "a move of another installation, or by another release, was begun there; "
            f"to give it up: DROP SCHEMA {SCHEMA} CASCADE"
        )
    if begun is None:
        await target.begin(url, mark)
        crash.point("move begun")
    digests = {}
    for shape in all_shapes():
        digests[shape.name] = await _copy(source, target, shape, report)
    if not is_last:
        return []
    compared = await _compare(digests, target, SCHEMA, report)
    if any(each.source != each.target for each in compared):
        return compared
    crash.point("move compared")
    await target.finish(
        {shape.name: (shape.numbered, source.next_number(shape)) for shape in all_shapes() if shape.numbered}
    )
    crash.point("move finished")
    return compared


async def _copy(source: Source, target: Target, shape: Shape, report: Report) -> Digest:
    """Bring the pieces that differ; returns the hash of the source's whole table."""
    noted = await target.moved(shape)
    total, whole = source.count(shape), Digest()
    for piece in source.pieces(shape):
        with source.at_once():
            if shape.by_number:
                rows = [row for batch in source.batches(shape, piece) for row in batch]
                digest = digest_of([rows])
                whole.add(rows)
                if noted.pop(piece, None) != str(digest):
                    await target.put(shape, piece, str(digest), [rows])
            else:
                whole = digest_of(source.batches(shape, piece))
                if noted.pop(piece, None) != str(whole):
                    await target.put(shape, piece, str(whole), source.batches(shape, piece))
        crash.point("piece moved")
        report(f"copy {shape.name}", whole.rows, total)
    for piece in noted:  # its rows are gone from the source
        await target.clear(shape, piece)
    return whole


async def _compare(digests: dict[str, Digest], target: Target, schema: str, report: Report) -> list[Compared]:
    compared = []
    for shape in all_shapes():
        ours, theirs = digests[shape.name], await target.digest(shape, schema)
        compared.append(Compared(shape.name, ours.rows, str(ours), str(theirs)))
        report("compare", len(compared), len(digests))
    return compared


async def _judge_finished(source: Source, target: Target, report: Report, held: list[str]) -> list[Compared]:
    """There are tables already. It is well where they are those of a move that ended; nothing is changed."""
    if await target.found_revision() == HEAD:
        digests = {}
        for shape in all_shapes():
            digest = Digest()
            for piece in source.pieces(shape):
                for rows in source.batches(shape, piece):
                    digest.add(rows)
            digests[shape.name] = digest
        compared = await _compare(digests, target, target.home, report)
        if all(each.source == each.target for each in compared):
            return compared
    raise MoveRefused(f"that database holds data already ({len(held)} tables, such as {held[0]}); name an empty one")
