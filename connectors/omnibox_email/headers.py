"""Header blocks: finding their end in damaged mail, unfolding, encoded words, parameters, dates, message ids."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from omnibox_email import charsets
from omnibox_email.charsets import words

MOST_HEADERS = 1000
MOST_BLOCK_BYTES = 256 * 1024
MOST_HEADER_BYTES = 102_400
MOST_PARAMETERS = 100
MOST_IDS = 1000
MOST_NOISE_LINES = 20
MOST_WORDS = 60_000

KNOWN = words(
    """
    from to cc bcc subject date message-id received return-path mime-version reply-to sender in-reply-to
    references  delivered-to envelope-to content-type content-transfer-encoding content-disposition content-id
    content-language  content-description content-location content-class list-id list-unsubscribe list-post
    precedence auto-submitted  importance priority user-agent thread-topic thread-index organization dkim-
    signature authentication-results  received-spf arc-seal errors-to status comments keywords resent-from resent-
    to resent-date
    """
)
# A lone CR ends a line only before something that looks like a header: elsewhere it is damage inside a value.
_LINE_END = re.compile(rb"\r*\n|\r(?=[A-Za-z][A-Za-z0-9-]{1,60}:)")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_BLANKS = re.compile(rb"[ \t]*\r*[ \t]*")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one block in order: lower-case names, values unfolded but not decoded."""

    fields: tuple[tuple[str, bytes], ...] = ()
    is_cut: bool = False

    def all(self, name: str) -> list[bytes]:
        return [value for field, value in self.fields if field == name]

    def first(self, name: str) -> bytes:
        return next((value for field, value in self.fields if field == name), b"")

    def has(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)

    def plain(self, name: str) -> str:
        """A header that holds only ASCII words (types, flags), as it stands."""
        return self.first(name).decode("ascii", "replace").strip()


def split_block(raw: bytes, start: int, end: int, *, is_root: bool) -> tuple[Headers, int]:
    """The headers that begin at `start`, and where the body begins."""
    fields: list[tuple[str, list[bytes]]] = []
    size, is_cut, body = 0, False, start
    for kind, line, after in _block_lines(raw, start, end, is_root=is_root):
        body = after
        if kind == "field":
            found = _FIELD.match(line)
            assert found
            size += len(line)
            is_cut = is_cut or len(fields) >= MOST_HEADERS or size > MOST_BLOCK_BYTES
            if not is_cut:
                fields.append((found.group(1).decode("latin-1").lower(), [line[found.end() :]]))
        elif kind == "more" and not is_cut:
            size += len(line)
            is_cut = size > MOST_BLOCK_BYTES
            fields[-1][1].append(line)
    if is_root and not any(_is_known(name.encode("latin-1")) for name, _ in fields):
        return Headers(), start  # not a header block at all: everything is text
    values = tuple((name, b"".join(parts).strip(b" \t")[:MOST_HEADER_BYTES]) for name, parts in fields)
    return Headers(values, is_cut), body


def _block_lines(raw: bytes, start: int, end: int, *, is_root: bool) -> Iterator[tuple[str, bytes, int]]:
    """(kind, line, where the next line begins) up to the end of the block; `kind` is field, more, noise or end."""
    at, seen, noise = start, False, 0
    while at < end:
        stop, after = _line(raw, at, end)
        line = raw[at:stop]
        if not line or (seen and not line.strip(b" \t\r")):
            if not seen and is_root and noise < MOST_NOISE_LINES:
                noise += 1
                yield "noise", b"", after
            else:
                yield "end", b"", after
                return
        elif line[0] in b" \t" and seen:
            yield "more", line, after
        elif _FIELD.match(line) and not (line.startswith(b"From ") and not seen):
            seen = True
            yield "field", line, after
        elif noise < MOST_NOISE_LINES and (is_root or seen) and _header_follows(raw, after, end):
            noise += 1
            yield "noise", b"", after
        else:
            return  # the block has no end: here begins the body
        at = after


def _line(raw: bytes, at: int, end: int) -> tuple[int, int]:
    found = _LINE_END.search(raw, at, end)
    return (found.start(), found.end()) if found else (end, end)


def _header_follows(raw: bytes, at: int, end: int) -> bool:
    """Whether one of the next lines is a header everybody knows."""
    for _ in range(4):
        if at >= end:
            return False
        stop, after = _line(raw, at, end)
        found = _FIELD.match(raw, at, stop)
        if found and _is_known(found.group(1).lower()):
            return True
        if stop == at:
            return False
        at = after
    return False


def _is_known(name: bytes) -> bool:
    return name.decode("latin-1") in KNOWN or name.startswith((b"x-", b"list-", b"resent-", b"arc-"))


# ---- encoded words ----

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,1500})\?=", re.S)
_GAP = re.compile(r"[ \t\r\n]*\Z")


