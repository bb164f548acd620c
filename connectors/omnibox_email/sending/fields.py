"""Header fields as they go on the wire: ASCII, folded, and nothing in a value can begin another field.

The standard library's policy takes a millisecond for the head of a small letter, forty times what this takes, and makes
encoded words of long ids and of file names. Every field leaves through `field`, which lets no control character pass.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

LINE = 76
LONGEST_WORD = 75  # of an encoded word (RFC 2047 2)
LONGEST_TOKEN = 900  # of what cannot be folded: a line may have 998 bytes
LONGEST_ADDRESS = 900
LONGEST_PIECE = 50  # of a parameter that stands in several
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_BARE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\U0010ffff-]+")
_NO_DOMAIN = re.compile(r'[\s<>()",;\\@]')
_ROUNDER = str.maketrans({'"': "'", "<": "(", ">": ")"})
_TOKENS = re.compile(r" *[^ ]+")
_PLAIN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_PLAIN_EXTENDED = "!#$&+-.^_`|~"
_PLAIN_NAME = re.compile(r"[ !#-\[\]-~]*")


class NotAnAddress(ValueError):
    """No mail can go to it; the message holds nothing of it."""


def field(name: str, pieces: Iterable[str]) -> str:
    """The field of `pieces`, which begin with the blank before them; a new line begins where one is full."""
    lines, line = [], f"{name}:"
    for number, piece in enumerate(pieces):
        if _CONTROL.search(piece):
            raise ValueError("a control character in a header")
        if number and len(line) + len(piece) > LINE:
            lines.append(line)
            line = piece
        else:
            line += piece
    return "\r\n".join((*lines, line)) + "\r\n"


def plain(name: str, text: str) -> str:
    """Any words on one line, such as a subject. Tabs and blanks at the ends are gone."""
    tokens = _TOKENS.findall(text.replace("\t", " ").strip())
    plain_ones = next((at for at, token in enumerate(tokens) if not _is_plain(token)), len(tokens))
    rest = "".join(tokens[plain_ones:])
    pieces = tokens[:plain_ones] + [
        f" {word}" for word in encoded_words(rest.removeprefix(" ") if plain_ones else rest)
    ]
    return field(name, [" " + pieces[0].removeprefix(" "), *pieces[1:]] if pieces else [])


def _is_plain(token: str) -> bool:
    return token.isascii() and "=?" not in token and len(token) <= LONGEST_TOKEN


def ids(name: str, listed: Iterable[str]) -> str:
    """Message ids, which are never cut or encoded."""
    return field(name, [f" <{one}>" for one in listed])


def mailboxes(name: str, listed: Sequence[tuple[str, str]], *, utf8: bool = False) -> str:
    """Addresses with their names, which may be empty. Raises `NotAnAddress`."""
    pieces: list[str] = []
    for place, (address, called) in enumerate(listed):
        words = _phrase(called)
        spec = address_spec(address, utf8=utf8)
        end = "," if place < len(listed) - 1 else ""
        pieces += [f" {word}" for word in words] + [f" <{spec}>{end}" if words else f" {spec}{end}"]
    return field(name, pieces)


def _phrase(name: str) -> list[str]:
    """A display name: atoms as they are, else quoted, else encoded. Brackets and quotes, which careless programs take
    for another address, become rounder ones."""
    name = name.strip().translate(_ROUNDER)
    if not name:
        return []
    if not name.isascii() or "=?" in name:
        return encoded_words(name)
    return [name] if _ATOMS.fullmatch(name) else ['"' + re.sub(r'(["\\])', r"\\\1", name) + '"']


def address_spec(address: str, *, utf8: bool = False) -> str:
    """The address as a header holds it. With `utf8` letters beyond ASCII stay (RFC 6532), else they are encoded."""
    local, domain = split_address(address)
    if local.isascii() or utf8:
        return f"{_local(local)}@{ascii_domain(domain)}"
    return f"{''.join(encoded_words(local, longest=LONGEST_ADDRESS))}@{ascii_domain(domain)}"


def envelope(address: str) -> str:
    """The address for MAIL and RCPT. Raises `NotAnAddress`."""
    local, domain = split_address(address)
    return f"{_local(local)}@{ascii_domain(domain)}"


def split_address(address: str) -> tuple[str, str]:
    """Local part, without quotes, and domain. Raises `NotAnAddress` for what would break a line of SMTP or a header."""
    local, at, domain = address.strip().rpartition("@")
    is_quoted = len(local) > 1 and local[0] == local[-1] == '"'
    if is_quoted:
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    elif not _BARE.fullmatch(local):
        raise NotAnAddress("no address")
    if not (local and at and domain) or len(address) > LONGEST_ADDRESS:
        raise NotAnAddress("no address")
    if _CONTROL.search(address) or _NO_DOMAIN.search(domain):
        raise NotAnAddress("no address")
    return local, domain


def _local(local: str) -> str:
    return local if _DOT_ATOM.fullmatch(local) else '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def ascii_domain(domain: str) -> str:
    """The domain as it goes on the wire (IDNA); one that cannot be converted is encoded all the same."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ".".join(
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
            for label in domain.split(".")
        )


