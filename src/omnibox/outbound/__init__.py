"""The guarded door out: every connection to an address that a person or a platform can name goes through here."""

from omnibox.outbound.guard import Guard, LookUp, is_public
from omnibox.outbound.http import Fetched, GuardedHttp

__all__ = ["Fetched", "Guard", "GuardedHttp", "LookUp", "is_public"]
