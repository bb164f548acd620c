"""Masks what a text holds in another writing: base64, quoted-printable, encoded words, percent and JSON escapes.

Mails attached to mails are such texts, and what could not be read. Only digits change, each to a bullet in the same
writing; what is written in base64 is written anew where it held a number.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from omnibox.masking.alphabet import BULLET, GAP, Span
from omnibox.masking.octets import mask_bytes, read
from omnibox.masking.plain import find_hidden, hide

_DEEPEST = 3  # a mail in a mail in a mail

# Lines of base64, as long as mails have them; the first one says how long.
_BASE64_LINES = re.compile(
    r"(?<![^\n])([A-Za-z0-9+/]{16,}+)={0,2}+[ \t]*+(\r?\n|\Z)(?:[A-Za-z0-9+/]{1,}+={0,2}+[ \t]*+(?:\r?\n|\Z))*+"
)
_BASE64_LINK = re.compile(r"(;base64,)([A-Za-z0-9+/]{16,}+={0,2}+)", re.IGNORECASE)
_LINE_BREAK = re.compile(r"\r?\n")
_ENCODED_WORD = r"=\?[\w*.-]{1,40}+\?[BbQq]\?[^?\s]{1,1000}+\?="
_ENCODED_WORDS = re.compile(rf"{_ENCODED_WORD}(?:\s++{_ENCODED_WORD})*")
_CUT_NUMBER = re.compile(rf"\d(?:{GAP}{{0,3}}+\d){{5,}}+{GAP}{{0,3}}+\Z")
_CUT_REACH = 120
_ELEMENT = re.compile(
    r"<(?:html|body|p|div|table|td|span|br|b|i|font|svg|text|[a-z]{1,20}:[a-z]{1,20})\b", re.IGNORECASE
)
_BOUNDARY = re.compile(rb"""\bboundary="?(?=[^\s";]*[^\s";\d-])([^\s";]{0,50}\d{13}[^\s";]{0,50})""", re.IGNORECASE)
_DIGITS_TO_LETTERS = bytes.maketrans(b"0123456789", b"zqxjkvwyfb")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # those of UTF-32 begin or end with them
_LOOK_AT = 1024
_NO_TEXT = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\x08\x1b")


@dataclass(frozen=True, slots=True)
class _Writing:
    """Escapes: their pattern, what one says, and how a character is written."""

    escape: re.Pattern[str]
    read: Callable[[str], str]
    write: Callable[[str], str]


# A line that is cut there goes on in the next one; the cut may lie inside a character.
_SOFT_BREAK = re.compile(r"=[ \t]*+\r?\n")


def _read_bytes(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("=", "").replace("%", "")).decode("utf-8", "replace")


def _write_percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _write_quoted(character: str) -> str:
    return _write_percent(character).replace("%", "=")


def _write_json(character: str) -> str:
    return character if character == BULLET else json.dumps(character)[1:-1]


def _read_quoted(escapes: str) -> str:
    return _read_bytes(_SOFT_BREAK.sub("", escapes))


_QUOTED_PRINTABLE = _Writing(
    re.compile(
        r"(?:=[89A-Fa-f][0-9A-Fa-f](?:=[ \t]*+\r?\n(?==[89A-Fa-f][0-9A-Fa-f]))?)++|=[0-7][0-9A-Fa-f]|=[ \t]*+\r?\n"
    ),
    _read_quoted,
    _write_quoted,
)
_PERCENT = _Writing(re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])++|%[0-7][0-9A-Fa-f]"), _read_bytes, _write_percent)
_FORM = _Writing(
    re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])++|%[0-7][0-9A-Fa-f]|\+"),
    lambda escape: " " if escape == "+" else _read_bytes(escape),
    _write_percent,
)
_JSON = _Writing(
    re.compile(r"\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[nrtbf/\"\\]"),
    lambda escape: str(json.loads(f'"{escape}"')),
    _write_json,
)


