"""Whether a server asks us to come less often, and for how long. Pure functions."""

from __future__ import annotations

import re

WAIT_S = 300.0
LONGEST_WAIT_S = 3600.0

# RFC 5530 (LIMIT, INUSE, UNAVAILABLE), RFC 5256 ff. and what Gmail, Yahoo and Exchange say in words of their own.
_CODES = re.compile(rb"\[(?:LIMIT|INUSE|UNAVAILABLE|THROTTLED|OVERQUOTA|SERVERBUSY)\b", re.I)
_WORDS = re.compile(
    rb"throttl|too many (?:simultaneous|concurrent|connections|commands|requests|login)|rate[ -]limit"
    rb"|bandwidth limit|exceeded .{0,40}limits?|maximum number of connections|server (?:is )?(?:busy|unavailable)"
    rb"|try again later",
    re.I,
)
_BACK_OFF = re.compile(rb"back-?off time:? {0,4}(\d{1,9}) {0,4}(milliseconds|ms|seconds|s)\b", re.I)


def wait_asked(said: bytes) -> float | None:
    """Seconds to stay away, by a server's NO, BAD or BYE; None where it says nothing of the kind."""
    said = said[:2000]
    if named := _BACK_OFF.search(said):
        unit = 1000.0 if named.group(2).lower() in (b"milliseconds", b"ms") else 1.0
        return min(max(int(named.group(1)) / unit, 1.0), LONGEST_WAIT_S)
    return WAIT_S if _CODES.search(said) or _WORDS.search(said) else None
