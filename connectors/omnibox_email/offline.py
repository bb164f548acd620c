"""The offline commands: one raw mail as a record, and the answer to one as it would leave."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from omnibox_email import reading, stubs
from omnibox_email.heads import addresses
from omnibox_email.heads.addresses import Mailbox
from omnibox_email.sending import building, fields

_SURROGATES = re.compile("[\ud800-\udfff]")


def record(raw: bytes) -> dict[str, Any]:
    """The record of one mail: every key, whatever the bytes. It is read in a process with limits."""
    from omnibox_email import worker

    return worker.record(raw)


def record_here(raw: bytes) -> dict[str, Any]:
    """As `record`, in this process."""
    try:
        return record_of(reading.read(raw))
    except (MemoryError, RecursionError):
        raise
    except Exception:  # any bytes are a mail: what breaks the reader is shown as far as it can be
        return record_of(stubs.stub(raw))


def record_of(mail: reading.Mail) -> dict[str, Any]:
    """A read mail as its record."""
    return {key: _scrub(value) for key, value in _record(mail).items()}


def _record(mail: reading.Mail) -> dict[str, Any]:
    return {
        "v": 1,
        "channel": "email",
        "kind": "message",
        "external_id": mail.message_id,
        "in_reply_to": mail.in_reply_to[0] if mail.in_reply_to else None,
        "references": list(mail.references),
        "sender": _box(mail.sender) if mail.sender else None,
        "to": _boxes(mail.to),
        "cc": _boxes(mail.cc),
        "reply_to": _boxes(mail.reply_to),
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "reply_text": mail.reply_text,
        "attachments": [_file(one) for one in mail.attachments],
        "timestamp": _timestamp(mail.sent_at),
        "auto_submitted": mail.automatic is not None,
        "bounce": _bounce(mail),
        "truncated": mail.is_cut,
    }


def _box(box: Mailbox) -> dict[str, Any]:
    return {"name": box.name, "address": box.address}


def _boxes(boxes: Sequence[Mailbox]) -> list[dict[str, Any]]:
    return [_box(box) for box in boxes]


def _file(file: reading.Attachment) -> dict[str, Any]:
    return {
        "filename": file.name,
        "content_type": file.content_type,
        "size": len(file.content),
        "sha256": file.digest(),
        "inline": file.is_inline,
        "content_id": file.content_id,
    }


def _timestamp(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _bounce(mail: reading.Mail) -> dict[str, Any] | None:
    if mail.bounce is None:
        return None
    return {
        "recipients": [
            {"address": one.address, "status": one.status, "action": one.action} for one in mail.bounce.recipients
        ]
    }


def _scrub(value: Any) -> Any:
    """`value` without lone surrogates, which no UTF-8 can carry."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {key: _scrub(member) for key, member in value.items()}
    return [_scrub(member) for member in value] if isinstance(value, list) else value


def rendered(item: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a mail as bytes; raises `ValueError` with a code of the offline commands."""
    try:
        raw = base64.b64decode(str(item["inbound_base64"]), validate=True)
    except binascii.Error:
        raise ValueError("invalid") from None
    except KeyError:
        raise ValueError("unsupported") from None
    if not raw:
        raise ValueError("empty")
    if not item.get("from"):
        raise ValueError("unsupported")
    own = addresses.parse_list(str(item["from"]).encode("utf-8", "replace"))
    domain = next((addresses.domain_of(box.address) for box in own if addresses.is_usable(box.address)), "localhost")
    letter_id = f"{uuid4()}.omnibox@{fields.ascii_domain(domain)}"
    letter, recipients = building.answer_to(raw, item, letter_id, datetime.now(UTC))
    return {
        "raw_base64": base64.b64encode(building.build(letter)).decode("ascii"),
        "envelope_from": fields.envelope(letter.sender),
        "envelope_to": recipients,
    }
