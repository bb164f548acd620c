"""The settings of one mail account, checked, and how its two servers are reached."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnibox.connector import BadSettings, ChannelSettings, Context, Field, Tokens
from omnibox_email.door.settings import DOOR_FIELDS, IN_A_MAILBOX, INCOMING, DoorSettings, read_door
from omnibox_email.heads import addresses
from omnibox_email.heads.addresses import DEFAULT_PATTERN, OwnAddress
from omnibox_email.providers import BY_CONSENT, LOGINS, PASSWORD, SETTING, consent_of, provider_of
from omnibox_email.sending.manners import SENDING_FIELDS

SECURITIES = ("tls", "starttls", "none")
IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}

AFTERWARDS = ("leave", "mark read", "move")
_WITH_PASSWORD = {"login": (PASSWORD,)}
_BY_CONSENT = {"login": BY_CONSENT}
_OWN_SERVERS = {"login": (PASSWORD, "other")}
_OWN_MAILBOX = _OWN_SERVERS | IN_A_MAILBOX

FIELDS = (
    INCOMING,
    Field(
        "login",
        kind="choice",
        title="How to log in",
        default=PASSWORD,
        choices=LOGINS,
        help="Google and Microsoft want the mailbox owner's consent. other: any provider that gives OAuth tokens.",
    ),
    Field(
        "client_id",
        title="Client ID",
        required=True,
        when=_BY_CONSENT,
        group="Consent",
        help="From the application you registered at the provider, with the redirect address shown on this page.",
    ),
    Field("client_secret", kind="secret", title="Client secret", when=_BY_CONSENT, group="Consent"),
    Field(
        "tenant",
        title="Tenant",
        when={"login": ("microsoft",)},
        group="Consent",
        placeholder="common",
        help="Your organisation's domain or id. Empty: any account.",
    ),
    Field(SETTING, kind="consent", title="Consent", when=_BY_CONSENT, group="Consent"),
    Field(
        "imap_host",
        kind="host",
        title="IMAP server",
        required_if=_OWN_MAILBOX,
        when=IN_A_MAILBOX,
        help="With Google or Microsoft leave it empty: theirs is known.",
        group="Incoming mail",
        placeholder="imap.example.com",
    ),
    Field(
        "imap_security",
        kind="choice",
        title="Encryption",
        default="tls",
        choices=SECURITIES,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="tls is usual; none sends the password in the clear and fits only a server on this machine.",
    ),
    Field(
        "imap_port",
        kind="number",
        title="Port",
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="Empty: 993 with tls, else 143.",
    ),
    Field(
        "imap_user",
        title="User",
        required=True,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="Usually the whole email address.",
    ),
    Field(
        "imap_password",
        kind="secret",
        title="Password",
        required=True,
        when=_WITH_PASSWORD | IN_A_MAILBOX,
        group="Incoming mail",
        help="With two-step verification your provider wants an app password here.",
    ),
    Field(
        "folders",
        kind="list",
        title="Folders to read",
        default=("INBOX",),
        when=IN_A_MAILBOX,
        group="Incoming mail",
    ),
    Field(
        "import_existing",
        kind="boolean",
        title="Import the mail that is already there",
        default=False,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="Off: reading begins with the mails that arrive from now on.",
    ),
    Field(
        "read_sent",
        kind="boolean",
        title="Show what others answer from this mailbox",
        default=True,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="Reads the folder of sent mail too: an answer written in another mail program stands in its conversation.",
    ),
    Field(
        "checking_servers",
        kind="list",
        title="Servers whose checks of senders count",
        group="Incoming mail",
        help="The name at the start of your own mail server's Authentication-Results. Empty: nobody's checks count.",
    ),
    Field(
        "afterwards",
        kind="choice",
        title="Mail that omnibox has stored",
        default="leave",
        choices=AFTERWARDS,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="leave changes nothing in the mailbox; the other two happen only after the mail is safe here.",
    ),
    Field(
        "move_to",
        title="Folder to move it to",
        required=True,
        when={"afterwards": ("move",)} | IN_A_MAILBOX,
        group="Incoming mail",
        placeholder="Omnibox",
    ),
    Field(
        "idle_seconds",
        kind="number",
        title="Seconds to wait for news",
        default=90,
        when=IN_A_MAILBOX,
        group="Incoming mail",
        help="With 90 a dead connection is found within two minutes; at most 1700.",
    ),
    *DOOR_FIELDS,
    Field(
        "smtp_host",
        kind="host",
        title="SMTP server",
        required_if=_OWN_SERVERS,
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
        when=_WITH_PASSWORD,
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
        when=IN_A_MAILBOX,
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
    Field(
        "authorize_url",
        kind="url",
        title="Address where consent is asked",
        required_if={"login": ("other",)},
        when=_BY_CONSENT,
        group="advanced",
        help="This and the next ones are known for Google and Microsoft; fill them in only for a cloud of your own.",
    ),
    Field(
        "token_url",
        kind="url",
        title="Address where tokens are given",
        required_if={"login": ("other",)},
        when=_BY_CONSENT,
        group="advanced",
    ),
    Field("device_url", kind="url", title="Address for devices", when=_BY_CONSENT, group="advanced"),
    Field("scopes", kind="list", title="Scopes", when=_BY_CONSENT, group="advanced"),
)
CHANNEL_FIELDS = (
    Field("display_name", title="Name in the From line", help="Empty: the name of the channel."),
    Field(
        "signature",
        kind="long",
        title="Signature",
        help="Stands below every reply, after a line with two dashes; an agent's own signature stands above it. "
        "{agent} is filled in with the agent's name, {signature} with their own signature.",
    ),
    Field(
        "reply_pattern",
        title="Reply address",
        default=DEFAULT_PATTERN,
        help="Where answers go, so that they find their conversation: {local}, {token} and {domain} are filled in. "
        "Empty if your provider does not deliver plus addresses.",
    ),
    *SENDING_FIELDS,
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
    tokens: Tokens | None = field(default=None, repr=False, compare=False)  # in place of the password

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
