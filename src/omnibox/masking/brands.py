"""The number ranges and lengths of the card schemes, and the check digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of one scheme: first six digits from `low` to `high`, and the lengths in use.

    A weak range also holds bar codes and ids of shops and platforms, so its numbers need a further sign.
    """

    scheme: str
    low: int
    high: int
    lengths: frozenset[int]
    is_weak: bool = False


SHORTEST, LONGEST = 13, 19


def _ranges(scheme: str, prefixes: str, lengths: str, *, is_weak: bool = False) -> list[Range]:
    """One range for every prefix or pair of prefixes («2221-2720»); lengths are written in the same way."""
    sizes = frozenset(size for low, high in map(_bounds, lengths.split()) for size in range(low, high + 1))
    return [
        Range(scheme, int(f"{low:0<6}"), int(f"{high:9<6}"), sizes, is_weak)
        for low, high in map(_bounds, prefixes.split())
    ]


def _bounds(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


# Public tables, read in 2026: the payform README, the data file of Marjoel/credit-card-bins, the detector of the
# activemerchant gem, Wikipedia's list of issuer numbers, and the numbers that payment providers publish for tests.
# Cards of 12 digits (old Maestro) are left out: too many other numbers are as long. Elo and Hipercard are wider here
# than any single list, because their lists differ.
RANGES: tuple[Range, ...] = (
    *_ranges("Visa", "4", "13 16 19"),
    *_ranges("Mastercard", "51-55 2221-2720 503143 503175", "16"),
    *_ranges("American Express", "34 37", "15"),
    *_ranges("Discover", "6011 644-649 65 622126-622925", "16-19"),
    *_ranges("Diners Club", "36", "14-19"),
    *_ranges("Diners Club", "300-305 3095 38-39", "14 16-19"),
    *_ranges("JCB", "3528-3589", "16-19"),
    *_ranges("JCB", "3088", "16"),
    *_ranges("UnionPay", "62 81", "16-19"),
    *_ranges("Maestro", "5018 5020 5038 5893 6304 6759 6761-6763", "13-19"),
    *_ranges("Maestro", "564182 589004 589283 6331 6333-6334 6390 6703 6706 6709 6767 6771", "16-19"),
    *_ranges("Maestro", "50 56-58 6", "13-19", is_weak=True),
    *_ranges("Bankcard", "561059", "16"),
    *_ranges("Mir", "2200-2204", "16-19"),
    *_ranges("RuPay", "60 65 81 82 508 353 356", "16"),
    *_ranges("Elo", "401178 401179 438935 4576 504175 506699-506799 509 6277 636297 6363 650-651", "16"),
    *_ranges("Hipercard", "606282 637", "16"),
    *_ranges("Naranja, Cabal", "589562 589657", "16"),
    *_ranges("Carnet", "502275 506199-506499 627535 636318 636379 639388 639484 639559", "16"),
    *_ranges("Troy", "9792 65", "16"),
    *_ranges("UATP", "1", "15", is_weak=True),
    *_ranges("Dankort", "5019", "16"),
    *_ranges("Verve", "506000-506198 507850-507964 650002-650027", "16 18 19"),
    *_ranges("Meeza", "507803-507810", "16"),
    *_ranges("Uzcard, Humo", "8600 561468 9860", "16"),
    *_ranges("Napas", "9704", "16 19"),
)

# By the first two digits: strong ranges before weak ones.
_NEARBY: tuple[tuple[Range, ...], ...] = tuple(
    tuple(
        sorted(
            (row for row in RANGES if row.low <= pair * 10000 + 9999 and row.high >= pair * 10000),
            key=lambda row: row.is_weak,
        )
    )
    for pair in range(100)
)

LENGTHS: Mapping[bytes, frozenset[int]] = {
    b"%02d" % pair: frozenset(size for row in rows for size in row.lengths) for pair, rows in enumerate(_NEARBY) if rows
}
"""By the first two digits, the lengths that numbers of them may have."""

_TO_VALUE = bytes(max(0, byte - 48) for byte in range(256))
_DOUBLED = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_TO_DOUBLED = _TO_VALUE.translate(_DOUBLED)


Sums = tuple[list[int], list[int]]


def check_sums(digits: bytes) -> Sums:
    """Running sums for the check digit of ISO/IEC 7812-1, annex B, over digits in ASCII.

    Every second digit counts double, its digits added: those at even places in the first list, at odd places in the
    second. The number from `start` to before `stop` is right if `sums[stop % 2]` grows by a multiple of ten there.
    """
    values = digits.translate(_TO_VALUE)
    doubled = values.translate(_DOUBLED)
    even, odd = bytearray(values), bytearray(values)
    even[::2], odd[1::2] = doubled[::2], doubled[1::2]
    return list(accumulate(even, initial=0)), list(accumulate(odd, initial=0))


def is_checked(digits: bytes) -> bool:
    """Whether the last digit of a number in ASCII is its right check digit."""
    return (sum(digits[::-2].translate(_TO_VALUE)) + sum(digits[-2::-2].translate(_TO_DOUBLED))) % 10 == 0


def find_range(digits: bytes) -> Range | None:
    """The range to which a number of these ASCII digits belongs, a strong one if there is one."""
    first_six = int(digits[:6])
    length = len(digits)
    for row in _NEARBY[first_six // 10000]:
        if row.low <= first_six <= row.high and length in row.lengths:
            return row
    return None


def is_weak(row: Range, length: int) -> bool:
    """Whether a number needs a card-like grouping or a key word: a weak range, or the length of a bar code."""
    return row.is_weak or length == SHORTEST
