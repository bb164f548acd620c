"""The doorbell between whoever writes and whoever follows, and the passing of hints. Both may be lost."""

from omnibox.bus.local import Bus, Hint, LocalBus

__all__ = ["Bus", "Hint", "LocalBus"]
