"""The number ranges and lengths of the card schemes, and the check digit."""

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
# activemerchant gem, and Wikipedia's list of issuer numbers. Cards of 12 digits (old Maestro) are left out: too
# many other numbers are as long. Elo and Hipercard are wider here than any single list, because their lists differ.
RANGES: tuple[Range, ...] = (
    *_ranges("Visa", "4", "13 16 19"),
    *_ranges("Mastercard", "51-55 2221-2720", "16"),
    *_ranges("American Express", "34 37", "15"),
    *_ranges("Discover", "6011 644-649 65 622126-622925", "16-19"),
    *_ranges("Diners Club", "36", "14-19"),
    *_ranges("Diners Club", "300-305 3095 38-39", "14 16-19"),
    *_ranges("JCB", "3528-3589", "16-19"),
    *_ranges("UnionPay", "62 81", "16-19"),
    *_ranges("Maestro", "5018 5020 5038 5893 6304 6759 6761-6763", "13-19"),
    *_ranges("Maestro", "50 56-58 6", "13-19", is_weak=True),
    *_ranges("Mir", "2200-2204", "16-19"),
    *_ranges("RuPay", "60 65 81 82 508 353 356", "16"),
    *_ranges("Elo", "401178 401179 438935 4576 504175 506699-506799 509 6277 636297 6363 650-651", "16"),
    *_ranges("Hipercard", "606282 637", "16"),
    *_ranges("Troy", "9792 65", "16"),
    *_ranges("UATP", "1", "15", is_weak=True),
    *_ranges("Dankort", "5019", "16"),
    *_ranges("Verve", "506099-506198 650002-650027", "16 18 19"),
    *_ranges("Uzcard", "8600", "16"),
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

LENGTHS: tuple[tuple[int, ...], ...] = tuple(
    tuple(sorted({size for row in rows for size in row.lengths}, reverse=True)) for rows in _NEARBY
)
"""Lengths that numbers with these first two digits may have, the longest first."""

_DOUBLED = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def check_sums(values: bytes) -> tuple[list[int], list[int]]:
    """Running sums for the check digit of ISO/IEC 7812-1, annex B, over digits given as values 0 to 9.

    Every second digit counts double, its digits added: those at even places in the first list, at odd places in the
    second. The number from `start` to before `stop` is right if `sums[stop % 2]` grows by a multiple of ten there.
    """
    doubled = values.translate(_DOUBLED)
    even, odd = bytearray(values), bytearray(values)
    even[::2], odd[1::2] = doubled[::2], doubled[1::2]
    return list(accumulate(even, initial=0)), list(accumulate(odd, initial=0))


def find_range(values: bytes) -> Range | None:
    """The range to which a number of these digits (values 0 to 9) belongs, a strong one if there is one."""
    first_six = 0
    for value in values[:6]:
        first_six = first_six * 10 + value
    for row in _NEARBY[values[0] * 10 + values[1]]:
        if row.low <= first_six <= row.high and len(values) in row.lengths:
            return row
    return None


def is_weak(row: Range, length: int) -> bool:
    """Whether a number needs a card-like grouping or a key word: a weak range, or the length of a bar code."""
    return row.is_weak or length == SHORTEST
