"""Messages that thread by references, as mails do: those of one fetch go in together, a statement for each table.

What they name is looked up for all at once, and each is placed with those before it in sight. Whoever and whatever is
new has a number below zero until it is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from omnibox.connector import Inbound
from omnibox.inbox import (
    acknowledging,
    conversations,
    merging,
    messages,
    offers,
    people,
    pictures,
    placing,
    rehoming,
    reported,
    states,
)
from omnibox.inbox.messages import Result, Spot, Taken
from omnibox.inbox.origin import Origin
from omnibox.inbox.people import Person
from omnibox.inbox.plain import Arrival
from omnibox.inbox.threads import Placement
from omnibox.jobs import enqueue
from omnibox.masking import Masked
from omnibox.model import Author
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot
from omnibox.store.tables import arrival

MOST = 256  # in one go
_ARRIVED = Hot(insert(arrival).on_conflict_do_nothing())


class Placed(NamedTuple):
    """A new message and where it goes; numbers below zero are of what is yet to be written."""

    taken: Taken
    said: Inbound
    channel_id: int
    person: Person
    placement: Placement
    conversation_id: int
    opens: bool


def take(tx: Transaction, arrivals: Sequence[Arrival], first: int = 0) -> list[Result]:
    """What became of those of `arrivals` that go together, from the `first` on; of none where that is no such message.

    Safe to repeat: the same message again changes nothing.
    """
    alike = list(_alike(arrivals, first))
    return _Fetch(tx, alike).take() if alike else []


def _alike(arrivals: Sequence[Arrival], first: int) -> Iterator[Arrival]:
    """Those of one connection in a row. One that reports on messages of ours is alone: it changes what others see."""
    leader = arrivals[first]
    for each in arrivals[first : first + MOST] if _is_threaded(leader) else ():
        reports = isinstance(each.taken.envelope, Inbound) and each.taken.envelope.reports
        if each is not leader and (reports or not _is_threaded(each) or not _share_scopes(each, leader)):
            return
        yield each
        if reports:
            return


def _is_threaded(each: Arrival) -> bool:
    by_refs = each.origin.capabilities.threads_by == "refs"
    return by_refs and each.channel_id is not None and isinstance(each.taken.envelope, Inbound)


def _share_scopes(one: Arrival, other: Arrival) -> bool:
    """Whether ids and addresses mean the same in both."""
    origin, channels = one.origin, (one.channel_id or 0, other.channel_id or 0)
    if origin is not other.origin or channels[0] == channels[1]:
        return origin is other.origin
    return all(len(set(map(scope, channels))) == 1 for scope in (origin.id_scope, origin.address_scope))


class _Fetch:
    """Messages that go in together: first each is placed, then all are written."""

    def __init__(self, tx: Transaction, arrivals: Sequence[Arrival]) -> None:
        self.tx, self.arrivals = tx, arrivals
        self.origin, self.channel_id = arrivals[0].origin, cast("int", arrivals[0].channel_id)
        self.scope = self.origin.id_scope(self.channel_id)
        said = [cast("Inbound", each.taken.envelope) for each in arrivals]
        writers = {address for each in said for address in (each.address, each.reply_address) if address is not None}
        # Whoever wrote is locked first: two mailboxes have the same mail at the same moment, and the process that comes
        # second must see that it is stored before it opens a conversation for it.
        self.people = people.find_people(tx, self.origin, self.channel_id, writers)
        self.stored = messages.find_all_stored(tx, self.scope, [each.event_key for each in said])
        new = [each for each in said if each.event_key not in self.stored]
        self.sight = placing.look(tx, self.origin, self.scope, new)
        self.new: dict[int, tuple[str, Masked | None]] = {}  # people: the folded address, and what they are called
        self.placed: dict[str, Placed] = {}  # by event key
        self.early: dict[str, None] = {}  # ids of these messages that were named before
        self.numbers = itertools.count(-1, -1)

    def take(self) -> list[Result]:
        """The results of those that need not wait until others before them are written."""
        results: list[Result | str] = []
        for each in self.arrivals:
            result = self._take(each)
            if result is None:
                break
            results.append(result)
            if isinstance(result, Result) and cast("Inbound", each.taken.envelope).tokens:
                break  # where a message belongs may be known only now: what was in sight may have changed
        ids = self._write() if self.placed else {}
        return [each if isinstance(each, Result) else self._result(each, ids.get(each)) for each in results]

    def _result(self, key: str, message_id: int | None) -> Result:
        if message_id is not None:
            return Result("stored", message_id)
        return Result("duplicate", messages.find_stored(self.tx, self.scope, key))  # another process was first

    # ── Placing

    def _take(self, each: Arrival) -> Result | str | None:
        """The event key of what is placed now, or what became of it; None: it must wait for those before it."""
        said = cast("Inbound", each.taken.envelope)
        if known := self.stored.get(said.event_key):
            return self._again(said, known)
        if said.event_key in self.placed:
            return None
        placement = placing.choose(self.origin, said, self.sight)
        if placement.conversation_id is None and (placement.related or 0) < 0:
            return None  # nothing can point to a conversation that is written in the same statement
        person = self._writer(said, placement)
        if said.reports:
            placement = self._place_report(said, placement, person)
        self._add(each, said, placement, person)
        return said.event_key

    def _again(self, said: Inbound, known: int) -> Result | None:
        """It is stored already: this copy's place is noted, and may tell where the message belongs."""
        if said.tokens and self.placed:
            return None
        note_arrivals(self.tx, self.origin, [(said.position, known)])
        rehoming.bring_home(self.tx, self.origin, self.scope, said, known)
        return Result("duplicate", known)

    def _writer(self, said: Inbound, placement: Placement) -> Person:
        """Whoever sent it; where it joins nothing, whom it asks to answer (a contact form's customer)."""
        joins = placement.conversation_id is not None
        address = said.address if joins or not said.reply_address else said.reply_address
        folded = self.origin.folded(address)
        if known := self.people.get(folded):
            return known
        number = next(self.numbers)
        person = Person(number, number, None, is_new=True)
        self.people[folded] = person._replace(is_new=False)
        self.new[number] = folded, cast("Masked | None", said.name)
        return person

    def _place_report(self, said: Inbound, placement: Placement, person: Person) -> Placement:
        """With the message it is about; else with what the same mail system said before."""
        settled = reported.settle(self.tx, self.origin, self.scope, said.reports, said.tokens)
        if settled is not None:
            return Placement(settled, "report")
        if placement.conversation_id is not None:
            return placement
        kept = reported.kept_with(self.tx, self.channel_id, person.conversation_id)
        return replace(placement, conversation_id=kept)

    def _add(self, each: Arrival, said: Inbound, placement: Placement, person: Person) -> None:
        """Keep it, and let those behind it see it."""
        opens = placement.conversation_id is None
        home = next(self.numbers) if placement.conversation_id is None else placement.conversation_id
        self.placed[said.event_key] = Placed(
            each.taken, said, cast("int", each.channel_id), person, placement, home, opens
        )
        if opens:
            self.sight.belong[home] = self._addresses(person)
        for ref in said.refs[: placing.MOST_REFS]:
            self.sight.note_ancestor(ref, home)
        if said.external_id:
            if said.external_id in self.sight.is_message:
                self.early[said.external_id] = None
            self.sight.note_message(said.external_id, home)

    def _addresses(self, person: Person) -> frozenset[str]:
        """Those of a contact who opens a conversation."""
        if person.contact_id in self.new:
            return frozenset((self.new[person.contact_id][0],))
        return placing.addresses_of(self.tx, self.origin, person.contact_id)

    # ── Writing

    def _write(self) -> dict[str, int]:
        """The messages' ids by event key; of what another process has stored meanwhile there is none."""
        tx = self.tx
        placed = self._numbered(list(self.placed.values()))
        joined = conversations.lock_open(tx, {each.conversation_id for each in placed if not each.opens})
        ids = messages.insert_messages(tx, [(_spot(each), each.said) for each in placed], self.scope)
        stored = {ids[each.said.event_key]: each for each in placed if each.said.event_key in ids}
        messages.attach(tx, [(message_id, each.taken) for message_id, each in stored.items()])
        note_arrivals(tx, self.origin, [(each.said.position, message_id) for message_id, each in stored.items()])
        self._refer(stored)
        opened = {each.conversation_id for each in placed if each.opens and each.said.automatic is None}
        self._tell(stored, joined | opened)
        return ids

    def _numbered(self, placed: Sequence[Placed]) -> list[Placed]:
        """As they were placed, with the people and conversations written that they name."""
        called = dict(self.new.values())
        made = people.add_people(self.tx, self.origin, self.channel_id, called) if called else {}
        known = {number: made[address] for number, (address, _) in self.new.items()}
        placed = [each if each.person.identity_id >= 0 else _known(each, known) for each in placed]
        opening = [each for each in placed if each.opens]
        homes = conversations.open_conversations(self.tx, [_opened(each) for each in opening]) if opening else []
        home_of = {each.conversation_id: home for each, home in zip(opening, homes, strict=True)}
        return [_at_home(each, home_of) for each in placed]

    def _refer(self, stored: Mapping[int, Placed]) -> None:
        """Their ids are known, and the ancestors that they name: a later answer to one of them joins here."""
        own = [
            (each.said.external_id, each.conversation_id, message_id)
            for message_id, each in stored.items()
            if each.said.external_id
        ]
        known = states.refer_messages(self.tx, self.scope, own) if own else set[str]()
        ancestors: dict[str, int] = {}
        for each in stored.values():
            for ref in each.said.refs[: placing.MOST_REFS]:
                ancestors.setdefault(ref, each.conversation_id)
        states.refer_ancestors(self.tx, self.scope, ancestors)
        for value in self.early | dict.fromkeys(known):
            merging.apply_early(self.tx, self.scope, value)

    def _tell(self, stored: Mapping[int, Placed], are_open: Collection[int]) -> None:
        """What follows from each message: its conversation shows it, who watches hears."""
        tx, now = self.tx, self.tx.clock()
        lines: dict[int, list[conversations.Said]] = {}
        for message_id, each in stored.items():
            self._tell_new(message_id, each)
            home, said = each.conversation_id, each.said
            shown = messages.shown(said, each.taken)
            line = conversations.Said(message_id, "inbound", "contact", shown, messages.said_at(said, now))
            if home in are_open and said.automatic is None:
                lines[home] = [*lines.pop(home, ()), line]  # the latest goes last
            else:
                lines = self._hear(lines)
                hear = conversations.heard if said.automatic is None else conversations.touched
                home = hear(tx, home, line)
            tx.announce("message.added", conversation=home, message=message_id, contact=each.person.contact_id)
        self._hear(lines)

    def _hear(self, lines: Mapping[int, Sequence[conversations.Said]]) -> dict[int, list[conversations.Said]]:
        """Show in open conversations what was said there; returns what is left to be shown."""
        if lines:
            conversations.heard_open(self.tx, lines)
        return {}

    def _tell_new(self, message_id: int, each: Placed) -> None:
        """What else a message brings: a conversation, a person, other people, a choice."""
        tx, said, person = self.tx, each.said, each.person
        if each.opens:
            conversations.tell_opened(tx, each.conversation_id, _opened(each))
            acknowledging.ask_for(tx, self.origin, each.channel_id, said, message_id)
        if person.is_new and said.name:
            tx.announce("contact.changed", contact=person.contact_id)
        elif person.is_new:
            enqueue(tx, pictures.JOB, str(person.identity_id))
        if said.automatic is None:
            people.note_others(tx, self.origin, each.conversation_id, said)
        if said.chosen:
            offers.note_choice(tx, person.identity_id, message_id, said.chosen)


