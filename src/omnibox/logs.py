"""Log lines: one event each, facts as fields, on standard error; and the last lock before a card number is written."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from omnibox.masking import mask

LEVELS = logging.getLevelNamesMapping()
QUIET = ("asyncio", "aiosqlite", "alembic", "sqlalchemy", "aiohttp")  # their debug lines say nothing of ours


class CardFilter:
    """Masks what looks like a card number in any field of an event, and counts: each hit is a bug elsewhere."""

    def __init__(self) -> None:
        self.hits = 0

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        hits = 0
        for key, value in event.items():
            if value is None or isinstance(value, (bool, float)):
                continue
            text = value if isinstance(value, str) else repr(value)
            masked = mask(text)
            if masked != text:
                event[key] = str(masked)
                hits += 1
        if hits:
            self.hits += hits
            event["masked_here"] = hits
        return event


cards = CardFilter()


def set_up(level: str = "info", format: str = "auto") -> None:
    """Send structlog and the standard library's loggers alike to standard error. May be called again."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                cards,
                _renderer(format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level.upper()])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(LEVELS[level.upper()], logging.WARNING))
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # its report of a broken log call would show the text that was to be logged


def _renderer(format: str) -> structlog.typing.Processor:
    if format == "json" or (format == "auto" and not sys.stderr.isatty()):
        return structlog.processors.JSONRenderer(default=repr, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
