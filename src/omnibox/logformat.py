"""How log lines look; and the last lock before a card number is written."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from omnibox.logs import RESERVED
from omnibox.masking import mask

Event = dict[str, Any]
SMALL = 10**12  # whole numbers below have too few digits for a card, and no word that makes a code of them


class CardFilter:
    """Masks what looks like a card number in any field of an event, and counts: each hit is a bug elsewhere."""

    def __init__(self) -> None:
        self.hits = 0

    def __call__(self, event: Event) -> None:
        hits = 0
        for key, value in event.items():
            if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and -SMALL < value < SMALL):
                continue
            text = value if isinstance(value, str) else repr(value)
            masked = mask(text)
            if masked != text:
                event[key] = str(masked)
                hits += 1
        if hits:
            self.hits += hits
            event["masked_here"] = hits


cards = CardFilter()


class LineFormatter(logging.Formatter):
    """Writes a record as one line: its event and its facts, masked once more."""

    def __init__(self, render: Callable[[Event], str]) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        event: Event = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        event |= {name: value for name, value in vars(record).items() if name not in RESERVED}
        if record.stack_info:
            event["stack"] = self.formatStack(record.stack_info)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        cards(event)
        # Our own clock's digits need no mask.
        event["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
        return self._render(event)


def formatter(format: str) -> logging.Formatter:
    """`json`, `console`, or `auto`: the one that suits standard error."""
    is_for_machines = format == "json" or (format == "auto" and not sys.stderr.isatty())
    return LineFormatter(_to_json if is_for_machines else _to_console())


def _to_json(event: Event) -> str:
    return json.dumps(event, default=repr, ensure_ascii=False)


def _to_console() -> Callable[[Event], str]:
    from structlog.dev import ConsoleRenderer, plain_traceback  # brings rich and pygments

    render = ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)
    return lambda event: str(render(None, "", event))
