"""Addresses: who a mail names, and the signed tokens inside our reply addresses."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omnibox_email.heads.address_lists import MOST_ADDRESSES as MOST_ADDRESSES
from omnibox_email.heads.address_lists import Mailbox as Mailbox
from omnibox_email.heads.address_lists import clean_address as clean_address
from omnibox_email.heads.address_lists import is_usable as is_usable
from omnibox_email.heads.address_lists import parse_list as parse_list

DEFAULT_PATTERN = "{local}+{token}@{domain}"


def fold(address: str) -> str:
    return address.strip().casefold()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


# ---- reply addresses ----

_SIGNED = r"(?P<token>[a-z0-9.]{16,200})"


@functools.lru_cache(maxsize=512)
def _shape(own: str, pattern: str) -> re.Pattern[str]:
    """The reply addresses of an address; asked for every recipient of every mail."""
    local, _, domain = own.rpartition("@")
    shape = re.escape(pattern)
    for name, part in (("local", re.escape(local)), ("domain", re.escape(domain)), ("token", _SIGNED)):
        shape = shape.replace(re.escape("{" + name + "}"), part)
    return re.compile(shape)


# Each address of a mail is asked for some five times, and ours are in every mail.


@functools.lru_cache(maxsize=512)
def _token_in(own: str, pattern: str, address: str) -> str:
    found = _shape(fold(own), pattern.lower()).fullmatch(fold(address))
    return found.group("token") if found else ""


@functools.lru_cache(maxsize=512)
def _is_in(own: str, pattern: str, address: str) -> bool:
    own, other = fold(own), fold(address)
    if other == own:
        return True
    local, _, domain = other.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" == own or (pattern != "" and _token_in(own, pattern, address) != "")


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """One of our channels' addresses and the shape of its reply addresses (empty: none)."""

    address: str
    pattern: str = DEFAULT_PATTERN

    def with_token(self, token: str) -> str:
        """The address answers should go to; the plain one where the channel has no reply addresses."""
        if not self.pattern or not token:
            return self.address
        local, _, domain = self.address.rpartition("@")
        return self.pattern.replace("{local}", local).replace("{domain}", domain).replace("{token}", token)

    def token_in(self, address: str) -> str:
        """What stands at the token's place of an address of ours; empty where nothing of that shape does."""
        return _token_in(self.address, self.pattern, address) if self.pattern else ""

    def is_in(self, address: str) -> bool:
        """Whether mail to `address` reaches this channel: itself, with a plus part, or one of its reply addresses."""
        return _is_in(self.address, self.pattern, address)


def tokens_in(addresses: Iterable[str], own: Iterable[OwnAddress]) -> tuple[str, ...]:
    """Every token candidate, each once, in order."""
    channels = tuple(own)
    found = (channel.token_in(address) for address in addresses for channel in channels)
    return tuple(dict.fromkeys(token for token in found if token))


def channel_of(addresses: Iterable[str], own: Sequence[OwnAddress]) -> str:
    """The channel a mail was for: the first address that is one of ours, else our first channel."""
    for address in addresses:
        for channel in own:
            if channel.is_in(address):
                return channel.address
    return own[0].address if own else ""
