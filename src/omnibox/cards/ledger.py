"""What an audit found, as a page that people read: where and how many, never a number."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from omnibox import __version__
from omnibox.cards.looking import Seen
from omnibox.secrets import LONGEST_TOKEN, Secrets

PURPOSE = "audit"
MOST_EXAMPLES = 20  # of one place
MOST_KNOWN = 200_000  # ids and spared numbers remembered, to tell them from cards in a file's bytes and in the index
SIGNED = "Signature: "


@dataclass(slots=True)
class Place:
    """What was found in one place."""

    values: int = 0
    cards: int = 0
    codes: int = 0
    own: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """An audit as it goes on."""

    began_at: datetime
    looked: dict[str, str] = field(default_factory=dict)
    not_looked: list[str] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    ids: Counter[str] = field(default_factory=Counter)
    no_cards: set[str] = field(default_factory=set)

    def hit(self, place: str, where: str, seen: Seen) -> None:
        found = self.places.setdefault(place, Place())
        found.values += 1
        found.cards += len(seen.cards)
        found.codes += seen.codes
        found.own += seen.own
        if len(found.examples) < MOST_EXAMPLES:
            words = [*seen.cards[:3], *([f"and {len(seen.cards) - 3} more"] if len(seen.cards) > 3 else [])]
            words += [f"{seen.codes} codes and dates"] if seen.codes else []
            words += ["an own pattern"] if seen.own else []
            found.examples.append(f"{where}: {', '.join(words)}")

    def pass_over(self, place: str, seen: Seen) -> None:
        """An id of a platform that looks like a card number."""
        self.ids[place] += 1
        self.know(seen.digits)

    def know(self, digits: frozenset[str]) -> None:
        """These are no card numbers where they stand alone."""
        if len(self.no_cards) < MOST_KNOWN:
            self.no_cards |= digits

    @property
    def is_clean(self) -> bool:
        return not self.places


def page_of(ledger: Ledger, database: str, installation: str, rules: str, ended_at: datetime) -> str:
    """The report, without its signature."""
    return "".join(f"{line}\n" for line in _lines(ledger, database, installation, rules, ended_at))


def _lines(ledger: Ledger, database: str, installation: str, rules: str, ended_at: datetime) -> Iterator[str]:
    yield "Card number audit"
    yield f"omnibox {__version__}, installation {installation}, {database}"
    yield f"rules {rules}"
    yield f"{ledger.began_at:%Y-%m-%d %H:%M:%S} to {ended_at:%Y-%m-%d %H:%M:%S} UTC"
    yield ""
    yield "Looked at:"
    yield from (f"  {what:<34} {how_much}" for what, how_much in ledger.looked.items())
    yield ""
    yield "Not looked at:"
    yield from (f"  {each}" for each in ledger.not_looked)
    if ledger.ids:
        yield ""
        yield "Ids and addresses that look like card numbers and are none (not hits):"
        yield from (f"  {place:<34} {count:,}" for place, count in sorted(ledger.ids.items()))
    yield ""
    yield "Found:" if ledger.places else "Found: nothing."
    for name, place in sorted(ledger.places.items()):
        yield f"  {name:<34} {count_of(place)}"
        yield from (f"      {example}" for example in place.examples)
        if place.values > len(place.examples):
            yield f"      and {place.values - len(place.examples):,} more"
    yield ""
    yield _result(ledger)


def count_of(place: Place) -> str:
    """How many of what, in words; by rule."""
    kinds = {"card number": place.cards, "code or date": place.codes, "match of an own pattern": place.own}
    names = {"card number": "card numbers", "code or date": "codes and dates"}
    parts = [
        f"{count:,} {kind if count == 1 else names.get(kind, 'matches of own patterns')}"
        for kind, count in kinds.items()
        if count
    ]
    return f"{', '.join(parts)} in {place.values:,} value{'s' if place.values != 1 else ''}"


def total_of(places: Iterable[Place]) -> Place:
    """All of them together."""
    total = Place()
    for place in places:
        total.values += place.values
        total.cards += place.cards
        total.codes += place.codes
        total.own += place.own
    return total


def _result(ledger: Ledger) -> str:
    if ledger.is_clean:
        return "Result: clean. No card number was found."
    total = count_of(total_of(ledger.places.values()))
    return f"Result: {total}. Run `omnibox remask`, then this audit again."


def sign(page: str, secrets: Secrets) -> str:
    """The page with its last line, which only this installation can write."""
    return f"{page}{SIGNED}{secrets.sign(PURPOSE, _digest(page))}\n"


def is_genuine(signed: str, secrets: Secrets) -> bool:
    """Whether this installation wrote the page and nobody changed it since."""
    page, mark, token = signed.replace("\r\n", "\n").rstrip("\n").rpartition(SIGNED)
    token = token.strip()
    if not mark or not page.endswith("\n") or len(token) > LONGEST_TOKEN:
        return False
    return secrets.verify(PURPOSE, token) == _digest(page)


def _digest(page: str) -> str:
    return hashlib.sha256(page.encode("utf-8", "surrogateescape")).hexdigest()