def is_text(content: bytes) -> bool:
    """Whether bytes are a text, whatever they are called: no character in them that only programs write."""
    if content.startswith(b"%PDF"):
        return False
    if not content.startswith(_WIDE) and content.count(0, 0, _LOOK_AT) * 5 <= len(content[:_LOOK_AT]):
        return _is_clean(content[:_LOOK_AT]) and _is_clean(content)  # nearly all pictures end at their beginning
    text, encoding, _, _ = read(content)
    return encoding != "utf-8" and _is_clean(text.encode("utf-8", "ignore"))


def _is_clean(text: bytes) -> bool:
    return len(text.translate(None, _NO_TEXT)) == len(text)


def mask_text_file(content: bytes, depth: int = 0) -> bytes:
    """A text file with card numbers hidden, those of the mails in it too.

    What parts a mail is no text: some programs make it of as many digits as a card number has, and a mail of which it
    was changed in one place falls apart.
    """
    boundaries = {each: _veiled(each) for each in _BOUNDARY.findall(content)}
    if any(veiled in content for veiled in boundaries.values()):
        boundaries = {}
    for boundary, veiled in boundaries.items():
        content = content.replace(boundary, veiled)
    content = _mask_text(content, depth)
    for boundary, veiled in boundaries.items():
        content = content.replace(veiled, boundary)
    return content


def _veiled(boundary: bytes) -> bytes:
    """The boundary without digits, as long as it is."""
    return boundary.translate(_DIGITS_TO_LETTERS)


def _mask_text(content: bytes, depth: int) -> bytes:
    content = _mask_document(mask_bytes(content))
    if depth == _DEEPEST or b"\0" in content:
        return content
    text = content.decode("utf-8", "surrogateescape")
    changed = _mask_base64(text, depth)
    if "=?" in changed:
        changed = _ENCODED_WORDS.sub(_masked_words, changed)
    if "quoted-printable" in changed.lower():
        changed = _mask_written(changed, _QUOTED_PRINTABLE)
    if "*=" in changed and "%" in changed:
        changed = _mask_written(changed, _PERCENT)
    if "\\u" in changed:
        changed = _mask_written(changed, _JSON)
    return content if changed is text else changed.encode("utf-8", "surrogateescape")


def _mask_document(content: bytes) -> bytes:
    """HTML and what is like it: entities may stand for digits, and tags between them."""
    text, encoding, errors, rest = read(content)
    if not _ELEMENT.search(text):
        return content
    from omnibox.masking.markup import mask_html

    masked = mask_html(text)
    return content if masked == text else masked.encode(encoding, errors) + rest


def mask_raw(text: str, *, is_cut: bool = False) -> str:
    """What nobody could read, with numbers hidden in whatever way they are written. JSON stays JSON.

    With `is_cut` it is the beginning of something longer, and what may be the beginning of a number is hidden too.
    """
    text = hide(text, _hidden_in(text, is_cut=is_cut))
    text = _mask_base64(text, 0, is_cut=is_cut)
    if "=?" in text:
        text = _ENCODED_WORDS.sub(_masked_words, text)
    writings = [_JSON, _QUOTED_PRINTABLE, _PERCENT if text.lstrip()[:1] in ("{", "[", '"') else _FORM]
    for writing in writings:
        text = _mask_written(text, writing, is_cut=is_cut)
    return text


def _hidden_in(text: str, *, is_cut: bool) -> list[Span]:
    spans, _ = find_hidden(text)
    if is_cut and (end := _CUT_NUMBER.search(text, max(0, len(text) - _CUT_REACH))):
        spans.append(end.span())
    return spans


