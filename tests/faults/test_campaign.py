"""Random kills and a world full of troubles while all channels flow: the short form of `make faults`."""

from __future__ import annotations

from tests.faults.campaign.run import Plan, carry_out

KILLS = 5


async def test_nothing_is_lost_or_doubled_while_the_hub_is_killed_again_and_again() -> None:
    outcome = await carry_out(Plan("short", KILLS, "sqlite", only_quick=True))
    assert outcome.problems == []
    assert outcome.deaths.total() == KILLS
    flowed = outcome.verdict.messages
    assert all(flowed[channel, "in"] for channel in ("chat", "messenger", "mail")), flowed
