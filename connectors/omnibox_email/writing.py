"""A part of a reply as a letter: who it is from, whom it answers, where answers shall go."""

from __future__ import annotations

from omnibox.connector import ChannelSettings, Outbound
from omnibox_email import addresses, intake
from omnibox_email.account import own_address
from omnibox_email.building import Enclosed, Letter, answer_subject

# So that other machines stay silent; not `All`, which would suppress bounces (RFC 3834 and Exchange's own header).
AUTOMATIC = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "OOF, AutoReply"}


async def letter_of(part: Outbound, channel: ChannelSettings, installation: str) -> Letter:
    """The letter of `part`, the same for each try: id, time and all else were fixed when the reply was written."""
    own = own_address(channel)
    files = [Enclosed(file.name, file.content_type, await file.read()) for file in part.files]
    is_automatic = part.mode == "automatic"
    extra = {"X-Omnibox-Id": intake.omnibox_id(installation, part.id)}
    if is_automatic:
        extra |= {**AUTOMATIC, "X-Loop": installation}
    return Letter(
        message_id=intake.message_id(part.id, own.address),
        written_at=part.written_at,
        sender=own.address,
        sender_name=str(channel.settings.get("display_name") or channel.name or ""),
        to=_unique([part.address, *([] if is_automatic else part.recipients.to)]),
        cc=() if is_automatic else _unique(part.recipients.cc, but=[part.address, *part.recipients.to]),
        reply_to=own.with_token(part.tokens[0]) if part.tokens and own.pattern else "",
        subject=_subject(part),
        text=signed(part.text, str(channel.settings.get("signature") or "")),
        html=part.html,
        in_reply_to=part.refs[-1] if part.refs else "",
        references=part.refs,
        files=tuple(files),
        extra=extra,
    )


def _subject(part: Outbound) -> str:
    """An answer carries one `Re:`; a mail that answers none keeps its subject as written."""
    return answer_subject(part.subject) if part.refs else (part.subject or "")


def signed(text: str, signature: str) -> str:
    """The text with the signature below, after the line that marks one (RFC 3676 4.3)."""
    signature = signature.strip("\n")
    return f"{text.rstrip()}\n\n-- \n{signature}" if signature.strip() else text


def _unique(listed: list[str] | tuple[str, ...], but: list[str] | None = None) -> tuple[str, ...]:
    seen = {addresses.fold(one) for one in but or []}
    out = []
    for one in listed:
        if addresses.fold(one) not in seen:
            seen.add(addresses.fold(one))
            out.append(one)
    return tuple(out)
