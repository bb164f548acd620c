"""Machine-readable delivery reports (RFC 3464, 6533), whatever is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from omnibox_email import charsets
from omnibox_email.bounces import codes
from omnibox_email.bounces.outcome import ACTIONS, MOST_RECIPIENTS, Reported
from omnibox_email.heads import addresses

STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status", "message/delivery-report"})
MOST_BYTES = 1024 * 1024
_FIELD = re.compile(r"[ \t>]*([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_RECIPIENTS = ("final-recipient", "original-recipient")
_WORDS = {
    "fail": "failed",
    "bounce": "failed",
    "undeliver": "failed",
    "reject": "failed",
    "expire": "failed",
    "delay": "delayed",
    "defer": "delayed",
    "deliver": "delivered",
    "success": "delivered",
    "relay": "relayed",
    "expan": "expanded",
}
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
Fields = dict[str, str]


def recipients(body: bytes, copied_to: Iterable[str] = ()) -> tuple[Reported, ...]:
    """The recipients of a delivery-status part, in order. `copied_to` completes addresses without a domain."""
    text = charsets.decode(body[:MOST_BYTES], "utf-8")
    return of_text(text, copied_to)


def of_text(text: str, copied_to: Iterable[str] = ()) -> tuple[Reported, ...]:
    found = [_reported(block, copied_to) for block in _blocks(text)]
    unique = {(addresses.fold(one.address), one.action): one for one in reversed(found) if one.address}
    return tuple(reversed(unique.values()))[:MOST_RECIPIENTS]


def _blocks(text: str) -> Iterator[Fields]:
    """The fields of each recipient: a blank line or a recipient named again begins the next one."""
    block: Fields = {}
    is_fresh = False
    count = 0
    for name, value in _fields(text):
        if not name:
            is_fresh = True
            continue
        names_again = name in _RECIPIENTS and name in block
        begins = is_fresh and any(each in block for each in _RECIPIENTS) and (name in _RECIPIENTS or name in block)
        if names_again or begins:
            yield block
            count += 1
            block = {}
            if count >= MOST_RECIPIENTS:
                return
        elif is_fresh and not any(each in block for each in _RECIPIENTS):
            block = {key: each for key, each in block.items() if key in ("action", "status")}
        is_fresh = False
        block.setdefault(name, value)
    if any(each in block for each in _RECIPIENTS):
        yield block


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """(name, value) of each field, unfolded; an empty name for a blank line."""
    name, lines = "", [""]
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and name and line.strip():
            lines.append(line.strip())
            continue
        if name:
            yield name, " ".join(lines)
            name = ""
        if not line.strip():
            yield "", ""
        elif found := _FIELD.match(line):
            name, lines = found.group(1).lower(), [found.group(2).strip()]
    if name:
        yield name, " ".join(lines)


def _reported(block: Fields, copied_to: Iterable[str]) -> Reported:
    final, original = _address(block.get("final-recipient", "")), _address(block.get("original-recipient", ""))
    address = final if "@" in final else original if "@" in original else final or original
    if "@" not in address:
        address = completed(address, copied_to) or address
    diagnostic = codes.best(block.get("diagnostic-code", ""))
    status = codes.stated(block.get("status", "")) or diagnostic
    action = _action(block.get("action", "")) or _action_of(status)
    detail = diagnostic if status and diagnostic and status.endswith(".0.0") else status
    return Reported(address, status, action, asked=original if original != address else "", detail=detail)


def completed(local: str, copied_to: Iterable[str]) -> str:
    """The addressee of the original with that local part: gateways name their users without a domain."""
    wanted = local.casefold().strip()
    return next((one for one in copied_to if wanted and one.rpartition("@")[0].casefold() == wanted), "")


def _action(value: str) -> str | None:
    word = re.sub(r"[^a-z].*", "", value.lower())
    if word in ACTIONS:
        return word
    return next((action for start, action in _WORDS.items() if word.startswith(start)), None)


def _action_of(status: str | None) -> str | None:
    return "failed" if status and status.startswith("5") else None


def _address(value: str) -> str:
    """The address of a recipient field: its type, angle brackets, comments and encodings taken off."""
    kind, semicolon, rest = value[:2000].partition(";")
    text = rest if semicolon else kind
    text = re.sub(r"\s\([^()]*\)\s*$", "", _HEX.sub(_letter, text)).strip()
    angled = re.search(r"<([^<>\s]+@[^<>\s]+)>", text)
    address = addresses.clean_address(angled.group(1) if angled else text)
    # xtext (RFC 3461 4): only what an address must have encoded is decoded, a plain `+20` is a plus address
    return re.sub(r"\+(2B|3D)", lambda found: chr(int(found.group(1), 16)), address)


def _letter(found: re.Match[str]) -> str:
    code = int(found.group(1), 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 and code > 0x20 else ""
