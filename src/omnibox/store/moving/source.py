"""The SQLite file that is moved: opened for reading, never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnibox.store.moving.shapes import PIECE, Row, Shape


class Source:
    """Reads pieces. A running hub may go on: two reads may see two states, unless `at_once` holds them."""

    def __init__(self, path: Path) -> None:
        self._link = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        self._link.isolation_level = None

    def close(self) -> None:
        self._link.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is read inside is one moment."""
        self._link.execute("BEGIN")
        try:
            yield
        finally:
            self._link.execute("COMMIT")

    def revision(self) -> str | None:
        if "alembic_version" not in self.tables():
            return None
        found = self._link.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if found is None else str(found[0])

    def name(self) -> str:
        """The installation's own."""
        return str(self._link.execute("SELECT name FROM installation").fetchone()[0])

    def tables(self) -> set[str]:
        rows = self._link.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {str(name) for (name,) in rows}

    def pieces(self, shape: Shape) -> range:
        if not shape.by_number:
            return range(1)
        low, high = self._link.execute(f"SELECT min({shape.key[0]}), max({shape.key[0]}) FROM {shape.name}").fetchone()  # noqa: S608
        return range(0) if low is None else range(low // PIECE, high // PIECE + 1)

    def count(self, shape: Shape) -> int:
        return int(self._link.execute(f"SELECT count(*) FROM {shape.name}").fetchone()[0])  # noqa: S608

    def batches(self, shape: Shape, piece: int) -> Iterator[list[Row]]:
        """The rows of a piece, in the order of their keys."""
        columns = ", ".join(f'"{name}"' for name in shape.columns)
        where = ""
        bounds: tuple[int, ...] = ()
        if shape.by_number:
            where = f" WHERE {shape.key[0]} >= ? AND {shape.key[0]} < ?"
            bounds = (piece * PIECE, (piece + 1) * PIECE)
        order = ", ".join(f'"{name}"' for name in shape.key)
        cursor = self._link.execute(f"SELECT {columns} FROM {shape.name}{where} ORDER BY {order}", bounds)  # noqa: S608
        while rows := cursor.fetchmany(PIECE):
            yield shape.clean(rows)

    def next_number(self, shape: Shape) -> int:
        """What the table's next row would be called: an erased row's number is not given again."""
        (highest,) = self._link.execute(f"SELECT coalesce(max({shape.key[0]}), 0) FROM {shape.name}").fetchone()  # noqa: S608
        given = self._link.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (shape.name,)).fetchone()
        return int(max(highest, given[0] if given else 0)) + 1
