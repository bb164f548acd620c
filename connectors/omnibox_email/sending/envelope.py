"""One mail as it is handed to a server: its envelope, its bytes, and whose address each of the envelope's is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from omnibox.connector import ChannelSettings, Outbound, Rejected, SendError
from omnibox_email.sending import building, fields, writing
from omnibox_email.sending.building import Letter
from omnibox_email.sending.writing import AUTOMATIC

BUILT_ASIDE = 64 * 1024  # bytes of files; more would hold up the loop


@dataclass(frozen=True, slots=True)
class Handover:
    """One mail on its way to the server. `names` gives the address as the part names it, by the envelope's.

    `plain_sender` is named where the server does not let us send as `sender`.
    """

    sender: str
    recipients: Sequence[str]
    letter: Letter = field(repr=False)
    leaving: Callable[[], Awaitable[None]] = field(repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_automatic: bool = False
    plain_sender: str = ""

    @property
    def needs_utf8(self) -> bool:
        return not (self.sender + "".join(self.recipients)).isascii()

    async def raw(self, *, utf8: bool) -> bytes:
        """The mail's bytes; the same at each try over the same kind of line."""
        letter = replace(self.letter, utf8=True) if utf8 else self.letter
        if sum(len(file.content) for file in letter.files) > BUILT_ASIDE:
            return await asyncio.to_thread(building.build, letter)
        return building.build(letter)

    def by_name(self, refused: Mapping[str, SendError]) -> dict[str, SendError]:
        """Refusals by the addresses as the part names them."""
        return {self.names.get(address, address): error for address, error in refused.items()}


def handover(part: Outbound, letter: Letter, channel: ChannelSettings) -> Handover:
    """The mail of a part. Raises `Rejected` for an address that no mail can go to."""
    try:
        names = {fields.envelope(one): one for one in writing.recipients(letter, part)}
        sender = writing.envelope_sender(part, channel)
        return Handover(
            sender=fields.envelope(sender) if sender else "",
            recipients=tuple(names),
            letter=letter,
            leaving=part.leaving,
            names=names,
            is_automatic=part.mode == AUTOMATIC,
            plain_sender=fields.envelope(letter.sender),
        )
    except fields.NotAnAddress:
        raise Rejected("email.address_not_supported") from None
