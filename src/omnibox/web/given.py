"""What an admin typed about a connection or a channel, checked: its name, its address, its settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from omnibox.connector import Field
from omnibox.fields import Document, check_document
from omnibox.masking import Masked, mask
from omnibox.registry import Registered
from omnibox.secrets import random_token
from omnibox.web.api import ApiError, Ask, Fault, invalid
from omnibox.web.channels import Json, read_document

LONGEST_NAME = 100
LONGEST_ADDRESS = 320


def recheck(ask: Ask, fields: Sequence[Field], given: Json, sealed: str, *, is_draft: bool) -> Document:
    stored = read_document(ask.hub.secrets, sealed)
    return require_valid(check_document(fields, given, stored, random_token, is_draft=is_draft))


def require_valid(document: Document) -> Document:
    if document.errors:
        faults = [Fault(error.path, error.message) for error in document.errors]
        raise ApiError(422, "invalid", "Some settings are missing or wrong.", "Correct the marked fields.", faults)
    return document


def read_name(given: str) -> Masked:
    name = mask(" ".join(unicodedata.normalize("NFC", given).split()))
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise invalid("name", f"A name has 1 to {LONGEST_NAME} characters.")
    return name


def read_address(registered: Registered, given: str, settings: Json, default: str) -> str:
    """The channel's own address: as given, or as the setting that is the address says, or the default."""
    own = next((settings.get(field.name) for field in registered.channel_settings or () if field.kind == "address"), "")
    address = given.strip() or (own.strip() if isinstance(own, str) else "") or default
    if not address:
        raise invalid("address", "Please fill this in.")
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise invalid("address", f"Please write one line of at most {LONGEST_ADDRESS} characters.")
    return address.casefold() if registered.capabilities.address.folds_case else address


def with_address(fields: Sequence[Field], given: Json, address: str) -> Json:
    return given | {field.name: address for field in fields if field.kind == "address"}
