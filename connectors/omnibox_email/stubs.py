"""What is kept of a mail that could not be read within the limits: its headers as far as known, the rest as one piece.

Everything here is cut before it is looked at, so that it costs next to nothing whatever the bytes are.
"""

from __future__ import annotations

import hashlib

from omnibox_email import charsets, reading
from omnibox_email.charsets import bodies
from omnibox_email.content import mime, transfer
from omnibox_email.content import text as html_text
from omnibox_email.heads import headers
from omnibox_email.heads.headers import Headers

HEAD_BYTES = 64 * 1024
MOST_FIELDS = 200
FIELD_BYTES = 4096
TEXT_BYTES = 500_000
WANTED = charsets.words(
    """
    from to cc reply-to sender return-path subject date message-id in-reply-to references content-type
    content-transfer-encoding auto-submitted precedence list-id x-omnibox-id delivered-to x-original-to envelope-to
    """
)


def stub(raw: bytes) -> reading.Mail:
    """The mail with nothing of its body understood; `is_cut` says so."""
    try:
        block, start = _head(raw)
        return _stub(raw, block, start)
    except Exception:  # the last resort: what breaks even this comes out as text
        return _stub(raw, Headers(), 0)


def _head(raw: bytes) -> tuple[Headers, int]:
    block, start = headers.split_block(raw[:HEAD_BYTES], 0, min(len(raw), HEAD_BYTES), is_root=True)
    kept = [(name, value[:FIELD_BYTES]) for name, value in block.fields if name in WANTED]
    return Headers(tuple(kept[:MOST_FIELDS]), is_cut=True), start


def _stub(raw: bytes, block: Headers, start: int) -> reading.Mail:
    kind = mime.content_type(block)
    body = raw[start:]
    text = ""
    files: tuple[reading.Attachment, ...] = ()
    if kind.value.startswith("text/"):
        content = transfer.decode(body[:TEXT_BYTES], transfer.encoding_of(block), is_text=True)
        text = charsets.clean(bodies.decode(content, kind.parameters.get("charset", "")))
        text = html_text.without_tags(text) if kind.value == "text/html" else text.strip("\n")
    if body.strip() and (not text or len(body) > TEXT_BYTES):
        files = (reading.Attachment(body, None, kind.value, None, is_inline=False, is_shown=False),)
    return reading.stub(block, text, files, hashlib.sha256(raw).hexdigest())
