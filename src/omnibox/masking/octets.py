"""Masks files: text in UTF-8, in UTF-16 or UTF-32, and bytes that are none of them and must stay as they are."""

import codecs
from collections.abc import Callable, Sequence

from omnibox.masking.alphabet import Span
from omnibox.masking.plain import find_hidden, hide

# The longer mark first: that of UTF-32 begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)
_LOOK_AT = 4096
_MANY = 0.3  # the share of zero bytes on one side that no text in UTF-8 has


def mask_bytes(data: bytes) -> bytes:
    """The bytes of a text with card numbers hidden; what is not valid in its encoding passes through."""
    return hide_found(data, _find_numbers)


def hide_found(data: bytes, find: Callable[[str], Sequence[Span]]) -> bytes:
    """The bytes of a text without the digits in the spans that `find` finds."""
    text, encoding, errors, rest = read(data)
    spans = find(text)
    return hide(text, spans).encode(encoding, errors) + rest if spans else data


def read(data: bytes) -> tuple[str, str, str, bytes]:
    """The text, its encoding, how what is not valid in it is carried, and the bytes that are left over at the end."""
    encoding, unit = _encoding(data)
    whole = len(data) - len(data) % unit
    errors = "surrogateescape" if unit == 1 else "surrogatepass"
    try:
        return data[:whole].decode(encoding, errors), encoding, errors, data[whole:]
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape"), "utf-8", "surrogateescape", b""


def _find_numbers(text: str) -> list[Span]:
    return find_hidden(text)[0]


def _encoding(data: bytes) -> tuple[str, int]:
    """The encoding and the bytes of its unit: by a byte order mark, else by the zero bytes beside ASCII characters."""
    for mark, encoding, unit in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding, unit
    start = data[:_LOOK_AT]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > _MANY * len(start) / 2 and even <= odd / 10:
        return "utf-16-le", 2
    if even > _MANY * len(start) / 2 and odd <= even / 10:
        return "utf-16-be", 2
    return "utf-8", 1
