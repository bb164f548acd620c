"""Passwords: argon2id in two threads of its own, so that ten sign-ins hold neither the loop nor 640 MiB."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from argon2 import PasswordHasher

T = TypeVar("T")
SHORTEST = 10
LONGEST = 200
AT_ONCE = 2
MOST_WAITING = 64  # five seconds of work


class Busy(Exception):
    """Too many passwords are waiting to be checked; try again in a few seconds."""


class Passwords:
    """Hashes and checks. The default cost is RFC 9106's second choice: 64 MiB, 3 passes, about 80 ms."""

    def __init__(self, *, passes: int = 3, memory_kib: int = 65536, lanes: int = 4) -> None:
        self._cost = passes, memory_kib, lanes
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """What may be stored. Raises `Busy`."""
        return await self._run(lambda: self._hasher().hash(_normal(password)))

    async def fits(self, password: str, hash: str | None) -> bool:
        """Whether `hash` is of this password. None takes as long as a wrong one. Raises `Busy`."""
        return await self._run(lambda: self._check(password, hash))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, password: str, hash: str | None) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        # Made at the first check of all, whoever asks: time must not tell known names from others.
        self._nobody = self._nobody or self._hasher().hash(secrets.token_hex())
        try:
            self._hasher().verify(hash or self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return hash is not None

    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        passes, memory_kib, lanes = self._cost
        return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _normal(password: str) -> bytes:
    """Keyboards differ in how they compose an accent."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
