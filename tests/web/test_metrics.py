"""What `/metrics` tells, to whom, and that its page explains all of it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from tests.web.conftest import OpenHouse
from tests.web.house import House

from omnibox.masking import mask
from omnibox.metrics import Histogram, door_of
from omnibox.store import Transaction
from omnibox.store.tables import delivery, job, quarantine
from omnibox.web.metrics import ALL

PAGE = Path(__file__).parents[2] / "docs/metrics.md"
HERE = {"Host": "localhost"}


async def scraped(house: House, **headers: str) -> dict[str, float]:
    """Every sample of a scrape, as `name{label=value,…}`."""
    browser = await house.browser()
    answer = await browser.get("/metrics", headers=HERE | headers)
    assert answer.status == 200, answer.body
    samples: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return samples


def documented() -> set[str]:
    return set(re.findall(r"^\| `(omnibox_\w+)` \|", PAGE.read_text(), re.M))


def test_every_metric_is_documented_and_nothing_else() -> None:
    assert documented() == {metric.name for metric in ALL}


def test_alarms_name_only_metrics_that_exist() -> None:
    names = {metric.name for metric in ALL}
    section = PAGE.read_text().partition("## Alarms to begin with")[2]
    used = {re.sub(r"_(total|bucket|sum|count)$", "", each) for each in re.findall(r"omnibox_\w+", section)}
    assert used - names == set()
    assert len(used) > 10


async def test_a_scrape_shows_only_declared_metrics_with_their_labels(house: House) -> None:
    await (await house.browser("agent")).get("/api/me")
    labels = {metric.name: set(metric.labels) for metric in ALL}
    for sample in await scraped(house):
        name, _, given = sample.rstrip("}").partition("{")
        if name.startswith(("process_", "python_")):
            continue
        base = re.sub(r"_(total|bucket|sum|count|created)$", "", name)
        assert {pair.partition("=")[0] for pair in given.split(",") if pair} - {"le"} == labels[base], sample


async def test_requests_are_counted_by_class_and_status(house: House) -> None:
    before = await scraped(house)
    await (await house.browser("agent")).get("/api/me")
    await (await house.browser()).get("/api/me")
    after = await scraped(house)
    for series in ("{door=api,status=200}", "{door=api,status=401}"):
        name = f"omnibox_http_requests_total{series}"
        assert after[name] - before.get(name, 0) == 1
    refused = "omnibox_http_refusals_total{code=signed_out}"
    assert after[refused] - before.get(refused, 0) == 1


async def test_what_waits_in_the_database_is_told_with_its_age(house: House) -> None:
    agent = await house.browser("agent")
    conversation = house.ids["own agent"]
    reply = {"client_id": "metrics-0001", "text": "On its way"}
    assert (await agent.post(f"/api/conversations/{conversation}/replies", reply)).status == 201

    def wait(tx: Transaction) -> None:
        at = tx.clock()
        tx.execute(sa.update(delivery).values(state="uncertain", is_open=True, uncertain_at=at))
        tx.execute(sa.delete(job))
        tx.execute(sa.insert(job).values(kind="evidence", subject="1", due_at=at, lease_until=at.replace(year=2100)))
        aside = {"connection_id": house.ids["connection"], "kind": "request", "place": "", "digest": "d", "size": 1,
                 "reason": "r", "excerpt": mask("?"), "at": at}  # fmt: skip
        tx.execute(sa.insert(quarantine).values(aside))

    await house.store.write(wait)
    house.clock.advance(seconds=90)
    samples = await scraped(house)
    assert samples["omnibox_deliveries{state=uncertain}"] == 1
    assert samples["omnibox_delivery_age_seconds{state=uncertain}"] == 90
    assert samples["omnibox_deliveries{state=queued}"] == 0
    assert samples["omnibox_job_age_seconds{kind=evidence}"] == 90
    assert samples["omnibox_quarantine"] == 1
    assert samples["omnibox_quarantine_age_seconds"] == 90
    # Its replies are refused, so it may be paused by now.
    assert sum(value for name, value in samples.items() if name.startswith("omnibox_channels{connector=hook,")) == 1


async def test_commits_are_counted(house: House) -> None:
    before = await scraped(house)
    await house.store.write(lambda tx: None)
    after = await scraped(house)
    assert after["omnibox_store_commit_seconds_count"] > before["omnibox_store_commit_seconds_count"]
    assert after["omnibox_store_batch_size_bucket{le=+Inf}"] > before["omnibox_store_batch_size_bucket{le=+Inf}"]
    async with asyncio.timeout(30):  # others write too, now and then
        while (await scraped(house))["omnibox_store_queued_writes"]:
            pass


async def test_without_the_database_the_rest_is_still_told(house: House) -> None:
    await house.store.write(lambda tx: tx.execute(sa.text("ALTER TABLE installation RENAME TO elsewhere")))
    try:
        samples = await scraped(house)
    finally:
        await house.store.write(lambda tx: tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO installation")))
    assert samples["omnibox_store_up"] == 0
    assert "omnibox_sockets_open{side=agent}" in samples
    assert "omnibox_events_total" not in samples


# ── Who may


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "chat.example.org"},
        {"Host": "localhost", "X-Forwarded-For": "203.0.113.9"},
        {"Host": "localhost", "Forwarded": "for=203.0.113.9"},
        {"Host": "localhost", "Authorization": "Bearer "},
    ],
    ids=["foreign name", "behind a proxy", "behind another proxy", "empty token"],
)
async def test_without_a_token_only_this_machine_may(house: House, headers: dict[str, str]) -> None:
    answer = await (await house.browser()).get("/metrics", headers=headers)
    assert answer.status == (200 if headers.get("Authorization") else 403)


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer a-long-random-word", 200), ("Bearer another", 403), ("", 403), ("a-long-random-word-", 403)],
)
async def test_with_a_token_everybody_needs_it(build_house: OpenHouse, given: str, status: int) -> None:
    house = await build_house(metrics_token="a-long-random-word")
    headers = {"Host": "chat.example.org"} | ({"Authorization": given} if given else {})
    answer = await (await house.browser()).get("/metrics", headers=headers)
    assert answer.status == status
    assert b"a-long-random-word" not in answer.body


def test_a_start_does_not_load_the_library() -> None:
    loading = "import sys; from omnibox.web import routes; routes.load(); print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ── Counting


def test_a_histogram_counts_upwards() -> None:
    histogram = Histogram("h", "help", ("kind",), bounds=(1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        histogram.observe(value, "a")
    assert list(histogram.rows()) == [(("a",), [("1.0", 2), ("2.0", 3), ("+Inf", 4)], 10.0)]


@pytest.mark.parametrize(
    ("pattern", "door"),
    [("/hooks/{key}", "hook"), ("/api/me", "api"), ("/w/ws", "visitor"), ("/ws", "screen"), ("/", "page"),
     ("/inbox/{path:.*}", "page"), ("/metrics", "machine"), ("unknown", "other")],
)  # fmt: skip
def test_a_route_belongs_to_a_door(pattern: str, door: str) -> None:
    assert door_of(pattern) == door
