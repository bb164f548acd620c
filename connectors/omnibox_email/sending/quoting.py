"""What stands around an agent's words in a mail: the signature below, and the mail that is answered as a quote."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from omnibox.connector import Outbound, Quoted
from omnibox_email.sending.manners import DEFAULT_INTRODUCTION, QUOTES
from omnibox_email.threadmark import mark

MOST_TEXT = 30_000
MOST_LINES = 600
MOST_HTML = 200_000
CUT = "[…]"
# The quoted HTML is sanitised: attributes stand in double quotes, and every element is closed.
_IMAGE = re.compile(r'<img\b(?:[^>"]|"[^"]*")*>', re.I)
_QUOTE_STYLE = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"


@dataclass(frozen=True, slots=True)
class Around:
    """What is put around the words of one part."""

    signature: str = field(default="", repr=False)
    introduction: str = ""
    quoted: Quoted | None = field(default=None, repr=False)
    mark: str = ""
    shows_mark: bool = False


def around(part: Outbound, settings: Mapping[str, Any], *, has_reply_address: bool) -> Around:
    """What the channel's settings and the agent's signature put around `part`."""
    quoted = part.quoted if part.quoted and settings.get(QUOTES, True) else None
    return Around(
        signature=signature_of(str(settings.get("signature") or ""), part.signature, part.author),
        introduction=introduction(str(settings.get("quote_introduction") or ""), quoted) if quoted else "",
        quoted=quoted,
        mark=mark(part.tokens[0]) if part.tokens else "",
        shows_mark=not has_reply_address,
    )


def signature_of(channel: str, agent: str, name: str) -> str:
    """The channel's signature, with `{agent}` and `{signature}` filled in; else the agent's own above it."""
    has_place = "{signature}" in channel
    filled = channel.replace("{agent}", name).replace("{signature}", agent).strip("\n")
    if has_place or not agent.strip():
        return filled
    return "\n".join(one for one in (agent.strip("\n"), filled) if one.strip())


def introduction(pattern: str, quoted: Quoted) -> str:
    """The line above a quote."""
    filled = pattern or DEFAULT_INTRODUCTION
    date = quoted.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    name = " ".join((quoted.name or quoted.address).split())
    for place, value in (("{date}", date), ("{address}", quoted.address), ("{name}", name)):
        filled = filled.replace(place, value)
    return " ".join(filled.split())


# ---- text ----


def as_text(words: str, about: Around) -> str:
    """The whole text: words, signature after the line that marks one (RFC 3676 4.3), quote."""
    text = f"{words.rstrip()}\n\n-- \n{about.signature}" if about.signature.strip() else words
    if about.quoted is not None:
        text = f"{text.rstrip()}\n\n{about.introduction}\n{_quoted_lines(about.quoted.text)}"
    if about.mark and about.shows_mark:
        text = f"{text.rstrip()}\n\n{about.mark}"
    return text


def _quoted_lines(text: str) -> str:
    lines = text[:MOST_TEXT].strip("\n").split("\n")
    is_cut = len(lines) > MOST_LINES or len(text) > MOST_TEXT
    lines = lines[:MOST_LINES] + ([CUT] if is_cut else [])
    return "\n".join(f">{line}" if line.startswith(">") or not line else f"> {line}" for line in lines)


# ---- HTML ----


def as_html(words: str, html: str | None, about: Around) -> str | None:
    """The same as HTML, where there is any; None where text says all of it."""
    quoted = about.quoted
    if not html and not (quoted and quoted.html):
        return None
    pieces = [html or f"<div>{_lines(words)}</div>"]
    if about.signature.strip():
        pieces.append(f"<div><br>-- <br>{_lines(about.signature)}</div>")
    if quoted is not None:
        said = quoted.html if quoted.html and len(quoted.html) <= MOST_HTML else _lines(quoted.text[:MOST_TEXT])
        pieces.append(
            f'<br><div class="gmail_quote"><div>{markup.escape(about.introduction)}</div>'
            f'<blockquote type="cite" style="{_QUOTE_STYLE}">{_IMAGE.sub("", said)}</blockquote></div>'
        )
    if about.mark:
        pieces.append(f'<div style="display:none;font-size:0;max-height:0">{about.mark}</div>')
    return "".join(pieces)


def _lines(text: str) -> str:
    escaped = markup.escape(text, quote=False).replace("\r\n", "\n")
    return re.sub("  |^ ", lambda found: "&nbsp;" + found.group()[1:], escaped, flags=re.M).replace("\n", "<br>\n")
