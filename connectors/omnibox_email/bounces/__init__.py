"""Delivery reports: the standard ones (RFC 3464) and the other half, which are plain text from a mail system."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnibox_email import charsets
from omnibox_email.bounces import copies, prose, reports, wording
from omnibox_email.bounces.copies import Copy
from omnibox_email.bounces.outcome import MOST_RECIPIENTS, MOST_TEXT, Bounce, Reported
from omnibox_email.content import mime
from omnibox_email.heads import addresses
from omnibox_email.heads.headers import Headers

__all__ = ["Bounce", "Reported", "read"]

MOST_SUBJECT = 2000
SURE, LIKELY, MAYBE, UNKNOWN = 3, 2, 1, 0
OTHER_REPORTS = frozenset({"message/disposition-notification", "message/feedback-report"})
# The second is what RFC 6533 names the part, not the report; some senders confuse the two.
DELIVERY_REPORTS = frozenset({"", "delivery-status", "global-delivery-status"})
_MARKS = ("x-failed-recipients", "x-mddsn-message", "x-ms-exchange-message-is-ndr", "x-ms-embedded-report")
_OF_LISTS = ("list-id", "list-unsubscribe", "list-post", "x-list-administrivia")
_HAS_FAILED = re.compile(r"auto-(?:generated|replied) ?\(fail")
_NAMED_ID = re.compile(rb"(?im)^x-original-message-id:[ \t]*<([^<>\s]{3,500})>")
_VERP = re.compile(
    r"[+=-](?:return-|bounces?-|\d+-)*+([A-Za-z0-9.!#$%&*_-]{1,64})=([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)@"
)


def read(raw: bytes, tree: mime.Tree, sender: str, subject: str, text: str) -> Bounce | None:
    """The delivery report in a mail, or None: ordinary mail that merely talks of bounces is none."""
    root, subject = tree.root, subject[:MOST_SUBJECT]
    parts = list(mime.leaves(root))
    kinds = {part.type for part in parts}
    report = root.kind.parameters.get("report-type", "").lower()
    if kinds & OTHER_REPORTS or (root.type == "multipart/report" and report not in DELIVERY_REPORTS):
        return None
    speaker = _speaker(root.headers, sender, subject)
    is_report = root.type == "multipart/report"
    if not (is_report or speaker or kinds & reports.STATUS_PARTS):
        return None
    if wording.PERSONAL.match(subject) and speaker < (MAYBE if is_report else SURE):
        return None
    # people attach the status part of a bounce as well, and write its subject above it
    is_robot = root.headers.plain("auto-submitted").lower() not in ("", "no") and wording.NOTICE.search(subject)
    if not (is_report or speaker or (kinds & reports.STATUS_PARTS and is_robot)):
        return None
    copy = copies.find(raw, parts, text)
    if found := _of_status_parts(raw, parts, copy, text):
        return found
    if is_report:
        speaker = SURE
    return _informal(raw, root.headers, parts, sender, subject, text, copy, speaker) if speaker else None


def _of_status_parts(raw: bytes, parts: Sequence[mime.Node], copy: Copy, text: str) -> Bounce | None:
    """What the machine-readable parts say; the original's ids are those of its copy and those written into them."""
    recipients: dict[tuple[str, str | None], Reported] = {}
    ids = list(copy.ids)
    for part in [part for part in parts if _is_status(raw, part)]:
        content = mime.content(raw, part)
        for one in reports.recipients(content, copy.addressees):
            recipients.setdefault((addresses.fold(one.address), one.action), one)
        ids += [one.decode("utf-8", "replace") for one in _NAMED_ID.findall(content[:MOST_TEXT])[:5]]
    if not recipients:
        return None
    found = [one if one.status else prose.with_code(one, prose.explained(text)) for one in recipients.values()]
    return Bounce(tuple(found[:MOST_RECIPIENTS]), tuple(dict.fromkeys(ids)), copy.mark)


def _is_status(raw: bytes, part: mime.Node) -> bool:
    """Whether a part is the machine-readable one, also where gateways have made a text file of it."""
    if part.type in reports.STATUS_PARTS:
        return True
    is_file = part.type in ("text/plain", "application/octet-stream") and bool(mime.file_name(part.headers, part.kind))
    return is_file and b"final-recipient:" in mime.content(raw, part)[:MOST_TEXT].lower()


def _speaker(block: Headers, sender: str, subject: str) -> int:
    """How surely a mail system speaks: by its name, its empty envelope, or what only bounces carry."""
    boxes = addresses.parse_list(block.first("from"))[:5]
    locals_ = {sender.rpartition("@")[0], *(box.address.partition("@")[0] for box in boxes)}
    robots = list(filter(wording.ROBOT.fullmatch, locals_))
    if any(map(wording.DAEMON.fullmatch, robots)):
        return SURE
    if _is_list(block):
        return UNKNOWN
    if block.has_any(_MARKS):
        return SURE
    names = " ".join(box.name or "" for box in boxes)
    is_named = any(map(wording.POSTMASTER.fullmatch, robots)) or bool(wording.NAMES.search(names))
    submitted = block.plain("auto-submitted").lower()
    signs = (
        has_null_sender(block),
        block.plain("x-mailer").lower().startswith(("<smtp32", "mailenable", "mercury", "surfcontrol")),
        _HAS_FAILED.match(submitted) is not None,
        block.plain("content-class").lower().endswith("content-classes:dsn"),
    )
    if any(signs):
        return SURE if is_named or sum(signs) > 1 or wording.NOTICE.search(subject) else LIKELY
    if is_named:
        return LIKELY
    is_maybe = any(map(wording.MAYBE_DAEMON.fullmatch, robots))
    is_answered = submitted.startswith("auto-replied")
    return MAYBE if (is_maybe or is_answered) and wording.NOTICE.search(subject) else UNKNOWN


