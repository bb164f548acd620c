"""What each code means to an agent, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

_ECHO = "Wait two minutes: Meta's echo or a look into the thread tells. Otherwise look into Messenger before you retry."
_ITSELF = "Nothing: omnibox tries again by itself."
_APPEAL = "See the page's support inbox at Meta. Once Meta lifts it, enable the channel again."

ERRORS: Mapping[str, tuple[str, str]] = {
    "messenger.window_closed": (
        "Meta's reply window is over: 24 hours after the person's last message.",
        "Wait until they write again, or answer by email.",
    ),
    "messenger.unreachable": (
        "The person blocked the page, left Messenger or never wrote to this page.",
        "Nothing can be sent until they write again; try another channel.",
    ),
    "messenger.bad_request": (
        "Messenger does not take this message in this form.",
        "Write it differently and send it again.",
    ),
    "messenger.refused": (
        "Meta refused the message with a code that omnibox does not know.",
        "Look up the code that the log names, then choose Retry.",
    ),
    "messenger.retired_tag": ("The message carried a tag that Meta has ended.", "Send it as a new reply."),
    "messenger.frequency": ("Meta limits how often this person gets such messages.", "Send it later."),
    "messenger.attachment_too_large": ("The file is larger than 25 MB.", "Send a smaller file or a link."),
    "messenger.attachment_refused": ("Meta could not read the file, twice.", "Send it in another format."),
    "messenger.attachment_expired": ("Meta lost the uploaded file, twice.", "Choose Retry."),
    "messenger.upload_unanswered": ("Meta did not confirm the upload of the file; nobody has seen it yet.", _ITSELF),
    "messenger.temporary": ("Meta has a problem at the moment.", _ITSELF),
    "messenger.service_error": (
        "Meta has a problem at the moment; if it lasts, the person may have blocked the page.",
        _ITSELF,
    ),
    "messenger.rate_limited": ("Meta has slowed this page down.", "Nothing: the queue waits and goes on by itself."),
    "messenger.gateway": (
        "Something between omnibox and Meta answered.",
        "If it lasts, check Graph address and Graph version in the connection's settings.",
    ),
    "messenger.no_answer": ("The line to Meta failed in the middle: the message may have arrived.", _ECHO),
    "messenger.odd_answer": ("Meta's answer cannot be read: the message may have arrived.", _ECHO),
    "messenger.token_dead": (
        "Meta no longer accepts the page access token.",
        "Make a new one in the Meta app, paste it into the channel's settings and press Check.",
    ),
    "messenger.permission": (
        "The Meta app lacks a permission for this.",
        "Give the app pages_messaging (for Human Agent: its approval), make a new token and press Check.",
    ),
    "messenger.terms_not_accepted": (
        "The page has not accepted Meta's terms for its inbox.",
        "An admin of the page accepts them in Meta's own page inbox; then press Check.",
    ),
    "messenger.restricted": ("Meta has restricted the page for a time.", _APPEAL),
    "messenger.blocked_for_policy": ("Meta has blocked the page or the app for its policy.", _APPEAL),
}
