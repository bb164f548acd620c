"""What a submission server's answers mean: try again, never, or not at all from here; and the ids it names."""

from __future__ import annotations

import re

from omnibox.connector import ChannelDown, Rejected, SendError, Temporary, Uncertain

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_ID = re.compile(r"<([^<>\s@]{1,300}@[^<>\s@]{1,200})>")
_SES_HOST = re.compile(r"email-smtp\.([a-z0-9-]+)\.amazonaws\.com\Z", re.I)
_SES_ID = re.compile(r"\b([0-9a-f]{16}-[0-9a-f-]{30,60})\b")


def refusal(code: str, status: int) -> SendError:
    """About all of us, before any mail was named: 5xx needs somebody, the rest needs time."""
    return ChannelDown(code) if 500 <= status < 600 else Temporary(code)


def _is_about_size(status: int, said: str) -> bool:
    enhanced = _ENHANCED.search(said)
    return (enhanced is not None and enhanced.group(1) in ("5.3.4", "5.2.3")) or (status == 552 and enhanced is None)


def sender_refused(status: int, said: str) -> SendError:
    """The answer to MAIL."""
    if _is_about_size(status, said):
        return Rejected("email.too_big")
    return refusal("email.sender_refused", status)


def recipient_refused(status: int, said: str) -> SendError:
    """The answer to RCPT."""
    if status < 500:
        return Temporary("email.recipient_deferred")
    enhanced = _ENHANCED.search(said)
    if enhanced and enhanced.group(1) == "5.2.2":
        return Rejected("email.mailbox_full")
    is_unknown = enhanced.group(1).startswith("5.1.") if enhanced else status in (550, 551, 553)
    return Rejected("email.no_such_mailbox" if is_unknown else "email.recipient_refused", unreachable=is_unknown)


def content_refused(status: int, said: str) -> SendError:
    """The answer to DATA, or to the mail."""
    if _is_about_size(status, said):
        return Rejected("email.too_big")
    if 500 <= status < 600:
        return Rejected("email.content_refused")
    if 400 <= status < 500:
        return Temporary("email.deferred")
    return Uncertain("email.smtp_nonsense")


def aliases(answer: str, host: str, own: str) -> tuple[str, ...]:
    """The ids a relay gave the mail in its last answer: answers of customers will name those."""
    found = _ID.findall(answer)
    ses = _SES_HOST.search(host)
    if ses and (given := _SES_ID.search(answer)):
        region = ses.group(1)
        domain = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
        found.append(f"{given.group(1)}@{domain}")
    return tuple(one for one in dict.fromkeys(found) if one != own)