# ---- encoded words (RFC 2047) ----


def encoded_words(text: str, longest: int = LONGEST_WORD) -> list[str]:
    """The text as encoded words, each of whole letters; the blanks between the words are none of the text."""
    raw = clean(text).encode()
    as_q = sum(1 if byte in _PLAIN_Q or byte == 0x20 else 3 for byte in raw)
    return _words_of(text, "Q" if as_q <= len(raw) * 4 // 3 else "B", longest)


def _words_of(text: str, kind: str, longest: int) -> list[str]:
    room = longest - len("=?utf-8?Q??=")
    words: list[str] = []
    content, size = "", 0
    for letter in clean(text):
        raw = letter.encode()
        cost = sum(1 if byte in _PLAIN_Q or byte == 0x20 else 3 for byte in raw) if kind == "Q" else len(raw)
        full = size + cost > room if kind == "Q" else (size + cost + 2) // 3 * 4 > room
        if full and content:
            words.append(_word(content, kind))
            content, size = "", 0
        content, size = content + letter, size + cost
    return [*words, _word(content, kind)] if content else words


def _word(content: str, kind: str) -> str:
    raw = content.encode()
    if kind == "B":
        return f"=?utf-8?B?{binascii.b2a_base64(raw, newline=False).decode('ascii')}?="
    encoded = "".join(chr(byte) if byte in _PLAIN_Q else "_" if byte == 0x20 else f"={byte:02X}" for byte in raw)
    return f"=?utf-8?Q?{encoded}?="


def clean(text: str) -> str:
    """Without lone surrogates, which no encoding carries."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


# ---- parts ----


def file_fields(content_type: str, name: str) -> str:
    """Type, disposition and name of an attached file.

    The name stands in RFC 2231 form, and for programs that know no such thing as encoded words beside the type.
    """
    if _PLAIN_NAME.fullmatch(name) and "=?" not in name and len(name) <= LONGEST_WORD:
        return field("Content-Type", [f" {content_type};", f' name="{name}"']) + field(
            "Content-Disposition", [" attachment;", f' filename="{name}"']
        )
    words = f'name="{" ".join(encoded_words(name))}"'.split(" ")
    return field("Content-Type", [f" {content_type};", *(f" {word}" for word in words)]) + field(
        "Content-Disposition", [" attachment;", *_extended("filename", name)]
    )


def _extended(name: str, value: str) -> list[str]:
    """A parameter of any letters, in as many pieces as it needs (RFC 2231 3 and 4)."""
    encoded = quote(clean(value), safe=_PLAIN_EXTENDED)
    if len(encoded) <= LINE - 25:
        return [f" {name}*=utf-8''{encoded}"]
    pieces = [""]
    for letter in clean(value):
        octets = quote(letter, safe=_PLAIN_EXTENDED)
        if len(pieces[-1]) + len(octets) > LONGEST_PIECE:
            pieces.append("")
        pieces[-1] += octets
    listed = [f" {name}*{number}*={piece};" for number, piece in enumerate(["utf-8''" + pieces[0], *pieces[1:]])]
    return [*listed[:-1], listed[-1].rstrip(";")]
