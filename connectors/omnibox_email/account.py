"""The settings of one mail account, checked, and how its two servers are reached."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnibox.connector import BadSettings, ChannelSettings, Context, Field
from omnibox_email import addresses
from omnibox_email.addresses import DEFAULT_PATTERN, OwnAddress

SECURITIES = ("tls", "starttls", "none")
IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}

FIELDS = (
    Field(
        "imap_host",
        kind="host",
        title="IMAP server",
        required=True,
        group="Incoming mail",
        placeholder="imap.example.com",
    ),
    Field(
        "imap_security",
        kind="choice",
        title="Encryption",
        default="tls",
        choices=SECURITIES,
        group="Incoming mail",
        help="tls is usual; none sends the password in the clear and fits only a server on this machine.",
    ),
    Field("imap_port", kind="number", title="Port", group="Incoming mail", help="Empty: 993 with tls, else 143."),
    Field("imap_user", title="User", required=True, group="Incoming mail", help="Usually the whole email address."),
    Field(
        "imap_password",
        kind="secret",
        title="Password",
        required=True,
        group="Incoming mail",
        help="With two-step verification your provider wants an app password here.",
    ),
    Field("folders", kind="list", title="Folders to read", default=("INBOX",), group="Incoming mail"),
    Field(
        "import_existing",
        kind="boolean",
        title="Import the mail that is already there",
        default=False,
        group="Incoming mail",
        help="Off: reading begins with the mails that arrive from now on.",
    ),
    Field(
        "idle_seconds",
        kind="number",
        title="Seconds to wait for news",
        default=90,
        group="Incoming mail",
        help="With 90 a dead connection is found within two minutes; at most 1700.",
    ),
    Field(
        "smtp_host",
        kind="host",
        title="SMTP server",
        required=True,
        group="Outgoing mail",
        placeholder="smtp.example.com",
    ),
    Field("smtp_security", kind="choice", title="Encryption", default="tls", choices=SECURITIES, group="Outgoing mail"),
    Field(
        "smtp_port",
        kind="number",
        title="Port",
        group="Outgoing mail",
        help="Empty: 465 with tls, 587 with starttls, 25 with none.",
    ),
    Field("smtp_user", title="User", group="Outgoing mail", help="Empty: the user of the IMAP server."),
    Field(
        "smtp_password",
        kind="secret",
        title="Password",
        group="Outgoing mail",
        help="Empty: the password of the IMAP server.",
    ),
    Field(
        "smtp_login",
        kind="boolean",
        title="Log in before sending",
        default=True,
        group="Outgoing mail",
        help="Switch off only for a relay that accepts this machine without a login.",
    ),
    Field(
        "sent_folder",
        title="Folder of sent mail",
        group="Outgoing mail",
        help="Where your provider keeps copies of sent mail; it settles whether a mail left. Empty: found by itself.",
    ),
    Field(
        "certificate",
        kind="long",
        title="Certificate of your own authority (PEM)",
        group="Encryption",
        help="Only for servers whose certificate no public authority signed.",
    ),
)
CHANNEL_FIELDS = (
    Field("display_name", title="Name in the From line", help="Empty: the name of the channel."),
    Field("signature", kind="long", title="Signature", help="Stands below every reply, after a line with two dashes."),
    Field(
        "reply_pattern",
        title="Reply address",
        default=DEFAULT_PATTERN,
        help="Where answers go, so that they find their conversation: {local}, {token} and {domain} are filled in. "
        "Empty if your provider does not deliver plus addresses.",
    ),
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where one of the two servers stands and how we introduce ourselves."""

    host: str
    port: int
    security: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    certificate: str = field(default="", repr=False)

    def tls(self) -> ssl.SSLContext | None:
        """The TLS settings of the line; None for a line in the clear."""
        if self.security == "none":
            return None
        context = ssl.create_default_context()
        if self.certificate:
            context.load_verify_locations(cadata=self.certificate)
        return context


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
    addresses: tuple[OwnAddress, ...]


def read_account(context: Context) -> Account:
    """The account of a connection; raises `BadSettings` that names the field and the cure."""
    settings = context.settings
    certificate = _text(settings, "certificate")
    imap = _server(context, "imap", IMAP_PORTS, certificate)
    imap_user, imap_password = str(context.setting("imap_user")), str(context.setting("imap_password"))
    smtp = _server(context, "smtp", SMTP_PORTS, certificate)
    folders = tuple(dict.fromkeys(str(name).strip() for name in settings.get("folders") or ("INBOX",)))
    return Account(
        imap=Server(*imap, imap_user, imap_password, certificate),
        smtp=Server(
            *smtp,
            _text(settings, "smtp_user") or imap_user,
            str(settings.get("smtp_password") or imap_password),
            certificate,
        ),
        does_log_in=settings.get("smtp_login") is not False,
        folders=tuple(name for name in folders if name) or ("INBOX",),
        imports_existing=bool(settings.get("import_existing")),
        idle_seconds=_number(settings, "idle_seconds", 90, 1, 1700),
        sent_folder=_text(settings, "sent_folder"),
        addresses=tuple(own_address(channel) for channel in context.channels),
    )


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
