"""Several recipients of one part: what became of each, and what that makes of the whole.

A row holds outcomes only where they differ. While some recipients still wait, the part is queued for those alone; what
follows in the conversation does not wait with it once anybody has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from omnibox.connector import Rejected, SendError, Temporary

Outcomes = dict[str, dict[str, str]]
"""By address: `state` is queued, sent or failed, `code` says why it is not sent."""


def everyone(row: Any) -> list[str]:
    """The addresses a part goes to, each once, the contact's first."""
    named = row.recipients or {}
    listed = [row.address, *(one for kind in ("to", "cc", "bcc") for one in named.get(kind, ()))]
    found: dict[str, str] = {}
    for one in listed:
        found.setdefault(one.casefold(), one)
    return list(found.values())


def waiting(outcomes: Mapping[str, Mapping[str, str]] | None) -> tuple[str, ...]:
    """Whom a part is still to be sent to; nobody in particular where nobody has it yet."""
    return tuple(address for address, outcome in (outcomes or {}).items() if outcome["state"] == "queued")


def has_left(outcomes: Mapping[str, Mapping[str, str]] | None) -> bool:
    """Whether somebody has it though others do not."""
    return any(outcome["state"] == "sent" for outcome in (outcomes or {}).values())


def after(row: Any, refused: Mapping[str, SendError]) -> Outcomes:
    """The outcomes once the platform has taken a part for all who were asked for but `refused`."""
    asked = waiting(row.outcomes) or everyone(row)
    outcomes: Outcomes = dict(row.outcomes or {})
    errors = {address.casefold(): error for address, error in refused.items()}
    for address in asked:
        error = errors.get(address.casefold())
        if error is None:
            outcomes[address] = {"state": "sent", "code": ""}
        else:
            outcomes[address] = {"state": "queued" if isinstance(error, Temporary) else "failed", "code": error.code}
    return outcomes


def given_up(outcomes: Outcomes, code: str = "") -> Outcomes:
    """Those who still waited have failed; with their own codes, or `code`."""
    return {
        address: {"state": "failed", "code": code or one["code"]} if one["state"] == "queued" else one
        for address, one in outcomes.items()
    }


def asked_again(outcomes: Mapping[str, Mapping[str, str]] | None) -> Outcomes | None:
    """Those who failed wait again; who has it is left in peace."""
    if not has_left(outcomes):
        return None
    return {
        address: {"state": "queued", "code": ""} if one["state"] == "failed" else dict(one)
        for address, one in (outcomes or {}).items()
    }


def refuse(row: Any, address: str, code: str) -> Outcomes:
    """One recipient's mail came back; the others keep what they had."""
    outcomes: Outcomes = dict(row.outcomes or {one: {"state": "sent", "code": ""} for one in everyone(row)})
    name = next((one for one in outcomes if one.casefold() == address.casefold()), None)
    if name is not None:
        outcomes[name] = {"state": "failed", "code": code}
    return outcomes


def code_of(outcomes: Outcomes, state: str) -> str | None:
    """Why the first recipient in `state` is in it."""
    return next((one["code"] or None for one in outcomes.values() if one["state"] == state), None)


def is_settled(outcomes: Outcomes) -> bool:
    """Whether everybody has it."""
    return all(one["state"] == "sent" for one in outcomes.values())


def unreachable(row: Any, refused: Mapping[str, SendError]) -> bool:
    """Whether the contact's own address is among the refused, for good."""
    found: Iterable[SendError] = (
        error for address, error in refused.items() if address.casefold() == row.address.casefold()
    )
    return any(isinstance(error, Rejected) and error.unreachable for error in found)
