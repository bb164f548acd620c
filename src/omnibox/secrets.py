"""Encryption of what must not lie readable in the database, and signed tokens that travel in addresses and links.

The keys come from `OMNIBOX_SECRET_KEY`, or from `secret.key` in the home folder, which is made at the first start.
Several keys, separated by commas, are a rotation: the first writes, all of them read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY_FILE = "secret.key"
KEY_VARIABLE = "OMNIBOX_SECRET_KEY"
MAC_BYTES = 16
VALUE = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")  # a dot-atom (RFC 5322, 3.2.3), so a token fits a mail's local part
LONGEST_TOKEN = 256


class BadKey(Exception):
    """The key is not usable, or not the one that encrypted: the operator must bring the right one."""


class Secrets:
    """Encrypts and signs with the first key, decrypts and verifies with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises `BadKey`, naming the place of the wrong key and not the key."""
        if not keys:
            raise BadKey(f"there is no key; set {KEY_VARIABLE} or restore {KEY_FILE}")
        self._keys = [_decode_key(key, place) for place, key in enumerate(keys, 1)]
        self._cipher: MultiFernet | None = None

    def __repr__(self) -> str:
        return f"Secrets({len(self._keys)} keys)"

    @classmethod
    def load(cls, home: Path, environment: Mapping[str, str] = os.environ) -> Secrets:
        """The keys of this installation: the variable first, else the file, which is made where it is missing."""
        text = environment.get(KEY_VARIABLE, "").strip() or _read_or_make(home / KEY_FILE)
        return cls([key.strip() for key in text.split(",") if key.strip()])

    def encrypt(self, text: str) -> str:
        """`text`, readable only with the key; ASCII."""
        return self._fernet().encrypt(text.encode("utf-8", "surrogatepass")).decode()

    def decrypt(self, token: str) -> str:
        """What `encrypt` was given. Raises `BadKey` where no key fits or the token was changed."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet().decrypt(token.encode()).decode("utf-8", "surrogatepass")
        except (InvalidToken, UnicodeError):
            raise BadKey(
                f"a stored secret cannot be read with this key; bring back the {KEY_FILE} (or {KEY_VARIABLE}) "
                "that belongs to this database"
            ) from None

    def renew(self, token: str) -> str:
        """`token` encrypted again with the first key: the step that lets an old key be dropped."""
        return self.encrypt(self.decrypt(token))

    def sign(self, purpose: str, value: str) -> str:
        """`value`, a dot, and 26 letters and digits that only this installation can make for this purpose.

        `value` is lower-case letters, digits and single dots between them; anything else is a ValueError.
        """
        if not VALUE.fullmatch(value):
            raise ValueError("a signed value is lower-case letters, digits and dots between them")
        return f"{value}.{_mac(self._keys[0], purpose, value)}"

    def verify(self, purpose: str, token: str) -> str | None:
        """The value of a token made by `sign` for the same purpose, or None. Case is ignored, since mail changes it."""
        value, _, given = token.lower().rpartition(".")
        if len(token) > LONGEST_TOKEN or not VALUE.fullmatch(value) or not given.isascii():
            return None
        # No early end: the time must not tell which key fits.
        fits = [hmac.compare_digest(_mac(key, purpose, value).encode(), given.encode()) for key in self._keys]
        return value if any(fits) else None

    def _fernet(self) -> MultiFernet:
        if self._cipher is None:
            from cryptography.fernet import Fernet, MultiFernet

            self._cipher = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in self._keys])
        return self._cipher


def random_token() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def random_key() -> str:
    """A new key, in the form that the file and the variable hold."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _decode_key(key: str, place: int) -> bytes:
    try:
        raw = base64.b64decode(key.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        raw = b""
    if len(raw) != 32:
        raise BadKey(f"key {place} is not 32 bytes in URL-safe base64; `omnibox` makes one in {KEY_FILE}")
    return raw


def _mac(key: bytes, purpose: str, value: str) -> str:
    # A key of its own per purpose, apart from the one that encrypts.
    own = hmac.digest(key, b"omnibox sign\0" + purpose.encode(), hashlib.sha256)
    return base64.b32encode(hmac.digest(own, value.encode(), hashlib.sha256)[:MAC_BYTES]).decode().rstrip("=").lower()


def _read_or_make(path: Path) -> str:
    with suppress(FileNotFoundError):
        text = path.read_text().strip()
        # A restored backup may have made it readable to others.
        with suppress(OSError):
            path.chmod(0o600)
        return text
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole beside its place, then linked: of two processes at first start both end with the same key, and a
    # crash leaves no half of one.
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(random_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    return path.read_text().strip()
