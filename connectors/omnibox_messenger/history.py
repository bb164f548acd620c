"""What was said in a page's threads, read back through the Conversations API: for the time when no webhook came.

Meta returns neither metadata nor app there, times are whole seconds, and edits, reactions and receipts are not told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime

from omnibox.connector import Echo, Envelope, Inbound, SendError, Temporary
from omnibox_messenger.attachments import files, words
from omnibox_messenger.decoding import elements, identifier, member, milliseconds, moment, text
from omnibox_messenger.events import Attachment
from omnibox_messenger.graph import AsyncBot

THREADS, MESSAGES = 25, 25  # of one answer; a page of either beyond it is asked for
PATIENCE_S = 60.0  # for a turn among look-ups
MOST_ANSWERS = 400  # of one thread, and of threads: a cursor that runs in a circle ends somewhere
_FILE = "mime_type,name,image_data,video_data,file_url"
_MESSAGE = f"id,message,created_time,from,to,sticker,attachments{{{_FILE}}},shares{{link,name}}"
_THREAD = f"id,updated_time,participants,messages.limit({MESSAGES}){{{_MESSAGE}}}"


async def missed(bot: AsyncBot, since: datetime) -> AsyncIterator[Sequence[Envelope]]:
    """The messages of every thread since then, a batch for each thread; raises a `SendError`.

    The thread that was quiet for longest comes first, as its message would have come first. What was read before an
    error is given all the same.
    """
    since = since.replace(microsecond=0)  # as exact as Meta's times
    found: list[list[Envelope]] = []
    failure: SendError | None = None
    try:
        async for thread in _threads(bot, since):
            found.append(await _said_since(bot, thread, since))
    except SendError as error:
        failure = error
    for batch in reversed(found):
        if batch:
            yield batch
    if failure is not None:
        raise failure


async def _threads(bot: AsyncBot, since: datetime) -> AsyncIterator[object]:
    """The threads in which something was said since then, the latest first, as Meta gives them."""
    asked = {"platform": "messenger", "fields": _THREAD, "limit": str(THREADS)}
    for _ in range(MOST_ANSWERS):
        await bot.pace.turn("thread", is_urgent=False, patience_s=PATIENCE_S)
        answer = await bot.get(f"{bot.page}/conversations", asked)
        threads = answer.get("data")
        if not isinstance(threads, list):
            raise Temporary("messenger.temporary")
        for thread in threads:
            updated_ms = milliseconds(member(thread, "updated_time"))
            if updated_ms is not None and moment(updated_ms) < since:
                return
            yield thread
        after = _next(answer)
        if not after or not threads:
            return
        asked = {**asked, "after": after}


async def _said_since(bot: AsyncBot, thread: object, since: datetime) -> list[Envelope]:
    """The messages of a thread since then; Meta gives them newest first, and so many at a time."""
    found: list[object] = []
    answer, contact = member(thread, "messages"), _contact(thread, bot.page)
    for _ in range(MOST_ANSWERS):
        given = elements(member(answer, "data"))
        found += given
        after, thread_id = _next(answer), identifier(member(thread, "id"))
        if not given or not after or not thread_id or _at(given[-1]) < since:
            break
        asked = {"fields": _MESSAGE, "limit": str(MESSAGES), "after": after}
        await bot.pace.turn("thread", is_urgent=False, patience_s=PATIENCE_S)
        answer = await bot.get(f"{thread_id}/messages", asked)
    made = (_envelope(message, bot.page, contact) for message in reversed(found) if _at(message) >= since)
    return [each for each in made if each is not None]


def _next(answer: object) -> str | None:
    """Where the next page of an answer begins; None after the last one."""
    paging = member(answer, "paging")
    after = text(member(member(paging, "cursors"), "after"))
    return after if after and member(paging, "next") else None


def _contact(thread: object, page: str) -> str | None:
    people = elements(member(member(thread, "participants"), "data"))
    return next((found for each in people if (found := identifier(each)) and found != page), None)


def _at(message: object) -> datetime:
    return moment(milliseconds(member(message, "created_time")) or 0)


def _envelope(message: object, page: str, contact: str | None) -> Inbound | Echo | None:
    """What the webhook would have made of it; None for what names no id or nobody."""
    mid, sender = identifier(member(message, "id")), identifier(member(message, "from"))
    recipients = (identifier(each) for each in elements(member(member(message, "to"), "data")))
    other = sender if sender != page else next((each for each in recipients if each), None)
    address = other or contact
    if mid is None or sender is None or address is None:
        return None
    attached = tuple(_attachments(message))
    said = "\n".join(line for line in (text(member(message, "message")), *words(attached)) if line)
    if sender == page:
        return Echo(mid, address, page, _at(message), mid, None, said, files=files(attached))
    shown = said or ("" if files(attached) else "[message of a kind that cannot be shown]")
    return Inbound(mid, address, page, _at(message), mid, shown, files=files(attached))


def _attachments(message: object) -> Iterator[Attachment]:
    if sticker := text(member(message, "sticker")):
        yield Attachment("sticker", sticker)
    for each in elements(member(member(message, "attachments"), "data")):
        yield _attachment(each)
    for each in elements(member(member(message, "shares"), "data")):
        yield Attachment("fallback", text(member(each, "link")), text(member(each, "name")))


_KINDS: Mapping[str, str] = {"image": "image", "video": "video", "audio": "audio"}


def _attachment(found: object) -> Attachment:
    mime = text(member(found, "mime_type")) or ""
    kind = _KINDS.get(mime.partition("/")[0].lower(), "file")
    shown = (member(member(found, name), "url") for name in ("image_data", "video_data"))
    url = next((url for value in (*shown, member(found, "file_url")) if (url := text(value))), None)
    return Attachment(kind, url, text(member(found, "name")))
