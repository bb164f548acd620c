"""A part of a reply as a letter: who it is from, whom it answers, where answers shall go."""

from __future__ import annotations

from omnibox.connector import ChannelSettings, Outbound
from omnibox_email import intake
from omnibox_email.account import own_address
from omnibox_email.heads import addresses
from omnibox_email.sending import quoting
from omnibox_email.sending.building import Enclosed, Letter, answer_subject
from omnibox_email.sending.manners import DEFAULT_SUBJECT

AUTOMATIC = "automatic"
# So that other machines stay silent; not `All`, which would suppress bounces (RFC 3834 and Exchange's own header).
AUTOMATIC_FIELDS = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "OOF, AutoReply"}


async def letter_of(part: Outbound, channel: ChannelSettings, installation: str) -> Letter:
    """The letter of `part`, the same for each try: id, time and all else were fixed when the reply was written."""
    own = own_address(channel)
    files = [Enclosed(file.name, file.content_type, await file.read()) for file in part.files]
    is_automatic = part.mode == AUTOMATIC
    extra = {"X-Omnibox-Id": intake.omnibox_id(installation, part.id)}
    if is_automatic:
        extra |= {**AUTOMATIC_FIELDS, "X-Loop": installation}
    about = (
        quoting.Around()
        if is_automatic
        else quoting.around(part, channel.settings, has_reply_address=bool(own.pattern))
    )
    own_id = intake.message_id(part.id, own.address)
    return Letter(
        message_id=own_id,
        written_at=part.written_at,
        sender=own.address,
        sender_name=str(channel.settings.get("display_name") or channel.name or ""),
        to=_unique([part.address, *([] if is_automatic else part.recipients.to)]),
        cc=() if is_automatic else _unique(part.recipients.cc, but=[part.address, *part.recipients.to]),
        reply_to=own.with_token(part.tokens[0]) if part.tokens and own.pattern else "",
        subject=_automatic_subject(channel) if is_automatic else _subject(part),
        text=quoting.as_text(part.text, about),
        html=quoting.as_html(part.text, part.html, about),
        in_reply_to=part.refs[-1] if part.refs else "",
        references=with_own(part.refs, own_id),
        files=tuple(files),
        extra=extra,
    )


def recipients(letter: Letter, part: Outbound) -> tuple[str, ...]:
    """Whom the envelope names: all whom the head names and the blind copies; or those alone who are still waiting."""
    blind = () if part.mode == AUTOMATIC else part.recipients.bcc
    listed = _unique([*letter.to, *letter.cc, *blind])
    if not part.only:
        return listed
    wanted = {addresses.fold(one) for one in part.only}
    return tuple(one for one in listed if addresses.fold(one) in wanted)


def envelope_sender(part: Outbound, channel: ChannelSettings) -> str:
    """Where returned mail goes: nowhere for what no person wrote, else to us, with the conversation's token if set."""
    own = own_address(channel)
    if part.mode == AUTOMATIC:
        return ""
    if channel.settings.get("bounce_token") and part.tokens:
        return own.with_token(part.tokens[0])
    return own.address


def with_own(refs: tuple[str, ...], own_id: str) -> tuple[str, ...]:
    """The ancestors with our own id before the last one.

    A relay that puts another Message-ID in its place leaves the references alone, and so the answer names ours. The
    mail that is answered stays the last, since programs take that for the parent (RFC 5322 3.6.4).
    """
    return (*refs[:-1], own_id, refs[-1]) if refs else ()


def _automatic_subject(channel: ChannelSettings) -> str:
    """Ours: a subject of the customer's would carry their words to whomever they name."""
    return str(channel.settings.get("confirmation_subject") or DEFAULT_SUBJECT)


def _subject(part: Outbound) -> str:
    """An answer carries one `Re:`; a mail that answers none keeps its subject as written."""
    return answer_subject(part.subject) if part.refs else (part.subject or "")


def _unique(listed: list[str] | tuple[str, ...], but: list[str] | None = None) -> tuple[str, ...]:
    seen = {addresses.fold(one) for one in but or []}
    out = []
    for one in listed:
        if addresses.fold(one) not in seen:
            seen.add(addresses.fold(one))
            out.append(one)
    return tuple(out)
