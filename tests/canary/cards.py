"""Forty card numbers, made without the code under test: every scheme, written in every way that people write them."""

from __future__ import annotations

STARTS = (
    *(("4", 16), ("4", 19), ("4", 13), ("4539", 16), ("4916", 16), ("4485", 16), ("4000", 16), ("4242", 16)),
    *(("51", 16), ("52", 16), ("53", 16), ("54", 16), ("55", 16), ("2221", 16), ("2500", 16), ("2720", 16)),
    *(("34", 15), ("37", 15), ("6011", 16), ("644", 16), ("65", 16), ("622126", 16), ("36", 14), ("305", 14)),
    *(("38", 14), ("3528", 16), ("3589", 16), ("62", 16), ("62", 19), ("5018", 16), ("6304", 16), ("6759", 18)),
    *(("2200", 16), ("8600", 16), ("509", 16), ("606282", 16), ("9792", 16), ("5019", 16), ("506099", 16), ("353", 16)),
)
GROUPS = {13: (4, 4, 4, 1), 14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 18: (4, 4, 4, 4, 2), 19: (4, 4, 4, 4, 3)}
# Between the groups; of these all may stand in one line and in the name of a file.
BETWEEN = (" ", "", "-", "\xa0", "\u2009", "–", "\u200b", "  ", "\u202f", "—", " - ", ".")
ZEROS = "00000٠0000０"  # of every eleventh number the digits are Arabic or of full width


def _checked(start: str, length: int) -> str:
    body = start + str(pow(7, 40 + len(start) * length, 10**18)).zfill(18)[: length - 1 - len(start)]
    for last in "0123456789":
        digits = body + last
        values = [int(each) * (1 + place % 2) for place, each in enumerate(digits[::-1])]
        if sum(value - 9 if value > 9 else value for value in values) % 10 == 0:
            return digits
    raise AssertionError(start)


CARDS = tuple(dict.fromkeys(_checked(start, length) for start, length in STARTS))
assert len(CARDS) == 40


def spelled(number: int) -> str:
    """Card `number` as somebody wrote it. Those of weak kinds are grouped, since only then they are recognised."""
    digits = CARDS[number]
    between = BETWEEN[number % len(BETWEEN)]
    if len(digits) == 13 and not between:
        between = " "
    zero = ord(ZEROS[number % len(ZEROS)])
    pieces, start = [], 0
    for size in GROUPS[len(digits)]:
        pieces.append("".join(chr(zero + int(each)) for each in digits[start : start + size]))
        start += size
    return between.join(pieces)
