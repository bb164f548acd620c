"""Card numbers, security codes and expiry dates are hidden here before a text is stored, shown or sent."""

from omnibox.masking.octets import mask_bytes
from omnibox.masking.plain import Masked, mask, mask_counted


def mask_html(html: str) -> Masked:
    """The same HTML with numbers masked in its text, comments and attributes, also where tags stand between digits."""
    from omnibox.masking import markup  # its patterns take a while to build, and many a hub sees no HTML

    return markup.mask_html(html)


__all__ = ["Masked", "mask", "mask_bytes", "mask_counted", "mask_html"]
