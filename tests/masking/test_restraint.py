"""How many numbers of a large set are touched though they are no card numbers, in sentences of six languages."""

import random
import sys
from collections import Counter

import pytest
from tests.masking.numbers import complete
from tests.masking.numbers_in_text import FAILS, STAYS, Maker, lookalikes

from omnibox.masking import mask


@pytest.mark.parametrize(("name", "kinds"), [("that are something else", STAYS), ("that fail a test", FAILS)])
def test_numbers_that_are_no_cards_stay(name: str, kinds: dict[str, Maker], capsys: pytest.CaptureFixture[str]) -> None:
    touched: Counter[str] = Counter()
    total = 0
    for kind, text in lookalikes(kinds, 500, seed=31):
        total += 1
        touched[kind] += mask(text) != text
    with capsys.disabled():
        sys.stdout.write(f"\nmasking: {touched.total()} of {total} numbers {name} touched ")
    assert total >= 4000
    assert touched.total() <= total / 1000, touched


@pytest.mark.parametrize(
    "text",
    [
        "from 22-03-2015 - 22-03-2015",
        "22-03-2015 22-03-2015",
        "30-05-2023 06-07-05",
        "30 03 2028 00 25 22",
        "4512 22-11-2026 143007",
        "2026-11-22 2026-11-23",
    ],
)
def test_days_beside_days_and_times_stay(text: str) -> None:
    assert mask(text) == text


def test_the_parts_of_a_long_identifier_stay() -> None:
    rng = random.Random(32)
    for _ in range(200):
        tail = complete("38", 14, rng)
        assert mask(f"413-{tail[:7]}-{tail[7:]}") == f"413-{tail[:7]}-{tail[7:]}"


def test_both_numbers_of_a_coordinate_stay() -> None:
    rng = random.Random(33)
    for _ in range(100):
        text = f"41.{rng.randrange(10**14):014},2.{complete('4', 16, rng)}"
        assert mask(text) == text
