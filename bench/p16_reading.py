"""P16: what a screen asks for beside lists: a conversation with 5,000 messages, one row, counters, the first look."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing

from bench.bare_sql import bare_of
from bench.filled import House
from bench.pages import measure, on_each
from bench.report import Figure

TALK = "SELECT id FROM message WHERE conversation_id = {talk} AND id < {before} ORDER BY id DESC LIMIT 51"
COUNTS = "SELECT sum(conversations) FROM tally WHERE state = 'open'"


def run(*, long: bool = False) -> Iterator[Figure]:
    return on_each(_figures, long=long)


def _figures(found: House, name: str, asks: int) -> Iterator[Figure]:
    rng, talk = random.Random(16), found.talk
    for _ in range(20):
        found.client.ask(f"/api/conversations/{talk}/messages")
    with closing(bare_of(found)) as bare:
        messages = [row[0] for row in bare.all(f"SELECT id FROM message WHERE conversation_id = {talk} ORDER BY id")]

        def newest() -> tuple[str, str]:
            return TALK.format(talk=talk, before=messages[-1] + 1), f"/api/conversations/{talk}/messages"

        def deep() -> tuple[str, str]:
            before = rng.choice(messages[60:])
            return TALK.format(talk=talk, before=before), f"/api/conversations/{talk}/messages?before={before}"

        def row() -> tuple[str, str]:
            number = found.filled.first_conversation + rng.randrange(found.filled.conversations)
            return f"SELECT id FROM conversation WHERE id = {number}", f"/api/conversations/{number}"

        said = lambda answer: [each["id"] for each in reversed(answer["messages"])]  # noqa: E731
        for view, draw in (("newest of 5,000 messages", newest), ("deep in 5,000 messages", deep)):
            yield measure(found, bare, ("P16", f"{view}, {name}"), asks, draw, said)
        yield measure(found, bare, ("P16", f"one row, {name}"), asks, row, lambda answer: [answer["id"]])
        counts = lambda: (COUNTS, "/api/counts")  # noqa: E731
        yield measure(found, bare, ("P16", f"counters, {name}"), asks, counts, lambda answer: [answer["all"]])
        first = lambda: (COUNTS, "/api/snapshot")  # noqa: E731
        ids = lambda answer: [answer["counts"]["all"]]  # noqa: E731
        yield measure(found, bare, ("P16", f"first look, {name}"), asks, first, ids)
