"""What each code means to an agent, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

_ECHO = "Wait two minutes: Meta's echo or a look into the thread tells. Otherwise look into Messenger before you retry."
_ENTER = "enter hook URL and verify token under Messenger → Settings → Webhooks in the app, and press Verify."
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
    "messenger.near_limit": ("The page is close to Meta's limit of calls: omnibox sends slower.", _ITSELF),
    "messenger.gateway": (
        "Something between omnibox and Meta answered.",
        "If it lasts, check Graph address and Graph version in the connection's settings.",
    ),
    "messenger.no_answer": ("The line to Meta failed in the middle: the message may have arrived.", _ECHO),
    "messenger.odd_answer": ("Meta's answer cannot be read: the message may have arrived.", _ECHO),
    "messenger.token_dead": (
        "Meta no longer accepts the page access token.",
        "Ask for consent again on the connection's page; or make a new one and paste it into the page's settings.",
    ),
    "messenger.permission": (
        "The Meta app lacks a permission for this.",
        "Give the app pages_messaging (for Human Agent: its approval), make a new token and press Check.",
    ),
    "messenger.terms_not_accepted": (
        "The page has not accepted Meta's terms for its inbox.",
        "An admin of the page accepts them in Meta's own page inbox; then press Check.",
    ),
    "messenger.permission_missing": (
        "The page access token lacks the permission {missing}.",
        "Ask for consent again with everything switched on, or make the token again with it, paste it and save.",
    ),
    "messenger.token_other_page": (
        "The page access token belongs to another page.",
        "Paste the token of this page into its settings and save.",
    ),
    "messenger.token_other_app": (
        "The page access token was made in another app, so that no message of the page arrives here.",
        "Ask for consent here, or make the token in the app whose ID stands in the connection, paste it and save.",
    ),
    "messenger.token_ends": (
        "The page access token ends on {ends}.",
        "Ask for consent again, or paste a new one: tokens made with a long-lived login do not end.",
    ),
    "messenger.subscription_lost": (
        "The page no longer hands its messages to the app; subscribing it again was refused (missing: {missing}).",
        "In the app open Messenger → Settings → Webhooks, add the page's subscriptions, and press Check.",
    ),
    "messenger.subscription_partial": (
        "Some events of the page do not arrive: {missing}.",
        "In the app open Messenger → Settings → Webhooks and add them to the page's subscriptions.",
    ),
    "messenger.webhook_lost": (
        "Meta does not call this installation, and did not take its address.",
        f"See that the address is public, with https and a trusted certificate. Then {_ENTER}",
    ),
    "messenger.webhook_elsewhere": (
        "Meta calls another address than this connection's: no message arrives here.",
        f"If this installation is to have them, {_ENTER}",
    ),
    "messenger.app_refused": (
        "Meta does not know the app by this App ID and app secret.",
        "Copy both again from App settings → Basic of the same app, and save.",
    ),
    "messenger.app_in_development": (
        "Meta has not approved the app yet: only people with a role in it reach you, and only they are answered.",
        "In the app ask for Advanced access to pages_messaging under App Review, then switch the app to Live.",
    ),
    "messenger.version_ends": (
        "Version {version} of Meta's Graph API ends on {ends}.",
        "Set Graph version to a newer one in the connection's settings under Advanced; update omnibox if you can.",
    ),
    "messenger.version_ended": (
        "Version {version} of Meta's Graph API ended on {ends}.",
        "Set Graph version to a newer one in the connection's settings under Advanced, now.",
    ),
    "messenger.welcome_refused": (
        "Meta does not take what stands under Welcome in the page's settings ({setting}).",
        "Shorten or change it, and save.",
    ),
    "messenger.restricted": ("Meta has restricted the page for a time.", _APPEAL),
    "messenger.policy_warning": (
        "Meta has warned the page: it sees a breach of its policy.",
        "Read Meta's notice in the page's support inbox, and end what it names.",
    ),
    "messenger.policy_block": ("Meta says that it has blocked the page for its policy.", _APPEAL),
    "messenger.blocked_for_policy": ("Meta has blocked the page or the app for its policy.", _APPEAL),
}
