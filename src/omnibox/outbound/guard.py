"""The rules of the door out: which addresses may be connected to.

A name is resolved once and the very addresses found are checked and connected to, so that a second answer of the name
server changes nothing. What is not public is refused unless the operator named it in `outbound_allow`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

from omnibox.connector import BadSettings, Temporary

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

# The special-purpose registries of IANA (RFC 6890 and its updates, read November 2026), kept here because
# `ipaddress.is_global` differs between patch releases of Python.
SPECIAL_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by carriers
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host agent lives on a public address
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
SPECIAL_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID and other protocols' own
            "2001:db8::/32",
            "2002::/16",  # 6to4: wraps any IPv4 address
            "3fff::/20",
        ),
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where clouds keep credentials. A name in `outbound_allow` never opens these, only their own network does.
METADATA = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",
            "fe80::/10",
            "168.63.129.16/32",
            "100.100.100.200/32",
            "192.0.0.192/32",
            "fd00:ec2::254/128",
        ),
    )
)
LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
NAME = re.compile(rf"(?:{LABEL}\.)*(?!0x|\d+\.?$){LABEL}\.?")


def is_public(address: Address) -> bool:
    """Whether anyone on the internet could reach it. Forms that wrap an IPv4 address are not public.

    Except those of NAT64's well-known prefix, which the name servers of IPv6-only networks answer with: there the
    wrapped address counts.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    if address in NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.scope_id is None and address in GLOBAL_V6 and not any(address in network for network in SPECIAL_V6)


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the operating system finds them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard:
    """The rules: which addresses may be connected to. `allow` is the operator's `outbound_allow`.

    Entries are a network (`10.0.0.0/8`), an address, a host, or either with a port (`mail.lan:993`, `[::1]:8025`).
    """

    def __init__(self, allow: Sequence[str] = (), look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._networks: list[tuple[Network, int | None]] = []
        self._names: set[tuple[str, int | None]] = set()
        self._opened_by_name: set[tuple[str, int]] = set()
        for entry in allow:
            self._open(entry)

    def _open(self, entry: str) -> None:
        text = entry.strip().lower()
        try:
            self._networks.append((ipaddress.ip_network(_unbracketed(text)), None))
            return
        except ValueError:
            host, colon, port = text.rpartition(":")
        if not colon:
            host = text
        number = int(port) if colon and re.fullmatch(r"\d{1,5}", port, re.ASCII) else 0
        if bool(colon) != (0 < number < 65_536):
            raise ValueError(_entry_help(entry))
        literal = read_literal(host)
        if literal is not None:
            self._networks.append((ipaddress.ip_network(literal), number))
        elif NAME.fullmatch(host) and "/" not in host:
            self._names.add((host.rstrip("."), number or None))
        else:
            raise ValueError(_entry_help(entry))

    def names(self, host: str, port: int) -> bool:
        """Whether the operator named this very host or address."""
        literal = read_literal(host)
        return self._is_allowed(literal, port) if literal is not None else self._is_named(host, port)

    def _is_named(self, host: str, port: int) -> bool:
        name = host.rstrip(".").lower()
        return (name, port) in self._names or (name, None) in self._names

    def _is_allowed(self, address: Address, port: int) -> bool:
        return any(address in network and open_port in (None, port) for network, open_port in self._networks)

    def permits(self, host: str, address: Address, port: int) -> bool:
        """Whether `address`, found under the name `host`, may be connected to."""
        if is_public(address) or self._is_allowed(address, port):
            return True
        return self._is_named(host, port) and not any(address in network for network in METADATA)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to, at least one.

        Raises OSError where the name is not found, `BadSettings` where every address is forbidden.
        """
        literal = read_literal(host)
        try:
            found = [str(literal)] if literal is not None else await self._look_up(host, port)
        except ValueError:  # an empty or over-long label, a zero byte
            raise BadSettings("the host name is not valid; check its spelling") from None
        permitted = [text for text in dict.fromkeys(found) if self.permits(host, ipaddress.ip_address(text), port)]
        if not permitted:
            raise forbidden(host, port)
        if self._is_named(host, port):
            self._opened_by_name.update((text, port) for text in permitted)
        return permitted

    def permits_socket(self, text: str, port: int) -> bool:
        """The last look, where the socket is made: the address was public, allowed, or found under a named host."""
        return (text, port) in self._opened_by_name or self.permits("", ipaddress.ip_address(text), port)

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> socket.socket:
        """A connected, non-blocking socket to a checked address of `host`.

        Raises `Temporary` where the network fails, `BadSettings` where the rules forbid the target.
        """
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self.resolve(host, port)
                for address in addresses:
                    if not self.permits_socket(address, port):
                        continue
                    # Each has its share: a dead first address must leave time for the next one.
                    link = await _connect_one(address, port, timeout_s / len(addresses))
                    if link is not None:
                        return link
        except (OSError, TimeoutError):
            pass
        raise Temporary("no_connection")


async def _connect_one(address: str, port: int, timeout_s: float) -> socket.socket | None:
    link = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        link.setblocking(False)  # noqa: FBT003 - the name of this parameter is not public
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(link, (address, port))
    except (OSError, TimeoutError):
        link.close()
        return None
    except BaseException:
        link.close()
        raise
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def read_literal(host: str) -> Address | None:
    """The address `host` spells out, or None where it is a name."""
    try:
        return ipaddress.ip_address(_unbracketed(host))
    except ValueError:
        return None


def _unbracketed(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def forbidden(host: str, port: int) -> BadSettings:
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return BadSettings(
        f"{shown} is a private address; the operator can allow it with "
        f'outbound_allow = ["{shown}"] in omnibox.toml (or OMNIBOX_OUTBOUND_ALLOW)'
    )


def _entry_help(entry: str) -> str:
    return (
        f"{entry!r} is not a network, a host or host:port; write for example 10.0.0.0/8, mail.lan, mail.lan:993 "
        "or [::1]:8025"
    )
