"""Addresses: lists of any shape, who a mail is from, and the signed tokens inside reply addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from omnibox_email import charsets, headers

MOST_ADDRESSES = 500
MOST_UNCLOSED = 50
LONGEST_QUOTE = 2000
DEFAULT_PATTERN = "{local}+{token}@{domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as it stood. `doubt` says why two readers could understand it differently."""

    name: str | None = field(repr=False)
    address: str
    doubt: str = ""


@dataclass(slots=True)
class _Entry:
    """What has been read of one entry of the list so far."""

    words: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def parse_list(raw: bytes, hints: Sequence[str] = ()) -> list[Mailbox]:
    """The mailboxes of a To, Cc or From header: groups flattened, order kept, at most 500. Linear, never raises."""
    text = headers.to_text(raw, hints)
    found: list[Mailbox] = []
    entry, is_group, i = _Entry(), False, 0
    unclosed = 0  # each quote or comment that never closes costs a look ahead: only a few are looked for
    while i < len(text) and len(found) < MOST_ADDRESSES:
        letter = text[i]
        closed = _closing(text, i) if letter in '"(' and unclosed < MOST_UNCLOSED else 0
        unclosed += letter in '"(' and not closed
        if letter == '"' and closed:
            entry.quoted.append(re.sub(r"\\(.)", r"\1", text[i + 1 : closed]))
            entry.words.append('"' + entry.quoted[-1] + '"')
            i = closed
        elif letter == "(" and closed:
            entry.comments.append(text[i + 1 : closed])
            entry.words.append(" ")
            i = closed
        elif letter == "<":
            end = _angle_end(text, i)
            entry.angles.append(text[i + 1 : end].rstrip(">"))
            entry.words.append(" ")
            i = end - 1 if end < len(text) and text[end] in ",;" else end
        elif letter in ",;":
            found.extend(_finish(entry, is_group=is_group))
            entry, is_group = _Entry(), is_group and letter == ","
        elif letter == ":" and not entry.angles and "@" not in "".join(entry.words):
            is_group = "".join(entry.words).strip().lower() != "mailto"
            entry = _Entry()
        else:
            entry.words.append(letter)
        i += 1
    found.extend(_finish(entry, is_group=is_group))
    return found[:MOST_ADDRESSES]


def _closing(text: str, start: int) -> int:
    """Where the quote or comment that opens at `start` closes; 0 where it does not within reason."""
    opening = text[start]
    depth, i, end = 0, start, min(len(text), start + LONGEST_QUOTE)
    while i < end:
        letter = text[i]
        if letter == "\\":
            i += 1
        elif opening == '"' and letter == '"' and i > start:
            return i
        elif opening == "(" and letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0:
                return i
        i += 1
    return 0


def _angle_end(text: str, start: int) -> int:
    """Where an angle address ends: `>`, else the next separator, else the end."""
    found = re.compile(r">|[,;](?![^<>,;]{0,300}>)|\Z").search(text, start + 1, min(len(text), start + LONGEST_QUOTE))
    return found.start() if found else min(len(text), start + LONGEST_QUOTE)


_WITH_AT = re.compile(r"[^\s<>,;:\"()]*@[^\s<>,;:\"()]+")


def _finish(entry: _Entry, *, is_group: bool) -> list[Mailbox]:
    phrase = "".join(entry.words)
    bare = _outside_quotes(phrase)
    doubt = "group" if is_group else ""
    if entry.angles:
        usable = [angle for angle in entry.angles if angle.strip()]
        name = _name(phrase) or _name(" ".join(entry.comments))
        claimed = {clean_address(one).lower() for one in _WITH_AT.findall(bare)}
        boxes = [_mailbox(name, angle, doubt) for angle in usable or [""]]
        if claimed - {box.address.lower() for box in boxes}:
            boxes = [Mailbox(box.name, box.address, "two-addresses") for box in boxes]
        return [box for box in boxes if box.address or box.name]
    if "@" in phrase and '"' in phrase and re.match(r'\s*"[^"]*"@\S+\s*\Z', phrase):
        return [_mailbox(_name(" ".join(entry.comments)), phrase, doubt)]
    inside = _WITH_AT.findall(bare)
    if not inside:
        word = phrase.strip()
        if not word:
            return []
        is_local = re.fullmatch(r"[A-Za-z0-9._-]+", word) is not None
        return [Mailbox(None, word, "no-domain")] if is_local else [Mailbox(_name(phrase), "", "no-address")]
    rest = _name(_WITH_AT.sub(" ", phrase)) or _name(" ".join(entry.comments))
    return [_mailbox(rest, address, doubt) for address in inside]


