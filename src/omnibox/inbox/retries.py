"""When to try again: the connector's schedule, in tenacity's wait strategies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from omnibox.connector import Retry

if TYPE_CHECKING:
    from tenacity import RetryCallState


@cache
def _strategy(waits: tuple[float, ...]):  # type: ignore[no-untyped-def]
    from tenacity import wait_chain, wait_random

    return wait_chain(*(wait_random(wait / 2, wait) for wait in waits))


def wait_after(retry: Retry, attempt: int, retry_after: float = 0.0) -> float:
    """Seconds to wait after try number `attempt` (from 1): half to whole of the schedule's wait, so that many that
    failed together do not return together. A longer `retry_after` of the platform wins."""
    return max(retry_after, float(_strategy(retry.waits)(_attempt(attempt))))


def backoff(attempt: int, base_s: float = 2.0, cap_s: float = 300.0) -> float:
    """Seconds before try `attempt` + 1: uniform in [0, min(cap, base · 2^attempt)], but at least half a second."""
    from tenacity import wait_random_exponential

    return max(0.5, float(wait_random_exponential(multiplier=base_s, max=cap_s)(_attempt(attempt))))


def _attempt(number: int) -> RetryCallState:
    from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = number
    return state
