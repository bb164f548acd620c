"""Email: reads mailboxes over IMAP and answers over SMTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from omnibox.connector import (
    AddressKind,
    Archive,
    Capabilities,
    Chain,
    Check,
    Consent,
    Context,
    Field,
    FileLimits,
    Look,
    Outbound,
    Part,
    Place,
    Receive,
    Rejected,
    Retry,
    Sent,
    Step,
)
from omnibox_email.account import occupied, read_account
from omnibox_email.explained import ERRORS
from omnibox_email.faults import Timings
from omnibox_email.forms import CHANNEL_FIELDS, FIELDS
from omnibox_email.sending.manners import CONFIRMATION, PACES, QUOTES

if TYPE_CHECKING:
    from omnibox_email.door.listening import Door
    from omnibox_email.intake import Ours
    from omnibox_email.mailbox.following import Follower
    from omnibox_email.sending.lines import Lines

MOST_FILE_BYTES = 25_000_000
FIVE_DAYS_S = 5 * 24 * 3600


# To be called in a thread: what reads mail takes half a second to load, and no loop shall stand still for it.


def _door() -> type[Door]:
    from omnibox_email import reading  # noqa: F401 - or the first mail would wait for it
    from omnibox_email.door.listening import Door

    return Door


def _follower() -> type[Follower]:
    import tenacity  # noqa: F401

    from omnibox_email import reading  # noqa: F401
    from omnibox_email.mailbox import imap  # noqa: F401
    from omnibox_email.mailbox.following import Follower

    return Follower


class Email:
    """One mail account: its mailboxes and the server that sends for it."""

    name: ClassVar[str] = "email"
    look: ClassVar[Look] = Look(
        title="Email",
        light="#D92D20",
        dark="#FF6B5E",
        noun="email",
        summary="Any mailbox with IMAP and SMTP.",
    )
    settings: ClassVar[tuple[Field, ...]] = FIELDS
    channel_settings: ClassVar[tuple[Field, ...]] = CHANNEL_FIELDS
    steps: ClassVar[tuple[Step, ...]] = (
        Step(
            "Let programs into the mailbox",
            "Switch IMAP on in your provider's settings. With two-step verification make an app password: the usual "
            "one is refused. Google and Microsoft 365: register omnibox there as a web application, choose them under "
            "«How to log in», save client ID and secret, then ask for consent on this page.",
        ),
        Step(
            "Enter both servers",
            "Incoming mail (IMAP) and outgoing mail (SMTP), as your provider's help page names them.",
        ),
        Step("Add the address", "Add a channel with the address that customers write to, and the name they shall see."),
        Step("Check", "Press Check: each step that fails says what to change. Then switch the connection on."),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        address=AddressKind("email", is_scoped=False, folds_case=True),
        formats=frozenset({"text", "html"}),
        files=FileLimits(count=20, bytes=MOST_FILE_BYTES),
        receipts=frozenset({"failed"}),
        retry=Retry(waits=(60, 300, 900, 3600, 3600, 7200, 14400), most=100, for_s=FIVE_DAYS_S),
        paces=PACES,
        quotes=QUOTES,
        acknowledges=CONFIRMATION,
        threads_by="refs",
        dedupe_scope="installation",
        marks_leaving=True,
        has_subject=True,
        has_recipients=True,
        send_timeout_s=900,
    )
    errors: ClassVar[Mapping[str, tuple[str, str]]] = ERRORS
    timings: Timings = Timings()

    def __init__(self, context: Context) -> None:
        self._context = context
        self._account = read_account(context)
        self._lines: Lines | None = None

    # -- receiving --

    async def run(self, receive: Receive) -> None:
        """Follows the account's folders, or keeps the door, until cancelled."""
        load: Callable[[], type[Door] | type[Follower]] = _door if self._account.door is not None else _follower
        reader = await asyncio.to_thread(load)
        await reader(self._context, self._account, self._ours(), self.timings).run(receive)

    def _ours(self) -> Ours:
        from omnibox_email.intake import Ours

        return Ours(self._account.addresses, self._context.installation, self._account.checking_servers)

    def open_archive(self, paths: Sequence[str], address: str, report: Callable[[int, int], None]) -> Archive:
        """Mail in mbox files, maildirs and folders of single mails; raises `NoArchive` or `OSError`."""
        from omnibox_email.archives import archive

        return archive.look_through(paths, self._ours(), address, report)

    # -- sending --

    def parts(self, reply: Part) -> list[Part]:
        """A mail takes text and files together: one part."""
        return [reply]

    def reserve(self, part: Outbound) -> str:
        """The Message-ID, without angle brackets, that the part will have."""
        from omnibox_email.intake import message_id

        return message_id(part.id, self._own_address(part))

    async def send(self, part: Outbound) -> Sent:
        """Hand the part to the submission server; raises a `SendError`."""
        from omnibox_email.sending import envelope, lines, transport, verdicts, writing

        if sum(file.size for file in part.files) > MOST_FILE_BYTES:
            raise Rejected("email.too_big")
        channel = self._channel(part)
        letter = await writing.letter_of(part, channel, self._context.installation)
        mail = envelope.handover(part, letter, channel)
        if self._lines is None:
            self._lines = lines.Lines(
                lambda: transport.Transport(
                    self._context, self._account.smtp, self.timings, does_log_in=self._account.does_log_in
                )
            )
        accepted = await self._lines.send(mail)
        return Sent(
            external_id=letter.message_id,
            aliases=verdicts.aliases(accepted.answer, self._account.smtp.host, letter.message_id),
            refused=mail.by_name(accepted.refused),
        )

    async def look_up(self, part: Outbound) -> Sent | Literal["absent", "unknown"]:
        """Whether an uncertain part left: a copy among the sent mail proves it."""
        from omnibox_email.sending import evidence

        return await evidence.look_up(self._context, self._account, self.reserve(part), self.timings)

    async def close(self) -> None:
        """Drop the kept connections; a token that is being renewed is kept first."""
        if self._lines is not None:
            self._lines.close()
        if self._account.imap.tokens is not None:
            await self._account.imap.tokens.close()

    def _channel(self, part: Outbound) -> Any:
        return self._context.channel(part.channel) if part.channel else self._context.channels[0]

    def _own_address(self, part: Outbound) -> str:
        return str(self._channel(part).address)

    @classmethod
    def consent(cls, settings: Mapping[str, Any]) -> Consent | None:
        """What the mailbox's owner is asked for; None where a password is the way in."""
        from omnibox_email import providers

        return providers.consent_of(settings)

    @classmethod
    def places(cls, settings: Mapping[str, Any], addresses: Sequence[str]) -> Iterable[Place]:
        """The addresses, and each folder that is read."""
        return occupied(settings, addresses)

    # -- checking --

    async def check(self) -> AsyncIterator[Check]:
        """Each step of reaching both servers, with what to do where one fails."""
        from omnibox_email import checks

        async for found in checks.run(self._context, self._account, self.timings):
            yield found

    # -- offline --

    @classmethod
    def normalize(cls, raw: bytes, account: str | None) -> Iterable[Mapping[str, Any]]:
        """One record per mail; any non-empty bytes are a mail."""
        from omnibox_email import offline

        del account
        yield offline.record(raw)

    @classmethod
    def render(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to `item["inbound_base64"]` as it would leave; raises `ValueError`."""
        from omnibox_email import offline

        return offline.rendered(item)

    @classmethod
    def chain(cls, raw: bytes) -> Chain:
        """The ids by which the mail names itself and what it answers."""
        from omnibox_email import chains

        return chains.chain_of(raw)