def has_null_sender(block: Headers) -> bool:
    """Whether the envelope or the From line names nobody, as reports must."""
    sender = block.first("from")
    empty = b"@" not in sender and block.has("from") and b"".join(sender.split()) in (b"", b"<>")
    return empty or (block.has("return-path") and b"".join(block.first("return-path").split()) == b"<>")


def _is_list(block: Headers) -> bool:
    return block.plain("precedence").lower() == "list" or block.has_any(_OF_LISTS)


def _informal(
    raw: bytes,
    block: Headers,
    parts: Sequence[mime.Node],
    sender: str,
    subject: str,
    text: str,
    copy: Copy,
    speaker: int,
) -> Bounce | None:
    """A report that is only text: who failed stands in a header, in the words above the copy, or in the copy's To."""
    words = prose.explained(text)
    if pasted := reports.of_text(words) if "final-recipient" in words.lower() else ():
        return Bounce(pasted, copy.ids, copy.mark)
    own = _own(block, sender) | {addresses.fold(one) for one in copy.senders}
    found = _named_in_header(block) or prose.of_copy(prose.listed(words, own), copy)
    if not block.has("x-failed-recipients") and not _is_about_delivery(subject, words, text, copy, found, speaker):
        return _wrapped(raw, parts, sender)
    if not found.is_structured and (inner := _wrapped(raw, parts, sender)):
        return inner
    pairs = found.found or prose.names_only(words, copy) or _fallback(block, copy, subject, own)
    pairs = pairs or prose.asides(words, own)
    action = prose.action_of(words, subject)
    return Bounce(prose.reported(pairs[:MOST_RECIPIENTS], words, action), copy.ids, copy.mark)


def _is_about_delivery(subject: str, words: str, text: str, copy: Copy, found: prose.Listed, speaker: int) -> bool:
    """Whether the words say that a mail did not arrive, and no filter, receipt or absent person says them."""
    said = prose.spoken(words, subject)
    speaks = any(each.search(said) for each in (wording.FAILED, wording.DELAYED, wording.ARRIVED, wording.RELAYED))
    is_dialogue = found.shape == "dialogue" or (found.is_structured and speaker >= SURE and prose.is_refused(words))
    if not (speaks or wording.NOTICE.search(subject) or is_dialogue):
        return False
    calm = "\n".join(line for line in said.split("\n") if not re.search(r"(?<![\w.])[45]\d\d[ #-]", line))
    if wording.NO_REPORT.search(calm):
        return False
    absent = wording.ABSENT.search(subject)
    if absent and (absent.start() == 0 or not wording.NOTICE.search(subject)):
        return False  # «Automatic reply: Undeliverable: …» answers a report
    if speaker >= SURE:
        return True
    has_copy = copy.is_there or (bool(copy.addressees) and wording.COPY_BEGINS.search(text) is not None)
    is_told = speaker >= LIKELY and bool(wording.NOTICE.search(subject)) and prose.is_told(found, words)
    return found.is_structured or is_told or (has_copy and bool(wording.FAILED.search(said)))


def _own(block: Headers, sender: str) -> frozenset[str]:
    named = addresses.parse_list(b", ".join([*block.all("to"), *block.all("cc")])[:65536])
    return frozenset(addresses.fold(one) for one in (sender, *(box.address for box in named)))


def _named_in_header(block: Headers) -> prose.Listed | None:
    named = addresses.parse_list(b", ".join(block.all("x-failed-recipients"))[:65536])
    unique = {addresses.fold(box.address): box.address for box in named if addresses.is_usable(box.address)}
    return prose.Listed(tuple((one, -1) for one in unique.values()), "header") if unique else None


def _fallback(block: Headers, copy: Copy, subject: str, own: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """Whom the report means without naming: in its subject, in the address it was sent back to, in the copy."""
    in_subject = [one for one in prose.ADDRESS.findall(subject) if addresses.fold(one) not in own]
    if in_subject:
        return ((in_subject[0], -1),)
    for name in ("to", "delivered-to", "x-original-to", "envelope-to"):
        if verp := _VERP.search(charsets.guess(block.first(name))[:1000]):
            return ((f"{verp.group(1)}@{verp.group(2)}", -1),)
    return ((copy.addressees[0], -1),) if len(copy.addressees) == 1 else ()


def _wrapped(raw: bytes, parts: Sequence[mime.Node], sender: str) -> Bounce | None:
    """The report inside the report: filters attach what they find suspicious and keep its sender."""
    for content in copies.whole_parts(raw, parts):
        tree = mime.parse(content)
        inner = addresses.parse_list(tree.root.headers.first("from"))
        if inner and addresses.fold(inner[0].address) == addresses.fold(sender):
            for part in mime.leaves(tree.root):
                if part.type in reports.STATUS_PARTS and (found := reports.recipients(mime.content(content, part))):
                    copy = copies.find(content, list(mime.leaves(tree.root)), "")
                    return Bounce(found, copy.ids, copy.mark)
    return None
