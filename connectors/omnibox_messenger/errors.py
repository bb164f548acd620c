"""What an error of the Graph API means for a send (Meta's error pages of 18 March 2026, and its changelog)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from omnibox.connector import Answer, ChannelDown, Log, Refusal, Rejected, SendError, Temporary, Uncertain
from omnibox_messenger.decoding import decode, elements, integer, member, number

RATE_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0

Verdict = Callable[[float | None], SendError]
"""The error to raise, given the seconds after which the platform wants to be asked again (None: it did not say)."""


def _temporary(code: str) -> Verdict:
    return lambda wait_s: Temporary(code, wait_s or 0.0)


def _rate(code: str = "messenger.rate_limited") -> Verdict:
    return lambda wait_s: Temporary(code, RATE_PAUSE_S if wait_s is None else wait_s, whole_channel=True)


def _rejected(code: str) -> Verdict:
    return lambda _: Rejected(code)


def _unreachable(code: str = "messenger.unreachable") -> Verdict:
    return lambda _: Rejected(code, unreachable=True)


def _down(code: str, *, resumes: bool = True) -> Verdict:
    return lambda _: ChannelDown(code, resumes=resumes)


def _uncertain(code: str) -> Verdict:
    return lambda _: Uncertain(code)


_WINDOW = _rejected("messenger.window_closed")
_PERMISSION = _down("messenger.permission")
_TOKEN = _down("messenger.token_dead")
_FREQUENCY = _rejected("messenger.frequency")
_UPLOAD = _rejected("messenger.attachment_refused")

BY_SUBCODE: Mapping[tuple[int, int], Verdict] = {
    (1, 99): _rejected("messenger.permission"),  # fails this reply only: the channel as a whole may work
    (1, 1357046): _uncertain("messenger.odd_answer"),  # reported although the message was delivered
    (2, 2018344): _down("messenger.terms_not_accepted"),
    (4, 2018354): _FREQUENCY,
    (9, 2018352): _FREQUENCY,
    (10, 2018278): _WINDOW,
    (10, 2018065): _WINDOW,
    (10, 2534022): _WINDOW,
    (10, 2018108): _unreachable(),
    (10, 1893063): _down("messenger.restricted", resumes=False),
    (100, 1893061): _rejected("messenger.retired_tag"),
    (100, 2018001): _unreachable(),
    (100, 33): _unreachable(),
    (100, 2018008): _UPLOAD,
    (100, 2018047): _UPLOAD,
    (100, 2018294): _UPLOAD,
    (100, 2018109): _rejected("messenger.attachment_too_large"),
    (100, 2018074): _rejected("messenger.attachment_expired"),
    (200, 1545041): _unreachable(),
}

BY_CODE: Mapping[int, Verdict] = {
    1: _temporary("messenger.temporary"),
    2: _temporary("messenger.service_error"),  # also what a block by the person looks like
    3: _PERMISSION,
    4: _rate(),
    10: _PERMISSION,
    17: _rate(),
    32: _rate(),
    100: _rejected("messenger.bad_request"),
    102: _TOKEN,
    190: _TOKEN,
    341: _rate(),
    368: _down("messenger.blocked_for_policy", resumes=False),
    551: _unreachable(),
    613: _rate(),
    1200: _temporary("messenger.temporary"),
    2018218: _unreachable(),
    2018247: _PERMISSION,
    2018300: _PERMISSION,
    2018321: _PERMISSION,
    9000001: _PERMISSION,
}

UPLOAD_AGAIN = frozenset({"messenger.attachment_refused", "messenger.attachment_expired"})
"""A stored upload that Meta refuses is uploaded once more before the part fails."""


def refusal(log: Log, connection: str) -> Refusal:
    """The error table as the client asks for it; it also notes code, subcode and trace id, never Meta's message."""

    def judge(answer: Answer) -> SendError | None:
        error = meaning(answer)
        if error is not None:
            code, subcode, trace = _facts(answer)
            log.warning(
                "graph refused a call",
                connection=connection,
                status=answer.status,
                code=code,
                subcode=subcode,
                trace=trace,
                means=error.code,
            )
        return error

    return judge


def meaning(answer: Answer) -> SendError | None:
    """The error an answer means; None where it is none, or one the general rule settles (redirects)."""
    wait_s = _wait(answer)
    if not isinstance(member(answer.json, "error"), dict):
        return _without_graph_error(answer, wait_s)
    if answer.status == 429:
        return _rate()(wait_s)
    code, subcode, _ = _facts(answer)
    return _verdict(code or 0, subcode or 0, answer.status)(wait_s)


def _verdict(code: int, subcode: int, status: int) -> Verdict:
    known = BY_SUBCODE.get((code, subcode)) or BY_CODE.get(code)
    if known:
        return known
    if 200 <= code <= 299:
        return _PERMISSION
    if 80000 <= code <= 80014:  # the business-use-case limits
        return _rate()
    if status < 400:
        return _uncertain("messenger.odd_answer")
    return _temporary("messenger.temporary") if status >= 500 else _rejected("messenger.refused")


def _without_graph_error(answer: Answer, wait_s: float | None) -> SendError | None:
    """A gateway or a proxy answered, not the Graph API."""
    if answer.status == 429:
        return _rate()(wait_s)
    if answer.status == 503:
        return Temporary("messenger.gateway", wait_s or 0.0)
    if answer.status >= 500:
        return Uncertain("messenger.no_answer")
    if answer.status >= 400:
        return ChannelDown("messenger.gateway")
    return None


def _facts(answer: Answer) -> tuple[int | None, int | None, str]:
    error = member(answer.json, "error")
    trace = member(error, "fbtrace_id")
    is_opaque = isinstance(trace, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", trace)
    return integer(member(error, "code")), integer(member(error, "error_subcode")), str(trace) if is_opaque else ""


def _wait(answer: Answer) -> float | None:
    """What the headers ask for. A date counts as 0 here: the client measures it by the sender's clock."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if "retry-after" in headers:
        wait_s = number(headers["retry-after"]) or 0.0
    else:
        wait_s = _business_wait(headers.get("x-business-use-case-usage", ""))
        if not wait_s:
            return None
    return min(max(wait_s, 0.0), LONGEST_PAUSE_S)


def _business_wait(header: str) -> float:
    """Seconds until Meta lets the page in again; the header counts in minutes."""
    try:
        usage = decode(header.encode())
    except ValueError:
        return 0.0
    uses = [use for found in (usage.values() if isinstance(usage, dict) else ()) for use in elements(found)]
    return 60 * max((number(member(use, "estimated_time_to_regain_access")) or 0.0 for use in uses), default=0.0)
