"""Which charset unlabelled bytes are in: every candidate's text is weighed by how likely somebody wrote it.

A weight is in nats, against bytes drawn at random: ln p(character) + 5.545 per byte it took. So a candidate that
swallows an ASCII letter, breaks a word with a sign or mixes scripts loses to the one that gives words.
"""

from __future__ import annotations

import codecs
import functools
import math
import re
from collections.abc import Mapping

from omnibox_email.charsets import letters
from omnibox_email.charsets.letters import LANGUAGES, RARITY, Language

SAMPLE_BYTES = 512
SHORT_ENOUGH = 200
SEARCHED_BYTES = 65_536
TINY = 3
HOPELESS = -3.0  # nats per 8-bit byte: no charset makes sense of it, the commonest one does least harm
PER_BYTE = math.log(256)
ASCII = 2.3
STRANGE = -8.0  # a letter the language does not write
BROKEN = -10.0  # a byte the charset does not know
_SIGNS = {**dict.fromkeys("“”‘’–—…„‚«»", -0.5), **dict.fromkeys("°№©®™€£§·•´\xa0½²×", -2.0)}
_BEHIND_WORDS = "®™»”²³´…\xa0"


def best(raw: bytes, favours: Mapping[str, float] | None = None) -> tuple[str, float]:
    """The likeliest codec of `raw` and its weight. `favours` adds to the weight of codecs the mail itself names.

    One or two 8-bit bytes are accents or signs, unless the mail speaks for another script.
    """
    sample = _sample(raw)
    favours = favours or {}
    high = sum(byte >= 0x80 for byte in sample)
    candidates = dict.fromkeys((*(_latin_codecs() if high < TINY else RARITY), *favours))
    weights = {codec: _weight(sample, codec) + favours.get(codec, 0.0) for codec in candidates}
    found = max(weights, key=weights.__getitem__)
    if weights[found] < ASCII * (len(sample) - high) + HOPELESS * high and "cp1252" in weights:
        return "cp1252", weights[found]
    return found, weights[found]


@functools.cache
def _latin_codecs() -> tuple[str, ...]:
    return tuple(codec for codec in RARITY if any(language.only_latin for language in _languages(codec)))


def weight(raw: bytes, codec: str) -> float:
    """How likely `raw` is text in `codec`; comparable between codecs for the same bytes only."""
    return _weight(_sample(raw), codec)


def _weight(raw: bytes, codec: str) -> float:
    if codec in _PAIRED:
        return _weight_of_pairs(raw, codec) + RARITY[codec]
    text = _tolerant(raw, codec)
    if codec == "utf-8":
        return _weight_of_utf8(text)
    known = _languages(codec)
    if not known:
        return sum(ASCII if letter.isascii() else STRANGE for letter in text)
    return max(_weight_in(text, language) + _look(text, language) for language in known) + RARITY.get(codec, 0.0)


def neutral(raw: bytes) -> float:
    """The weight of `raw` if its 8-bit bytes said nothing: a codec below it is no likelier than chance."""
    return ASCII * sum(byte < 0x80 for byte in _sample(raw))


def plausibility(raw: bytes, codec: str) -> float:
    """Nats per 8-bit byte by which `raw` is likelier text in `codec` than chance: about 2 for the right one."""
    sample = _sample(raw)
    high = sum(byte >= 0x80 for byte in sample)
    return (_weight(sample, codec) - neutral(sample)) / high if high else 0.0


def is_of_one_language(text: str, codec: str) -> bool:
    """Whether a language that is written in `codec` has all the letters and signs of `text`: a cheap first look."""
    used = {letter for letter in set(text) if not letter.isascii()}
    return any(used <= alphabet for alphabet in _alphabets(codec))


@functools.cache
def _alphabets(codec: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(_weights(language)) for language in _languages(codec))


def _sample(raw: bytes) -> bytes:
    """The first words with 8-bit bytes: what stands between them is the same in every charset."""
    if len(raw) <= SHORT_ENOUGH:
        return raw
    found, size = [], 0
    for word in raw[:SEARCHED_BYTES].split():
        if not word.isascii():
            found.append(word[: SAMPLE_BYTES - size])
            size += len(word) + 1
        if size >= SAMPLE_BYTES:
            break
    return b" ".join(found)[:SAMPLE_BYTES]


