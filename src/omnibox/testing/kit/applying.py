"""Which rules of the kit apply to which connector: what does not apply is not there, rather than skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Rule = Callable[[Any], bool]
F = TypeVar("F", bound=Callable[..., Any])


def applies(rule: Rule) -> Callable[[F], F]:
    """The test is there only for test classes for which `rule` holds."""

    def mark(test: F) -> F:
        test.__dict__.setdefault("rules", []).append(rule)
        return test

    return mark


def drop_what_does_not_apply(tests: type) -> None:
    """Take the tests off a class whose connector they do not concern."""
    if getattr(tests, "connector", None) is None:
        return
    for name in dir(tests):
        rules: list[Rule] = getattr(getattr(tests, name), "rules", [])
        if name.startswith("test_") and not all(rule(tests) for rule in rules):
            setattr(tests, name, None)


def webhook(tests: Any) -> bool:
    return hasattr(tests.connector, "verify")


def handshake(tests: Any) -> bool:
    return hasattr(tests.connector, "challenge")


def reads(tests: Any) -> bool:
    """It has recorded bodies and a way to read them."""
    from omnibox.testing.kit.base import Base

    return hasattr(tests.connector, "parse") or tests.read is not Base.read


def by_http(tests: Any) -> bool:
    return bool(tests.sends_by_http) and not tests.connector.capabilities.live


def source(tests: Any) -> bool:
    return hasattr(tests.connector, "run")


def reserves(tests: Any) -> bool:
    return hasattr(tests.connector, "reserve")


def idempotent(tests: Any) -> bool:
    return bool(tests.connector.capabilities.idempotent)


def marks_leaving(tests: Any) -> bool:
    return bool(tests.connector.capabilities.marks_leaving)


def files(tests: Any) -> bool:
    return tests.connector.capabilities.files is not None
