"""Masks what was sent in several messages: a card number in pieces, and a code or date in the message after its card.

More is asked of a number than in one text, since people also send order numbers one after another: the joined digits
are grouped as on cards, or a key word stands near. A code or date counts as if it stood on the next line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omnibox.masking.alphabet import BULLET, GAP, STRICT, Span
from omnibox.masking.brands import LONGEST, SHORTEST
from omnibox.masking.codes import find_codes
from omnibox.masking.plain import Masked, hide
from omnibox.masking.scanner import Card, find_cards
from omnibox.masking.surroundings import stands_near_card_word
from omnibox.masking.words import names_security_code

MOST_PIECES = 4
_REACH = 200  # characters at either end of a text in which a piece is looked for
_MOST_WORDS = 24  # characters between a piece and the end of its text: «and then », « ok?»
_LONGEST_REST = 8  # digits behind the number, where its date and code may stand
_FEWEST_DIGITS = 3
_MOST_DIGITS = 18  # of a piece: with more it would be the whole number
_RUN = re.compile(rf"\d+(?:{GAP}{{1,3}}+\d+)*+")
_GROUP = re.compile(r"\d+")
_DIGIT = re.compile(r"\d")
_PLACE_OF_DIGIT = re.compile(rf"[\d{BULLET}]")
_STRICT = re.compile(f"[{STRICT}]")
_NOWHERE: Span = (0, 0)
# The end of a text that closes with a hidden number, perhaps with its date and a few words.
_HIDDEN_NUMBER = re.compile(rf"(?:{BULLET}{GAP}{{0,3}}){{9,15}}\d(?:{GAP}{{0,3}}\d){{3}}(?=\D{{0,{_MOST_WORDS}}}\Z)")
_HIDDEN_PIECE = re.compile(rf"{BULLET}(?:{GAP}{{0,3}}[{BULLET}\d]){{4,17}}+")
_CODE_ALONE = re.compile(r"\W{0,9}\d{3,4}\W{0,9}")
_QUESTION = re.compile(r"[^.?!\n]{1,120}\?\W{0,9}\Z")


@dataclass(frozen=True, slots=True)
class _Edges:
    """The digits a text begins and ends with, else `_NOWHERE`; the same ones where it holds no others."""

    first: Span
    last: Span


def may_be_piece(text: str) -> bool:
    """Whether a text begins or ends with digits, as many as nobody leaves out of a part of a number."""
    edges = _edges(text)
    return any(len(_DIGIT.findall(text, *span)) >= _FEWEST_DIGITS for span in (edges.first, edges.last))


def mask_split(texts: Sequence[str], latest: int | None = None) -> list[Masked] | None:
    """The texts of one author, oldest first, with a number hidden that goes from one into the next, and the code or
    date in the text after its card; None if there is nothing to hide.

    Each text has been masked by itself. As in `mask`, only digits change. With `latest`, the place of the text that was
    not there before, only numbers are looked for that hold a piece of it, and codes in it.
    """
    edges = [_edges(text) for text in texts]
    hidden: list[list[Span]] = [[] for _ in texts]
    first = 0
    while first < len(texts):
        chains = (chain for chain in _chains(edges, first) if latest is None or chain[0] <= latest <= chain[-1])
        chain = next((chain for chain in chains if _hide_in(texts, edges, chain, hidden)), None)
        first = first + 1 if chain is None else chain[-1]
    now = [hide(text, sorted(spans)) for text, spans in zip(texts, hidden, strict=True)]
    for place in range(len(now)) if latest is None else [latest]:
        now[place] = hide(now[place], _codes_in(now, place))
    return None if now == list(texts) else [Masked(text) for text in now]


def is_code_alone(text: str) -> bool:
    """Whether a text is three or four digits and nothing else."""
    return _CODE_ALONE.fullmatch(text) is not None


def mask_answer(question: str, text: Masked) -> Masked:
    """A code alone, hidden if the question before it asks for a card's security code."""
    asked = _QUESTION.search(question[-_REACH:])
    return Masked(hide(text, [(0, len(text))])) if asked and names_security_code(asked.group()) else text


def mask_edited(before: str, text: Masked) -> Masked:
    """The new text of a message, with what was a hidden piece in the old one hidden again.

    Its digits are known no more, so a row of the same groups counts as the same piece.
    """
    spans: list[Span] = []
    for piece in _HIDDEN_PIECE.findall(before)[:MOST_PIECES]:
        shape = "".join(r"\d" if each == BULLET else re.escape(each) for each in piece)
        hidden = piece.rindex(BULLET) + 1
        spans += ((at, at + hidden) for at in (same.start() for same in re.finditer(rf"(?<!\d){shape}(?!\d)", text)))
    return Masked(hide(text, sorted(spans))) if spans else text