def _tolerant(raw: bytes, codec: str) -> str:
    """`raw` decoded; what is broken becomes U+FFFD, a character cut at the end is left out."""
    try:
        return codecs.getincrementaldecoder(codec)("replace").decode(raw)
    except (UnicodeError, LookupError, ValueError, TypeError):
        return "\ufffd" * len(raw)


@functools.cache
def _languages(codec: str) -> tuple[Language, ...]:
    return tuple(language for language in LANGUAGES if codec in language.codecs)


# ---- one byte per character ----


@functools.cache
def _weights(language: Language) -> dict[str, float]:
    """Weight of every letter, lower and upper case: frequency falls with rank (Zipf, flattened)."""
    ranks = [1 / (rank + 3) for rank in range(len(language.letters))]
    out = dict(_SIGNS)
    for letter, share in zip(language.letters, ranks, strict=True):
        value = math.log(language.share * share / sum(ranks)) + PER_BYTE
        out[letter] = value
        if letter.upper() != letter and len(letter.upper()) == 1:
            out[letter.upper()] = value - 0.7
    return out


def _weight_in(text: str, language: Language) -> float:
    known = _weights(language)
    total, before = language.rarity, " "
    for at, letter in enumerate(text):
        if letter.isascii():
            total += ASCII
            if not before.isascii():
                total += _join_weight(before, letter, language)
        else:
            total += BROKEN if letter == "\ufffd" else known.get(letter, STRANGE)
            total += _join_weight(before, letter, language) + _place_weight(text, at, letter, language)
        before = letter
    return total


def _look(text: str, language: Language) -> float:
    """What the text as a whole costs: no capital anywhere, or none of the accents its words need."""
    if language.only_latin:
        return 0.0
    own = [letter for letter in text if not letter.isascii()]
    is_bare = len(own) > 4 and bool(language.accents) and not any(letter.lower() in language.accents for letter in own)
    has_case = any(letter.islower() for letter in own)
    return (-8.0 if is_bare else 0.0) - (3.0 if has_case and not any(letter.isupper() for letter in text) else 0.0)


def _join_weight(before: str, letter: str, language: Language) -> float:
    """What two neighbours cost: a capital after a small letter, two scripts in one word, accents in a row."""
    if not (before.isalpha() and letter.isalpha()):
        return 0.0
    if before.islower() and letter.isupper():
        return -5.0
    if not language.only_latin:
        return -4.0 if before.isascii() or letter.isascii() else (-0.2 if letter.isupper() else 0.0)
    return -2.0 if not before.isascii() and not letter.isascii() else 0.0


def _place_weight(text: str, at: int, letter: str, language: Language) -> float:
    """What a character costs where it stands: signs inside words, accents of word ends inside them."""
    before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2]
    if letter in language.marks:
        return 1.0 if before in language.letters else -5.0
    if not letter.isalpha():
        if before.isalpha() and after.isalpha():
            return 0.0 if letter in "’·\xad" else -4.0
        return -3.0 if after.isalpha() and letter in _BEHIND_WORDS else 0.0
    if letter.lower() in language.at_word_end and after.isalpha():
        return -6.0
    if before.isalpha() or after.isalpha():
        return 0.0
    if letter.lower() in language.alone:
        return 1.0 if language.only_latin else 0.0
    return -1.0 if language.only_latin else -3.0


# ---- two bytes per character ----

