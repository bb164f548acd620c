"""Over how many connections mail leaves an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from omnibox_email.sending.transport import Accepted, NoExtraLine, Transport

if TYPE_CHECKING:
    from omnibox_email.sending.envelope import Handover

MOST_LINES = 3  # at once; Microsoft 365 gives a mailbox no more
MANY_WAITING = 8  # mails; then a further line is worth its login
EXTRA_REST_S = 600.0  # after a server refused one: some allow a single line


class Lines:
    """How mail leaves an account: over one kept line, and over further ones while many wait.

    A mail spends most of its time on answers, of the server and of our own store; the lines fill each other's pauses.
    """

    def __init__(self, make: Callable[[], Transport]) -> None:
        self.first = make()
        self._further = [make() for _ in range(MOST_LINES - 1)]
        self._rests_until = 0.0  # by the loop's clock

    async def send(self, mail: Handover) -> Accepted:
        """As `Transport.send`."""
        if (line := self._further_line()) is not None:
            try:
                return await line.send(mail, is_extra=True)
            except NoExtraLine:
                self._rests_until = asyncio.get_running_loop().time() + EXTRA_REST_S
        return await self.first.send(mail)

    def _further_line(self) -> Transport | None:
        """The least busy one, where the first is busy enough and the server gives more than one."""
        if self.first.waiting < MANY_WAITING or asyncio.get_running_loop().time() < self._rests_until:
            return None
        least = min(self._further, key=lambda line: line.waiting)
        return least if least.waiting < self.first.waiting else None

    def close(self) -> None:
        for line in (self.first, *self._further):
            line.close()
