"""Numbers for the tests of the mask, made without the code under test: cards that are right, and what only looks so."""

import random
import uuid
from collections.abc import Callable, Iterator

BULLET = "•"

# One prefix for every range, with the lengths its scheme uses; weak ones need a card-like grouping or a key word.
STRONG = {
    "Visa": (("4",), (16, 19)),
    "Mastercard": (("51", "52", "53", "54", "55", "2221", "2300", "2699", "2720"), (16,)),
    "American Express": (("34", "37"), (15,)),
    "Discover": (("6011", "644", "649", "65", "622126", "622925"), (16, 17, 18, 19)),
    "Diners Club": (("36", "300", "305", "3095", "38", "39"), (14, 16, 17, 18, 19)),
    "JCB": (("3528", "3589"), (16, 17, 18, 19)),
    "UnionPay": (("62", "81"), (16, 17, 18, 19)),
    "Maestro": (("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6763"), (14, 15, 16, 17, 18, 19)),
    "Mir": (("2200", "2204"), (16, 17, 18, 19)),
    "RuPay": (("60", "65", "81", "82", "508", "353", "356"), (16,)),
    "Elo": (("401178", "438935", "4576", "5067", "509", "650", "651"), (16,)),
    "Hipercard": (("606282", "637"), (16,)),
    "Troy": (("9792",), (16,)),
    "Dankort": (("5019",), (16,)),
    "Verve": (("506099", "506198", "650002"), (16, 18, 19)),
    "Uzcard": (("8600",), (16,)),
}
WEAK = {
    "Visa of 13 digits": (("4",), (13,)),
    "Maestro of 13 digits": (("5018", "6759"), (13,)),
    "Maestro, wide": (("500", "56", "57", "58", "67", "69"), (14, 15, 16, 17, 18, 19)),
    "UATP": (("1",), (15,)),
}

LOOSE = [
    " ",
    "-",
    "\xa0",
    "\u2009",
    "\u202f",
    "–",
    "—",
    "‑",
    "−",
    "\xad",
    "\u200b",
    "\t",
    "  ",
    " - ",
    "\u3000",
    "\ufeff",
]
STRICT = [".", "/", "_", "\n", "\r\n"]
ZEROS = "0０٠۰०"

USUAL = {
    13: ((4, 4, 4, 1), (4, 3, 3, 3)),
    14: ((4, 6, 4), (4, 4, 4, 2)),
    15: ((4, 6, 5), (4, 4, 4, 3)),
    16: ((4, 4, 4, 4),),
    17: ((4, 4, 4, 4, 1),),
    18: ((4, 4, 4, 4, 2),),
    19: ((4, 4, 4, 4, 3),),
}


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, as a reader of the standard would write it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def complete(start: str, length: int, rng: random.Random) -> str:
    """A number of this length with a right check digit."""
    body = start + "".join(rng.choice("0123456789") for _ in range(length - 1 - len(start)))
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def might_be_card(digits: str) -> bool:
    """Range, length and check digit fit, by the lists of this file."""
    return luhn(digits) and any(
        len(digits) in lengths and digits.startswith(prefixes)
        for prefixes, lengths in (
            *STRONG.values(),
            (("4",), (13,)),
            (("50", "56", "57", "58", "6"), range(13, 20)),
            (("1",), (15,)),
            (("22", "23", "24", "25", "26", "27"), (16,)),
            (("30", "35", "36"), range(14, 20)),
        )
    )


def spell(digits: str, groups: tuple[int, ...], separators: list[str], zero: str = "0") -> str:
    """The digits in groups, in the script of `zero`, with a separator after each group but the last."""
    written = "".join(chr(ord(zero) + int(digit)) for digit in digits)
    pieces: list[str] = []
    start = 0
    for size, separator in zip(groups, (*separators, ""), strict=True):
        pieces += (written[start : start + size], separator)
        start += size
    return "".join(pieces)


def hide(spelled: str) -> str:
    """What a reader expects: bullets for all digits but the last four."""
    left = sum(character.isdecimal() for character in spelled) - 4
    shown = []
    for character in spelled:
        is_hidden = character.isdecimal() and left > 0
        left -= character.isdecimal()
        shown.append(BULLET if is_hidden else character)
    return "".join(shown)


