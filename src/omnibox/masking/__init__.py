"""Card numbers, security codes and expiry dates are hidden here before a text is stored, shown or sent."""

from collections.abc import Sequence

from omnibox.masking.alphabet import BULLET
from omnibox.masking.extra import CARDS, Rules, rules_of
from omnibox.masking.files import MaskedBytes, mask_content
from omnibox.masking.octets import mask_bytes
from omnibox.masking.plain import Masked, count_digits, mask, mask_counted


def mask_html(html: str) -> Masked:
    """The same HTML with numbers masked in its text, comments and attributes, also where tags stand between digits."""
    from omnibox.masking import markup  # its patterns take a while to build, and many a hub sees no HTML

    return markup.mask_html(html)


def mask_raw(text: str, *, is_cut: bool = False) -> Masked:
    """A text in a platform's own writing, with numbers masked in base64, escapes and the like too. JSON stays JSON.

    With `is_cut` it is the beginning of something longer; half a number at its end is hidden too.
    """
    from omnibox.masking import encoded

    return Masked(encoded.mask_raw(text, is_cut=is_cut))


def may_be_piece(text: str) -> bool:
    """Whether a text begins or ends with digits, as a piece of a card number does."""
    if count_digits(text) == 0:
        return False
    from omnibox.masking import split  # as above

    return split.may_be_piece(text)


def is_code_alone(text: str) -> bool:
    """Whether a text is three or four digits and nothing else."""
    from omnibox.masking import split

    return split.is_code_alone(text)


def mask_answer(question: str, text: Masked) -> Masked:
    """A code alone, hidden if the question before it asks for a card's security code."""
    from omnibox.masking import split

    return split.mask_answer(question, text)


def mask_edited(before: str, text: Masked) -> Masked:
    """The new text of a message, with what was a hidden piece in the old one hidden again."""
    if BULLET not in before or count_digits(text) == 0:
        return text
    from omnibox.masking import split

    return split.mask_edited(before, text)


def mask_split(texts: Sequence[str], latest: int | None = None) -> list[Masked] | None:
    """Consecutive texts of one author, with a number hidden that goes through several of them, and the code in the one
    after its card; None if there is nothing to hide. `latest` is the place of the one that is new.
    """
    from omnibox.masking import split

    return split.mask_split(texts, latest)


__all__ = [
    "CARDS",
    "Masked",
    "MaskedBytes",
    "Rules",
    "is_code_alone",
    "mask",
    "mask_answer",
    "mask_bytes",
    "mask_content",
    "mask_counted",
    "mask_edited",
    "mask_html",
    "mask_raw",
    "mask_split",
    "may_be_piece",
    "rules_of",
]
