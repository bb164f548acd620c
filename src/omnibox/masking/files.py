"""Masks the content of files: whatever is text, by its type or by its bytes. Pictures and PDFs are not read."""

from omnibox.masking.extra import CARDS, Rules
from omnibox.masking.octets import hide_found

_TEXT_TYPES = ("text/", "message/")
_TEXTS = frozenset({"application/json", "application/xml"})


class MaskedBytes(bytes):
    """The content of a file that has passed the mask. Only this package makes it."""

    __slots__ = ()


def mask_content(content: bytes, content_type: str, rules: Rules = CARDS) -> MaskedBytes:
    """A file's content with card numbers hidden where it is a text, an attached mail and what it holds included."""
    from omnibox.masking import encoded  # its patterns are built for the first file

    kind = content_type.lower()
    if kind.startswith(_TEXT_TYPES) or kind.partition(";")[0].strip() in _TEXTS or encoded.is_text(content):
        masked = encoded.mask_text_file(content)
        return MaskedBytes(hide_found(masked, rules.find) if rules.patterns else masked)
    return MaskedBytes(content)
