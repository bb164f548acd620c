"""The mask against thousands of generated numbers: every scheme in every spelling, and what only looks like a card."""

import random
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.masking.numbers import (
    ALWAYS_STAYS,
    LOOSE,
    MAY_BE_CARD,
    STRICT,
    STRONG,
    USUAL,
    WEAK,
    ZEROS,
    complete,
    hide,
    lookalikes,
    might_be_card,
    spell,
    split_anywhere,
)

from omnibox.masking import mask, mask_bytes, mask_counted, mask_html

FRAMES = (
    "{}",
    "My card is {}, please charge it.",
    "Mi tarjeta es {}. Gracias",
    "La mia carta: «{}»!",
    "Meine Kreditkarte ({}) geht nicht",
    "order {} is wrong",
    "\n{}\n",
    "<b>{}</b>",
    '"{}"',
    "a;{};b",
)


def spellings(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Every prefix of every scheme in every length, in many spellings; with its name."""
    for name, (prefixes, lengths) in (STRONG | WEAK).items():
        for prefix in prefixes:
            for length in lengths:
                digits = complete(prefix, length, rng)
                for groups in USUAL[length]:
                    for separator in (rng.choice(LOOSE), rng.choice(LOOSE), rng.choice(STRICT), " "):
                        yield name, spell(digits, groups, [separator] * (len(groups) - 1))
                    mixed = [rng.choice(LOOSE) for _ in groups[1:]]
                    yield name, spell(digits, groups, mixed, rng.choice(ZEROS))
                if name in STRONG:
                    groups = split_anywhere(length, rng)
                    yield name, spell(digits, (length,), [], rng.choice(ZEROS))
                    yield name, spell(digits, groups, [rng.choice(LOOSE) for _ in groups[1:]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_spelling_of_every_scheme_is_masked(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(seed)
    missed: Counter[str] = Counter()
    total = 0
    for name, spelled in spellings(rng):
        frame = rng.choice(FRAMES)
        masked, found = mask_counted(frame.format(spelled))
        total += 1
        if (masked, found) != (frame.format(hide(spelled)), 1):
            missed[name] += 1
    with capsys.disabled():
        sys.stdout.write(f"\nmasking: {total - missed.total()} of {total} spellings masked")
    assert total >= 1000
    assert not missed


def test_every_spelling_is_masked_in_html_and_in_bytes() -> None:
    rng = random.Random(4)
    for _, spelled in spellings(rng):
        expected = f"Card {hide(spelled)} here"
        text = f"Card {spelled} here"
        assert mask_bytes(text.encode()) == expected.encode()
        assert mask_bytes(text.encode("utf-16")) == expected.encode("utf-16")
        if not any(separator in spelled for separator in ("  ", "\r\n", "\n")):
            assert mask_html(text) == expected
        if "\n" not in spelled:
            apart = "".join(f"&#{ord(character)};" for character in spelled)
            assert sum(c.isdecimal() for c in strip_entities(mask_html(f"Card {apart} here"))) == 4


def strip_entities(text: str) -> str:
    import html

    return html.unescape(text)


@pytest.mark.parametrize("between", [" 12/27 123, ", "; ", "\n\n", " and ", " 12/27\n"])
def test_several_cards_in_one_text_are_all_masked(between: str) -> None:
    rng = random.Random(5)
    for _ in range(100):
        cards = [complete(rng.choice(["51", "2300", "37"]), 15 if rng.random() < 0 else 16, rng) for _ in range(3)]
        cards = [card if not card.startswith("37") else complete("37", 15, rng) for card in cards]
        masked, found = mask_counted(between.join(cards))
        assert found == 3
        assert sum(character.isdecimal() for character in masked) == 12


def test_what_can_never_be_a_card_stays(capsys: pytest.CaptureFixture[str]) -> None:
    touched: Counter[str] = Counter()
    total = 0
    for kind, text in lookalikes(ALWAYS_STAYS, 300, seed=6):
        for frame in ("{}", "Hola, {} es correcto", "see {}, thanks"):
            total += 1
            if mask(frame.format(text)) != frame.format(text):
                touched[kind] += 1
    with capsys.disabled():
        sys.stdout.write(f"\nmasking: {touched.total()} of {total} look-alikes touched {dict(touched) or ''}")
    assert total >= 1000
    assert touched.total() <= total / 1000


def test_numbers_that_fail_range_length_or_check_stay(capsys: pytest.CaptureFixture[str]) -> None:
    touched: Counter[str] = Counter()
    total = 0
    for kind, text in lookalikes(MAY_BE_CARD, 1000, seed=7):
        if might_be_card("".join(character for character in text if character.isdecimal())):
            continue
        total += 1
        if mask(text) != text:
            touched[kind] += 1
    with capsys.disabled():
        sys.stdout.write(
            f"\nmasking: {touched.total()} of {total} numbers that fail a test touched {dict(touched) or ''}"
        )
    assert total >= 1000
    assert touched.total() <= total / 1000


def test_one_wrong_digit_makes_it_no_card() -> None:
    rng = random.Random(8)
    for _ in range(300):
        digits = complete(rng.choice(["4", "51", "6011"]), 16, rng)
        wrong = digits[:-1] + str((int(digits[-1]) + rng.randint(1, 9)) % 10)
        for text in (wrong, spell(wrong, (4, 4, 4, 4), [" "] * 3)):
            assert mask(text) == text