def _known(each: Placed, known: Mapping[int, Person]) -> Placed:
    """With the person's own numbers in place of those below zero."""
    identity_id, contact_id, conversation_id, _ = known[each.person.identity_id]
    return each._replace(person=Person(identity_id, contact_id, conversation_id, each.person.is_new))


def _at_home(each: Placed, home_of: Mapping[int, int]) -> Placed:
    """With the conversations' own numbers in place of those below zero."""
    if (home := each.conversation_id) < 0:
        each = each._replace(conversation_id=home_of[home])
    if (related := each.placement.related) is not None and related < 0:
        each = each._replace(placement=replace(each.placement, related=home_of[related]))
    return each


def _opened(each: Placed) -> conversations.Opened:
    """The conversation that a message opens."""
    return conversations.Opened(
        each.channel_id,
        each.person.contact_id,
        each.person.identity_id,
        subject=cast("Masked | None", each.said.subject),
        automatic=each.said.automatic is not None,
        related_id=each.placement.related,
    )


def _spot(each: Placed) -> Spot:
    author = Author("contact", each.person.contact_id)
    why, related = each.placement.why, each.placement.related
    return Spot(each.conversation_id, each.channel_id, each.person.identity_id, "inbound", author, why, related)


def note_arrivals(tx: Transaction, origin: Origin, found: Iterable[tuple[str, int]]) -> None:
    """Where messages were found."""
    rows = [
        {"connection_id": origin.connection_id, "position": position, "message_id": message_id}
        for position, message_id in found
        if position
    ]
    if rows:
        _ARRIVED.run_all(tx.connection, rows)