def _mask_written(text: str, writing: _Writing, *, is_cut: bool = False) -> str:
    """`text` with the digits hidden that belong to a number once the escapes are read."""
    view: list[str] = []
    raw: list[tuple[str, int, bool]] = []  # what stands there, how long its reading is, whether it is an escape
    position = 0
    for match in writing.escape.finditer(text):
        read = writing.read(match.group())
        if match.start() > position:
            literal = text[position : match.start()]
            raw.append((literal, len(literal), False))
            view.append(literal)
        raw.append((match.group(), len(read), True))
        view.append(read)
        position = match.end()
    if not raw:
        return text
    raw.append((text[position:], len(text) - position, False))
    shown = "".join((*view, text[position:]))
    marks = _marks(shown, _hidden_in(shown, is_cut=is_cut))
    return text if marks is None else _written(raw, marks, shown, writing)


def _marks(shown: str, spans: list[Span]) -> list[str] | None:
    """What becomes of each character: itself, or a bullet, or nothing where an entity became one; None: all stay."""
    marks = list(hide(shown, spans))
    if _ELEMENT.search(shown):
        from omnibox.masking.markup import mask_html

        place = 0
        for mark in mask_html(shown):
            if mark == BULLET and shown[place] == "&":
                end = shown.index(";", place)
                marks[place : end + 1] = [BULLET, *[""] * (end - place)]
                place = end
            elif mark == BULLET:
                marks[place] = BULLET
            place += 1
    return None if marks == list(shown) else marks


def _written(raw: list[tuple[str, int, bool]], marks: list[str], shown: str, writing: _Writing) -> str:
    """The text in its writing again, anew where a digit was hidden."""
    pieces: list[str] = []
    position = 0
    for was, length, is_escape in raw:
        now, before = marks[position : position + length], shown[position : position + length]
        position += length
        if "".join(now) == before:
            pieces.append(was)
        elif is_escape:
            pieces += (writing.write(mark) if mark else "" for mark in now)
        else:
            pieces += (
                writing.write(new) if new == BULLET != old else new for new, old in zip(now, before, strict=True)
            )
    return "".join(pieces)


def _mask_base64(text: str, depth: int, *, is_cut: bool = False) -> str:
    def lines(match: re.Match[str]) -> str:
        whole = match.group()
        written = _rewritten(_LINE_BREAK.sub("", whole), depth, is_cut=is_cut and match.end() == len(text))
        if written is None:
            return whole
        width, end = len(match.group(1)), match.group(2) or "\n"
        rows = [written[start : start + width] for start in range(0, len(written), width)]
        return end.join(rows) + (end if whole.endswith("\n") else "")

    def link(match: re.Match[str]) -> str:
        written = _rewritten(match.group(2), depth)
        return match.group() if written is None else match.group(1) + written

    changed = _BASE64_LINES.sub(lines, text)
    changed = _BASE64_LINK.sub(link, changed) if ";base64," in changed.lower() else changed
    return text if changed == text else changed


def _rewritten(encoded: str, depth: int, *, is_cut: bool = False) -> str | None:
    """Base64 of the masked content; None where it is no text or holds no number."""
    packed = encoded.rstrip("= \t").replace("=", "").replace(" ", "").replace("\t", "")
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    try:
        content = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not is_text(content) or (is_cut and b"\0" in content):
        return None
    masked = mask_text_file(content, depth + 1)
    if is_cut:
        text = masked.decode("utf-8", "surrogateescape")
        masked = hide(text, _hidden_in(text, is_cut=True)).encode("utf-8", "surrogateescape")
    return None if masked == content else base64.b64encode(masked).decode()


def _masked_words(match: re.Match[str]) -> str:
    """A row of encoded words, anew where what they say holds a number."""
    from email.errors import HeaderParseError
    from email.header import Header, decode_header

    try:
        said = "".join(_said(part, charset) for part, charset in decode_header(match.group()))
    except (HeaderParseError, LookupError, ValueError, binascii.Error):
        return match.group()
    spans, _ = find_hidden(said)
    if not spans:
        return match.group()
    return Header(hide(said, spans), "utf-8", maxlinelen=None).encode()


def _said(part: bytes | str, charset: str | None) -> str:
    return part if isinstance(part, str) else part.decode(charset or "ascii", "replace")


__all__ = ["is_text", "mask_raw", "mask_text_file"]