def to_text(raw: bytes, hints: Sequence[str] = ()) -> str:
    """A header's bytes as text; encoded words are left as they stand."""
    return raw.decode("ascii") if raw.isascii() and b"\x1b" not in raw else charsets.guess(raw, hints)


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded (RFC 2047), forgiving what mailers do wrong."""
    if "=?" not in text:
        return text
    out: list[str] = []
    run: list[tuple[str, str, str]] = []
    at = 0
    for count, found in enumerate(_WORD.finditer(text)):
        if count >= MOST_WORDS:
            break
        gap = text[at : found.start()]
        if not (run and _GAP.match(gap)):
            out.append(_join_words(run))
            run = []
            out.append(gap)
        run.append((found.group(1), found.group(2).lower(), found.group(3)))
        at = found.end()
    out.append(_join_words(run))
    out.append(text[at:])
    return "".join(out)


def _join_words(run: list[tuple[str, str, str]]) -> str:
    """Adjacent words as one text: a character may be cut between two words of the same charset."""
    out: list[str] = []
    label, kept = "", b""
    for i, (charset, encoding, payload) in enumerate(run):
        charset = charset.split("*")[0]
        if charset.lower() != label.lower():
            out.append(charsets.decode(kept, label))
            label, kept = charset, b""
        if encoding == "q":
            kept += _decode_q(payload)
            continue
        if i + 1 < len(run) and _is_open(payload) and run[i + 1][:2] == run[i][:2]:
            run[i + 1] = (run[i + 1][0], "b", payload + run[i + 1][2])  # base64 itself was cut
        else:
            kept += decode_base64(payload.encode("ascii", "replace"))
    out.append(charsets.decode(kept, label))
    return "".join(out)


def _is_open(payload: str) -> bool:
    return not payload.endswith("=") and len(payload) % 4 != 0 and len(payload) < 4096


def _decode_q(payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace").replace(b"_", b" ")
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found.group(1).decode()), raw)


_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_base64(raw: bytes) -> bytes:
    """The bytes of base64 with line noise, without padding or with a broken tail."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        pass
    letters = _NO_BASE64.sub(b"", raw)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def one_line(text: str) -> str:
    """Cleaned text without line breaks: an encoded line end in a subject adds no header anywhere."""
    return " ".join(charsets.clean(text).replace("\t", " ").split("\n")).strip()


def text_of(raw: bytes, hints: Sequence[str] = ()) -> str:
    """A free-text header (Subject) as one readable line."""
    return one_line(decode_words(to_text(raw, hints)))


# ---- parameters (RFC 2045, 2231) ----


@dataclass(frozen=True, slots=True)
class Parameterised:
    """A value with parameters: `text/plain; charset=utf-8`."""

    value: str
    parameters: dict[str, str]


def parameterised(raw: bytes, hints: Sequence[str] = ()) -> Parameterised:
    """Reads Content-Type, Content-Disposition and the like; linear, at most 100 parameters."""
    text = to_text(raw, hints)
    pieces = list(_pieces(text))
    value = re.sub(r"\([^()]*\)", "", pieces[0]).strip().lower() if pieces else ""
    plain: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[str, bool]]] = {}
    for piece in pieces[1 : MOST_PARAMETERS + 1]:
        name, sign, content = piece.partition("=")
        name = name.strip().lower()
        if not sign or not name:
            continue
        content = _unquote(content.strip())
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, decode_words(content))
            continue
        number, extended = rest.rstrip("*"), rest == "" or rest.endswith("*")
        if number == "" or (number.isdecimal() and len(number) < 5):
            segments.setdefault(base, {}).setdefault(int(number or 0), (content, extended))
    for base, parts in segments.items():
        plain[base] = _join_segments(parts)
    return Parameterised(value, plain)


def _pieces(text: str) -> Iterator[str]:
    """`text` cut at semicolons outside quotes."""
    if '"' not in text:
        yield from text.split(";")
        return
    start, i, is_quoted = 0, 0, False
    while i < len(text):
        letter = text[i]
        if letter == "\\" and is_quoted:
            i += 1
        elif letter == '"':
            is_quoted = not is_quoted
        elif letter == ";" and (not is_quoted or '"' not in text[i : i + 2000]):
            is_quoted = False  # a quote that is never closed ends here
            yield text[start:i]
            start = i + 1
        i += 1
    yield text[start:]


def _unquote(content: str) -> str:
    if content.startswith('"'):
        end = content.rfind('"')
        inner = content[1:end] if end > 0 else content[1:]
        return re.sub(r"\\(.)", r"\1", inner)
    return re.sub(r"\s+\([^()]*\)\s*\Z", "", content)


def _join_segments(parts: dict[int, tuple[str, bool]]) -> str:
    raw, label = b"", ""
    for position, (number, (content, is_extended)) in enumerate(sorted(parts.items())):
        if number != position and number - 1 != position:  # a gap: what follows was lost
            break
        if is_extended:
            if position == 0 and content.count("'") >= 2:
                label, _, content = content.split("'", 2)
            raw += unquote_to_bytes(content.encode("utf-8", "replace"))
        else:
            raw += content.encode("utf-8", "replace")
    return charsets.decode(raw, label or "utf-8")


# ---- message ids ----

_IDS = re.compile(r"<([^<>]*)>")
_COMMENT = re.compile(r"\([^()]*\)")


def ids_of(raw: bytes) -> list[str]:
    """The message ids in a header, without angle brackets, in order, each once."""
    text = raw.decode("utf-8", "replace")
    found = ["".join(inner.split()) for inner in _IDS.findall(text)]
    if not any(found):
        words = _COMMENT.sub(" ", text).replace("<", " ").replace(">", " ").replace(",", " ").split()
        found = [word for word in words if "@" in word] or (words if len(words) == 1 else [])
    cleaned = [charsets.clean(one) for one in found]
    return list(dict.fromkeys(one for one in cleaned if one and len(one) <= 2000))[:MOST_IDS]
