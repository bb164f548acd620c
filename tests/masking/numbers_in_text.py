"""A set of texts with numbers that are no card numbers, as they stand in ordinary mail; each must stay as it is."""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.masking.numbers import complete, might_be_card

_GIVEN = json.loads((Path(__file__).parent / "surroundings.json").read_text())
IBAN_LENGTHS: dict[str, str] = _GIVEN["ibans"]  # of each country, with country and check digits (registry of ISO 13616)
LETTERS_FIRST = {"GB": 4, "NL": 4, "IE": 4, "MT": 4, "BG": 4, "LV": 4, "GI": 4, "RO": 4, "IT": 1, "SM": 1, "UA": 0}

Maker = Callable[[random.Random], str]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def shape(rng: random.Random, pattern: str) -> str:
    """The pattern with a digit for each «d»."""
    return "".join(rng.choice("0123456789") if character == "d" else character for character in pattern)


def _iban(rng: random.Random) -> str:
    country = rng.choice(sorted(IBAN_LENGTHS))
    count = LETTERS_FIRST.get(country, 0)
    inside = "".join(rng.choice("ABCDEFGHKLMNPRSTUX") for _ in range(count))
    inside += _like_card(rng, int(IBAN_LENGTHS[country]) - 4 - count)
    value = int("".join(str(int(character, 36)) for character in f"{inside}{country}00"))
    solid = f"{country}{98 - value % 97:02d}{inside}"
    fours = rng.choice([" ", " ", "-", "\xa0"]).join(solid[at : at + 4] for at in range(0, len(solid), 4))
    return rng.choice(["", "IBAN ", "IBAN: ", "konto "]) + rng.choice(
        [solid, fours, fours, solid.lower(), fours.lower()]
    )


def _like_card(rng: random.Random, count: int) -> str:
    """Digits with a whole card number somewhere among them."""
    length = min(16, count)
    if length < 16:
        return digits(rng, count)
    start = rng.randint(0, count - length)
    return (
        digits(rng, start)
        + complete(rng.choice(["4", "51", "6011"]), length, rng)
        + digits(rng, count - start - length)
    )


def _ean(rng: random.Random, length: int, start: str = "") -> str:
    body = start + digits(rng, length - 1 - len(start))
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def _date(rng: random.Random, pattern: str) -> str:
    return pattern.format(
        y=rng.randint(2015, 2031), m=rng.randint(1, 12), d=rng.randint(1, 28), H=rng.randint(0, 23),
        M=rng.randint(0, 59), S=rng.randint(0, 59), f=rng.randint(0, 999999),
    )  # fmt: skip


def _not_a_card(rng: random.Random, make: Maker) -> str:
    """The first that fails range, length or check digit."""
    while True:
        text = make(rng)
        if not might_be_card("".join(character for character in text if character.isdecimal())):
            return text


def _card(rng: random.Random) -> str:
    solid = complete(rng.choice(["4", "51", "2300", "6011", "3528"]), 16, rng)
    return rng.choice([solid, "-".join(solid[at : at + 4] for at in range(0, 16, 4))])


def _around_card(name: str) -> Maker:
    return lambda rng: rng.choice(_GIVEN[name]).replace("{}", _card(rng))


def _uuid(rng: random.Random) -> str:
    value = uuid.UUID(int=rng.getrandbits(128), version=4)
    decimal = shape(rng, "4ddddddd-dddd-4ddd-8ddd-dddddddddddd")
    return rng.choice([str(value), str(value).upper(), value.hex, f"{{{value}}}", decimal, f"id={decimal}"])


def _imei(rng: random.Random) -> str:
    return complete(rng.choice(["35", "86", "01", "99", "49"]), 15, rng)


def _of(name: str) -> Maker:
    return lambda rng: shape(rng, rng.choice(_GIVEN[name]))


