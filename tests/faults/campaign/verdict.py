"""Compares the books of a run. Whatever differs is a sentence; no sentence, no fault."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.campaign.books import DOUBTFUL, LEFT, Books, Piece, Reply, Shown

ENDS = LEFT | DOUBTFUL


@dataclass(slots=True)
class Verdict:
    """`problems` break a promise. `doubles` are replies that left twice as the promise allows, each with its reason."""

    problems: list[str] = field(default_factory=list)
    doubles: dict[str, str] = field(default_factory=dict)
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By channel and direction."""
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Deliveries by channel and end state."""


def judge(books: Books) -> Verdict:
    verdict = Verdict()
    verdict.problems += _inbound(books)
    verdict.problems += _live(books)
    by_mark = _by_mark(shown for shown in books.inbox.values() if shown.kind == "outbound")
    pieces = _pieces(books.received)
    for reply in books.replies.values():
        verdict.problems += _reply(reply, by_mark[reply.mark], pieces[reply.mark], books, verdict)
    for stray in sorted(set(by_mark) - set(books.replies)):
        verdict.problems.append(f"reply {stray} is shown, and nobody said it")
    verdict.messages.update((said.channel, "in") for said in books.said if said.is_acknowledged)
    verdict.messages.update((reply.channel, "out") for reply in books.replies.values())
    return verdict


def _by_mark(messages: Iterable[Shown]) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = defaultdict(list)
    for shown in messages:
        found[shown.mark].append(shown)
    return found


def _pieces(received: Sequence[Piece]) -> dict[str, list[Piece]]:
    found: dict[str, list[Piece]] = defaultdict(list)
    for piece in received:
        found[piece.mark].append(piece)
    return found


# ── What came in


def _inbound(books: Books) -> Iterator[str]:
    """Everything acknowledged is shown once, with its files; nothing is shown that nobody wrote."""
    shown = _by_mark(each for each in books.inbox.values() if each.kind == "inbound")
    for said in books.said:
        match shown.get(said.mark, []):
            case []:
                if said.is_acknowledged:
                    yield f"{said.channel} {said.mark} was acknowledged and is lost"
            case [one]:
                found = sorted(books.contents.get(one.id, ()))
                if found != sorted(said.files):
                    yield f"{said.channel} {said.mark} has the files {found} instead of {sorted(said.files)}"
            case many:
                yield f"{said.channel} {said.mark} is shown {len(many)} times"
    for stray in sorted(set(shown) - {said.mark for said in books.said}):
        yield f"{stray} is shown, and nobody wrote it"


# ── The live view


def _live(books: Books) -> Iterator[str]:
    """A view that only followed the feed shows what a fresh look shows, and heard of each message once."""
    for message_id in sorted(books.inbox.keys() | books.live.keys()):
        fresh, live = books.inbox.get(message_id), books.live.get(message_id)
        if fresh != live:
            yield f"message {message_id} is {fresh} in the inbox and {live} in the live view"
    for message_id, times in sorted(books.announced.items()):
        if times > 1:
            yield f"the feed announced message {message_id} {times} times"


# ── What went out


def _reply(
    reply: Reply, shown: Sequence[Shown], pieces: Sequence[Piece], books: Books, verdict: Verdict
) -> Iterator[str]:
    name = f"{reply.channel} reply {reply.mark}"
    if len(shown) != 1:
        yield f"{name} was taken and is shown {len(shown)} times"
        return
    states = shown[0].states
    verdict.ends.update((reply.channel, state) for state in states)
    if not states or not ENDS.issuperset(states):
        yield f"{name} did not come to an end: {', '.join(states)}"
    times = Counter(word for piece in pieces for word in piece.words)
    in_order = list(dict.fromkeys(word for piece in pieces for word in piece.words))
    if in_order != [word for word in reply.words if word in times]:
        yield f"{name} arrived in another order, or with words nobody wrote: {in_order[:6]}"
    yield from _missing(name, reply, states, times, pieces)
    if max(times.values(), default=0) > 1:
        yield from _doubled(name, reply, times, pieces, books, verdict)


def _missing(
    name: str, reply: Reply, states: Sequence[str], times: Mapping[str, int], pieces: Sequence[Piece]
) -> Iterator[str]:
    """What is called sent arrived; what did not arrive is called something else."""
    arrived = len({piece.words for piece in pieces})
    left = sum(state in LEFT for state in states)
    doubtful = sum(state in DOUBTFUL for state in states) if reply.given_up or "uncertain" in states else 0
    whole = set(times) == set(reply.words)
    if (left == len(states) or reply.channel == "chat") and not whole:
        yield f"{name} is {'/'.join(states)} and only {len(times)} of its {len(reply.words)} words arrived"
    elif not left <= arrived <= max(left + doubtful, len(states) if reply.channel == "chat" else 0):
        yield f"{name} is {'/'.join(states)} and {arrived} of its parts arrived"


def _doubled(
    name: str, reply: Reply, times: Mapping[str, int], pieces: Sequence[Piece], books: Books, verdict: Verdict
) -> Iterator[str]:
    """Twice is allowed where an agent sent an uncertain part again, nothing could tell, and the id is the same."""
    most = max(times.values())
    ids: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for piece in pieces:
        ids[piece.words].add(piece.id)
    if reply.channel in books.evidence:
        yield f"{name} arrived {most} times, though it could be known that it had left"
    elif most > 1 + reply.resent:
        yield f"{name} arrived {most} times, and an agent sent it again {reply.resent} times"
    elif any(len(found) > 1 for found in ids.values()):
        yield f"{name} arrived {most} times, under different ids"
    else:
        verdict.doubles[reply.mark] = "its answer was lost, no copy was kept, an agent sent it again, same id"
