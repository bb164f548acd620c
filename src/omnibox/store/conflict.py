"""INSERT … ON CONFLICT for both databases, from the one dialect that is always there.

SQLAlchemy offers the statement per dialect. SQLite's compiles on PostgreSQL but for one attribute that PostgreSQL's
compiler looks for; importing PostgreSQL's dialect just for that costs 24 ms and 2 MB at every start.
"""

from __future__ import annotations

from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.dialects.sqlite.dml import OnConflictClause

if not hasattr(OnConflictClause, "constraint_target"):
    OnConflictClause.constraint_target = None  # type: ignore[attr-defined]

__all__ = ["Insert", "insert"]
