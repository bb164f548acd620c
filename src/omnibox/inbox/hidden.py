"""«This was no card number»: what is kept of a hidden spot that an agent doubts, so that a rule can be mended.

Its shape, the words around it that we know by heart, and the digits that are shown anyway. The number is gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.store import Reader, Transaction, insert
from omnibox.store.tables import channel, conversation, mask_report, message

MOST_SPOTS = 50  # of one message
MOST_LISTED = 500
FEWEST = 3  # bullets; fewer are a list's
REACH = 60  # characters on each side
MOST_WORDS = 6  # on each side

# As the inbox reads it too: bullets with at most three signs between, and up to four digits behind.
_GAP = r"(?:[^\w•]|_){0,3}"
SPOT = re.compile(rf"•(?:{_GAP}•)*(?:{_GAP}\d){{0,4}}")
_GROUP = re.compile(r"[•\d]+")
_WORD = re.compile(r"[^\W_]+")

# Words that tell what a number is. All others are told as «word», digits as zeros.
_KNOWN_WORDS = """
card cards tarjeta carta carte karte cartão cartao credit debit crédito débito visa mastercard amex maestro number
numero número nummer numéro no nr nº order orders pedido ordine commande bestellung encomenda invoice factura fattura
facture rechnung fatura tracking track envío spedizione suivi sendung parcel paquete pacco colis paket iban account
cuenta conto compte konto conta phone tel teléfono telefono téléphone telefon telefone mobile reference referencia
riferimento référence referenz ref booking reserva prenotazione réservation buchung ticket case caso customer cliente
client kunde member membership socio mitglied loyalty imei serial serie seriennummer isbn ean gtin sku vat iva tva ust
nif code código codice cvv cvc csc exp expiry caduca scadenza valid
"""
_KNOWN = frozenset(_KNOWN_WORDS.split())
_SEPARATORS = {" ": "space", "\xa0": "space", "-": "dash", ".": "dot", "/": "slash", "\n": "line break"}


class NotHidden(LookupError):
    """There is no such hidden spot in the message."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a rule can be mended with."""

    rule: str
    scheme: str | None
    shape: str
    separators: str
    last: str
    around: str


def spots_in(text: str) -> list[tuple[int, int]]:
    """Where something is hidden in a masked text, in order."""
    found = (match.span() for match in SPOT.finditer(text))
    return [span for span in found if text.count("•", *span) >= FEWEST][:MOST_SPOTS]


def shape_of(text: str, spot: int, *, has_patterns: bool) -> Shape:
    """Raises `NotHidden`."""
    spots = spots_in(text)
    if spot >= len(spots):
        raise NotHidden(spot)
    start, end = spots[spot]
    shown = text[start:end]
    sizes = [len(group) for group in _GROUP.findall(shown)]
    last = "".join(str(int(each)) for each in re.findall(r"\d", shown))
    rule = _rule_of(sizes, last, has_patterns=has_patterns)
    return Shape(
        rule=rule,
        scheme=_scheme_of(sizes) if rule == "card" else None,
        shape="-".join(map(str, sizes)),
        separators=", ".join(dict.fromkeys(_SEPARATORS.get(each, "other") for each in _GROUP.sub("", shown))),
        last=last,
        around=f"{_words(text[:start], -1)} [·] {_words(text[end:], 1)}".strip(),
    )


def _rule_of(sizes: Sequence[int], last: str, *, has_patterns: bool) -> str:
    if len(last) == 4 and 12 <= sum(sizes) <= 19:
        return "card"
    if not last and (len(sizes) == 1 and sizes[0] <= 4):
        return "code"
    if not last and len(sizes) == 2 and sizes[1] in (2, 4):
        return "date"
    return "pattern" if has_patterns else "other"


def _scheme_of(sizes: Sequence[int]) -> str:
    """As far as length and grouping tell; the digits that would tell more are gone."""
    match sum(sizes):
        case 15:
            return "American Express or one alike"
        case 14:
            return "Diners Club"
        case 13 | 16:
            return "Visa, Mastercard or one alike"
        case _:
            return "Maestro, UnionPay or one alike"


def _words(text: str, side: int) -> str:
    """The nearest words on one side, as far as they are ours to tell."""
    near = text[-REACH:] if side < 0 else text[:REACH]
    words = [_told(word) for word in _WORD.findall(near)]
    return " ".join(words[-MOST_WORDS:] if side < 0 else words[:MOST_WORDS])


def _told(word: str) -> str:
    if any(each.isdecimal() for each in word):
        return "0" * min(len(word), 20)
    return word.lower() if word.lower() in _KNOWN else "word"


# ── Rows


def report(tx: Transaction, message_id: int, spot: int, agent_id: int) -> int:
    """Keep a doubt; the same one twice is one. Raises `LookupError`, of which `NotHidden` is one."""
    wanted = sa.select(message.c.text, channel.c.patterns).join(channel, channel.c.id == message.c.channel_id)
    row = tx.execute(wanted.where(message.c.id == message_id, message.c.deleted_at.is_(None))).first()
    if row is None:
        raise LookupError(message_id)
    found = shape_of(row.text, spot, has_patterns=row.patterns is not None)
    values: dict[str, Any] = {name: getattr(found, name) for name in Shape.__slots__}
    values |= {"message_id": message_id, "agent_id": agent_id, "spot": spot, "at": tx.clock()}
    tx.execute(insert(mask_report).on_conflict_do_nothing(), values)
    mine = mask_report.c.message_id == message_id, mask_report.c.spot == spot
    return int(tx.execute(sa.select(mask_report.c.id).where(*mine)).scalar_one())


def reports(tx: Reader, report_id: int | None = None) -> Sequence[sa.Row[Any]]:
    """All doubts, newest first, with conversation and channel of each; or one."""
    wanted = (
        sa.select(mask_report, message.c.conversation_id, channel.c.name.label("channel_name"))
        .join(message, message.c.id == mask_report.c.message_id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .join(channel, channel.c.id == message.c.channel_id)
    )
    if report_id is not None:
        wanted = wanted.where(mask_report.c.id == report_id)
    return tx.execute(wanted.order_by(mask_report.c.id.desc()).limit(MOST_LISTED)).all()
