"""Encoded words (RFC 2047) in every form mailers give them, scanned in one pass."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from omnibox_email import charsets

MOST_WORDS = 60_000
MOST_GUESSED = 300  # runs of words whose charset may be guessed; a guess costs a thousand times a decoding
MOST_NESTED = 3

_START = re.compile(r"=\?[ \t]{0,3}([^?\r\n=]{0,80}?)[ \t]{0,3}\?[ \t]{0,3}([bBqQ])[ \t]{0,3}\?")
_END = re.compile(r"\?[ \t]?=")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_OPEN = {"b": re.compile(r"[A-Za-z0-9+/=]*"), "q": re.compile(r"[^\s<>]*")}


@dataclass(frozen=True, slots=True)
class Word:
    """One encoded word: its place in the text, its charset without language tag, `b` or `q`, and the payload."""

    start: int
    end: int
    charset: str
    encoding: str
    payload: str
    is_open: bool = False  # its end is missing


def find(text: str) -> Iterator[Word]:
    """Every encoded word in `text`, at most 60,000. One without its end holds what cannot be anything else."""
    at, has_ends, wraps = 0, True, False
    for _ in range(MOST_WORDS):
        start = _START.search(text, at)
        if start is None:
            return
        encoding, begin = start.group(2).lower(), start.end()
        found = _end(text, begin, encoding) if has_ends else None
        has_ends = found is not None
        stop, end = found or (len(text), len(text))
        other = _START.search(text, begin, stop)
        is_open = found is None or other is not None
        if is_open:
            whole = _OPEN[encoding].match(text, begin, other.start() if other else stop)
            stop = end = whole.end() if whole else begin
        if wraps and stop != begin and text.startswith("?=", end):
            end += 2  # the end of the word round this one
        wraps = other is not None and other.start() == begin
        at = end
        charset = start.group(1).split("*")[0]
        if is_open and stop == begin and not wraps:
            continue  # nothing follows `=?x?Q?`: it stays what it was, text
        payload = text[begin:stop]
        if is_open or encoding == "b":  # in `Q` it is the sender's own: `=?utf-8?Q?Really??=`
            payload = payload.removesuffix("?")
        yield Word(start.start(), end, charset, encoding, payload, is_open)


def _end(text: str, at: int, encoding: str) -> tuple[int, int] | None:
    """Where the payload that begins at `at` stops, and where its word ends.

    In `Q` a question mark before an escaped byte looks like an end: `Really?=21?=`.
    """
    first = None
    while found := _END.search(text, at):
        first = first or found
        if encoding == "b" or not _HEX.match(text, found.end()):
            return found.span()
        following = _END.search(text, found.end())
        if following is None or re.search(r"\s|=\?", text[found.end() : following.start()]):
            return found.span()
        at = found.end()
    return first.span() if first else None


def decode(text: str, hints: Sequence[str] = ()) -> str:
    """`text` with its encoded words decoded; blanks between two words are none of the text (RFC 2047 6.2).

    What was encoded twice by a careless gateway is decoded twice.
    """
    for _ in range(MOST_NESTED):
        if "=?" not in text:
            return text
        decoded = _decode_once(text, hints)
        if decoded == text or not _START.search(decoded) or _END.search(decoded) is None:
            return decoded
        text = decoded
    return text


def _decode_once(text: str, hints: Sequence[str]) -> str:
    out: list[str] = []
    run: list[Word] = []
    at, guesses = 0, 0
    for word in find(text):
        gap = text[at : word.start]
        if gap.strip(" \t\r\n") or not run or (gap and run[-1].is_open):
            out.append(_join(run, hints if guesses < MOST_GUESSED else None))
            guesses += bool(run)
            out.append(gap)
            run = []
        run.append(word)
        at = word.end
    out.append(_join(run, hints if guesses < MOST_GUESSED else None))
    out.append(text[at:])
    return "".join(out)


def _join(run: list[Word], hints: Sequence[str] | None) -> str:
    """Adjacent words as one text: a character may be cut between two words of one charset."""
    out: list[str] = []
    at = 0
    while at < len(run):
        end = at + 1
        while end < len(run) and _are_same(run[end].charset, run[at].charset):
            end += 1
        may_guess = hints is not None and len(out) < MOST_GUESSED
        out.append(_text(run[at:end], (hints or ()) if may_guess else None))
        at = end
    return "".join(out)


def _are_same(label: str, other: str) -> bool:
    return label.lower() == other.lower() or (
        (codec := charsets.codec_of(label)) is not None and codec == charsets.codec_of(other)
    )


def _text(same: list[Word], hints: Sequence[str] | None) -> str:
    """The text of adjacent words of one charset. `hints` None: no guessing."""
    label = same[0].charset
    raw = b"".join(_bytes(word, label) for word in same)
    if len(same) > 1 and _is_cut(same) and not _is_sound(raw, label):
        glued = b"".join(_bytes(word, label) for word in _glued(same))
        raw = glued if _is_sound(glued, label) else raw
    if hints is None:
        return _plain(raw, label)
    return charsets.decode(raw, label, hints)


def _is_cut(same: list[Word]) -> bool:
    """Whether base64 itself was cut between words: a payload that is no whole number of groups."""
    return any(word.encoding == "b" and not _is_whole(word.payload) for word in same[:-1])


def _is_whole(payload: str) -> bool:
    return payload.endswith("=") or len(payload) % 4 == 0


def _glued(same: list[Word]) -> Iterator[Word]:
    """The words with cut base64 joined to what follows."""
    kept: list[str] = []
    size = 0
    for word in same:
        if word.encoding == "q":
            if kept:
                yield replace(word, encoding="b", payload="".join(kept))
            kept, size = [], 0
            yield word
            continue
        kept.append(word.payload)
        size += len(word.payload)
        if word.payload.endswith("=") or size % 4 == 0:
            yield replace(word, payload="".join(kept))
            kept, size = [], 0
    if kept:
        yield replace(same[-1], payload="".join(kept))


def _is_sound(raw: bytes, label: str) -> bool:
    text = _plain(raw, label)
    return "\ufffd" not in text and re.search("[\x00-\x08\x0e-\x1a\x1c-\x1f]", text) is None


def _plain(raw: bytes, label: str) -> str:
    codec = charsets.codec_of(label) or "utf-8"
    try:
        return raw.decode(codec, "replace")
    except (LookupError, UnicodeError, ValueError):
        return charsets.decode(raw, label) if raw.isascii() else raw.decode("utf-8", "replace")


def _bytes(word: Word, label: str) -> bytes:
    if word.encoding == "q":
        return _decode_q(_as_bytes(word.payload, label))
    return _decode_b(word.payload)


def _as_bytes(payload: str, label: str) -> bytes:
    """Raw letters that stand in a word, back in its charset."""
    if payload.isascii():
        return payload.encode("ascii")
    for codec in (charsets.codec_of(label) or "utf-8", "utf-8"):
        try:
            return payload.encode(codec)
        except (LookupError, UnicodeError, ValueError):
            continue
    return payload.encode("utf-8", "replace")


_ESCAPED = re.compile(rb"=[ \t]?([0-9A-Fa-f]{2})")


def _decode_q(payload: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes.fromhex(found.group(1).decode()), payload.replace(b"_", b" "))


def _decode_b(payload: str) -> bytes:
    """Base64 of a word: also in several pieces, each with its padding, and in the alphabet of URLs."""
    raw = payload.encode("ascii", "replace")
    if (b"-" in raw or b"_" in raw) and b"+" not in raw and b"/" not in raw:
        raw = raw.translate(bytes.maketrans(b"-_", b"+/"))
    return b"".join(_piece(one) for one in raw.split(b"=") if one)


_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_base64(raw: bytes) -> bytes:
    """The bytes of base64 with line noise, without padding or with a broken tail; padding ends it."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        return _piece(raw)


def _piece(raw: bytes) -> bytes:
    letters = _NO_BASE64.sub(b"", raw)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
