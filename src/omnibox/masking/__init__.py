"""Card numbers, security codes and expiry dates are hidden here before a text is stored, shown or sent."""

from omnibox.masking.markup import mask_html
from omnibox.masking.octets import mask_bytes
from omnibox.masking.plain import Masked, mask, mask_counted

__all__ = ["Masked", "mask", "mask_bytes", "mask_counted", "mask_html"]
