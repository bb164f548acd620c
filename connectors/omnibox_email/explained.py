"""What each code of a mail account means to an agent or an admin, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

_ITSELF = "omnibox tries again by itself, for up to five days."
_CHANNEL = "Nothing is lost: replies wait, and leave once the check in Settings › Channels passes."
_LOOK = "Look into the folder of sent mail, or ask the person; then choose Send again or Dismiss."
_READS = "omnibox goes on reading by itself as soon as it can."

ERRORS: Mapping[str, tuple[str, str]] = {
    # One mail
    "email.no_such_mailbox": (
        "The receiving server says that there is no such mailbox.",
        "Check the address with the person, then send again.",
    ),
    "email.recipient_refused": (
        "The receiving server refuses mail for this address.",
        "Ask the person for another address, or reach them on another channel.",
    ),
    "email.recipient_deferred": (
        "The receiving server takes no mail for this address just now.",
        f"Some want a second try of senders they do not know. {_ITSELF}",
    ),
    "email.mailbox_full": ("The mailbox is full.", "Wait, or reach the person on another channel."),
    "email.refused_by_policy": (
        "The receiving server refused the mail by its rules.",
        "Ask whoever runs your mail whether SPF, DKIM and DMARC of your domain are right.",
    ),
    "email.bounced": ("The mail came back.", "Check the address with the person."),
    "email.content_refused": (
        "The mail server does not take this mail.",
        "A file or a link in it is the usual reason: change it and send again.",
    ),
    "email.deferred": ("The mail server takes no mail just now.", _ITSELF),
    "email.too_big": (
        "The mail is larger than the server takes.",
        "Send smaller files, or links to them.",
    ),
    "email.address_not_supported": (
        "Your mail server cannot send to an address with such letters.",
        "Ask the person for an address in plain letters, or use a server that offers SMTPUTF8.",
    ),
    # The way out
    "email.sender_refused": (
        "Your mail server does not let this account send from the channel's address.",
        f"Allow the address at your provider, or use the account it belongs to. {_CHANNEL}",
    ),
    "email.smtp_connect_failed": (
        "The server for outgoing mail could not be reached.",
        f"{_ITSELF} If it lasts, check server, port and encryption in the settings.",
    ),
    "email.smtp_forbidden": (
        "The server for outgoing mail is in a private network, which this installation may not connect to.",
        "The operator can allow it by outbound_allow in omnibox.toml.",
    ),
    "email.smtp_greeting_refused": (
        "The server for outgoing mail sends us away.",
        f"Ask your provider whether this machine is blocked. {_CHANNEL}",
    ),
    "email.smtp_refused": (
        "The server for outgoing mail refuses to talk with us.",
        f"Check server, port and encryption in the settings. {_CHANNEL}",
    ),
    "email.smtp_tls_failed": (
        "The line to the server for outgoing mail could not be encrypted.",
        f"Its certificate may have run out, or the server's name may be wrong. {_CHANNEL}",
    ),
    "email.smtp_no_starttls": (
        "The server for outgoing mail offers no encryption on this port.",
        f"Choose tls with port 465, or the port your provider names. {_CHANNEL}",
    ),
    "email.smtp_no_login": (
        "The server for outgoing mail offers no login that omnibox knows.",
        f"Check port and encryption: many offer the login on an encrypted line only. {_CHANNEL}",
    ),
    "email.smtp_login_refused": (
        "The server for outgoing mail does not accept user and password.",
        f"Enter the password anew; with two-step verification it has to be an app password. {_CHANNEL}",
    ),
    "email.smtp_password_login_off": (
        "Your provider has switched passwords off for sending mail.",
        f"Choose consent in the connection's settings, or have your provider's admin allow SMTP AUTH. {_CHANNEL}",
    ),
    "email.token_refused": (
        "The mail server does not take the token that the owner's consent gave.",
        f"Ask for consent anew in the connection's settings. {_CHANNEL}",
    ),
    "email.smtp_login_unavailable": (
        "The server for outgoing mail cannot check the login just now.",
        _ITSELF,
    ),
    "email.smtp_line_lost": ("The line to the server broke before the mail was handed over.", _ITSELF),
    "email.smtp_nonsense": (
        "The server for outgoing mail gave an answer that is none.",
        f"{_ITSELF} If it lasts, look whether something stands between us, such as a virus scanner.",
    ),
    "email.smtp_no_answer": ("The mail was handed over, and no answer came: it may have left.", _LOOK),
    # The way in
    "email.connect_failed": ("The server for incoming mail could not be reached.", _READS),
    "email.imap_forbidden": (
        "The server for incoming mail is in a private network, which this installation may not connect to.",
        "The operator can allow it by outbound_allow in omnibox.toml.",
    ),
    "email.no_greeting": ("The server for incoming mail does not greet us.", _READS),
    "email.no_imap": (
        "What answers there is no server for incoming mail.",
        "Check server and port in the connection's settings.",
    ),
    "email.tls_failed": (
        "The line to the server for incoming mail could not be encrypted.",
        "Its certificate may have run out, or the server's name may be wrong. Correct it and run the check.",
    ),
    "email.no_starttls": (
        "The server for incoming mail offers no encryption on this port.",
        "Choose tls with port 993, or the port your provider names.",
    ),
    "email.login_refused": (
        "The server for incoming mail does not accept user and password.",
        "Enter the password anew; with two-step verification it has to be an app password.",
    ),
    "email.login_needs_tls": (
        "The server takes a password on an encrypted line only.",
        "Choose tls or starttls in the connection's settings.",
    ),
    "email.login_unavailable": ("The server for incoming mail cannot check the login just now.", _READS),
    "email.line_lost": ("The line to the server for incoming mail broke.", _READS),
    "email.line_silent": ("The server for incoming mail has fallen silent.", _READS),
    "email.no_folder": (
        "A folder that shall be read is not there.",
        "Correct its name in the connection's settings; the check lists those that are there.",
    ),
    "email.fetch_refused": ("The server does not hand a mail out.", _READS),
    "email.throttled": (
        "The mail server asks us to come less often.",
        "omnibox stays away as long as it asked. If it lasts, fewer programs should read this mailbox.",
    ),
    "email.mail_missing": (
        "The mailbox holds mail that omnibox has not taken in.",
        "omnibox fetches it again at the next comparison. If this stays, read the mailbox and tell the operator.",
    ),
    "email.door_taken": (
        "Another program listens at the address of the mail door.",
        "Choose another port or socket file, or end the other program. omnibox opens the door as soon as it can.",
    ),
    "email.door_address": (
        "omnibox may not listen at the address of the mail door.",
        "Use an address of this machine and a port from 1024 on, or a socket file in a folder that omnibox may write.",
    ),
    "email.not_settled": (
        "The server does not let us mark or move a mail that is stored.",
        "The mail is here all the same. Check that the folder exists, or choose leave in the connection's settings.",
    ),
    "email.search_refused": ("The server does not search its folder.", _READS),
}
