"""Tells whether a regular expression is found in time that grows with the text alone, and how much that is per place.

Python's engine goes back and tries again, so an expression can take for ever. Here every expression is taken apart
into its places (as in Glushkov's automaton): one character each, with the places that may follow. The engine's tries
from one beginning are the ways through these places, and how many there can be at once is counted for every text that
there is, characters of the same sets being one. What has no end, or too many ways, is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as words  # type: ignore[attr-defined]  # the parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 200  # characters of an expression
MOST_PLACES = 120  # characters that it may match
MOST_TRIES = 250  # from one beginning; a plain number of 16 digits takes 16
MOST_LOOKS = 3000  # of the count itself
_ASTRAL = 0x1FFFF


class NotLinear(ValueError):
    """The expression cannot be taken; the message says why and what to write instead."""


@dataclass(slots=True)
class _Part:
    """A piece of the expression: where it may begin and end, and whether it may be nothing."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    is_empty: bool = True


@dataclass(slots=True)
class _Automaton:
    flags: int
    sets: list[Any] = field(default_factory=list)  # per place, what it takes, as the parser says it
    follow: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that is safe. `tries` is how many characters are looked at from one beginning, at most."""

    pattern: re.Pattern[str]
    tries: int


@lru_cache(maxsize=256)
def check(expression: str) -> Checked:
    """Raises `NotLinear`."""
    if not expression.strip() or len(expression) > LONGEST:
        raise NotLinear(f"A pattern has 1 to {LONGEST} characters.")
    try:
        tree = parser.parse(expression)
        pattern = re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise NotLinear(f"This is no regular expression: {getattr(error, 'msg', 'it is too deep')}.") from None
    if tree.state.flags & ~(re.UNICODE | re.IGNORECASE):
        raise NotLinear("Of the flags only (?i) can be used.")
    automaton = _Automaton(tree.state.flags)
    whole = _read(automaton, tree)
    if whole.is_empty:
        raise NotLinear("The pattern also matches nothing at all; it must need at least one character.")
    return Checked(pattern, _count_tries(automaton, whole))


# ── Taking apart

_REFUSED = {
    words.GROUPREF: "A reference back to a group",
    words.GROUPREF_EXISTS: "A condition on a group",
    words.ASSERT: "A look ahead or behind",
    words.ASSERT_NOT: "A look ahead or behind",
}


def _read(automaton: _Automaton, tree: Any) -> _Part:
    whole = _Part()
    for operation, argument in tree:
        whole = _join(automaton, whole, _read_one(automaton, operation, argument))
    return whole


def _read_one(automaton: _Automaton, operation: Any, argument: Any) -> _Part:
    if operation in (words.LITERAL, words.NOT_LITERAL, words.ANY, words.IN):
        return _place(automaton, (operation, argument))
    if operation is words.AT:
        return _Part()
    if operation is words.SUBPATTERN:
        _, added, removed, inner = argument
        if added or removed:
            raise NotLinear("Flags may stand at the beginning only.")
        return _read(automaton, inner)
    if operation is words.BRANCH:
        return _read_branch(automaton, argument[1])
    if operation in (words.MAX_REPEAT, words.MIN_REPEAT):
        return _read_repeat(automaton, *argument)
    raise NotLinear(f"{_REFUSED.get(operation, 'Something in it')} is not allowed, as it can take too long.")


def _read_branch(automaton: _Automaton, branches: list[Any]) -> _Part:
    parts = [_read(automaton, each) for each in branches]
    if any(part.is_empty for part in parts):
        raise NotLinear("An alternative in it is empty, or the beginning of another one; write the rest as (…)?.")
    return _Part([p for part in parts for p in part.first], [p for part in parts for p in part.last], is_empty=False)


def _read_repeat(automaton: _Automaton, least: int, most: Any, inner: Any) -> _Part:
    if most is words.MAXREPEAT:
        raise NotLinear("+ and * have no end; write how many at most, such as {1,20}.")
    first: list[int] = []
    last: list[int] = []
    ends: list[int] = []
    for number in range(int(most)):
        once = _read(automaton, inner)
        if once.is_empty:
            raise NotLinear("What is repeated may be empty; take the ? or {0,…} out of it.")
        if number == 0:
            first = once.first
        for place in last:
            automaton.follow[place] += once.first
        last = once.last
        ends += last if number + 1 >= least else []
    return _Part(first, ends, is_empty=least == 0 or not first)


def _place(automaton: _Automaton, taken: Any) -> _Part:
    if len(automaton.sets) >= MOST_PLACES:
        raise NotLinear(f"The pattern is too long: a match may have at most {MOST_PLACES} characters in all.")
    automaton.sets.append(taken)
    automaton.follow.append([])
    here = [len(automaton.sets) - 1]
    return _Part(here, here, is_empty=False)


def _join(automaton: _Automaton, left: _Part, right: _Part) -> _Part:
    for place in left.last:
        automaton.follow[place] += right.first
    first = [*left.first, *right.first] if left.is_empty else left.first
    last = [*left.last, *right.last] if right.is_empty else right.last
    return _Part(first, last, left.is_empty and right.is_empty)


# ── Counting


def _count_tries(automaton: _Automaton, whole: _Part) -> int:
    """The sum over the lengths of the most ways that one text can have; each way looks at one character."""
    takes = _kinds(automaton)
    frontier = {frozenset(Counter(whole.first).items())}
    tries = looks = 0
    while frontier:
        tries += max(sum(count for _, count in ways) for ways in frontier)
        looks += len(frontier)
        if tries > MOST_TRIES or looks > MOST_LOOKS:
            raise NotLinear(
                "The pattern can be matched in too many ways; make its parts tell apart, or its repeats smaller."
            )
        frontier = {after for ways in frontier for after in _steps(automaton, ways, takes)}
    return tries


def _steps(
    automaton: _Automaton, ways: frozenset[tuple[int, int]], takes: list[frozenset[int]]
) -> Iterator[frozenset[tuple[int, int]]]:
    """The ways after one more character, for each kind of character."""
    for kind in {kind for place, _ in ways for kind in takes[place]}:
        after: Counter[int] = Counter()
        for place, count in ways:
            if kind in takes[place]:
                for next_place in automaton.follow[place]:
                    after[next_place] += count
        if after:
            yield frozenset(after.items())


def _kinds(automaton: _Automaton) -> list[frozenset[int]]:
    """For each place the kinds of characters it takes: two characters that all places treat alike are one kind."""
    sets = {repr(each): each for each in automaton.sets}
    signatures: dict[int, int] = {}
    for number, taken in enumerate(sets.values()):
        for code in _members(taken, automaton.flags):
            signatures[code] = signatures.get(code, 0) | 1 << number
    present = set(signatures.values())
    by_set = {name: frozenset(s for s in present if s >> number & 1) for number, name in enumerate(sets)}
    return [by_set[repr(each)] for each in automaton.sets]


def _members(taken: Any, flags: int) -> list[int]:
    """The characters that one place takes, by asking the engine itself."""
    one = parser.SubPattern(parser.State())
    one.state.flags = flags
    one.append(taken)
    from re import _compiler as compiler  # type: ignore[attr-defined]

    pattern: re.Pattern[str] = compiler.compile(one, flags)
    return [match.start() for match in pattern.finditer(_everything())]


@lru_cache(maxsize=1)
def _everything() -> str:
    return "".join(map(chr, range(_ASTRAL + 1)))
