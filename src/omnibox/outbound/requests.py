"""Requests as the bytes that leave: a POST of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

MOST_KNOWN = 256  # heads that are kept; a platform has few addresses


def plain_post(
    target: URL, document: object, headers: Mapping[str, str] | None, params: Mapping[str, str] | None
) -> bytes:
    """A POST of `document` as JSON, of nothing where it is None. `headers` go before the usual ones."""
    body = b"" if document is None else json.dumps(document).encode()
    head = _head(target.extend_query(params) if params else target, has_body=document is not None)
    if headers:
        head = _with(head, headers)
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


@lru_cache(MOST_KNOWN)
def _head(target: URL, *, has_body: bool) -> bytes:
    lines = [
        f"POST {target.raw_path_qs} HTTP/1.1",
        f"Host: {target.host_port_subcomponent}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "User-Agent: omnibox",
        *(["Content-Type: application/json"] if has_body else []),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _with(head: bytes, headers: Mapping[str, str]) -> bytes:
    own = {name.lower() for name in headers}
    start, *usual = head.decode("ascii").splitlines()
    lines = [start, *(line for line in usual if line.partition(":")[0].lower() not in own)]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode()
