"""The route of the search over everything that was said."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from omnibox.web import models
from omnibox.web.api import Ask, Limit, invalid, route
from omnibox.web.conversations import shaped, sight_of

if TYPE_CHECKING:
    from omnibox.inbox.search import Place

LONGEST = 500  # characters
CURSOR = re.compile(r"([a-z]+)-([0-9]{1,15})?")
Typed = Annotated[str, Field(max_length=LONGEST)]


@route("GET", "/api/search", may="read")
async def find_conversations(ask: Ask, q: Typed, after: str | None = None, limit: Limit = 25) -> models.Found:
    """Conversations in which all the words were said, the newest first. `after` is the `next` of the page above."""
    from omnibox.inbox import search  # loaded by the first search, not by the start
    from omnibox.store.search import index_of, parse

    store = ask.hub.store
    look = partial(
        search.find,
        index=index_of(store.is_embedded),
        query=parse(q),
        sight=sight_of(ask.hub),
        place=_read_cursor(after) if after else search.Place("word"),
        limit=limit,
    )
    page = await store.read(look)
    members = {
        "hits": page.hits,
        "next": _write_cursor(page.following) if page.following else None,
        "is_complete": page.is_complete,
    }
    return shaped(models.Found, members)


def _write_cursor(place: Place) -> str:
    return f"{place.mode}-{'' if place.below is None else place.below}"


def _read_cursor(text: str) -> Place:
    from omnibox.inbox.search import Place
    from omnibox.store.search import MODES

    found = CURSOR.fullmatch(text)
    mode = next((each for each in MODES if found is not None and each == found[1]), None)
    if found is None or mode is None:
        raise invalid("after", "This is not the `next` of a page.")
    return Place(mode, int(found[2]) if found[2] else None)