def split_anywhere(length: int, rng: random.Random) -> tuple[int, ...]:
    """A grouping nobody would call usual."""
    sizes = []
    while length:
        sizes.append(min(length, rng.randint(1, 7)))
        length -= sizes[-1]
    return tuple(sizes)


# ── What only looks like a card


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _iban(rng: random.Random) -> str:
    country, length = rng.choice([("ES", 24), ("DE", 22), ("IT", 27), ("FR", 27), ("NL", 18), ("BE", 16), ("PT", 25)])
    account = _digits(rng, length - 4)
    if country == "NL":
        account = "ABNA" + account[4:]
    if country == "IT":
        account = "X" + account[1:]
    number = int("".join(str(int(character, 36)) for character in account + country + "00"))
    solid = f"{country}{98 - number % 97:02d}{account}"
    return rng.choice([solid, " ".join(solid[at : at + 4] for at in range(0, length, 4)), solid.lower()])


def _ean(rng: random.Random, length: int) -> str:
    body = _digits(rng, length - 1)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


ALWAYS_STAYS: dict[str, Callable[[random.Random], str]] = {
    "IBAN": _iban,
    "international telephone": lambda rng: (
        f"+{rng.choice(['34', '39', '49', '1', '44', '86'])} {_digits(rng, 3)} {_digits(rng, 3)} {_digits(rng, 4)}"
    ),
    "telephone with 00": lambda rng: f"00{rng.choice(['34', '39', '49'])}{rng.choice([' ', ''])}{_digits(rng, 9)}",
    "telephone, national": lambda rng: f"{rng.choice('6789')}{_digits(rng, 2)} {_digits(rng, 3)} {_digits(rng, 3)}",
    "tracking with letters": lambda rng: (
        f"{rng.choice(['1Z', 'RR', 'JD', 'LX'])}{_digits(rng, 16)}{rng.choice(['ES', ''])}"
    ),
    "order in a link": lambda rng: f"https://shop.example/orders/{complete('4', 16, rng)}",
    "order in a path": lambda rng: f"/api/orders/{complete('51', 16, rng)}/lines",
    "address": lambda rng: f"{complete('4', 16, rng)}@mail.example",
    "message id": lambda rng: f"<{complete('37', 15, rng)}.{_digits(rng, 6)}@mx.example>",
    "epoch": lambda rng: str(rng.randint(1_500_000_000, 1_900_000_000) * 10 ** rng.choice([0, 3, 6, 9])),
    "compact time": lambda rng: (
        f"20{rng.randint(20, 29)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        f"{rng.randint(0, 23):02d}{rng.randint(0, 59):02d}{rng.randint(0, 59):02d}"
    ),
    "time": lambda rng: (
        f"20{rng.randint(20, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T"
        f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{_digits(rng, 6)}Z"
    ),
    "UUID": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "EAN-13": lambda rng: _ean(rng, 13),
    "price": lambda rng: f"{rng.randint(1, 999)}.{_digits(rng, 3)},{_digits(rng, 2)} €",
    "coordinate": lambda rng: f"{rng.randint(-90, 90)}.{_digits(rng, 16)}",
    "network address": lambda rng: ".".join(str(rng.randint(0, 255)) for _ in range(4)),
    "long run": lambda rng: _digits(rng, rng.randint(20, 40)),
    "short run": lambda rng: _digits(rng, rng.randint(1, 12)),
}
MAY_BE_CARD: dict[str, Callable[[random.Random], str]] = {
    "order number": lambda rng: rng.choice(["#", "order ", "Pedido nº ", ""]) + _digits(rng, rng.randint(13, 19)),
    "platform id": lambda rng: _digits(rng, rng.choice([15, 16, 17])),
    "GTIN-14": lambda rng: _ean(rng, 14),
    "tracking, digits": lambda rng: _digits(rng, rng.choice([13, 14, 15, 18])),
    "grouped in fours": lambda rng: " ".join(_digits(rng, 4) for _ in range(4)),
}


def lookalikes(kinds: dict[str, Callable[[random.Random], str]], count: int, seed: int) -> Iterator[tuple[str, str]]:
    """`count` of each kind, with its name."""
    rng = random.Random(seed)
    for kind, make in kinds.items():
        for _ in range(count):
            yield kind, make(rng)
