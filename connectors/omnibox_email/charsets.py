"""Bytes to text when the label is missing, misspelt or wrong: never raises, never loses the whole text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "ansi": "cp1252",
    "windows-1252": "cp1252",
    "8bit": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-6-e": "iso-8859-6",
    "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "chinese": "gb18030",
    "big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "unicode": "utf-8",
    "macintosh": "mac_roman",
    "mac": "mac_roman",
    "thai": "cp874",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
}
# Codecs that are no charsets, or that take more than linear time (idna, punycode).
NO_CHARSETS = {"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
UNKNOWN = {"", "x-unknown", "unknown", "unknown-8bit", "x-user-defined", "default", "none", "binary", "charset"}
GUESS_FROM_BYTES = 200
GUESS_UP_TO_BYTES = 64 * 1024
DAMAGE_ALLOWED = 0.05

_CONTROL = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
_SURROGATES = re.compile("[\ud800-\udfff]")
_ISO_2022 = re.compile(rb"\x1b(?:\$[@B]|\$\([A-Z]|\$\)[A-Z]|\([IJ]|\$A)")


def words(text: str) -> frozenset[str]:
    """The words of `text`: how the tables of this package are written."""
    return frozenset(text.split())


def codec_of(label: str) -> str | None:
    """The Python codec a charset label means, or None where it means none we know."""
    name = label.strip().strip("\"'").strip().lower().split("*")[0].split(";")[0].split(",")[0].strip()
    for candidate in (name, name.removeprefix("x-"), name.replace("cp-", "cp"), name.removeprefix("charset=")):
        if candidate in UNKNOWN:
            continue
        found = _lookup(ALIASES.get(candidate, candidate))
        if found:
            return found
    return None


def _lookup(name: str) -> str | None:
    if name in NO_CHARSETS or len(name) > 40:
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    is_text: bool = getattr(found, "_is_text_encoding", True)
    return found.name if is_text and found.name not in NO_CHARSETS else None


def decode(raw: bytes, label: str = "", hints: Iterable[str] = ()) -> str:
    """`raw` as text: the declared charset, strict UTF-8, the hints, a guess, Windows-1252 with replacements."""
    if not raw:
        return ""
    declared = codec_of(label)
    if declared == "cp1252" and not raw.isascii():
        return _decode_latin(raw, hints)
    if declared and (text := _strict(raw, declared)) is not None:
        return text
    if (text := _strict(raw, "utf-8")) is not None:
        return text if declared else _stateful(raw) or text
    if declared and (text := _damaged(raw, declared)) is not None:
        return text
    return guess(raw, hints)


def _decode_latin(raw: bytes, hints: Iterable[str]) -> str:
    """Text labelled ASCII or Latin-1 that holds 8-bit bytes: UTF-8 where it fits, since that is no accident."""
    if (text := _strict(raw, "utf-8")) is not None:
        return text
    return _strict(raw, "cp1252") or guess(raw, hints)


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _damaged(raw: bytes, codec: str) -> str | None:
    """`raw` with replacements, where few are needed: a cut or a flipped bit does not change the charset."""
    try:
        text = raw.decode(codec, "replace")
    except (UnicodeError, LookupError, ValueError):
        return None
    return text if text.count("\ufffd") <= max(1, DAMAGE_ALLOWED * len(text)) else None


def _stateful(raw: bytes) -> str | None:
    if not _ISO_2022.search(raw, 0, GUESS_UP_TO_BYTES):
        return None
    return next((text for codec in ("iso2022_jp_ext", "iso2022_kr") if (text := _strict(raw, codec))), None)


def guess(raw: bytes, hints: Iterable[str] = ()) -> str:
    """Text of bytes that nobody labelled rightly. `hints` are labels seen elsewhere in the same mail."""
    if (text := _strict(raw, "utf-8")) is not None:
        return _stateful(raw) or text
    for hint in hints:
        codec = codec_of(hint)
        if codec and codec not in ("utf-8", "cp1252") and (text := _strict(raw, codec)) is not None:
            return text
    if (text := _damaged(raw, "utf-8")) is not None and len(raw) > 20:
        return text
    if (text := _by_shape(raw[:GUESS_UP_TO_BYTES], raw)) is not None:
        return text
    if len(raw) > GUESS_FROM_BYTES and (text := _by_statistics(raw)) is not None:
        return text
    return raw.decode("cp1252", "replace")


def _by_shape(sample: bytes, raw: bytes) -> str | None:
    """A guess for texts too short for statistics: how bytes pair up tells East Asian and Cyrillic charsets apart."""
    high = [byte for byte in sample if byte >= 0x80]
    if len(high) < 4:
        return None
    best = max(_SHAPES, key=lambda shape: _share(shape[1], sample))
    if _share(best[1], sample) >= 0.8 and (text := _strict(raw, best[0])) is not None:
        return text
    letters = sum(byte >= 0xC0 for byte in high)
    runs = re.findall(rb"[\xa8\xb8\xc0-\xff]{3,}", sample)
    if letters < 0.9 * len(high) or sum(map(len, runs)) < 0.6 * len(high):
        return None
    # Lower case dominates: 0xE0-0xFF in Windows-1251, 0xC0-0xDF in KOI8-R.
    lower_1251 = sum(byte >= 0xE0 for byte in high)
    return _strict(raw, "cp1251" if lower_1251 * 2 > letters else "koi8-r")


_SHAPES = (
    ("cp932", re.compile(rb"(?:[\x82][\x9f-\xf1]|\x83[\x40-\x96]|\x81[\x40-\x5b]|[\x88-\x97][\x40-\xfc])+")),
    ("euc_jp", re.compile(rb"(?:[\xa4\xa5][\xa1-\xf6][\xa1-\xfe]?)+")),
    ("gb18030", re.compile(rb"(?:[\xb0-\xd7][\xa1-\xfe]|\xa3[\xa1-\xfe]|\xa1[\xa2-\xbf])+")),
    ("big5hkscs", re.compile(rb"(?:[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|\xa1[\x40-\x7e\xa1-\xbf])+")),
)


def _share(shape: re.Pattern[bytes], sample: bytes) -> float:
    """Which part of the 8-bit bytes the shape explains; text with Latin letters around every one fits none."""
    total = sum(byte >= 0x80 for byte in sample)
    explained = sum(sum(byte >= 0x80 for byte in found.group()) for found in shape.finditer(sample) if _long(found))
    return explained / total


def _long(found: re.Match[bytes]) -> bool:
    return found.end() - found.start() >= 4


def _by_statistics(raw: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:GUESS_UP_TO_BYTES]).best()
    codec = best and _lookup(best.encoding)
    if not codec:
        return None
    return _strict(raw, codec) or _damaged(raw, codec)


def clean(text: str) -> str:
    """Text fit for storing: LF line ends, no control characters but tab, no lone surrogates, composed (NFC)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    text = text.translate(_CONTROL)
    return text if text.isascii() else unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))
