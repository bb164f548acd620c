"""A set of card numbers as people write them: what is expected is known from how each text was made."""

import json
import random
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.masking.numbers import complete, hide, spell, split_anywhere


@dataclass(frozen=True, slots=True)
class Example:
    """A text with one card in it, what a reader must see, and of which kind it is."""

    kind: str
    text: str
    masked: str


# Prefixes from the lowest to the highest of every published range, and the lengths in use.
SCHEMES: dict[str, tuple[str, str]] = {
    "Visa": ("4", "16 19"),
    "Mastercard": ("51-55 222100-272099", "16"),
    "American Express": ("34 37", "15"),
    "Discover": ("6011 644-649 65 622126-622925", "16 17 18 19"),
    "Diners Club 36": ("36", "14 15 16 17 18 19"),
    "Diners Club": ("300-305 3095 38-39", "14 16 17 18 19"),
    "JCB": ("3528-3589", "16 17 18 19"),
    "UnionPay": ("62 81", "16 17 18 19"),
    "Maestro": ("5018 5020 5038 5893 6304 6759 6761-6763", "14 15 16 17 18 19"),
    "Mir": ("2200-2204", "16 17 18 19"),
    "RuPay": ("60 65 81 82 508 353 356", "16"),
    "Elo": ("401178 401179 438935 4576 504175 506699-506778 509 627780 636297 636368 650-651", "16"),
    "Hipercard": ("606282 637095 637568 637599 637609 637612", "16"),
    "Troy": ("9792 65", "16"),
    "Dankort": ("5019", "16"),
    "Verve": ("506099-506198 650002-650027", "16 18 19"),
    "Uzcard": ("8600", "16"),
}
WEAK_SCHEMES: dict[str, tuple[str, str]] = {
    "Visa of 13 digits": ("4", "13"),
    "Maestro of 13 digits": ("5018 6759 6763", "13"),
    "Maestro, wide": ("500 56-58 66-69", "14 15 16 17 18 19"),
    "UATP": ("1", "15"),
}

_GIVEN = json.loads((Path(__file__).parent / "surroundings.json").read_text())
PUBLISHED: list[str] = _GIVEN["published"]  # test numbers that payment providers print in their documentation
WEAK_PUBLISHED: list[str] = _GIVEN["weak_published"]  # those of them that need a key word
FRAMES: list[str] = _GIVEN["frames"]
CARD_FRAMES: list[str] = _GIVEN["card_frames"]  # with a key word, in six languages
BESIDE: list[tuple[str, str]] = _GIVEN[
    "beside"
]  # what stands behind a number and is hidden too, and what is seen of it

_ALL = [chr(code) for code in range(sys.maxunicode + 1)]
SPACES = [c for c in _ALL if unicodedata.category(c) == "Zs"] + ["\t"]
DASHES = [c for c in _ALL if unicodedata.category(c) == "Pd"] + ["\u2212"]
INVISIBLE = ["\xad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff"]
ZEROS = [c for c in _ALL if unicodedata.category(c) == "Nd" and unicodedata.digit(c) == 0]
ONE_FOR_ALL = [".", "/", "_", "\n", "\r\n"]

USUAL = {
    13: ((4, 4, 4, 1), (4, 3, 3, 3)),
    14: ((4, 6, 4), (4, 4, 4, 2)),
    15: ((4, 6, 5), (4, 4, 4, 3)),
    16: ((4, 4, 4, 4),),
    17: ((4, 4, 4, 4, 1),),
    18: ((4, 4, 4, 4, 2),),
    19: ((4, 4, 4, 4, 3),),
}


def prefixes(rows: str) -> Iterator[tuple[int, int, int]]:
    """Low, high and width of each row of prefixes."""
    for row in rows.split():
        low, _, high = row.partition("-")
        yield int(low), int(high or low), len(low)


def numbers(schemes: dict[str, tuple[str, str]], rng: random.Random) -> Iterator[tuple[str, str]]:
    """A number at both ends of every range and one inside, in every length; with the name of its scheme."""
    for name, (rows, lengths) in schemes.items():
        for low, high, width in prefixes(rows):
            for start in {low, high, rng.randint(low, high)}:
                for length in map(int, lengths.split()):
                    yield name, complete(f"{start:0{width}}", length, rng)


def loose(rng: random.Random) -> str:
    """One to three characters that may stand between any two digits."""
    kind = rng.choice([SPACES, SPACES, DASHES, INVISIBLE])
    return "".join(rng.choice(rng.choice([SPACES, kind])) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def spellings(digits: str, rng: random.Random, *, is_weak: bool) -> Iterator[tuple[str, str]]:
    """The number in usual groups with every kind of separator; a strong one solid and in unusual groups as well."""
    zero = rng.choice(ZEROS)
    for groups in USUAL[len(digits)]:
        gaps = len(groups) - 1
        yield "one separator", spell(digits, groups, [rng.choice([" ", "-", *SPACES, *DASHES])] * gaps)
        yield "one of all", spell(digits, groups, [rng.choice(ONE_FOR_ALL)] * gaps)
        yield "mixed separators", spell(digits, groups, [loose(rng) for _ in range(gaps)])
        yield "other digits, grouped", spell(digits, groups, [" "] * gaps, zero)
        wrapped = [" "] * gaps
        wrapped[rng.randrange(gaps)] = rng.choice(["\n", "\r\n", " \n"])
        yield "wrapped", spell(digits, groups, wrapped)
    if is_weak:
        return
    yield "solid", digits
    yield "other digits, solid", spell(digits, (len(digits),), [], zero)
    groups = split_anywhere(len(digits), rng)
    yield "unusual groups", spell(digits, groups, [rng.choice([" ", "-"])] * (len(groups) - 1))
    groups = split_anywhere(len(digits), rng)
    yield "unusual groups, mixed", spell(digits, groups, [loose(rng) for _ in groups[1:]], rng.choice(["0", zero]))
    yield "every digit apart", rng.choice([" ", "-", "\u200b", "\xa0"]).join(digits)


def examples(seed: int) -> Iterator[Example]:
    """All of the set, in the same order for the same seed."""
    rng = random.Random(seed)
    for name, digits in numbers(SCHEMES, rng):
        for kind, spelled in spellings(digits, rng, is_weak=False):
            frame = rng.choice(FRAMES + CARD_FRAMES)
            yield _example(f"{name}, {kind}", frame, spelled)
        tail, shown = rng.choice(BESIDE)
        groups = USUAL[len(digits)][0]
        spelled = rng.choice([digits, spell(digits, groups, [rng.choice(" -")] * (len(groups) - 1))])
        yield Example(f"{name}, beside {tail!r}", spelled + tail, hide(spelled) + shown)
    for name, digits in numbers(WEAK_SCHEMES, rng):
        for kind, spelled in spellings(digits, rng, is_weak=True):
            yield _example(f"{name}, {kind}", rng.choice(FRAMES), spelled)
        for _ in range(4):
            yield _example(f"{name}, key word", rng.choice(CARD_FRAMES), digits)
    for digits in PUBLISHED:
        for frame in (*CARD_FRAMES, *(() if digits in WEAK_PUBLISHED else FRAMES)):
            yield _example("published", frame, digits)


def _example(kind: str, frame: str, spelled: str) -> Example:
    before, _, after = frame.partition("{}")
    return Example(f"{kind} in {frame!r}", before + spelled + after, before + hide(spelled) + after)
