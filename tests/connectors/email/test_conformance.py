"""The conformance kit, run on the email connector against the world's post office."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.connectors.email.doubles import ADDRESS, CUSTOMER, PASSWORD, mail, part

from omnibox.connector import ChannelSettings, Envelope
from omnibox.testing import ConnectorTests
from omnibox.testing.world.mail import MailHouse
from omnibox_email import Email, intake
from omnibox_email.heads.addresses import OwnAddress

ARRIVED_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Office(MailHouse):
    """The post office as the kit counts it."""

    url = "imap://127.0.0.1"

    @property
    def arrived(self) -> int:
        return len(self.smtp.received)


class TestEmail(ConnectorTests):
    connector = Email
    fixtures = Path(__file__).parents[3] / "fixtures" / "email" / "arriving"
    sends_by_http = False

    @pytest_asyncio.fixture
    async def platform(self) -> AsyncIterator[Office]:
        office = Office()
        await office.start()
        office.add_account(ADDRESS, PASSWORD)
        self.number = 0
        yield office
        await office.stop()

    def settings(self, platform: Any) -> dict[str, Any]:
        return {**platform.settings(ADDRESS), "import_existing": True}

    def channels(self, platform: Any) -> list[ChannelSettings]:
        return [ChannelSettings(ADDRESS, "Shop")]

    def outbound(self) -> Any:
        return part(text=super().outbound().text, address=CUSTOMER)

    def read(self, connector: Any, body: bytes, settings: dict[str, Any]) -> Iterable[Envelope]:
        ours = intake.Ours((OwnAddress(ADDRESS),), "kit")
        return intake.take_in(body, intake.Place("INBOX", 1, 7, ARRIVED_AT), ours)

    async def fill(self, platform: Any, count: int) -> None:
        for _ in range(count):
            self.number += 1
            platform.deliver(mail(number=self.number), ADDRESS)