def _outside_quotes(phrase: str) -> str:
    return re.sub(r'"[^"]*"', " ", phrase)


def _mailbox(name: str | None, address: str, doubt: str) -> Mailbox:
    decoded = headers.decode_words(address)
    if decoded != address:
        doubt = doubt or "encoded-address"
    return Mailbox(name, clean_address(decoded), doubt)


def clean_address(address: str) -> str:
    """The bare address: no blanks, quotes around it, route, `mailto:` or dots at its end."""
    address = "".join(charsets.clean(address).split()).strip("<>")
    if address.startswith("@") and ":" in address:
        address = address.rpartition(":")[2]
    if address[:7].lower() == "mailto:":
        address = address[7:]
    if len(address) > 1 and address[0] == address[-1] == "'":
        address = address[1:-1]
    return address.rstrip(".,;:>").lstrip("<.")[:1000] if "@" in address else address[:1000]


def _name(phrase: str) -> str | None:
    text = headers.one_line(headers.decode_words(phrase.replace('"', "") if '"' in phrase else phrase))
    text = " ".join(text.split()).strip("\"' ")
    return text[:500] or None


def is_usable(address: str) -> bool:
    """Whether mail could be sent there: one `@` with something on both sides, no blanks."""
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and not re.search(r"[\s<>,;\x00-\x1f]", address)


def fold(address: str) -> str:
    return address.strip().casefold()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


# ---- reply addresses ----

_SIGNED = r"(?P<token>[a-z0-9.]{16,200})"


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """One of our channels' addresses and the shape of its reply addresses (empty: none)."""

    address: str
    pattern: str = DEFAULT_PATTERN

    def with_token(self, token: str) -> str:
        """The address answers should go to; the plain one where the channel has no reply addresses."""
        if not self.pattern or not token:
            return self.address
        local, _, domain = self.address.rpartition("@")
        return self.pattern.replace("{local}", local).replace("{domain}", domain).replace("{token}", token)

    def token_in(self, address: str) -> str:
        """What stands at the token's place of an address of ours; empty where nothing of that shape does."""
        if not self.pattern:
            return ""
        local, _, domain = fold(self.address).rpartition("@")
        shape = re.escape(self.pattern.lower())
        for name, part in (("local", re.escape(local)), ("domain", re.escape(domain)), ("token", _SIGNED)):
            shape = shape.replace(re.escape("{" + name + "}"), part)
        found = re.fullmatch(shape, fold(address))
        return found.group("token") if found else ""

    def is_in(self, address: str) -> bool:
        """Whether mail to `address` reaches this channel: itself, with a plus part, or one of its reply addresses."""
        own, other = fold(self.address), fold(address)
        local, _, domain = other.rpartition("@")
        return other == own or f"{local.partition('+')[0]}@{domain}" == own or bool(self.token_in(address))


def tokens_in(addresses: Iterable[str], own: Iterable[OwnAddress]) -> tuple[str, ...]:
    """Every token candidate, each once, in order."""
    channels = tuple(own)
    found = (channel.token_in(address) for address in addresses for channel in channels)
    return tuple(dict.fromkeys(token for token in found if token))


def channel_of(addresses: Iterable[str], own: Sequence[OwnAddress]) -> str:
    """The channel a mail was for: the first address that is one of ours, else our first channel."""
    for address in addresses:
        for channel in own:
            if channel.is_in(address):
                return channel.address
    return own[0].address if own else ""
