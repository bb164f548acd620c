"""Values with parameters (`text/plain; charset=utf-8`, RFC 2045) and their long and foreign values (RFC 2231)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from omnibox_email import charsets
from omnibox_email.heads import encoded_words

MOST_PARAMETERS = 100
LOOK_AHEAD = 2000
LONGEST_KEPT = 60  # bytes

_COMMENT = re.compile(r"\([^()]*\)")
_NEAR_SLASH = re.compile(r"(?<!\s)\s{0,20}/\s{0,20}")
_COMMENT_BEFORE = re.compile(r"(?:\([^()]*\)\s{0,20})++(?=[\"A-Za-z0-9])")
_UNSEPARATED = re.compile(r"([^\s;,=()]{1,100})[\s,]{1,9}(?=[a-z][a-z0-9*-]{1,30}\s{0,3}=)")
_NO_VALUE = re.compile(r"(?:file)?name\*?\d?\*?\s{0,3}=")
_CLOSED_EARLY = re.compile(r'(?<!\\)"\s+[A-Za-z][A-Za-z0-9*-]{1,30}\s*=')
_ESCAPED = re.compile(r"\\([^A-Za-z0-9 ])")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\[A-Za-z0-9]")
_NAMES = ("name", "filename")  # unquoted ones may begin with a bracket: `filename=(1) letter.pdf`
_CHARSET = re.compile(r"[A-Za-z0-9_.:+-]{0,40}\Z")
# As nearly all name their boundary, which is another in every mail.
_PARTS = re.compile(rb'([Mm]ultipart/[A-Za-z]{1,20}); ?boundary="([A-Za-z0-9=_.-]{1,100})"')


@dataclass(frozen=True, slots=True)
class Parameterised:
    """A value with parameters: `text/plain; charset=utf-8`."""

    value: str
    parameters: Mapping[str, str]


_NOTHING = Parameterised("", {})


@dataclass(frozen=True, slots=True)
class _Segment:
    """A piece of a long value; `is_extended`: percent-encoded."""

    content: str
    is_extended: bool


def parameterised(raw: bytes, hints: Sequence[str] = ()) -> Parameterised:
    """Reads Content-Type, Content-Disposition and the like; linear, at most 100 parameters.

    A value in the extended form goes before the plain one of the same name: it is the one that holds every letter.
    """
    if not raw:
        return _NOTHING
    if found := _PARTS.fullmatch(raw):
        return Parameterised(found.group(1).decode("ascii").lower(), {"boundary": found.group(2).decode("ascii")})
    if len(raw) <= LONGEST_KEPT and raw.isascii():
        return _kept(raw)
    return _read(raw, hints)


@functools.lru_cache(maxsize=512)
def _kept(raw: bytes) -> Parameterised:
    """As `parameterised`: mails repeat the short ones, `text/plain; charset=utf-8` first of all."""
    return _read(raw, ())


def _read(raw: bytes, hints: Sequence[str]) -> Parameterised:
    text = charsets.decode(raw, "", hints)
    pieces = list(_pieces(text))
    bare = _NEAR_SLASH.sub("/", _COMMENT.sub("", pieces[0]).strip())
    value = bare.lower()
    if found := _UNSEPARATED.match(value):
        pieces.insert(1, bare[found.end() :])
        value = found.group(1)
    elif _NO_VALUE.match(value):  # `Content-Disposition: filename="a.pdf"`
        pieces.insert(1, pieces[0])
        value = ""
    plain: dict[str, str] = {}
    segments: dict[str, dict[int, _Segment]] = {}
    for piece in pieces[1 : MOST_PARAMETERS + 1]:
        for name, content in _named(piece):
            base, star, rest = name.partition("*")
            number, is_extended = rest.rstrip("*"), rest == "" or rest.endswith("*")
            if not star:
                plain.setdefault(name, encoded_words.decode(content, hints))
            elif number == "" or (number.isascii() and number.isdecimal() and len(number) < 5):
                segments.setdefault(base, {}).setdefault(int(number or 0), _Segment(content, is_extended))
    for base, parts in segments.items():
        joined = _join([part for _, part in sorted(parts.items())], hints)
        if joined or base not in plain:
            plain[base] = joined
    return Parameterised(value, plain)


def _named(piece: str) -> Iterator[tuple[str, str]]:
    """(name, value) of a piece; two where the semicolon between them is missing."""
    for _ in range(4):
        name, sign, content = piece.partition("=")
        words = _COMMENT.sub(" ", name).split()
        if not sign or not words:
            return
        content = "=" + content.strip() if content.startswith("?") else content.strip()  # `filename =?utf-8?Q?…?=`
        if words[-1].lower() not in _NAMES and (comments := _COMMENT_BEFORE.match(content)):
            content = content[comments.end() :]
        early = _CLOSED_EARLY.search(content, 1) if content.startswith('"') else None
        piece = content[early.start() + 1 :] if early else ""
        yield words[-1].lower().strip("\"'"), _unquote(content[: early.start() + 1] if early else content)


def _pieces(text: str) -> Iterator[str]:
    """`text` cut at semicolons outside quotes; a quote that is never closed ends at the next one."""
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
        elif letter == ";" and (not is_quoted or '"' not in text[i : i + LOOK_AHEAD]):
            is_quoted = False
            yield text[start:i]
            start = i + 1
        i += 1
    yield text[start:]


def _unquote(content: str) -> str:
    """A value without its quotes and escapes. Backslashes of a Windows path are no escapes, whatever the standard."""
    if content[:1] not in ('"', "'") or (content[0] == "'" and content[-1] != "'"):
        return re.sub(r"\s{1,100}\([^()]*\)\s*\Z", "", content)
    end = content.rfind(content[0])
    inner = content[1:end] if end > 0 else content[1:]
    return inner if _WINDOWS_PATH.match(inner) else _ESCAPED.sub(r"\1", inner)


def _join(parts: list[_Segment], hints: Sequence[str]) -> str:
    """The value whose pieces came in order. A lost piece leaves a gap; what follows, such as the ending, is kept."""
    if not any(part.is_extended for part in parts):
        return encoded_words.decode("".join(part.content for part in parts), hints)
    label, raw = "", b""
    for position, part in enumerate(parts):
        content = part.content
        if part.is_extended and position == 0:
            label, content = _labelled(content)
        raw += unquote_to_bytes(_as_bytes(content, label)) if part.is_extended else _as_bytes(content, label)
    text = charsets.decode(raw, label, hints)
    return encoded_words.decode(text, hints) if "=?" in text else text


def _labelled(content: str) -> tuple[str, str]:
    """(charset, rest) of `utf-8'en'na%C3%AFve`; one quote or none at all also happens."""
    pieces = content.split("'", 2)
    if len(pieces) == 3 and _CHARSET.match(pieces[0]):
        return pieces[0], pieces[2]
    if len(pieces) == 2 and charsets.codec_of(pieces[0]):
        return pieces[0], pieces[1]
    return "", content


def _as_bytes(content: str, label: str) -> bytes:
    """Letters that stand unencoded in a value, in its charset."""
    for codec in (charsets.codec_of(label) or "utf-8", "utf-8"):
        try:
            return content.encode(codec)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.encode("utf-8", "replace")
