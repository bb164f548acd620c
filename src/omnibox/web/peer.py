"""Who is on the other side: address, scheme and host, with a proxy's word taken only from configured proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web

from omnibox.web.hub import HUB, Hub, Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NOWHERE = ipaddress.ip_address("0.0.0.0")  # noqa: S104  a stand-in for «unknown», nothing listens
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def address_of(request: web.Request) -> Address:
    """The client's address: the rightmost of X-Forwarded-For that is not one of our proxies."""
    trusted = request.app[HUB].trusted_proxies
    address = _parse(_peer_name(request))
    if not _is_among(address, trusted):
        return address
    for entry in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")):
        if not entry.strip():
            continue
        address = _parse(entry.strip())
        if not _is_among(address, trusted):
            break
    return address


def block_of(request: web.Request) -> str:
    """Whom to count tries against: an IPv4 address, or a /64 of IPv6, which one household has whole."""
    address = address_of(request)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_https(request: web.Request) -> bool:
    hub = request.app[HUB]
    if request.scheme == "https" or hub.public_url.startswith("https:"):
        return True
    from_proxy = _is_among(_parse(_peer_name(request)), hub.trusted_proxies)
    return from_proxy and request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower() == "https"


def base_url(request: web.Request) -> str:
    """Where to point a link: the configured URL, else where this request came to; no slash at the end."""
    configured = request.app[HUB].public_url.rstrip("/")
    return configured or f"{'https' if is_https(request) else 'http'}://{request.host}"


def is_own_origin(request: web.Request, hub: Hub) -> bool:
    """Whether the request comes from our own pages, as far as its Origin tells; without one, it may.

    With a configured URL another host counts only where it is a name of this very machine: a foreign name could have
    been made to point here (DNS rebinding).
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "") not in ("cross-site", "same-site")
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if hub.public_url:
        configured = urlsplit(hub.public_url)
        if (parts.scheme, _host(parts.netloc, parts.scheme)) == (
            configured.scheme,
            _host(configured.netloc, configured.scheme),
        ):
            return True
        if parts.hostname not in LOOPBACK_NAMES:
            return False
    # The scheme is left out: behind a proxy that ends TLS and is not configured we see http, the browser https.
    return _host(parts.netloc, parts.scheme) == _host(request.host, parts.scheme)


def is_local_name(request: web.Request) -> bool:
    """Whether the request calls us by a name of this very machine; any other could have been made to point here."""
    return urlsplit(f"//{request.host}").hostname in LOOPBACK_NAMES


def _host(netloc: str, scheme: str) -> str:
    """Host and port in lower case, without the port that goes without saying."""
    return netloc.lower().removesuffix(":443" if scheme == "https" else ":80")


def _peer_name(request: web.Request) -> str:
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, (tuple, list)) and name else ""


def _parse(text: str) -> Address:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return NOWHERE
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