_COMMON, _FIRST, _SECOND, _SIGN, _RARE, _HALF = range(6)
_WEIGHTS = {_COMMON: 5.2, _FIRST: 1.8, _SECOND: -1.2, _SIGN: 2.5, _RARE: -5.0, _HALF: -4.0}
# Named groups sort each character: `k` letters of a syllabary, `a` first level, `b` second level, `s` signs, `h` half
# width; the rest is rare. Each pattern matches from where the last match ended, so pairs stay in step.
_ANY = rb"|(?P<n>[\x00-\x7f]+)|(?P<r>(?:[\x80-\xff][\x00-\xff]?))"
_PAIRED = {
    "gb18030": (
        re.compile(rb"(?P<a>[\xb0-\xd7][\xa1-\xfe])|(?P<b>[\xd8-\xf7][\xa1-\xfe])|(?P<s>[\xa1\xa3][\xa1-\xfe])" + _ANY),
        letters.HAN_SIMPLIFIED,
    ),
    "big5hkscs": (
        re.compile(
            rb"(?P<a>[\xa4-\xc6][\x40-\x7e\xa1-\xfe])|(?P<b>[\xc9-\xf9][\x40-\x7e\xa1-\xfe])"
            rb"|(?P<s>[\xa1-\xa2][\x40-\x7e\xa1-\xfe])" + _ANY
        ),
        letters.HAN_TRADITIONAL,
    ),
    "cp932": (
        re.compile(
            rb"(?P<k>\x82[\x9f-\xf1]|\x83[\x40-\x96])|(?P<a>[\x88-\x98][\x40-\x7e\x80-\xfc])"
            rb"|(?P<b>[\x99-\x9f\xe0-\xea][\x40-\x7e\x80-\xfc])|(?P<s>[\x81\x82][\x40-\x7e\x80-\xfc])"
            rb"|(?P<h>[\xa1-\xdf])" + _ANY
        ),
        letters.KANJI,
    ),
    "euc_jp": (
        re.compile(
            rb"(?P<k>\xa4[\xa1-\xf3]|\xa5[\xa1-\xf6])|(?P<a>[\xb0-\xcf][\xa1-\xfe])|(?P<b>[\xd0-\xf4][\xa1-\xfe])"
            rb"|(?P<s>[\xa1\xa3][\xa1-\xfe])|(?P<h>\x8e[\xa1-\xdf])" + _ANY
        ),
        letters.KANJI,
    ),
    "cp949": (
        re.compile(
            rb"(?P<a>[\xb0-\xc8][\xa1-\xfe])|(?P<b>[\xca-\xfd][\xa1-\xfe]|[\x81-\xc6][\x41-\x5a\x61-\x7a\x81-\xfe])"
            rb"|(?P<s>[\xa1-\xa3][\xa1-\xfe])" + _ANY
        ),
        letters.HANGUL,
    ),
}
_KINDS = {"k": _COMMON, "a": _FIRST, "b": _SECOND, "s": _SIGN, "h": _HALF, "r": _RARE}
_MIXED_WORD = re.compile(r"[a-z](?=[^\W\d_a-zA-Z\u0080-\u024f])|[^\W\d_a-zA-Z\u0080-\u024f](?=[a-z])")


def _weight_of_pairs(raw: bytes, codec: str) -> float:
    shape, common = _PAIRED[codec]
    total = 0.0
    for found in shape.finditer(raw):
        kind = found.lastgroup or "r"
        total += ASCII * len(found.group()) if kind == "n" else _WEIGHTS[_KINDS[kind]]
    text = _tolerant(raw, codec)
    usual = sum(letter in common for letter in text)
    total += usual * (_WEIGHTS[_COMMON] - _WEIGHTS[_FIRST])
    return total + BROKEN * text.count("\ufffd") - 5.0 * len(_MIXED_WORD.findall(text))


# ---- UTF-8 ----

_CJK = letters.HAN_SIMPLIFIED | letters.HAN_TRADITIONAL | letters.KANJI | letters.HANGUL


# Of the characters of two bytes those that people write; the rest are what pairs of other charsets look like.
_USUAL = re.compile(
    "[\xa1-\u017f\u0218-\u021b\u0386-\u03ce\u0401-\u045f\u0490\u0491\u05d0-\u05ea\u0621-\u064a\u06a9-\u06cc]"
)


def _weight_of_utf8(text: str) -> float:
    """Any sequence that is valid speaks for UTF-8: other charsets make one by accident only."""
    total = 0.0 if re.search("[^\x00-\x7f\ufffd]", text) else BROKEN
    for letter in text:
        if letter.isascii():
            total += ASCII
        elif letter == "\ufffd":
            total += BROKEN
        else:
            size = len(letter.encode("utf-8", "replace"))
            share = 1e-3 if letter in _CJK or _USUAL.match(letter) else 2e-5 if size > 2 else 1e-7
            total += PER_BYTE * size + math.log(share)
    return total


def is_east_asian(text: str) -> bool:
    """Whether a good part of `text` is in everyday Chinese, Japanese or Korean characters."""
    sample = text[:SAMPLE_BYTES]
    return sum(letter in _CJK or "\u3040" <= letter <= "\u30ff" for letter in sample) * 3 > len(sample)
