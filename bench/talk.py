"""One conversation with thousands of messages behind the rows that are there: half are answers, some have files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.data import START_US, YEAR_US, Sink, sink_of

FILE_EVERY = 20
CHUNK = 1000
TABLES = ("contact", "identity", "conversation", "message", "attachment", "delivery")


async def fill_talk(url: str, channel_id: int, messages: int) -> int:
    """The conversation's id. It is older than all others, so that no list begins with it, and nobody's."""
    sink = sink_of(url)
    await sink.open()
    try:
        first = {name: await sink.number(f"SELECT max(id) FROM {name}") + 1 for name in TABLES}
        await _put_person(sink, first, channel_id, messages)
        for begin in range(0, messages, CHUNK):
            numbers = range(begin, min(begin + CHUNK, messages))
            for name, rows in _rows(first, channel_id, numbers).items():
                await sink.put(name, tuple(rows[0]), [tuple(row.values()) for row in rows])
        await sink.run("UPDATE tally SET conversations = conversations + 1 WHERE state = 'open' AND assignee_id = 0")
        await sink.settle(TABLES)
    finally:
        await sink.close()
    return first["conversation"]


async def _put_person(sink: Sink, first: dict[str, int], channel_id: int, messages: int) -> None:
    address = f"person{first['contact']}@example.org"
    contact = {"id": first["contact"], "name": "Talker", "email": address, "rev": 0, "created_at": START_US}
    await sink.put_row("contact", contact)
    identity = {"id": first["identity"], "contact_id": first["contact"], "kind": "email", "scope": ""}
    await sink.put_row("identity", identity | {"address": address, "created_at": START_US})
    row = {
        "id": first["conversation"],
        "channel_id": channel_id,
        "contact_id": first["contact"],
        "identity_id": first["identity"],
        "state": "open",
        "last_message_id": first["message"] + messages - 1,
        "last_kind": "outbound",
        "last_author": "agent",
        "last_text": "0",
        "last_at": START_US - YEAR_US,
        "last_inbound_at": START_US - YEAR_US,
        "opened_at": START_US - YEAR_US,
        "automatic": False,
        "unread": 0,
        "troubled": 0,
        "rev": 0,
    }
    await sink.put_row("conversation", row)


Rows = Sequence[dict[str, object]]


def _rows(first: dict[str, int], channel_id: int, numbers: range) -> dict[str, Rows]:
    answers = [number for number in numbers if number % 2]
    with_files = [number for number in numbers if number % FILE_EVERY == 0]
    made: dict[str, Rows] = {
        "message": [_message(first, channel_id, number) for number in numbers],
        "attachment": list(_files(first, with_files)),
        "delivery": list(_deliveries(first, channel_id, answers)),
    }
    return {name: rows for name, rows in made.items() if rows}


def _message(first: dict[str, int], channel_id: int, number: int) -> dict[str, object]:
    is_answer = number % 2 == 1
    at = START_US - 2 * YEAR_US + number * 1_000_000
    return {
        "id": first["message"] + number,
        "conversation_id": first["conversation"],
        "channel_id": channel_id,
        "identity_id": first["identity"],
        "kind": "outbound" if is_answer else "inbound",
        "author_kind": "agent" if is_answer else "contact",
        "author_id": 1 if is_answer else first["contact"],
        "text": " ".join(str(number * 37 + place) for place in range(24)),
        "at": at,
        "created_at": at,
        "is_elsewhere": False,
        "edition": 0,
        "rev": 0,
    }


def _files(first: dict[str, int], numbers: Sequence[int]) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "id": first["attachment"] + number // FILE_EVERY,
            "message_id": first["message"] + number,
            "key": f"bench-{first['message'] + number}",
            "name": f"{number}.png",
            "content_type": "image/png",
            "size": 1000 + number,
            "state": "ready",
            "created_at": START_US,
            "is_inline": False,
        }


def _deliveries(first: dict[str, int], channel_id: int, numbers: Sequence[int]) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "id": first["delivery"] + number // 2,
            "part_id": f"bench-{first['message'] + number}",
            "message_id": first["message"] + number,
            "conversation_id": first["conversation"],
            "channel_id": channel_id,
            "identity_id": first["identity"],
            "position": 0,
            "address": "nobody@example.org",
            "text": "0",
            "files": "[]",
            "refs": "[]",
            "mode": "",
            "state": "delivered",
            "written_at": START_US,
            "not_before": START_US,
            "state_at": START_US,
            "is_open": False,
        }
