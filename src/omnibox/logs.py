"""Log lines: one event each, facts as fields, on standard error. Ids and counts; never text, names or secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any

LEVELS = logging.getLevelNamesMapping()
QUIET = ("asyncio", "aiosqlite", "alembic", "sqlalchemy", "aiohttp")  # their debug lines say nothing of ours
RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Log:
    """A logger whose every line is an event and its facts: `log.info("delivery sent", delivery_id=7)`."""

    __slots__ = ("_facts", "_logger")

    def __init__(self, logger: logging.Logger, facts: dict[str, Any]) -> None:
        self._logger = logger
        self._facts = facts

    def bind(self, **facts: object) -> Log:
        """The same logger, with facts that stand in each of its lines."""
        return Log(self._logger, self._facts | facts)

    def debug(self, event: str, **facts: object) -> None:
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        self._write(logging.ERROR, event, facts)

    def critical(self, event: str, **facts: object) -> None:
        self._write(logging.CRITICAL, event, facts)

    def _write(self, level: int, event: str, facts: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            named = {f"{name}_" if name in RESERVED else name: value for name, value in (self._facts | facts).items()}
            self._logger.log(level, event.replace("%", "%%"), extra=named)


def get_logger(name: str) -> Log:
    return Log(logging.getLogger(name), {})


class _LateFormatter(logging.Formatter):
    """Makes the real formatter at the first line: what the one for people needs takes a tenth of a start."""

    def __init__(self, format: str) -> None:
        super().__init__()
        self._format = format
        self._real: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._real is None:
            from omnibox.logformat import formatter

            self._real = formatter(self._format)
        return self._real.format(record)


def set_up(level: str = "info", format: str = "auto") -> None:
    """Send our loggers and everybody's to standard error, one line an event. May be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LateFormatter(format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level.upper()])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(LEVELS[level.upper()], logging.WARNING))
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # its report of a broken log call would show the text that was to be logged