STAYS: dict[str, Maker] = {
    "IBAN": _iban,
    "telephone": _of("telephones"),
    "tracking": _of("tracking"),
    "reference": lambda rng: _not_a_card(rng, _of("references")),
    "technical": _of("technical"),
    "figures": _of("figures"),
    "date": lambda rng: _date(rng, rng.choice(_GIVEN["dates"])),
    "epoch": lambda rng: str(rng.randint(946_684_800, 2_000_000_000) * 10**9 + rng.getrandbits(29))[
        : rng.choice([10, 13, 16, 19])
    ],
    "UUID": _uuid,
    "EAN-13": lambda rng: _ean(rng, 13, rng.choice(["40", "84", "80", "50", "30", "45", "97884", "977", "4", "5"])),
    "ISBN": lambda rng: rng.choice(["978-84-", "978-3-16-", "979-10-"]) + shape(rng, "ddd-dddd-d"),
    "IMEI": _imei,
    "SIM": lambda rng: complete("8934", 20, rng),
    "path": _around_card("paths"),
    "address": _around_card("addresses"),
    "platform id": lambda rng: (
        rng.choice("1789") + _not_a_card(rng, lambda rng: digits(rng, rng.choice([14, 15, 16]))) + rng.choice("xqa")
    ),
    "glued": lambda rng: rng.choice(["ab{}", "{}ab", "X{}", "{}kg", "id{}", "ref{}x", "№A{}", "q{}"]).format(
        _card(rng)
    ),
    "after a plus": lambda rng: f"+{_card(rng).replace('-', '')}",
    "long run": lambda rng: digits(rng, rng.randint(20, 60)),
    "short run": lambda rng: digits(rng, rng.randint(1, 12)),
    "decimal": lambda rng: rng.choice(["0.", "0,", "-3.", "12."]) + complete("4", 16, rng),
    "other marks between": lambda rng: rng.choice(
        [",", ":", "*", "x", "=", ", ", "; ", " + ", "|", "'", "&", "    ", "\n\n"]
    ).join(_card(rng).replace("-", "")[at : at + 4] for at in range(0, 16, 4)),
    "weak, solid": lambda rng: complete(rng.choice(["56", "57", "66", "69", "68"]), rng.choice([14, 15, 16, 17]), rng),
    "of 15, UATP": lambda rng: complete("1", 15, rng),
    "of 13": lambda rng: complete(rng.choice(["4", "5018", "36"]), 13, rng),
}


def _fails_check(rng: random.Random) -> str:
    right = _card(rng)
    return right[:-1] + str((int(right[-1]) + rng.randint(1, 9)) % 10)


FAILS: dict[str, Maker] = {
    "fails the check": _fails_check,
    "fails the length": lambda rng: complete("4", rng.choice([14, 15, 17, 18]), rng),
    "fails the length, Amex": lambda rng: complete("37", rng.choice([13, 14, 16, 17, 18, 19]), rng),
    "fails the range": lambda rng: complete(rng.choice(["0", "7", "90", "96", "21", "33", "87"]), 16, rng),
    "random": lambda rng: _not_a_card(rng, lambda rng: digits(rng, rng.randint(13, 19))),
    "random, grouped": lambda rng: _not_a_card(
        rng, lambda rng: rng.choice([" ", "-", "."]).join(digits(rng, 4) for _ in range(4))
    ),
    "random, in groups": lambda rng: _not_a_card(
        rng, lambda rng: " ".join(digits(rng, rng.randint(2, 6)) for _ in range(4))
    ),
    "random, in pairs": lambda rng: _not_a_card(rng, lambda rng: "-".join(digits(rng, 2) for _ in range(8))),
}


def lookalikes(kinds: dict[str, Maker], each: int, seed: int) -> Iterator[tuple[str, str]]:
    """`each` of every kind in sentences, with the name of the kind."""
    rng = random.Random(seed)
    for kind, make in kinds.items():
        for _ in range(each):
            before, after = (
                rng.choice(_GIVEN["other_frames"]).split("{}") if kind != "other marks between" else ("", "")
            )
            yield kind, f"{before}{make(rng)}{after}"
