"""Transfer encodings undone: base64 and quoted-printable as damaged as they arrive. Linear in the bytes."""

from __future__ import annotations

import binascii
import re

from omnibox_email.content import uuencode
from omnibox_email.heads import headers

_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_AS_IT_STANDS = frozenset({b"7bit", b"8bit", b"binary"})
_COMMENT = re.compile(r"\([^()]{0,200}\)")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/=]+\Z")
_WEB_LETTERS = re.compile(rb"[\w\s-]*+[=\s]*+")  # possessive: both take white space
_STANDARD = bytes.maketrans(b"-_", b"+/")
_BROKEN_LETTERS = re.compile(rb"[^A-Za-z0-9+/=]+")
_FOOTER = re.compile(rb"\n(?=--[ \t]*\r?\n|_{5}|-{5}|={5})")
_PIECE = re.compile(rb"([A-Za-z0-9+/]*)(=*)")
_SOFT_BREAK = re.compile(rb"=[ \t]*(?:\r\n|\n|\r|\Z)")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")


def encoding_of(block: headers.Headers) -> str:
    """`base64`, `quoted-printable`, `uuencode`, or empty where the bytes stand as they are."""
    for value in block.all("content-transfer-encoding"):
        if value in _AS_IT_STANDS:
            continue
        text = _COMMENT.sub("", value.decode("ascii", "replace").lower())
        word = _NO_LETTERS.sub("", text)
        if word in ("base64", "b64", "xbase64", "mimebase64") or word.startswith("base64"):
            return "base64"
        if word.startswith("quoted") or word in ("qp", "xqp"):
            return "quoted-printable"
        if word in ("xuuencode", "uuencode", "xuue", "uue", "xuuencoded", "uuencoded"):
            return "uuencode"
    return ""


def decode(body: bytes, encoding: str, *, is_text: bool = False) -> bytes:
    """The bytes of a body. For text, words that stand unencoded where they should not are kept as well."""
    if encoding == "base64":
        return _base64(body if is_text else _of_standard_letters(body), is_text=is_text)
    if encoding == "quoted-printable":
        return quoted_printable(body)
    if encoding == "uuencode":
        files, _ = uuencode.split(body)
        return files[0].content if files else body
    return body


def quoted_printable(body: bytes) -> bytes:
    """Quoted-printable with bare `=`, blanks behind soft breaks and any line ends."""
    body = _SOFT_BREAK.sub(b"", body)
    if b"=" not in body:
        return body
    if b"==" not in body:  # the quick decoder takes two of them for one
        return binascii.a2b_qp(body)
    return _HEX.sub(lambda found: bytes.fromhex(found.group(1).decode()), body)


def _of_standard_letters(body: bytes) -> bytes:
    """Base64 in the letters of web addresses (RFC 4648 5) put into the usual ones."""
    is_other = (b"-" in body or b"_" in body) and b"+" not in body and b"/" not in body
    return body.translate(_STANDARD) if is_other and _WEB_LETTERS.fullmatch(body) else body


def _base64(body: bytes, *, is_text: bool) -> bytes:
    if is_text and not _is_encoded_above_footer(body) and _is_plain(body):
        return body
    encoded, tail = _split_footer(body)
    decoded = base64(encoded)
    return decoded + b"\n\n" + tail if is_text and tail else decoded


def _is_plain(body: bytes) -> bool:
    """Whether text labelled base64 was never encoded: there are blanks between words, and decoding gives noise."""
    sample = body[:20_000].strip()
    if sample.isascii() and sample.count(b" ") <= len(sample) / 25:
        return False
    decoded = base64(sample)
    noise = sum(byte < 9 or 13 < byte < 32 for byte in decoded) + decoded.decode("utf-8", "replace").count("\ufffd")
    return noise * 20 > len(decoded)


def _is_encoded_above_footer(body: bytes) -> bool:
    """Whether whole base64 stands above a footer, which may be longer than a short text and looks plain."""
    found = _FOOTER.search(body)
    letters = b"".join(body[: found.start()].split()) if found else b""
    return (
        len(letters) >= 8 and len(letters) % 4 == 0 and bool(_BASE64_LINE.match(letters)) and b"=" not in letters[:-2]
    )


def _split_footer(body: bytes) -> tuple[bytes, bytes]:
    """The encoded text, and what a mailing list wrote behind it without encoding it."""
    if found := _FOOTER.search(body):
        return body[: found.end()], body[found.end() :].strip()
    at = body.find(b"=")
    rest = body[at:].lstrip(b"=\r\n\t ") if at >= 0 else b""
    if not rest:
        return body, b""
    line = rest[:2000].splitlines()[0].strip()
    if _BASE64_LINE.match(line) and (len(line) % 4 == 0 or len(line) >= 20):
        return body, b""  # more of it: encoded piece by piece
    has_blanks = b" " in line and b"\n" in body[at : len(body) - len(rest)]
    return (body[:at], rest.strip()) if has_blanks else (body, b"")


def base64(raw: bytes) -> bytes:
    """The bytes of base64 with line noise, without padding, with a broken tail or padded piece by piece."""
    at = raw.find(b"=")
    if at < 0 or not raw[at:].strip(b"=\r\n\t "):
        return headers.decode_base64(raw)
    letters = _BROKEN_LETTERS.sub(b"", raw)
    out: list[bytes] = []
    kept: list[bytes] = []
    length = 0
    for found in _PIECE.finditer(letters):
        piece, padding = found.groups()
        kept.append(piece)
        length += len(piece)
        if length % 4 == 3 or (length % 4 == 2 and len(padding) > 1):  # else it is noise, not the end of a piece
            out.append(_unpadded(b"".join(kept)))
            kept, length = [], 0
    out.append(_unpadded(b"".join(kept)))
    return b"".join(out)


def _unpadded(letters: bytes) -> bytes:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
