"""The settings of one mail account, checked, and how its two servers are reached."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from omnibox.connector import BadSettings, ChannelSettings, Context, Place, Tokens
from omnibox_email.door.settings import DOORS, DoorSettings, read_door
from omnibox_email.forms import AFTERWARDS, SECURITIES
from omnibox_email.heads import addresses
from omnibox_email.heads.addresses import DEFAULT_PATTERN, OwnAddress
from omnibox_email.providers import consent_of, provider_of

IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}


@lru_cache(maxsize=32)
def _tls(certificate: str) -> ssl.SSLContext:
    """Made once for all lines: reading the machine's authorities takes 23 ms."""
    context = ssl.create_default_context()
    if certificate:
        context.load_verify_locations(cadata=certificate)
    return context


@dataclass(frozen=True, slots=True)
class Server:
    """Where one of the two servers stands and how we introduce ourselves."""

    host: str
    port: int
    security: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    certificate: str = field(default="", repr=False)
    tokens: Tokens | None = field(default=None, repr=False, compare=False)  # in place of the password

    def tls(self) -> ssl.SSLContext | None:
        """The TLS settings of the line; None for a line in the clear. To be called in a thread: see `_tls`."""
        return None if self.security == "none" else _tls(self.certificate)


@dataclass(frozen=True, slots=True)
class Account:
    """A mail account: both servers, what is read, and the addresses it serves."""

    imap: Server
    smtp: Server
    does_log_in: bool
    folders: tuple[str, ...]
    imports_existing: bool
    idle_seconds: float
    sent_folder: str
    reads_sent: bool
    afterwards: str
    move_to: str
    addresses: tuple[OwnAddress, ...]
    checking_servers: tuple[str, ...] = ()
    door: DoorSettings | None = None  # with one no mailbox is read, and `imap` names no server


def read_account(context: Context) -> Account:
    """The account of a connection; raises `BadSettings` that names the field and the cure."""
    settings = context.settings
    certificate = _text(settings, "certificate")
    consent = consent_of(settings)
    tokens = Tokens(context, consent) if consent else None
    door = read_door(settings)
    imap = ("", 0, "none") if door else _server(context, "imap", IMAP_PORTS, certificate)
    imap_user = "" if door else str(context.setting("imap_user"))
    imap_password = "" if tokens or door else str(context.setting("imap_password"))
    smtp = _server(context, "smtp", SMTP_PORTS, certificate)
    smtp_user = _text(settings, "smtp_user") or imap_user
    if door and not smtp_user and settings.get("smtp_login") is not False:
        raise BadSettings(
            "the setting smtp_user is missing; a relay that wants none: switch the login off", "smtp_user"
        )
    smtp_password = "" if tokens else str(settings.get("smtp_password") or imap_password)
    folders = _folders(settings)
    afterwards, move_to = _afterwards(settings, folders)
    return Account(
        imap=Server(*imap, imap_user, imap_password, certificate, tokens),
        smtp=Server(*smtp, smtp_user, smtp_password, certificate, tokens),
        does_log_in=settings.get("smtp_login") is not False,
        folders=folders,
        imports_existing=bool(settings.get("import_existing")),
        idle_seconds=_number(settings, "idle_seconds", 90, 1, 1700),
        sent_folder=_text(settings, "sent_folder"),
        reads_sent=settings.get("read_sent") is not False,
        afterwards=afterwards,
        move_to=move_to,
        addresses=tuple(own_address(channel) for channel in context.channels),
        checking_servers=tuple(str(one).strip() for one in settings.get("checking_servers") or () if str(one).strip()),
        door=door,
    )


def occupied(settings: Mapping[str, Any], addresses: Sequence[str]) -> Iterator[Place]:
    """What two connections must not share: an address, and a folder of a mailbox, which both would read."""
    for address in addresses:
        yield Place(f"address {address.casefold()}", address, address=address)
    theirs = provider_of(settings).imap
    host = (_text(settings, "imap_host") or (theirs[0] if theirs else "")).casefold().rstrip(".")
    user = _text(settings, "imap_user")
    if _text(settings, "incoming") in DOORS or not host or not user:
        return
    port = _text(settings, "imap_port")
    server = f"{host}:{port}" if port and int(port) not in IMAP_PORTS.values() else host
    for folder in _folders(settings):
        yield Place(
            f"folder {server} {user.casefold()} {folder}", f"{folder} of {user} at {server}", setting="imap_user"
        )


def _folders(settings: Mapping[str, Any]) -> tuple[str, ...]:
    named = (str(name).strip() for name in settings.get("folders") or ("INBOX",))
    # INBOX is the one name whose case does not count (RFC 3501 5.1).
    return tuple(dict.fromkeys("INBOX" if one.upper() == "INBOX" else one for one in named if one)) or ("INBOX",)


def _afterwards(settings: Mapping[str, Any], folders: tuple[str, ...]) -> tuple[str, str]:
    """What becomes of stored mail, and the folder it goes to."""
    chosen = _text(settings, "afterwards") or "leave"
    if chosen not in AFTERWARDS:
        raise BadSettings("Choose leave, mark read or move.", "afterwards")
    if chosen != "move":
        return chosen, ""
    move_to = str(settings.get("move_to") or "").strip()
    if not move_to:
        raise BadSettings("the setting move_to is missing", "move_to")
    if move_to.upper() == "INBOX" or move_to in folders:
        raise BadSettings("Choose a folder that is not read, or the same mail would come again and again.", "move_to")
    return chosen, move_to


def own_address(channel: ChannelSettings) -> OwnAddress:
    """A channel's address and its reply addresses; raises `BadSettings` for a pattern that cannot work."""
    if not addresses.is_usable(channel.address):
        raise BadSettings("The channel needs a whole email address, such as help@example.com.", "address")
    pattern = str(channel.settings.get("reply_pattern", DEFAULT_PATTERN) or "").strip()
    if pattern and (pattern.count("{token}") != 1 or not addresses.is_usable(pattern)):
        raise BadSettings(
            "The reply address must be an address with {token} in it, such as {local}+{token}@{domain}; "
            "leave it empty to go without.",
            "reply_pattern",
        )
    return OwnAddress(channel.address.strip(), pattern)


def _server(context: Context, which: str, ports: Mapping[str, int], certificate: str) -> tuple[str, int, str]:
    known = provider_of(context.settings)
    theirs = known.imap if which == "imap" else known.smtp
    if theirs and not _text(context.settings, f"{which}_host"):
        host, port, security = theirs
        return host, port, security
    host = str(context.setting(f"{which}_host")).strip()
    security = _text(context.settings, f"{which}_security") or "tls"
    if security not in SECURITIES:
        raise BadSettings("Choose tls, starttls or none as the encryption.", f"{which}_security")
    if not host or (any(letter in host for letter in " /@:") and not _is_ipv6(host)):
        raise BadSettings(
            "Give the server's name alone, such as mail.example.com, without https:// and port.", f"{which}_host"
        )
    if certificate and "-----BEGIN CERTIFICATE-----" not in certificate:
        raise BadSettings("Paste the whole certificate, beginning with -----BEGIN CERTIFICATE-----.", "certificate")
    port = int(_number(context.settings, f"{which}_port", ports[security], 1, 65535))
    return host, port, security


def _is_ipv6(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _text(settings: Mapping[str, Any], name: str) -> str:
    return str(settings.get(name) or "").strip()


def _number(settings: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = settings.get(name)
    if value in (None, ""):
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1
    if not least <= number <= most:
        raise BadSettings(f"Give a number from {least:g} to {most:g}, or leave the field empty.", name)
    return number