def _codes_in(texts: Sequence[str], place: int) -> list[Span]:
    """The codes and dates that a text begins with, if the ones before it end with a card or announce them."""
    text = texts[place][:_REACH]
    before = "\n".join(texts[max(0, place - MOST_PIECES + 1) : place])[-_REACH:]
    if not before or not _DIGIT.search(text):
        return []
    number = _HIDDEN_NUMBER.search(before)
    cards = [Card(number.start(), len(before), 0, _PLACE_OF_DIGIT.subn("", number.group())[1])] if number else []
    return _within(find_codes(f"{before}\n{text}", cards), len(before) + 1, len(text), 0)


def _edges(text: str) -> _Edges:
    head, cut = text[:_REACH], max(0, len(text) - _REACH)
    run = _RUN.search(head)
    first = run.span() if run is not None and run.start() <= _MOST_WORDS else _NOWHERE
    last = _NOWHERE
    for run in _RUN.finditer(text, cut):
        last = run.span()
    return _Edges(first, last if len(text) - last[1] <= _MOST_WORDS else _NOWHERE)


def _chains(edges: Sequence[_Edges], first: int) -> Iterator[list[int]]:
    """Rows of texts that begin with this one and may hold one number; those without digits may stand between."""
    if edges[first].last == _NOWHERE:
        return
    chain = [first]
    for place in range(first + 1, len(edges)):
        here = edges[place]
        if here.first == here.last == _NOWHERE:
            continue
        if here.first == _NOWHERE:
            return
        chain.append(place)
        yield list(chain)
        if here.first != here.last or len(chain) == MOST_PIECES:
            return


def _hide_in(texts: Sequence[str], edges: Sequence[_Edges], chain: Sequence[int], hidden: list[list[Span]]) -> bool:
    """Note where a number that fills this chain stands in each text; False where there is none."""
    begins, ends = edges[chain[0]].last
    digits = [_DIGIT.findall(texts[chain[0]], begins)]
    digits += [_DIGIT.findall(texts[place], *edges[place].first) for place in chain[1:]]
    if len(digits[0]) > _MOST_DIGITS or not _may_check(digits):
        return False
    tail = (edges[chain[-1]].first[0], len(texts[chain[-1]]))
    pieces = [(chain[0], (0, ends)), *((place, edges[place].first) for place in chain[1:-1]), (chain[-1], tail)]
    said_before = "\n".join(texts[: chain[0]])[-_REACH:] + "\n"
    # Between two messages a number goes on beside a group, in the middle of one, or with its own separator.
    for joint in (" ", "", *_STRICT.findall(texts[chain[0]], begins, ends)[:1]):
        joined, starts = said_before, []
        for place, (start, end) in pieces:
            starts.append(len(joined))
            joined += texts[place][start:end] + joint
        card = _card_in(joined, starts[0] + begins, starts[-1])
        if card is not None:
            spans = [(card.start, card.last_four)]
            spans += find_codes(hide(joined, spans), [card])
            for at, (place, (start, end)) in zip(starts, pieces, strict=True):
                hidden[place] += _within(spans, at, end - start, start)
            return True
    return False


def _may_check(pieces: Sequence[Sequence[str]]) -> bool:
    """Whether the check digit can be right for a number that ends in the last piece: mostly it is not."""
    values = [int(digit) for piece in pieces for digit in piece][:LONGEST]
    shortest = max(SHORTEST, sum(map(len, pieces[:-1])) + 1)
    for length in range(shortest, len(values) + 1):
        doubled = (2 * value - 9 * (value > 4) for value in values[length % 2 : length : 2])
        if (sum(doubled) + sum(values[1 - length % 2 : length : 2])) % 10 == 0:
            return True
    return False


def _card_in(joined: str, begins: int, last_piece: int) -> Card | None:
    """The card that begins where the first piece does and ends in the last one, if it is sure to be one."""
    for card in find_cards(joined):
        if card.start != begins or card.end <= last_piece:
            continue
        rest = _RUN.match(joined, last_piece)
        behind = joined[card.end : rest.end()] if rest is not None else ""
        if len(_DIGIT.findall(behind)) > _LONGEST_REST:
            continue
        if _is_grouped(joined[card.start : card.end]) or stands_near_card_word(joined, card.start, card.end):
            return card
    return None


def _is_grouped(number: str) -> bool:
    """Whether the digits are grouped as on cards: only then may they be written with dots."""
    groups = _GROUP.findall(number)
    dotted = ".".join(groups)
    return len(groups) > 1 and any(each.end - each.start == len(dotted) for each in find_cards(dotted))


def _within(spans: Sequence[Span], at: int, length: int, start: int) -> list[Span]:
    """Those parts of `spans` that lie in a piece, as places of its own text."""
    cut = ((max(left, at) - at + start, min(right, at + length) - at + start) for left, right in spans)
    return [(left, right) for left, right in cut if left < right]
