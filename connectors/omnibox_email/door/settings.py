"""The settings of the door: a mail server hands each mail over, so that nobody has to read a mailbox."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnibox.connector import BadSettings, Field

MAILBOX = "mailbox"
DOORS = ("lmtp", "smtp")
AT_THE_DOOR = {"incoming": DOORS}
IN_A_MAILBOX = {"incoming": (MAILBOX,)}
MOST_MB = 35
LONGEST_SOCKET_PATH = 100  # the system's own limit is 107 bytes

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INCOMING = Field(
    "incoming",
    kind="choice",
    title="How mail comes in",
    default=MAILBOX,
    choices=(MAILBOX, *DOORS),
    help="mailbox: omnibox reads it over IMAP. lmtp, smtp: your own mail server hands each mail over.",
)
DOOR_FIELDS = (
    Field(
        "door_address",
        title="Address to listen on",
        required_if=AT_THE_DOOR,
        when=AT_THE_DOOR,
        group="Door",
        placeholder="127.0.0.1:2400",
        help="An IP address with a port, or the whole path of a socket file, on the machine that runs omnibox.",
    ),
    Field(
        "door_peers",
        kind="list",
        title="Who may hand mail over",
        default=("127.0.0.1", "::1"),
        when=AT_THE_DOOR,
        group="Door",
        help="IP addresses or networks of your mail servers. A socket file is guarded by its permissions instead.",
    ),
    Field(
        "door_certificate",
        title="File with certificate and key",
        when=AT_THE_DOOR,
        group="Door",
        placeholder="/etc/omnibox/mail.pem",
        help="PEM, on the machine that runs omnibox; STARTTLS is offered with it. Empty: no encryption, which fits "
        "one machine.",
    ),
    Field(
        "door_most_mb",
        kind="number",
        title="Largest mail in MB",
        default=MOST_MB,
        when=AT_THE_DOOR,
        group="Door",
        help="1 to 35. A larger one is refused, and its sender hears so.",
    ),
)


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Where the door is and who may come. `path` is the socket file; empty: `host` and `port`."""

    is_lmtp: bool
    host: str
    port: int
    path: str
    peers: tuple[Network, ...]
    certificate: str
    most_bytes: int

    def admits(self, peer: str) -> bool:
        """Whether a machine of that IP address may hand mail over."""
        try:
            address: Any = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.peers)

    def tls(self) -> ssl.SSLContext | None:
        """For STARTTLS; None without a certificate. Raises `BadSettings` where the file is not there or not usable."""
        if not self.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate)
        except (OSError, ValueError):
            raise BadSettings(
                "omnibox cannot use this file: it must hold a certificate and its key (PEM, without a password) and be "
                "readable for omnibox.",
                "door_certificate",
            ) from None
        return context


def read_door(settings: Mapping[str, Any]) -> DoorSettings | None:
    """The door of a connection, or None where it reads a mailbox; raises `BadSettings`."""
    incoming = str(settings.get("incoming") or MAILBOX)
    if incoming == MAILBOX:
        return None
    if incoming not in DOORS:
        raise BadSettings("Choose mailbox, lmtp or smtp.", "incoming")
    host, port, path = _place(str(settings.get("door_address") or "").strip())
    certificate = str(settings.get("door_certificate") or "").strip()
    if certificate and not Path(certificate).is_absolute():
        raise BadSettings("Write the whole path of the file, beginning with a slash.", "door_certificate")
    return DoorSettings(
        is_lmtp=incoming == "lmtp",
        host=host,
        port=port,
        path=path,
        peers=tuple(_network(str(each)) for each in settings.get("door_peers") or ()),
        certificate=certificate,
        most_bytes=_most_bytes(settings.get("door_most_mb")),
    )


def _place(text: str) -> tuple[str, int, str]:
    """Host and port, or a path."""
    if text.startswith("/"):
        if len(text.encode()) > LONGEST_SOCKET_PATH or text.endswith("/") or "\0" in text:
            raise BadSettings("Name a socket file by a path of at most 100 bytes.", "door_address")
        return "", 0, text
    host, _, port = text.rpartition(":")
    wish = "Write an IP address and a port, such as 127.0.0.1:2400 or [::1]:2400, or the path of a socket file."
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise BadSettings(wish, "door_address") from None
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise BadSettings(wish, "door_address")
    return str(address), int(port), ""


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise BadSettings("Write IP addresses or networks, such as 10.0.0.7 or 10.0.0.0/24.", "door_peers") from None


def _most_bytes(value: Any) -> int:
    try:
        megabytes = float(MOST_MB if value in (None, "") else value)
    except (TypeError, ValueError):
        megabytes = 0
    if not 1 <= megabytes <= MOST_MB:
        raise BadSettings("Give a number from 1 to 35, or leave the field empty.", "door_most_mb")
    return int(megabytes * (1 << 20))
