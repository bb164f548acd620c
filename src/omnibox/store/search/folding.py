"""One spelling for all: lower case, no accents, and words cut the same way for the index and for what is typed."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

LONGEST_WORD = 64  # characters; what is longer is no word but data, and found by its beginning
BLOCK = 512

# Letters that Unicode does not take apart into a letter and an accent.
PLAIN = {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "þ": "th", "ı": "i", "ŧ": "t"}

# Accents that are laid on a letter, and vowel points that may be left out in Hebrew and Arabic. Signs of other scripts
# (the voicing of kana, vowels in Hindi and Thai) tell words apart and stay.
MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670]"
)

# Scripts without spaces between words: Thai to Khmer, kana, Han.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile("(?:[^\\W_]|[\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])+")
_APART_IN_ASCII = str.maketrans({code: " " for code in range(128) if not chr(code).isalnum()})
RUN = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")
_unspaced = re.compile(f"[{UNSPACED}]")


class _Folds(dict[int, str]):
    """What each character becomes, learned as they come."""

    def __missing__(self, code: int) -> str:
        loose = unicodedata.normalize("NFKD", chr(code)).casefold()
        plain = MARKS.sub("", unicodedata.normalize("NFKD", loose))
        folded = unicodedata.normalize("NFC", "".join(PLAIN.get(each, each) for each in plain))
        self[code] = folded
        return folded


_folds = _Folds()


def composed(text: str) -> str:
    """The text whose characters `fold` folds one by one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Lower case without accents: «Müller», «MULLER» and «muller» are one, so are «Straße» and «strasse»."""
    return text.lower() if text.isascii() else composed(text).translate(_folds)


def is_unspaced(text: str) -> bool:
    """Whether this is a script that writes no spaces between words."""
    return _unspaced.match(text) is not None


def words_of(folded: str) -> list[str]:
    """The words of a folded text in order. Of a script without spaces every two neighbours are a word, and the last
    character of a run is one."""
    if not folded.isascii():
        return list(_cut(folded))
    words = folded.translate(_APART_IN_ASCII).split()  # in a tenth of the time
    if max(map(len, words), default=0) > LONGEST_WORD:
        return [word[:LONGEST_WORD] for word in words]
    return words


def _cut(folded: str) -> Iterator[str]:
    for word in WORD.findall(folded):
        if word.isascii() or not _unspaced.search(word):
            yield word[:LONGEST_WORD]
            continue
        for run in RUN.findall(word):
            if is_unspaced(run):
                yield from (run[place : place + 2] for place in range(len(run)))
            else:
                yield run[:LONGEST_WORD]


class Places:
    """Leads from places in a folded text back to the text itself, which must be `composed`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_same = text.isascii() or all(len(_folds[ord(each)]) == 1 for each in set(text))
        blocks = [] if self._is_same else [text[at : at + BLOCK] for at in range(0, len(text), BLOCK)]
        self._ends = list(accumulate((len(block.translate(_folds)) for block in blocks), initial=0))

    def original(self, place: int) -> int:
        """Where the character stands that the folded one at `place` came from."""
        if self._is_same or place <= 0:
            return place
        block = bisect_right(self._ends, place) - 1
        folded, at = self._ends[block], block * BLOCK
        while folded < place and at < len(self._text):
            folded += len(_folds[ord(self._text[at])])
            at += 1
        while at < len(self._text) and not _folds[ord(self._text[at])]:
            at += 1  # a mark that vanished belongs to the letter before it
        return at
