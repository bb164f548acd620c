"""The writer's own words of a mail: without quoted history, signature and device line. Linear, line by line."""

from __future__ import annotations

from collections.abc import Sequence

from omnibox_email.abreast import Steps, alone
from omnibox_email.quotes.armour import unsigned
from omnibox_email.quotes.containers import hint_of
from omnibox_email.quotes.history import without_history
from omnibox_email.quotes.lines import MOST_CHARACTERS, is_blank, page_of
from omnibox_email.quotes.signatures import is_only_signature, without_signature

__all__ = ["reply_text", "steps"]


def reply_text(text: str, html: str | None = None) -> str:
    """`text` without history and signature, or all of it where nothing would be left.

    The lines are those of `text`, as they stand there; `html`, where the mail has it, only tells where its
    containers of history begin. Quoted lines between answers go, the answers stay in order, one blank line between
    them where there was any. A text without history keeps its closing formula and loses only what is certainly a
    signature: what stands below `-- `, and device lines.
    """
    return alone(steps(text, html))


def steps(text: str, html: str | None = None) -> Steps[str]:
    """As `reply_text`, step by step, for many texts abreast."""
    text = unsigned(text)
    hint = hint_of(text, html) if html else None
    page = page_of(text)
    own = yield from without_history(page, hint.history if hint else None)
    yield
    lines = (*page.lines, *page.rest) if own is None else own
    if own is None and len(text) > MOST_CHARACTERS:
        return text
    if own is not None and is_only_signature(own):
        return _whole(text)
    kept = without_signature(lines, has_history=own is not None, marked_up=hint.signatures if hint else ())
    shown = _trimmed_lines(kept)
    reply = "\n".join(shown)
    if own is not None or len(shown) < len(_trimmed_lines(lines)):
        reply = reply.rstrip()
    return reply if reply.strip() else _whole(text)


def _trimmed_lines(lines: Sequence[str]) -> Sequence[str]:
    """Without blank lines at both ends."""
    start, end = 0, len(lines)
    while start < end and is_blank(lines[start]):
        start += 1
    while end > start and is_blank(lines[end - 1]):
        end -= 1
    return lines[start:end]


def _whole(text: str) -> str:
    return "\n".join(_trimmed_lines(text.split("\n"))) or text.strip("\n")
