"""When the database fails, rather than what somebody asked of it."""

from __future__ import annotations

import errno

import sqlalchemy as sa

RERUN = frozenset({"40P01", "40001"})  # PostgreSQL: deadlock, serialization failure
# PostgreSQL: no line, a standby, not let in, no such database, no room, stopping or starting, its disk
AWAY = ("08", "25006", "28", "3D", "53", "57P", "58")
THEIRS = sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, sa.exc.TimeoutError, OSError
WORDS = {
    "SQLITE_FULL": "full",
    "SQLITE_READONLY": "read_only",
    "SQLITE_IOERR": "failing",
    "SQLITE_BUSY": "locked",
    "53100": "full",
    "25006": "read_only",
    "58030": "failing",
}
OF_DISK = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EIO: "failing",
    errno.EFBIG: "failing",
}


class StoreUnavailable(Exception):
    """The store cannot take or give anything now; whether a write happened is unknown. Ask again with the same keys.

    Its one argument says why: `full`, `read_only`, `failing` or `locked`, else whatever helps whoever reads the log.
    """


class Undone(Exception):
    """COMMIT failed or its answer was lost: the callers must hear that nobody knows."""


def is_of_the_store(error: BaseException) -> bool:
    """Whether the database failed, rather than the item that was running."""
    if isinstance(error, sa.exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        if error.connection_invalidated or state in RERUN or state.startswith(AWAY):
            return True
    return isinstance(error, THEIRS)


def trouble_of(error: BaseException) -> str:
    """The word for what the database complains of, else the name of the error."""
    cause = error.__cause__ if isinstance(error, Undone) and error.__cause__ else error
    if isinstance(cause, OSError) and cause.errno in OF_DISK:
        return OF_DISK[cause.errno]
    complaint = getattr(cause, "orig", None)
    code = str(getattr(complaint, "sqlite_errorname", None) or getattr(complaint, "sqlstate", None) or "")
    found = (word for start, word in WORDS.items() if code.startswith(start))
    return next(found, type(cause).__name__)
