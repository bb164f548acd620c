"""Time is linear in the text for every shape: eight times the text may not cost much more than eight times the time."""

import random
import time
from collections.abc import Callable

import pytest

from omnibox.masking import mask, mask_html

SHAPES = {
    "digits": "4",
    "single digits": "4 1 ",
    "digits of many lengths": "6 2 7 ",
    "ones": "1 ",
    "hyphens": "-",
    "digits with hyphens": "4-1-",
    "digits with dots": "4.1.",
    "groups of four": "4444 ",
    "cards": "4111111111111111,",
    "grouped cards": "4111 1111 1111 1111 ",
    "cards in lines": "4111.1111.1111.1111\n",
    "a long path": "/4111111111111111",
    "addresses": "4111111111111111@",
    "accounts": "AA11 ",
    "accounts and cards": "AA11 4111111111111111 ",
    "key words": "cvv ",
    "key words and codes": "cvv 123 exp 12/27 ",
    "words": "karten",
    "bullets": "•",
    "queries": "?a=",
    "brackets": "<4111111111111111 ",
    "tags": "<b>4</b>",
    "open tags": "<a ",
    "quotes": '<a "',
    "mixed quotes": "<a '\"",
    "entities": "&#52;",
    "ampersands": "&",
    "open comments": "<!--",
    "blanks": "  \n",
    "delimiters": ":/",
    "full-width": "４１ ",
    "pairs with hyphens": "41-11-11-11-11-11-11-11-",
    "days": "22-03-2026 - ",
    "identifiers": "304-1234567-7654321-",
    "tags between digits": "4<b>1</b>",
    "entities between digits": "4&nbsp;1 ",
    "entities after a digit": "&nbsp;",
    "bullets and entities": "•&nbsp;",
}
SLOWEST = ("groups of four", "accounts and cards", "pairs with hyphens", "grouped cards")
TIMES = 8
ALLOWED = 3.0  # a quadratic cost would be eight times as much per character


def cost(run: Callable[[str], object], text: str) -> float:
    """The least processor time of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        run(text)
        times.append(time.process_time() - start)
    return min(times)


def test_half_a_megabyte_of_anything_takes_less_than_five_seconds() -> None:
    rng = random.Random(41)
    for unit in (*map(SHAPES.__getitem__, SLOWEST), "".join(rng.choices("0123456789 -./•<&;", k=997))):
        text = "4" + unit * (500_000 // len(unit))
        start = time.process_time()
        mask(text)
        assert time.process_time() - start < 5


@pytest.mark.parametrize("run", [mask, mask_html])
@pytest.mark.parametrize("shape", SHAPES)
def test_time_is_linear(shape: str, run: Callable[[str], object]) -> None:
    unit = SHAPES[shape]
    short, long = (unit * (length // len(unit)) for length in (10_000, 10_000 * TIMES))
    run(short)  # the first run of all pays for the imports
    floor = 0.0005  # below this the clock, not the text, is measured
    assert cost(run, long) <= ALLOWED * TIMES * max(cost(run, short), floor)
