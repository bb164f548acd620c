"""What our own mail server found out about the sender (RFC 8601); what anybody else claims is not looked at."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from omnibox_email.heads.headers import Headers

MOST_HEADERS = 20
LONGEST_HEADER = 8192

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*([a-z-]+)(?:/\d+)?\s*=\s*([a-z]+)", re.I)
_PROPERTY = re.compile(r"\b([a-z]+\.[a-z]+)\s*=\s*\"?([^\s\";]+)", re.I)
_IN_BRACKETS = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]{2,45})\]")
_FROM = re.compile(r"\s*from\s", re.I)
_LOCAL = re.compile(r"\sby\s+\S+\s+(?:\([^()]*\)\s+)?with\s+(?:lmtps?a?|local)\b", re.I)
# Only what no sender outside can come from; `is_private` of the standard library holds reserved networks as well.
_INSIDE = tuple(
    ipaddress.ip_network(each)
    for each in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result: `domain` is what it speaks for."""

    method: str
    result: str
    domain: str


def trusted_lines(block: Headers) -> tuple[str, ...]:
    """The Authentication-Results that stand above the Received line of our border: nobody outside can write there."""
    if not block.has("authentication-results"):
        return ()
    found: list[str] = []
    for name, value in block.fields:
        if name == "received" and not _is_internal(value.decode("ascii", "replace")[:LONGEST_HEADER]):
            break
        if name == "authentication-results" and len(found) < MOST_HEADERS:
            found.append(value.decode("utf-8", "replace")[:LONGEST_HEADER])
    return tuple(found)


def _is_internal(received: str) -> bool:
    """Whether a hop was between machines of ours: it has no outside address. The name a sender gives proves nothing."""
    given = _IN_BRACKETS.findall(received)
    if not given:
        return not _FROM.match(received) or bool(_LOCAL.search(received))
    return all(_is_private(one) for one in given)


def _is_private(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _INSIDE if network.version == address.version)


def doubt(lines: Sequence[str], domain: str, own_ids: Collection[str]) -> str | None:
    """Why the sender's domain is in doubt by the checks of our own server; None where they found nothing against it."""
    if not lines:
        return None
    results = list(_results(lines, {one.casefold() for one in own_ids}))
    dmarc = {each.result for each in results if each.method == "dmarc" and _fits(each.domain or domain, domain)}
    if dmarc & {"pass", "fail"}:
        return None if "pass" in dmarc else "dmarc-fail"
    aligned = {(each.method, each.result) for each in results if each.domain and _fits(each.domain, domain)}
    if aligned & {("dkim", "pass"), ("spf", "pass")}:
        return None
    return "spf-fail" if ("spf", "fail") in aligned else None


def _results(lines: Iterable[str], own_ids: Collection[str]) -> Iterable[Result]:
    for line in lines:
        bare = _COMMENT.sub(" ", _COMMENT.sub(" ", line))
        server, *methods = bare.split(";")
        words = server.split()
        if not words or words[0].casefold() not in own_ids:
            continue
        for text in methods[:50]:
            if found := _RESULT.match(text):
                named = {key.lower(): value.lower() for key, value in _PROPERTY.findall(text)}
                yield Result(found.group(1).lower(), found.group(2).lower(), _domain(found.group(1).lower(), named))


def _domain(method: str, named: dict[str, str]) -> str:
    keys = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.helo")}
    value = next((named[key] for key in keys.get(method, ()) if key in named), "")
    return value.rpartition("@")[2].strip(".")


def _fits(checked: str, domain: str) -> bool:
    """Whether two domains are one house: the same, or one below the other (relaxed alignment, RFC 7489 3.1)."""
    one, other = checked.casefold(), domain.casefold()
    short, long = sorted((one, other), key=len)
    return one == other or ("." in short and long.endswith("." + short))
