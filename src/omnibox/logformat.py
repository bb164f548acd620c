"""How log lines look; and the last lock before a card number is written."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from omnibox.masking import mask


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


def formatter(format: str) -> logging.Formatter:
    """Writes a record as one line: its event and its facts, masked once more."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, cards, _renderer(format)],
    )


def _renderer(format: str) -> structlog.typing.Processor:
    if format == "json" or (format == "auto" and not sys.stderr.isatty()):
        return structlog.processors.JSONRenderer(default=repr, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
