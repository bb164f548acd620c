"""The forms an admin fills in: what is asked about a mail account, and about each of its channels."""

from __future__ import annotations

from omnibox.connector import Field
from omnibox_email.door.settings import DOOR_FIELDS, IN_A_MAILBOX, INCOMING
from omnibox_email.heads.addresses import DEFAULT_PATTERN
from omnibox_email.providers import BY_CONSENT, LOGINS, PASSWORD, SETTING
from omnibox_email.sending.manners import SENDING_FIELDS

SECURITIES = ("tls", "starttls", "none")
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
