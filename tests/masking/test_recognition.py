"""How many card numbers of a large set are found: all schemes, lengths, groupings, separators and scripts."""

import itertools
import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.masking.cards_in_text import Example, examples
from tests.masking.numbers import complete, hide

from omnibox.masking import mask, mask_counted

BETWEEN = [
    "&nbsp;",
    "&#160;",
    "&#xA0;",
    "&thinsp;",
    "&ndash;",
    "&shy;",
    "<wbr>",
    "</b> <b>",
    "<span class='x 12'>",
    "<b></b>",
]


def test_every_card_of_the_set_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    total = 0
    missed: list[Example] = []
    for example in itertools.chain(examples(seed=21), examples(seed=22)):
        total += 1
        if mask_counted(example.text) != (example.masked, 1):
            missed.append(example)
    with capsys.disabled():
        sys.stdout.write(f"\nmasking: {total - len(missed)} of {total} cards of the set masked ")
    assert total >= 10_000
    assert len(missed) <= total / 10_000, Counter(example.kind for example in missed)  # chance may fit a longer number


@pytest.mark.parametrize("between", BETWEEN)
def test_markup_between_digits_of_a_plain_text_parts_no_card(between: str) -> None:
    rng = random.Random(23)
    for _ in range(50):
        digits = complete(rng.choice(["4", "51", "6011", "3528"]), 16, rng)
        groups = [digits[at : at + 4] for at in range(0, 16, 4)]
        expected = between.join(["••••"] * 3 + groups[3:])
        assert mask_counted(between.join(groups)) == (expected, 1)
        assert mask(expected) == expected
        assert mask(f"{between.join(groups)} 12/27&nbsp;123") == f"{expected} ••/••&nbsp;•••"


@pytest.mark.parametrize(
    "between", ["<br>", "</td><td>", "</p><p>", "&amp;", "&lt;", "&comma;", "<b>,</b>", "&unknown;"]
)
def test_markup_that_parts_words_parts_a_card_of_a_plain_text(between: str) -> None:
    text = between.join(["4111", "1111", "1111", "1111"])
    assert mask(text) == text


def test_codes_and_dates_of_six_languages_are_hidden_and_other_numbers_stay() -> None:
    for text, masked in json.loads((Path(__file__).parent / "codes.json").read_text()):
        assert mask(text) == masked
        assert mask(str(masked)) == masked


def test_a_price_is_not_taken_into_the_number_before_it() -> None:
    rng = random.Random(24)
    for _ in range(300):
        digits = complete("4", 16, rng)
        number = " ".join(digits[at : at + 4] for at in range(0, 16, 4))
        price = rng.choice(["250 EUR", "99€", "150 €", "5 euros", "120 USD", "10 %"])
        assert mask(f"{number} {price}") == f"{hide(number)} {price}"
