"""The guarded HTTP client that connections and the fetching of remote files share."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from omnibox.connector import Answer, BadSettings, ChannelDown, Refusal, Rejected, SendError, Temporary, Uncertain
from omnibox.outbound.guard import Guard, forbidden, read_literal
from omnibox.outbound.requests import plain_post

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from omnibox.outbound.lines import Lines

MOST_REDIRECTS = 5
MOST_ANSWER = 4 << 20  # bytes of a platform's answer that are read; longer ones are no answer
LONGEST_WAIT_S = 86_400.0  # of a Retry-After
IDLE_S = 2  # a link the platform may have closed meanwhile must not be used again: its loss looks like a lost send
WEB_PORTS = (80, 443)
MOST_KNOWN = 256  # addresses that one client has checked and keeps


@dataclass(frozen=True, slots=True)
class Fetched:
    """A remote file: its bytes, and what the other side says they are."""

    content: bytes = field(repr=False)
    content_type: str


class _Progress:
    """How far one request came."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False

    def leave(self) -> None:
        self.left = True


_progress: ContextVar[_Progress] = ContextVar("progress")


class GuardedHttp:
    """An HTTP client behind the guard that answers in the language of `SendError` (see `omnibox.connector.Http`).

    One per connection of a channel. Errors hold a code and never the address, the body or a header.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None
        self._lines: Lines | None = None
        self._is_closed = False
        self._known: dict[str, URL] = {}

    async def close(self) -> None:
        """For good: who still asks afterwards hears `Temporary`, and asks again by the next client."""
        self._is_closed = True
        if self._lines is not None:
            self._lines.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(
        self,
        url: str,
        *,
        json: object = None,
        form: Mapping[str, str | tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        refusal: Refusal | None = None,
        timeout_s: float = 15,
    ) -> Any:
        """The decoded JSON answer to a POST; a lost connection or an odd answer is `Uncertain`."""
        body: dict[str, Any] = {"data": _form_data(form)} if form is not None else {"json": json}
        return await self._ask("POST", url, body, headers, params, refusal, timeout_s)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        refusal: Refusal | None = None,
        timeout_s: float = 15,
    ) -> Any:
        """The decoded JSON answer to a GET. It sends nothing, so what would be `Uncertain` is `Temporary`."""
        try:
            return await self._ask("GET", url, {}, headers, params, refusal, timeout_s)
        except Uncertain as error:
            raise Temporary(error.code) from None

    async def _ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        refusal: Refusal | None,
        timeout_s: float,
    ) -> Any:
        target, progress = self._known.get(url) or self._remembered(url), _Progress()
        _refuse_line_breaks(headers or {})
        if "json" in body and target.user is None:  # a password in the address is aiohttp's to encode
            request = plain_post(target, body["json"], headers, params)
            answer = await self._by_line(target, request, progress, timeout_s)
        else:
            answer = await self._by_session(method, target, progress, timeout_s, headers=headers, params=params, **body)
        error = _error_of(answer, refusal)
        if error is not None:
            raise error
        return answer.json

    async def _by_line(self, target: URL, request: bytes, progress: _Progress, timeout_s: float) -> Answer:
        lines = self._open_lines()
        try:
            reply = await lines.ask(target, request, progress.leave, timeout_s)
        except (TimeoutError, OSError):
            raise (Uncertain("no_answer") if progress.left else Temporary("no_connection")) from None
        return Answer(reply.status, reply.headers, _decoded(reply.body))

    async def _by_session(
        self, method: str, target: URL, progress: _Progress, timeout_s: float, **request: Any
    ) -> Answer:
        import aiohttp

        _progress.set(progress)
        try:
            async with self._open().request(
                method, target, allow_redirects=False, timeout=_timeout(timeout_s), **request
            ) as response:
                return Answer(response.status, response.headers, _decoded(await _read(response, MOST_ANSWER)))
        except aiohttp.InvalidURL:
            raise _bad_url() from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise (Uncertain("no_answer") if progress.left else Temporary("no_connection")) from None

    async def fetch(self, url: str, most_bytes: int, timeout_s: float = 60) -> Fetched:
        """The file at `url`, at most `most_bytes` long, over at most five redirects, each checked again.

        Raises `Temporary` where trying again may help, else `Rejected` with a code.
        """
        import aiohttp

        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(MOST_REDIRECTS + 1):
                    target = self._checked(url)
                    if target.port not in WEB_PORTS and not self._guard.names(target.raw_host or "", target.port or 0):
                        raise Rejected("address_forbidden")
                    found = await self._fetch_one(target, most_bytes)
                    if isinstance(found, Fetched):
                        return found
                    url = found
        except (BadSettings, aiohttp.InvalidURL):
            raise Rejected("address_forbidden") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Temporary("no_connection") from None
        raise Rejected("too_many_redirects")

    async def _fetch_one(self, target: URL, most_bytes: int) -> Fetched | str:
        """The file, or the address it was redirected to."""
        # A compressed body could unfold to a thousand times its size inside one chunk.
        headers = {"Accept-Encoding": "identity"}
        async with self._open().get(target, headers=headers, allow_redirects=False) as response:
            if response.status in (301, 302, 303, 307, 308):
                from yarl import URL

                try:
                    return str(target.join(URL(response.headers.get("Location", ""))))
                except ValueError:
                    raise Rejected("bad_redirect") from None
            if response.status == 429 or response.status >= 500:
                raise Temporary(f"http_{response.status}", _retry_after(response.headers))
            if response.status != 200:
                raise Rejected(f"http_{response.status}")
            content = await _read(response, most_bytes)
            if content is None:
                raise Rejected("file_too_large")
            return Fetched(content, response.content_type)

    def _checked(self, url: str) -> URL:
        """The parsed address. A literal one is checked here: the client resolves names only, and anew each time."""
        from yarl import URL

        try:
            target = URL(url)
            host, port = target.raw_host, target.port
        except (ValueError, TypeError):
            raise _bad_url() from None
        if target.scheme not in ("http", "https") or not host or not port:
            raise _bad_url()
        literal = read_literal(host)
        if literal is not None and not self._guard.permits(host, literal, port):
            raise forbidden(host, port)
        return target

    def _remembered(self, url: str) -> URL:
        """As `_checked`, and kept: the rules for literals never change, and a platform has few addresses."""
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        target = self._known[url] = self._checked(url)
        return target

    def _open_lines(self) -> Lines:
        if self._is_closed:
            raise Temporary("no_connection")
        if self._lines is None:
            from omnibox.outbound.lines import Lines

            self._lines = Lines(self._guard, IDLE_S, MOST_ANSWER)
        return self._lines

    def _open(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise Temporary("no_connection")
        if self._session is None:
            self._session = _new_session(self._guard)
        return self._session


def _new_session(guard: Guard) -> aiohttp.ClientSession:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
            return [
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for address in await guard.resolve(host, port)
            ]

        async def close(self) -> None:
            """Nothing is held."""

    def new_socket(entry: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, (address, port, *_) = entry
        if not guard.permits_socket(str(address), int(port)):
            raise PermissionError("address forbidden")
        return socket.socket(family, kind, proto)

    class Connector(aiohttp.TCPConnector):
        """Notes that a request has a connection, new or kept: from there on its loss is uncertain.

        aiohttp's own signals say the same, but cost a tenth of a request.
        """

        async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
            connection = await super().connect(req, traces, timeout)
            if (progress := _progress.get(None)) is not None:
                progress.leave()
            return connection

    return aiohttp.ClientSession(
        connector=Connector(
            resolver=Resolver(), socket_factory=new_socket, use_dns_cache=False, keepalive_timeout=IDLE_S
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


@cache
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=total_s)


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """The body, or None where it is longer than `most_bytes`."""
    length = response.content_length
    if length is not None and "Content-Encoding" not in response.headers:  # a compressed one unfolds to any length
        return await response.read() if length <= most_bytes else None
    if (length or 0) > most_bytes:
        return None
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > most_bytes:
            return None
    return bytes(content)


def _decoded(body: bytes | None) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _error_of(answer: Answer, refusal: Refusal | None) -> SendError | None:
    """What an answer means: the connector's own table first, then the general rule."""
    own = refusal(answer) if refusal is not None else None
    if own is not None:
        if isinstance(own, Temporary):
            own.retry_after = own.retry_after or _retry_after(answer.headers)
        return own
    if 200 <= answer.status < 300:
        return None if answer.json is not None else Uncertain("unexpected_answer")
    status, code = answer.status, f"http_{answer.status}"
    if status in (429, 503):
        return Temporary(code, _retry_after(answer.headers))
    if status in (401, 403):
        return ChannelDown(code)
    return Uncertain(code) if status >= 500 else Rejected(code)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait by `Retry-After`: a number, or a date measured by the sender's own clock (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d*)?", text, re.ASCII):
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
    try:
        now = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError, OSError):
        now = time.time()
    return min(max(until - now, 0.0), LONGEST_WAIT_S)


def _form_data(form: Mapping[str, str | tuple[str, bytes, str]]) -> aiohttp.FormData:
    import aiohttp

    fields = aiohttp.FormData()
    for name, value in form.items():
        if isinstance(value, str):
            fields.add_field(name, value)
        else:
            file_name, content, content_type = value
            fields.add_field(name, content, filename=file_name, content_type=content_type)
    return fields


def _refuse_line_breaks(headers: Mapping[str, str]) -> None:
    if any(character in value for value in headers.values() for character in "\r\n\0"):
        raise BadSettings("a setting used as an HTTP header holds a line break; paste it again without one")


def _bad_url() -> BadSettings:
    return BadSettings("the address is not a web address; write it as https://host/path")
