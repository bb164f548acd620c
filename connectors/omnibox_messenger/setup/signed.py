"""Meta's `signed_request`: what it posts when a person removes the app or wants their data deleted."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import parse_qs

from omnibox.connector import Forged, Request
from omnibox_messenger.decoding import decode, identifier, member, text

LONGEST = 16_384


def read_person(request: Request, app_secret: str) -> str:
    """Whom it is about: the person's id in this app. Raises `Forged`; says never what would have been right."""
    try:
        form = parse_qs(request.body.decode("ascii"), max_num_fields=20)
    except ValueError:
        raise Forged("the form cannot be read") from None
    given = form.get("signed_request", [])
    if len(given) != 1 or len(given[0]) > LONGEST:
        raise Forged("there is no signed request")
    signature, _, payload = given[0].partition(".")
    genuine = hmac.new(app_secret.encode(), payload.encode("ascii", "replace"), "sha256").digest()
    if not app_secret or not hmac.compare_digest(_plain(signature), genuine):
        raise Forged("the signed request is not Meta's")
    try:
        facts = decode(_plain(payload))
    except ValueError:
        raise Forged("the signed request cannot be read") from None
    person = identifier(member(facts, "user_id"))
    if (text(member(facts, "algorithm")) or "").upper() != "HMAC-SHA256" or not person:
        raise Forged("the signed request is of another kind")
    return person


def _plain(part: str) -> bytes:
    """Base64 for addresses, without its padding; empty for what is none."""
    try:
        padded = part.encode("ascii") + b"=" * (-len(part) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
