"""The Conversations API of the simulated Graph: threads and their messages, the latest first, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from omnibox.testing.world.graph_rules import Refused

if TYPE_CHECKING:
    from omnibox.testing.world.graph import Graph
    from omnibox.testing.world.graph_records import Page, Taken

MOST = 100  # of one answer
T = TypeVar("T")
_MESSAGE_FIELDS = ("message", "created_time", "from", "to", "attachments")


def conversations(graph: Graph, request: web.Request, page: Page) -> dict[str, Any]:
    """The page's threads, that with the latest message first; with `user_id` that person's alone."""
    wanted, fields = request.query.get("user_id"), request.query.get("fields", "")
    people = [psid for psid, person in graph.people.items() if person.page == page.id and _shown(graph, psid)]
    chosen = [psid for psid in people if wanted in (None, psid)]
    chosen.sort(key=lambda psid: _shown(graph, psid)[0].at_ms, reverse=True)
    found, after = _page(chosen, request.query)
    limit = re.search(r"messages\.limit\((\d+)\)", fields)
    return {
        "data": [_thread(graph, page, psid, int(limit[1]) if limit else 25, fields) for psid in found],
        **_paging(after),
    }


def messages(graph: Graph, request: web.Request, page: Page, thread: str) -> dict[str, Any]:
    """The messages of one thread; raises `Refused` for one of another page."""
    psid = thread.removeprefix("t_")
    person = graph.people.get(psid)
    if person is None or person.page != page.id:
        raise Refused(100, 33, f"Object with ID '{thread}' does not exist or cannot be loaded")
    found, after = _page(_shown(graph, psid), request.query)
    return {"data": [_read_back(each, page, request.query.get("fields", "")) for each in found], **_paging(after)}


def _thread(graph: Graph, page: Page, psid: str, limit: int, fields: str) -> dict[str, Any]:
    shown = _shown(graph, psid)
    found: dict[str, Any] = {"id": f"t_{psid}"}
    if "updated_time" in fields:
        found["updated_time"] = _time(shown[0].at_ms)
    if "participants" in fields:
        found["participants"] = {"data": [{"id": psid, "name": graph.people[psid].name}, {"id": page.id}]}
    said = [_read_back(each, page, fields) for each in shown[:limit]]
    return {**found, "messages": {"data": said, **_paging(str(limit) if len(shown) > limit else "")}}


def _shown(graph: Graph, psid: str) -> list[Taken]:
    """The newest first."""
    return [each for each in reversed(graph.threads[psid]) if not each.is_hidden]


def _page(found: Sequence[T], query: Any) -> tuple[Sequence[T], str]:
    start, limit = int(query.get("after", 0)), min(int(query.get("limit", 25)), MOST)
    end = start + limit
    return found[start:end], str(end) if len(found) > end else ""


def _paging(after: str) -> dict[str, Any]:
    return {"paging": {"cursors": {"after": after}, "next": "https://graph.example/next"}} if after else {}


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _read_back(taken: Taken, page: Page, fields: str) -> dict[str, Any]:
    """Only what was asked for; and Meta returns neither metadata nor app."""
    of_page, of_person = {"id": page.id, "name": page.name}, {"id": taken.psid}
    sender, recipient = (of_page, of_person) if taken.is_from_page else (of_person, of_page)
    whole: dict[str, Any] = {
        "message": taken.text,
        "created_time": _time(taken.at_ms),
        "from": sender,
        "to": {"data": [recipient]},
    }
    if taken.attachments:
        whole["attachments"] = {"data": [_file(each) for each in taken.attachments]}
    return {"id": taken.mid, **{name: whole[name] for name in _MESSAGE_FIELDS if name in fields and name in whole}}


def _file(attachment: Any) -> dict[str, Any]:
    kind, url = attachment.get("type"), (attachment.get("payload") or {}).get("url")
    mime = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4"}.get(kind, "application/octet-stream")
    place = {"image": {"image_data": {"url": url}}, "video": {"video_data": {"url": url}}}
    return {"mime_type": mime, "name": "file", **place.get(kind, {"file_url": url})}
