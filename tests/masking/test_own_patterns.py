"""A channel's own patterns: what they hide, and that none is taken that could stop the hub."""

from __future__ import annotations

import re
from re import _constants as words  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibox.masking import CARDS, Rules, mask, rules_of
from omnibox.masking.linear import MOST_TRIES, NotLinear, check

LOYALTY = rules_of(r"LC-?\d{8}")


@pytest.mark.parametrize(
    ("patterns", "text", "hidden"),
    [
        (r"LC-?\d{8}", "LC-12345678 and LC 12345678", "LC-••••5678 and LC 12345678"),
        (r"LC-?\d{8}", "LC12345678, 4111 1111 1111 1111", "LC••••5678, •••• •••• •••• 1111"),
        (r"PIN \d{4,7}", "PIN 12345", "PIN •••••"),
        (r"(?i)member [a-z]{2}\d{6}", "Member AB123456", "Member AB••••••"),
        ("LC\\d{8}\nVIP\\d{8}", "VIP12345678 LC12345678", "VIP••••5678 LC••••5678"),
        (r"\d{4}-\d{4}", "1234-5678-9012", "••••-••••-9012"),
        (r"[0-9]{8}", "١٢٣٤٥٦٧٨ 12345678", "١٢٣٤٥٦٧٨ ••••5678"),
        (r"\d{8}", "١٢٣٤٥٦٧٨", "••••٥٦٧٨"),
        (r"LC\w{3}", "LCabc", "LCabc"),
        (r"LC\d{8}", "LC1234\u200b5678", "LC••••\u200b5678"),
    ],
)
def test_what_they_match_is_hidden(patterns: str, text: str, hidden: str) -> None:
    rules = rules_of(patterns)
    assert rules.mask(text) == hidden
    assert rules.mask(hidden) == hidden


def test_they_read_html_and_files_as_the_mask_does() -> None:
    source = '<p title="LC-12345678">LC-<b>1234</b>5678 &#76;C-12345678</p><a href="/LC-12345678?c=LC-12345678">x</a>'
    assert LOYALTY.mask_html(source) == (
        '<p title="LC-••••5678">LC-<b>••••</b>5678 &#76;C-••••5678</p><a href="/LC-12345678?c=LC-••••5678">x</a>'
    )
    assert LOYALTY.mask_bytes("é LC-12345678".encode("utf-16")).decode("utf-16") == "é LC-••••5678"
    assert CARDS.mask("LC-12345678") == "LC-12345678"


@given(st.text(alphabet="LC-1234567890 •", max_size=60))
@pytest.mark.parametrize("patterns", [r"LC-?\d{8}", r"\d{8}", r"\d{4,6}", r"(?:\d[ -]?){9,12}", r"[^a-z]{6,9}"])
def test_twice_is_once_and_only_digits_change(patterns: str, text: str) -> None:
    rules = rules_of(patterns)
    once = rules.mask(text)
    assert rules.mask(str(once)) == once
    assert len(once) == len(text)
    assert all(new == old or (new == "•" and old.isdecimal()) for new, old in zip(once, text, strict=True))
    assert all(new == old for new, old in zip(mask(text), once, strict=True) if new == "•")


GOOD = (
    r"\d{16}",
    r"\b\d{4}[ -]?\d{4}[ -]?\d{4}\b",
    r"(?:\d[ -]?){12,16}",
    r"(?:6277|6278)\d{12}",
    r"[A-Z]{2,4}[A-Z0-9]{6,10}",
    r"(?i)member (?:no|number)[.: ]{0,3}\d{6,10}",
    r"LOY-\w{4,12}-\d{4}",
    r"ü\d{5}",
)
BAD = {
    r"\d+": "no end",
    r"\d*x": "no end",
    r"\d{3,}": "no end",
    r"(\d+)+$": "no end",
    r"(?:a?){20}b": "may be empty",
    r"(a|b|)c": "empty",
    r"(?=\d)\d{4}": "ahead or behind",
    r"(?<!\d)\d{4}": "ahead or behind",
    r"(\d)\1": "back to a group",
    r"(a)?(?(1)b|c)": "condition",
    r"(?>ab)": "too long",
    r"\d++": "too long",
    r"(\d{1,3}){1,5}": "too many ways",
    r".{0,40}card.{0,40}": "too many ways",
    r"a{0,50}a{0,50}a{0,50}b": "at most 120",
    r"\d{1000}": "at most 120",
    r"(?s).": "(?i)",
    r"(?x)a b": "(?i)",
    r"a(?i:b)": "beginning",
    r"x?": "nothing at all",
    r"": "1 to 200",
    "a" * 201: "1 to 200",
    r"[": "no regular expression",
    r"(" * 150: "no regular expression",
}


@pytest.mark.parametrize("expression", GOOD)
def test_what_is_found_in_linear_time_is_taken(expression: str) -> None:
    assert check(expression).tries <= MOST_TRIES


@pytest.mark.parametrize("expression", BAD)
def test_what_could_take_for_ever_is_refused_with_the_reason(expression: str) -> None:
    with pytest.raises(NotLinear) as refused:
        check(expression)
    assert BAD[expression] in str(refused.value)


ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", "[b-d]"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["?", "{0,3}", "{2,4}", "{1,3}?", "{2}"])).map(lambda r: f"(?:{r[0]}){r[1]}"),
    ),
    max_leaves=6,
)


def tries_at(tree: Any, text: str, place: int) -> tuple[int, list[int]]:
    """How a machine that goes back walks: characters it looks at, and every end it comes to, none left out."""
    places, looked = [place], 0
    for operation, argument in tree:
        after: list[int] = []
        for here in places:
            steps, ends = _one(operation, argument, text, here)
            looked += steps
            after += ends
        places = after
    return looked, places


def _one(operation: Any, argument: Any, text: str, here: int) -> tuple[int, list[int]]:
    if operation is words.SUBPATTERN:
        return tries_at(argument[3], text, here)
    if operation is words.BRANCH:
        found = [tries_at(each, text, here) for each in argument[1]]
        return sum(steps for steps, _ in found), [end for _, ends in found for end in ends]
    if operation in (words.MAX_REPEAT, words.MIN_REPEAT):
        least, most, inner = argument
        looked, places, ends = 0, [here], [here] if least == 0 else []
        for number in range(1, int(most) + 1):
            after: list[int] = []
            for each in places:
                steps, reached = tries_at(inner, text, each)
                looked += steps
                after += reached
            places = after
            ends += places if number >= least else []
        return looked, ends
    one = parser.SubPattern(parser.State())
    one.append((operation, argument))
    from re import _compiler as compiler  # type: ignore[attr-defined]

    matched = here < len(text) and compiler.compile(one, 0).match(text[here]) is not None
    return 1, [here + 1] if matched else []


@settings(deadline=None)  # the first expression asks the engine about every character there is
@given(EXPRESSIONS, st.text(alphabet="abcd", max_size=14))
def test_the_count_of_steps_is_never_too_small(expression: str, text: str) -> None:
    """Held against a machine that takes every way there is, which the engine's search is never worse than."""
    try:
        checked = check(expression)
    except NotLinear:
        return
    looked, _ = tries_at(parser.parse(expression), text, 0)
    assert looked <= checked.tries


def test_rules_are_values() -> None:
    assert rules_of(None) is CARDS
    assert rules_of("") is CARDS
    assert rules_of(r"a\d") == Rules((re.compile(r"a\d"),))
