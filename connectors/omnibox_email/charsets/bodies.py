"""The text of a body whose charset is missing, wrong, named twice or mixed: never raises, loses no line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from omnibox_email import charsets

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS = tuple(mark for mark, _ in _BOMS)
_META = re.compile(rb"<meta[^>]{0,200}charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{2,40})", re.I)
_HEAD_BYTES = 8192
_SAMPLE_BYTES = 4096
_THREE_BYTES = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
_LATIN = frozenset({"cp1252", "ascii", "latin_1", "iso8859-1"})
# Charsets in which ordinary words may happen to be valid UTF-8 as well: only many long characters tell.
_DENSE = ("gb", "big5", "cp9", "euc", "cp874", "tis", "iso8859-11", "johab", "shift", "mac", "hz")
_ORDINARY = re.compile("[ \\n\u3001\u3002\uff0c]")
_MOST_LINES = 200_000


def decode(content: bytes, label: str, hints: Sequence[str] = (), *, is_html: bool = False) -> str:
    """`content` as text: a byte order mark, UTF-16 seen by its zeros, UTF-8 that is no accident, the label, what the
    HTML says of itself, line by line where two charsets were mixed, and else the best guess."""
    for mark, codec in _BOMS if content.startswith(_MARKS) else ():
        if content.startswith(mark):
            return content[len(mark) :].decode("utf-8", "replace") if codec == "utf-8" else _wide(content, codec)
    if b"\0" in content[:_SAMPLE_BYTES] and (wide := _wide_codec(content)):
        return _wide(content, wide)
    declared = charsets.codec_of(label)
    if declared in _WIDE:
        if b"\0" in content or not _is_utf8(content, ""):
            return _wide(content, _with_order(content, str(declared)))
        label, declared = "", None  # the label cannot be right
    if declared is not None:
        hints = ()  # what other parts are written in says nothing of one that speaks for itself
    if content.isascii():
        return charsets.decode(content, label, hints)
    meta = _meta(content) if is_html else ""
    if declared != "utf-8" and _is_utf8(content, declared or ""):
        return content.decode("utf-8")
    if meta and (declared is None or declared in _LATIN) and (text := _by_meta(content, meta, label)) is not None:
        return text
    if declared in (None, "utf-8", "ascii") and (text := _mixed(content)) is not None:
        return text
    if declared == "utf-8" and meta and (text := _by_meta(content, meta, "")) is not None:
        return text
    return charsets.decode(content, label, (meta, *hints) if meta else hints)


def _wide(content: bytes, codec: str) -> str:
    even = content[: len(content) - len(content) % 2] if "16" in codec else content
    return even.decode(codec, "replace")


def _wide_codec(content: bytes) -> str | None:
    """UTF-16 without a mark, told by where its zeros stand; None for bytes that only hold some."""
    sample = content[:_SAMPLE_BYTES]
    half = len(sample) // 2
    if half < 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.4 and odd < half * 0.05 else None


def _with_order(content: bytes, codec: str) -> str:
    """The codec with the order of its bytes; where neither label nor mark tells it, the one that gives more blanks."""
    if codec != "utf-16":
        return codec
    return max(("utf-16-le", "utf-16-be"), key=lambda each: len(_ORDINARY.findall(_wide(content, each))))


def _is_utf8(content: bytes, declared: str) -> bool:
    """Whether bytes with another label are UTF-8 all the same."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if not declared.startswith(_DENSE):
        return True
    return sum(1 for _ in _THREE_BYTES.finditer(content, 0, 65_536)) >= 3


def _meta(content: bytes) -> str:
    """The charset an HTML document names for itself, where it can be true."""
    found = _META.search(content, 0, _HEAD_BYTES)
    name = found.group(1).decode("ascii") if found else ""
    return "" if charsets.codec_of(name) in _WIDE else name


def _by_meta(content: bytes, meta: str, label: str) -> str | None:
    """The text by what the HTML says, where the header says nothing or only what programs write without looking."""
    codec = charsets.codec_of(meta)
    if codec is None or (label and codec in _LATIN):
        return None
    try:
        return content.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _mixed(content: bytes) -> str | None:
    """Text of UTF-8 with lines in another charset, as footers and quotes pasted by machines are; None for any other."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    lines = content.split(b"\n")
    if len(lines) > _MOST_LINES:
        return None
    read = [(_strict(line), line) for line in lines if not line.isascii()]
    right = sum(text is not None for text, _ in read)
    if right == 0 or right * 2 < len(read):
        return None
    return "\n".join(line.decode("ascii") if line.isascii() else _line(line) for line in lines)


def _strict(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _line(line: bytes) -> str:
    if (text := _strict(line)) is not None:
        return text
    text = line.decode("utf-8", "replace")
    rest = sum(letter > "\x7f" and letter != "\ufffd" for letter in text)
    return text if rest > 3 * text.count("\ufffd") else charsets.decode(line, "windows-1252")
