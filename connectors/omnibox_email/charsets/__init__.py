"""Bytes to text when the label is missing, misspelt or wrong: never raises, never loses the whole text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import IncrementalNewlineDecoder

from omnibox_email.charsets import guessing, stateful
from omnibox_email.charsets.labels import PAIRED, STATEFUL, WIDE
from omnibox_email.charsets.labels import codec_of as codec_of

DAMAGE_ALLOWED = 0.05
# How much a label counts against what the bytes look like (nats): a character or two of a plausible text.
DECLARED = 12.0
DECLARED_BY_HABIT = 4.0  # ASCII and Latin-1 stand in mails that nobody configured
NAMED_ELSEWHERE = 6.0
SUPPOSED = 3.0
PLAUSIBLE = 1.3  # nats per byte; the same letters in a wrong Cyrillic set stay below
SHORT_TEXT = 200  # bytes; more are not UTF-8 by chance
SHORT = 4  # 8-bit bytes; fewer prove nothing against a label
WESTERN = -0.5  # nats per byte; western words stay above, eastern ones read as Latin-1 mostly below
CLEARLY = 6.0  # nats by which eastern letters have to win against a Latin-1 label
WORDS_OF_PAIRS = 1.5  # nats per byte; Chinese, Japanese and Korean read in each other's sets stay below

_CONTROL = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
_SURROGATES = re.compile("[\ud800-\udfff]")
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_SHIFTED = re.compile(rb"\x0e(?:[!-~]{2})+\x0f")
# An ISO set whose empty places are used is the Windows set that its users really had.
_TWINS = {"iso8859_2": "cp1250", "iso8859_5": "cp1251", "iso8859_6": "cp1256", "iso8859_7": "cp1253",
          "iso8859_8": "cp1255", "iso8859_13": "cp1257", "iso8859_4": "cp1257", "iso8859_15": "cp1252"}  # fmt: skip
_FOREIGN_RUN = re.compile(rb"[\x80-\x9f\xa1-\xff]{3}")  # western languages do not write three accents in a row
_EASTERN = ("cp1250", "iso8859_2", "cp1254", "cp1257")
_NO_8BIT = frozenset({"us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "iso-646-us", "646", "7bit", "7-bit"})
# Where KOI8-U has Ukrainian letters KOI8-R has lines of frames; beside a letter no one draws a frame.
_FRAMED_WORD = re.compile("[а-яёА-ЯЁ][╓╕╖╜╢╤╥╫]|[╓╕╖╜╢╤╥╫][а-яёА-ЯЁ]")
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic")


def words(text: str) -> frozenset[str]:
    """The words of `text`: how the tables of this package are written."""
    return frozenset(text.split())


def decode(raw: bytes, label: str = "", hints: Iterable[str] = ()) -> str:
    """`raw` as text: the declared charset where the bytes agree, UTF-8 where they are that, else the likeliest.

    `hints` are labels seen elsewhere in the same mail; one with `?` in front is a supposition and counts half.
    """
    if not raw:
        return ""
    declared = codec_of(label) if label else None
    if declared == "cp1252" and label.strip("\"' ").lower() in _NO_8BIT:
        declared, hints = None, (*hints, "?iso-8859-1")  # says little about 8-bit bytes
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) and declared not in PAIRED:
        return raw.decode("utf-16", "replace")
    if declared in STATEFUL or declared == "utf-7" or declared in WIDE:
        return _by_rare(raw, declared, hints)
    if raw.isascii():
        return stateful.decode(raw) if _is_stateful(raw) else raw.decode("ascii")
    as_utf8 = _strict(raw, "utf-8")
    if declared is None and as_utf8 is not None and (codec := _not_utf8(raw, hints)):
        return _by_codec(raw, codec)
    if declared is None or declared == "utf-8":
        return as_utf8 if as_utf8 is not None else guess(raw, hints, declared)
    if as_utf8 is not None and not (declared in PAIRED and _fits_better(raw, declared)):
        return as_utf8
    return _by_label(raw, declared, hints)


def guess(raw: bytes, hints: Iterable[str] = (), declared: str | None = None) -> str:
    """Text of bytes that nobody labelled rightly."""
    if raw.isascii():
        return stateful.decode(raw) if _is_stateful(raw) else raw.decode("ascii")
    if (as_utf8 := _strict(raw, "utf-8")) is not None:
        return as_utf8
    known = favours(hints)
    if declared:
        known[declared] = known.get(declared, 0.0) + DECLARED
    if known.keys() <= {"cp1252"} and _is_signs_only(raw):
        return raw.decode("cp1252", "replace")
    known.setdefault("utf-8", 0.0)
    codec, weight = guessing.best(raw, known)
    mixed = _mixed(raw, weight, known)
    return _by_codec(raw, codec) if mixed is None else mixed


def _is_signs_only(raw: bytes) -> bool:
    """Whether the 8-bit bytes are units, fractions, powers and quotes among ASCII words: alike in no other set."""
    if _FOREIGN_RUN.search(raw):
        return False
    text = raw[:LONGEST_MIXED].decode("cp1252", "replace")
    return not any(letter.isalpha() and not letter.isascii() and letter not in "ªµº" for letter in text)


def _is_stateful(raw: bytes) -> bool:
    return (b"\x1b" in raw and stateful.is_stateful(raw)) or (b"\x0e" in raw and bool(_SHIFTED.search(raw)))


def favours(hints: Iterable[str]) -> dict[str, float]:
    """How much each codec is favoured by the labels in `hints`, in nats; each mention counts."""
    known: dict[str, float] = {}
    for hint in hints:
        codec = codec_of(hint.removeprefix("?"))
        if codec is None or codec in STATEFUL or codec in WIDE or codec == "utf-7":
            continue
        codec = "koi8_u" if codec == "koi8_r" else codec
        value = SUPPOSED if hint.startswith("?") else 1.0 if codec == "cp1252" else NAMED_ELSEWHERE
        known[codec] = known.get(codec, 0.0) + value
    return known


def _by_rare(raw: bytes, codec: str, hints: Iterable[str]) -> str:
    """A declared charset that is not a superset of ASCII."""
    if codec == "iso2022":
        restored = stateful.restore_escapes(raw)
        return stateful.decode(restored) if restored.isascii() or _is_stateful(restored) else guess(raw, hints)
    if codec == "hz":
        return stateful.decode_hz(raw) if raw.isascii() else guess(raw, hints, "gb18030")
    if codec == "utf-7":
        text = _strict(raw, "utf-7") if raw.isascii() else None
        return guess(raw, hints) if text is None else text
    return _wide(raw, codec)


def _wide(raw: bytes, codec: str) -> str:
    """UTF-16 or UTF-32; what was only called so holds neither zeros nor sensible characters in pairs."""
    named = codec if codec[-2:] in ("be", "le") else f"{codec}-{_byte_order(raw)}"
    text = raw.decode(named, "replace")
    if b"\0" in raw or guessing.is_east_asian(text) or (as_utf8 := _strict(raw, "utf-8")) is None:
        return text
    return as_utf8


def _byte_order(raw: bytes) -> str:
    """Without a mark the bytes tell: the higher half of most characters is small."""
    return "le" if raw[1::2].count(0) > raw[0::2].count(0) else "be"


def _fits_better(raw: bytes, declared: str) -> bool:
    """Whether bytes that happen to be valid UTF-8 are rather text in the declared set of two-byte characters."""
    return guessing.weight(raw, declared) + DECLARED > guessing.weight(raw, "utf-8")


_LONG_SEQUENCE = re.compile(rb"[\xe0-\xf4]")


def _not_utf8(raw: bytes, hints: Iterable[str]) -> str:
    """The set of two-byte characters that a few bytes are in which are UTF-8 by chance; empty where none fits better.

    They are if the mail names that set elsewhere, or if their UTF-8 is what nobody writes.
    """
    if len(raw) > SHORT_TEXT or _LONG_SEQUENCE.search(raw):
        return ""
    known = favours(hints)
    own = guessing.weight(raw, "utf-8")
    codecs = [codec for codec in PAIRED if codec in known or own < guessing.neutral(raw)]
    weights = {codec: guessing.weight(raw, codec) + known.get(codec, 0.0) for codec in codecs if _strict(raw, codec)}
    codec = max(weights, key=weights.__getitem__, default="")
    return codec if codec and weights[codec] > max(own, guessing.neutral(raw)) else ""


def _by_label(raw: bytes, declared: str, hints: Iterable[str]) -> str:
    text = _strict(raw, declared)
    if text is None:
        if declared in PAIRED and (other := _other_pairs(raw, declared)):
            return _by_codec(raw, other)
        if declared in PAIRED and (text := _damaged(raw, declared)) is not None:
            return text
        return guess(raw, hints, declared)
    if declared in _TWINS and re.search("[\x80-\x9f]", text):
        return _strict(raw, _TWINS[declared]) or text
    if declared == "cp1252" or declared in _CYRILLIC:
        return _unless_gibberish(raw, declared, hints)
    if declared in PAIRED:
        return _by_codec(raw, _other_pairs(raw, declared) or declared)
    return text


def _other_pairs(raw: bytes, declared: str) -> str:
    """The set of two-byte characters that gives words where the declared one gives rarities; empty if none does."""
    if guessing.plausibility(raw, declared) > WORDS_OF_PAIRS:
        return ""
    others = (codec for codec in ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949") if codec != declared)
    codec = max(others, key=lambda one: guessing.weight(raw, one))
    is_likelier = guessing.weight(raw, codec) > guessing.weight(raw, declared) + DECLARED
    is_whole = _strict(raw, codec) is not None
    return codec if is_likelier and is_whole and guessing.plausibility(raw, codec) > WORDS_OF_PAIRS else ""


def _eastern(raw: bytes) -> str:
    """The Polish, Czech, Hungarian, Turkish or Baltic set of words under a Latin-1 label; empty where they are western.

    What reads differently has to be letters within words: fractions, units and powers are signs everywhere.
    """
    western = raw[:LONGEST_MIXED].decode("cp1252", "replace")
    if guessing.is_of_one_language(western, "cp1252") or guessing.plausibility(raw, "cp1252") > WESTERN:
        return ""
    if sum(byte >= 0x80 for byte in raw[:LONGEST_MIXED]) < SHORT:
        return ""
    codec = max(_EASTERN, key=lambda one: guessing.weight(raw, one))
    if guessing.weight(raw, codec) < guessing.weight(raw, "cp1252") + DECLARED_BY_HABIT + CLEARLY:
        return ""
    text = raw[:LONGEST_MIXED].decode(codec, "replace")
    return codec if all(_is_in_word(text, at) for at, letter in enumerate(western) if letter != text[at]) else ""


def _is_in_word(text: str, at: int) -> bool:
    return text[at].isalpha() and (text[at - 1 : at].isalpha() or text[at + 1 : at + 2].isalpha())


def _unless_gibberish(raw: bytes, declared: str, hints: Iterable[str]) -> str:
    """The declared reading, unless another one gives words where it gives none: mailers write labels by habit."""
    key = "koi8_u" if declared == "koi8_r" else declared
    is_fine = not _FOREIGN_RUN.search(raw) if declared == "cp1252" else guessing.plausibility(raw, key) > PLAUSIBLE
    if is_fine:
        return _by_codec(raw, (_eastern(raw) if declared == "cp1252" else "") or declared)
    known = favours(hints)
    known[key] = known.get(key, 0.0) + (DECLARED_BY_HABIT if declared == "cp1252" else DECLARED)
    codec, weight = guessing.best(raw, known)
    is_short = sum(byte >= 0x80 for byte in raw[:LONGEST_MIXED]) < SHORT and known.get(codec, 0.0) < NAMED_ELSEWHERE
    if codec == key or is_short or (declared in _CYRILLIC and codec not in _CYRILLIC):
        return _by_codec(raw, declared)
    own = guessing.weight(raw, key) + known[key]
    return _by_codec(raw, codec if weight > own + 2 and codec != "utf-8" else declared)


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return _with_pairs(raw) if codec == "utf-8" and _SURROGATE_PAIR.search(raw) else None


def _with_pairs(raw: bytes) -> str | None:
    """UTF-8 as Java writes it, with each emoji as two halves (CESU-8)."""
    try:
        text = raw.decode("utf-8", "surrogatepass")
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeError:
        return None


def _by_codec(raw: bytes, codec: str) -> str:
    if codec == "euc_jp" and _strict(raw, codec) is None:
        return stateful.decode_euc_jp(raw)
    if codec == "koi8_u" and _strict(raw, "koi8_u") is None:
        codec = "koi8_r"
    try:
        text = raw.decode(codec, "replace")
        return raw.decode("koi8_u", "replace") if codec == "koi8_r" and _FRAMED_WORD.search(text) else text
    except (UnicodeError, LookupError, ValueError):
        return raw.decode("cp1252", "replace")


def _damaged(raw: bytes, codec: str) -> str | None:
    """`raw` with replacements, where few are needed: a cut or a flipped bit does not change the charset."""
    text = _by_codec(raw, codec)
    return text if text.count("\ufffd") <= max(1, DAMAGE_ALLOWED * len(text)) else None


# ---- two charsets in one text ----

LONGEST_MIXED = 4096
SWITCH = 5.0
MARGIN = 2.0
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def _mixed(raw: bytes, weight: float, known: dict[str, float]) -> str | None:
    """Text where a program put words in UTF-8 beside words in another charset; None where one charset fits better."""
    if len(raw) > LONGEST_MIXED:
        return None
    runs = [found for found in _HIGH_RUN.finditer(raw) if _strict(found.group(), "utf-8") is not None]
    if not runs:
        return None
    rest, at = [], 0
    for found in runs:
        rest.append(raw[at : found.start()])
        at = found.end()
    rest.append(raw[at:])
    codec, rest_weight = guessing.best(b" ".join(rest), known)
    own = guessing.weight(b"".join(found.group() for found in runs), "utf-8")
    if own + rest_weight - SWITCH * len(runs) <= weight + MARGIN:
        return None
    texts = [found.group().decode("utf-8") for found in runs]
    return "".join(_by_codec(piece, codec) + text for piece, text in zip(rest, [*texts, ""], strict=True))


_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\n"


def clean(text: str) -> str:
    """Text fit for storing: LF line ends, no control characters but tab, no lone surrogates."""
    if "\r" in text:  # to replace them by hand takes twice as long
        text = IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)
    text = text.removeprefix("\ufeff")
    if text.isascii() and not text.encode().translate(None, _PRINTABLE):
        return text  # as most are; the table is asked about every letter
    text = text.translate(_CONTROL)
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
