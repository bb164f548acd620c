"""Mails that hold a canary wherever a mail can hold a text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from tests.canary.cards import CARDS, spelled


def html(card: str) -> str:
    """In text, attributes, a comment and a style, with markup and entities between the digits."""
    # A tag in a group makes two groups of it: where the groups decide what is a card, none stands there.
    torn = card if "." in card or card[-2:-1] == "-" else f"{card[:2]}<b>{card[2:]}</b>"
    entities = "".join(f"&#{ord(each)};" for each in card)
    return (
        f'<html><head><title>{card}</title><style>p::after {{ content: "{card}" }}</style></head><body><!-- {card} -->'
        f'<p title="{card}">Pay with {card} please</p><p>{torn}</p><p>{entities}</p>'
        f'<img src="https://shop.example/x.png?pan={card}" alt="{card}" width="{card}">'
        f'<a href="https://shop.example/?card={card}" title="{card}">here</a>'
        f'<a href="mailto:a@b.example?subject={card}">mail</a><table summary="{card}"><tr><td>{card}</td></tr></table>'
        f"<blockquote>They wrote {card}</blockquote></body></html>"
    )


def calendar(card: str) -> str:
    return f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Pay {card}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def letter(number: int, door: str, to: str) -> bytes:
    """Mail `number` for one door. Every second one has its texts in base64, the others in quoted-printable."""
    card = spelled(number)
    coding = "base64" if number % 2 else "quoted-printable"
    mail = _headed(number, door, to, card)
    mail.set_content(f"Hello {card}\n\nOn Monday Ana wrote:\n> quoted {card}\n\n--\nAna {card}\n", cte=coding)
    mail.add_alternative(html(card), subtype="html", cte=coding)
    kinds = files(card, "\n".join(map(spelled, range(len(CARDS)))))
    for turn in range(2):  # each kind in enough mails of every door
        name, kind, content = kinds[(2 * number + turn) % len(kinds)]
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    if number % 2:
        mail.add_attachment(inner(number, card))
    else:
        raw = inner(number, card).as_bytes(policy=SMTP)
        mail.add_attachment(raw, maintype="application", subtype="octet-stream", filename=f"saved {card}.eml")
    if not number % 5:
        mail.add_attachment(calendar(card).encode(), maintype="text", subtype="calendar", filename="invitation.ics")
    return mail.as_bytes(policy=SMTP)


def _headed(number: int, door: str, to: str, card: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f'"Ana {card}" <c{number}.{door}@customer.example>'
    mail["To"] = f'"Shop {card}" <{to}>'
    mail["Cc"] = f'"Ben {card}" <b{number}.{door}@customer.example>'
    mail["Reply-To"] = f'"Reply {card}" <c{number}.{door}@customer.example>'
    mail["Subject"] = f"Order {card} by {door}"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<m{number}.{door}@customer.example>"
    mail["Organization"] = f"Company {card}"
    mail["X-Card"] = card
    return mail


def inner(number: int, card: str) -> EmailMessage:
    """A mail to be attached: its own texts are encoded, and its names and a mail within it too."""
    deepest = EmailMessage()
    deepest["Subject"] = f"deepest {card}"
    deepest.set_content(f"deepest {card}\n", cte="base64")
    mail = EmailMessage()
    mail["From"] = f'"Eve ü {card}" <eve@customer.example>'
    mail["Subject"] = f"Größe {card}"
    mail.set_content(f"inside {card} ü\n", cte="base64")
    mail.add_alternative(f"<p>inside ü {card}</p>\n", subtype="html", cte="quoted-printable")
    mail.add_attachment(f"in a file {card}".encode(), maintype="text", subtype="csv", filename=f"ü {card}.csv")
    mail.add_attachment(deepest)
    return mail


def files(card: str, all_of_them: str) -> list[tuple[str, str, bytes]]:
    """Texts under every kind of name: as text, as UTF-16, and as what programs call «some bytes»."""
    rows = all_of_them.splitlines()
    return [
        (f"list {card}.txt", "text/plain", all_of_them.encode()),
        ("wide.txt", "text/plain", all_of_them.encode("utf-16")),
        ("page.html", "text/html", "".join(map(html, rows)).encode()),
        ("data.json", "application/json", json.dumps({"card": card, "rows": rows}).encode()),
        ("table.csv", "application/vnd.ms-excel", "".join(f"Ana;{row}\r\n" for row in rows).encode()),
        ("dump", "application/octet-stream", all_of_them.encode()),
        ("drawing.svg", "image/svg+xml", f"<svg><title>{card}</title><text>{rows}</text></svg>".encode()),
        ("person.vcf", "text/vcard", f"BEGIN:VCARD\r\nNOTE:{card}\r\nEND:VCARD\r\n".encode()),
    ]
