"""The live set: one connector instance per connection, its channels as ways out, its source as a running reader."""

from omnibox.connections.live import Live
from omnibox.connections.live_set import Connections

__all__ = ["Connections", "Live"]
