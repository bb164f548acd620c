"""P11: what masking costs a message, next to the least that must be done: count its digits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice

from bench.report import Figure, Goal, wrong
from omnibox.masking import mask
from omnibox.masking.plain import count_digits

ROUNDS = 5
SECONDS = 0.25  # for each of the two, in each round
CLEAN_RATIO, DENSE_US, GROWTH = 1.5, 20.0, 1.5
SMALL, LARGE = 100_000, 1_000_000  # both beyond the first cache, whose speed is not the mask's
SHAPES = {
    "all digits": "4",
    "ones and spaces": "1 ",
    "fours, ones and spaces": "4 1 ",
    "dashes and digits": "4-",
    "cards": "4111111111111111,",
}
WORDS = (
    "hello please parcel order waiting since yesterday nobody answers phone thanks when will it arrive could you tell"
    " me where the shipment is now kind regards delivery invoice address wrong size colour return refund question"
)
CARD_AND_CODE = "4111 1111 1111 1111 exp 12/27 cvv 123"
NUMBERS = (
    "12/05/2026",
    "10:30",
    "1,250.00 EUR",
    "+34 912 345 678",
    "order 4532112",
    "no. 45",
    "28013",
    "21 %",
    "page 3",
)
ACCENTED = "pedido número envío todavía está también señor niño mañana después cuándo llegará über größe perché città"


def run() -> Iterator[Figure]:
    rng = random.Random(11)
    texts = {
        "clean text": [_sentence(rng, WORDS) for _ in range(200)],
        "clean text, not ASCII": [_sentence(rng, f"{WORDS} {ACCENTED}") for _ in range(200)],
    }
    for name, messages in texts.items():
        yield _figure(name, messages, Goal(CLEAN_RATIO))
    yield _figure(
        "a third with short numbers", [_with(rng, [str(rng.randint(1, 99999))] * (i % 3 == 0)) for i in range(200)]
    )
    yield _figure("20 numbers, no card", _dense(rng, ", "), Goal(DENSE_US, of="ours"))
    yield _figure("one row of 20 numbers, no card", _dense(rng, " "), Goal(DENSE_US, of="ours"))
    yield _figure("one card", [_with(rng, ["4111 1111 1111 1111"]) for _ in range(200)], Goal(DENSE_US, of="ours"))
    yield _figure("one card, its date and its code", [_with(rng, [CARD_AND_CODE]) for _ in range(200)])
    yield _figure("1 kB of a mail, clean", [_mail(rng, has_numbers=False) for _ in range(50)], Goal(CLEAN_RATIO))
    yield _figure(
        "1 kB of a mail, with dates, prices and a telephone", [_mail(rng, has_numbers=True) for _ in range(50)]
    )
    yield _figure("digits outside ASCII", [_with(rng, ["٤٥٦ ٧٨٩"]) for _ in range(200)])
    if mask("card 4111 1111 1111 1111") != "card •••• •••• •••• 1111":
        yield wrong("P11", "masking", "a card was not masked")
    yield _figure("1 MB without a digit", ["-" * LARGE], Goal(CLEAN_RATIO))
    for name, unit in SHAPES.items():
        yield _growth(name, unit)


def _sentence(rng: random.Random, words: str) -> str:
    return " ".join(rng.choices(words.split(), k=40))[: rng.randint(130, 180)]


def _with(rng: random.Random, numbers: Sequence[str]) -> str:
    words = _sentence(rng, WORDS).split()
    for number in numbers:
        words.insert(rng.randrange(len(words)), number)
    return " ".join(words)


def _mail(rng: random.Random, *, has_numbers: bool) -> str:
    """About a kilobyte of sentences; with as many numbers as an ordinary mail of a shop has."""
    sentences = [_sentence(rng, WORDS) for _ in range(7)]
    if has_numbers:
        sentences += NUMBERS
        rng.shuffle(sentences)
    return ".\n".join(sentences)[:1000]


def _dense(rng: random.Random, between: str) -> list[str]:
    """Texts of 20 numbers in which no card came about by chance."""
    texts = (between.join(str(rng.randint(1000, 999_999)) for _ in range(20)) for _ in count())
    return list(islice((text for text in texts if mask(text) == text), 200))


def _figure(name: str, texts: Sequence[str], goal: Goal | None = None) -> Figure:
    rounds = tuple((_cost_us(count_digits, texts), _cost_us(mask, texts)) for _ in range(ROUNDS))
    return Figure("P11", f"masking, {name}", "µs", rounds, goal)


def _cost_us(call: Callable[[str], object], texts: Sequence[str]) -> float:
    """Processor time for one text."""
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < SECONDS / 2:
        for text in texts:
            call(text)
        calls += len(texts)
    return spent / calls * 1e6


def _growth(name: str, unit: str) -> Figure:
    """Time for a character of the largest text next to that of a small one."""
    small, large = (unit * (size // len(unit)) for size in (SMALL, LARGE))
    rounds = tuple((_per_character_ns(small), _per_character_ns(large)) for _ in range(3))
    return Figure("P11", f"masking, a character of 1 MB next to one of 100 kB, {name}", "ns", rounds, Goal(GROWTH))


def _per_character_ns(text: str) -> float:
    calls, start = 0, time.process_time()
    while not calls or (time.process_time() - start) < 0.02:
        mask(text)
        calls += 1
    return (time.process_time() - start) / calls / len(text) * 1e9
