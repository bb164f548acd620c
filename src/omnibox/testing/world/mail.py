"""The world's post office: mail accounts that omnibox reads and sends through, and customers who write to them.

house = MailHouse()
await house.start()
house.add_account("help@shop.example", "secret")
house.write("ana@customer.example", "help@shop.example", "Where is my order?", "It is late.")
house.sent_to("ana@customer.example")      # what Ana received
house.answer("ana@customer.example", house.sent_to("ana@customer.example")[-1], "Thanks!")
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, parseaddr

from omnibox.testing.world.imap import ImapServer
from omnibox.testing.world.imap_folder import MailFolder
from omnibox.testing.world.smtp import SmtpServer, Submitted

WIRE = policy.SMTP.clone(max_line_length=78)


class MailHouse:
    """Accounts with IMAP and SMTP; everybody else is a customer whose mail is kept by address."""

    def __init__(self) -> None:
        self._passwords: dict[str, str] = {}
        self._customers: dict[str, list[bytes]] = {}
        self._number = itertools.count(1)
        self.keeps_sent = False  # whether a copy of what was submitted goes into Sent, as some providers do
        self.rewrites_ids = False  # whether the relay puts a Message-ID of its own in place, as some do
        self.accepts_token: Callable[[str, str], bool] | None = None  # who logs in by an access token
        self.imap = ImapServer(self._accepts, self._takes_token)
        self.smtp = SmtpServer(self._accepts, self._route, self._takes_token)

    @property
    def imap_port(self) -> int:
        return self.imap.port

    @property
    def smtp_port(self) -> int:
        return self.smtp.port

    async def start(self, imap_port: int = 0, smtp_port: int = 0) -> None:
        await self.imap.start(imap_port)
        await self.smtp.start(smtp_port)

    async def stop(self) -> None:
        await self.imap.stop()
        await self.smtp.stop()

    def add_account(self, address: str, password: str) -> None:
        self._passwords[address.lower()] = password
        self.imap.add_mailbox(address)

    def inbox(self, address: str) -> MailFolder:
        return self.imap.folder(address)

    def sent_to(self, address: str) -> list[bytes]:
        """The mails a customer received, oldest first."""
        return list(self._customers.get(address.lower(), ()))

    def settings(self, address: str) -> dict[str, object]:
        """What an admin types to connect the account."""
        return {
            "imap_host": "127.0.0.1",
            "imap_port": self.imap_port,
            "imap_security": "none",
            "imap_user": address,
            "imap_password": self._passwords[address.lower()],
            "smtp_host": "127.0.0.1",
            "smtp_port": self.smtp_port,
            "smtp_security": "none",
        }

    # -- delivering --

    def deliver(self, raw: bytes, to: str, received_at: datetime | None = None) -> int | None:
        """Put a mail where `to` reads it; returns the UID in an account's INBOX, None for a customer."""
        account = self._account_of(to)
        if account is None:
            self._customers.setdefault(to.lower(), []).append(raw)
            return None
        return self.inbox(account).put(f"Delivered-To: {to}\r\n".encode() + raw, received_at)

    def _account_of(self, address: str) -> str | None:
        """The account that reads `address`: plus addresses belong to the one without."""
        local, _, domain = address.lower().rpartition("@")
        return next(
            (one for one in (address.lower(), f"{local.partition('+')[0]}@{domain}") if one in self._passwords), None
        )

    def _accepts(self, user: str, password: str) -> bool:
        return self._passwords.get(user.lower()) == password

    def _takes_token(self, user: str, token: str) -> bool:
        return user.lower() in self._passwords and bool(self.accepts_token and self.accepts_token(user, token))

    def _route(self, mail: Submitted) -> str | None:
        raw, said = mail.raw, None
        if self.rewrites_ids:
            new = f"<relay-{next(self._number)}@relay.example>"
            raw = re.sub(rb"(?im)^message-id:[^\r\n]*", b"Message-ID: " + new.encode(), raw, count=1)
            said = f"{new} queued"
        if self.keeps_sent and mail.user:
            self.imap.folder(mail.user, "Sent").put(raw, flags=["\\Seen"])
        for recipient in mail.recipients:
            self.deliver(raw, recipient)
        return said

    # -- customers --

    def write(
        self,
        sender: str,
        to: str,
        subject: str,
        text: str,
        *,
        name: str = "",
        html: str = "",
        headers: Sequence[tuple[str, str]] = (),
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> bytes:
        """A customer writes a new mail; returns it as it was delivered. `files` are (name, content type, bytes)."""
        message = self._letter(sender, name, to, subject, text, html, files)
        for header, value in headers:
            message[header] = value
        return self._post(message)

    def answer(
        self, sender: str, received: bytes, text: str, *, quotes: bool = True, keeps_references: bool = True
    ) -> bytes:
        """A customer answers a mail as mail programs do: to its Reply-To, with its id; returns the answer."""
        answered = message_from_bytes(received, policy=policy.default)
        to = parseaddr(str(answered["Reply-To"] or answered["From"]))[1]
        own = re.sub(r"^(?:re:\s*)+", "", str(answered["Subject"] or ""), flags=re.I)
        body = text
        if quotes:
            part = answered.get_body(("plain",))
            said = part.get_content() if part else ""
            author = parseaddr(str(answered["From"]))
            body += f"\n\nOn {answered['Date']}, {author[0]} <{author[1]}> wrote:\n"
            body += "".join(f"> {line}\n" for line in said.splitlines())
        message = self._letter(sender, "", to, f"Re: {own}", body, "", ())
        answered_id = str(answered["Message-ID"] or "").strip()
        if answered_id:
            message["In-Reply-To"] = answered_id
            if keeps_references:
                message["References"] = f"{answered['References'] or ''} {answered_id}".strip()
        return self._post(message)

    def _letter(
        self,
        sender: str,
        name: str,
        to: str,
        subject: str,
        text: str,
        html: str,
        files: Sequence[tuple[str, str, bytes]],
    ) -> EmailMessage:
        message = EmailMessage(policy=WIRE)
        message["From"] = f'"{name}" <{sender}>' if name else sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<world-{next(self._number)}@{sender.rpartition('@')[2]}>"
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        for file_name, content_type, content in files:
            kind, _, subtype = content_type.partition("/")
            message.add_attachment(content, maintype=kind, subtype=subtype, filename=file_name)
        return message

    def _post(self, message: EmailMessage) -> bytes:
        raw: bytes = message.as_bytes(policy=WIRE)
        for _, to in getaddresses([str(value) for value in (*message.get_all("To", []), *message.get_all("Cc", []))]):
            self.deliver(raw, to)
        return raw
