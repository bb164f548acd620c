"""The set-up button: each step by itself, and what to do about the first that fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.connectors.email.doubles import ADDRESS, FakeContext, QuickEmail, Shelf, outcome, running

from omnibox.connector import BadSettings, ChannelDown, ChannelSettings, Check
from omnibox.testing.world.mail import MailHouse
from omnibox_email.account import Server

STEPS = [
    "IMAP server found",
    "IMAP connection",
    "IMAP login",
    "Folder INBOX",
    "SMTP server found",
    "SMTP connection",
    "SMTP login",
    "Sender accepted",
]


async def findings(house: MailHouse, **changed: Any) -> dict[str, Check]:
    connector = QuickEmail(FakeContext({**house.settings(ADDRESS), **changed}))
    return {check.name: check async for check in connector.check()}


async def test_every_step_of_a_good_account_is_well(house: MailHouse) -> None:
    found = await findings(house)
    assert list(found) == STEPS
    assert all(check.ok for check in found.values())


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({"imap_host": "no-such-host.invalid"}, "IMAP server found"),
        ({"imap_port": 1}, "IMAP connection"),
        ({"imap_security": "starttls"}, "IMAP connection"),
        ({"imap_password": "wrong", "smtp_password": "correct-horse-battery"}, "IMAP login"),
        ({"folders": ["INBOX", "Nowhere"]}, "Folder Nowhere"),
        ({"smtp_host": "no-such-host.invalid"}, "SMTP server found"),
        ({"smtp_port": 1}, "SMTP connection"),
        ({"smtp_security": "starttls"}, "SMTP connection"),
        ({"smtp_password": "wrong"}, "SMTP login"),
    ],
)
async def test_the_step_that_fails_says_what_to_do(house: MailHouse, changed: dict[str, Any], step: str) -> None:
    found = await findings(house, **changed)
    assert [name for name, check in found.items() if check.ok is False] == [step]
    assert found[step].why
    assert found[step].cure
    names = list(found)
    side = names[4 - len(STEPS) :] if step in names[4 - len(STEPS) :] else names[: 4 - len(STEPS)]
    assert all(found[name].ok is None for name in side[side.index(step) + 1 :])


async def test_a_sender_the_server_refuses_is_named(house: MailHouse) -> None:
    house.smtp.refuse("mail", 550, "5.7.1 not yours")
    found = await findings(house)
    assert found["Sender accepted"].ok is False


async def test_a_forbidden_target_names_the_operator_s_setting(house: MailHouse) -> None:
    class Guarded(FakeContext):
        async def connect(self, host: str, port: int, timeout_s: float = 30) -> Any:
            raise BadSettings("add it to outbound_allow")

    connector = QuickEmail(Guarded(house.settings(ADDRESS)))
    found = {check.name: check async for check in connector.check()}
    for step in ("IMAP connection", "SMTP connection"):
        assert found[step].ok is False
        assert "outbound_allow" in found[step].cure
    async with running(connector, Shelf()) as task:
        assert isinstance(await outcome(task), ChannelDown)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"imap_host": "https://mail.example.com"}, "imap_host"),
        ({"imap_security": "ssl"}, "imap_security"),
        ({"imap_port": 70000}, "imap_port"),
        ({"idle_seconds": 5000}, "idle_seconds"),
        ({"smtp_host": ""}, "smtp_host"),
    ],
)
def test_a_bad_setting_is_named_with_its_cure(changed: dict[str, Any], field: str) -> None:
    settings = {"imap_host": "a.example", "imap_user": "u", "imap_password": "p", "smtp_host": "b.example", **changed}
    with pytest.raises(BadSettings) as caught:
        QuickEmail(FakeContext(settings))
    assert caught.value.field == field
    assert str(caught.value)


@pytest.mark.parametrize("pattern", ["reply@x.example", "{token}", "{token}{token}@x.example"])
def test_a_reply_pattern_without_a_place_for_the_token_is_refused(pattern: str) -> None:
    settings = {"imap_host": "a.example", "imap_user": "u", "imap_password": "p", "smtp_host": "b.example"}
    with pytest.raises(BadSettings) as caught:
        QuickEmail(FakeContext(settings, [ChannelSettings(ADDRESS, "", {"reply_pattern": pattern})]))
    assert caught.value.field == "reply_pattern"


def test_the_authorities_of_the_machine_are_read_once() -> None:
    one, other = (Server(host, 993, "tls", "user", "secret") for host in ("a.example", "b.example"))
    assert one.tls() is other.tls()
    assert replace(one, security="none").tls() is None
