"""Device lines: «Sent from my iPhone» and the other marks of the program a mail was written with."""

from __future__ import annotations

import re

from omnibox_email.quotes.signature_words import (
    ADVERT,
    ANTIVIRUS,
    APOLOGY,
    CHECKED,
    DEVICE,
    DEVICE_END,
    DEVICE_START,
    GET_APP,
    VIRUS,
)

LONGEST_END = 20
LONGEST_JEST = 60
# One of these stands in whatever `ANTIVIRUS`, `GET_APP` and `ADVERT` find; looked for first, since the patterns look
# everywhere, or make many attempts.
_TOLD_BY = (
    "mail",
    "www",
    "avast",
    "avg",
    "outlook",
    "typeapp",
    "spark",
    "mobil ges",
    "alle postf",
    "签名",
    "quoted",
    "clipped",
)
LINK = re.compile(r"\s?[<(\[](?:https?://|mailto:)[^\s<>)\]]{1,500}[>)\]]|https?://\S{1,500}")
_TURKISH = {0x131: "i", 0x307: None}  # «ı», and the dot that casefolding leaves of «İ»: to patterns both are an «i»
_JEST = re.compile(r"(?:sent|typed|written) (?:from|on|with|by) (?:my|an?|the) [^.,;:?!]{3,50}[.!]?\Z", re.I)
_SUFFIX = re.compile(r"\A['’][^\W\d_]{1,6}(?![^\W\d_])")  # «iPhone'ist»
DECORATION = " \t<>()[]*_|~-–—=.!,;:»«\"“”'"
_STORY = re.compile(
    r"\b(?:yesterday|today|tomorrow|last|this (?:morning|week|evening)|monday|tuesday|wednesday|thursday"
    r"|friday|saturday|sunday|because|but|which|when|to you|ayer|hoy|ieri|oggi|hier|aujourd|gestern|heute"
    r"|morgen|does|doesn['’]t|do(?:es)? not|is|isn['’]t|are|was|were|can(?:['’]t|not)?|works?|won['’]t|nicht|ist|war"
    r"|geht|kann|funktionier\w*|funciona|funzion\w*|fonctionne|marche|werkt|działa|funguje|fungerar|fungerer"
    r"|работает|працює|não|è|está|est"
    r"|morgen|ontem|hoje|gisteren|wczoraj|včera|вчера|сегодня|and (?:it|i|we|you|they|the))\b",
    re.I,
)


def is_device_line(line: str) -> bool:
    """Whether a line is the mark of the program or device a mail was written with."""
    if len(line) > 400:
        return False
    folded = line.casefold()
    is_told = any(map((folded if folded.isascii() else folded.translate(_TURKISH)).__contains__, _TOLD_BY))
    if is_told and _is_of_scanner(line):
        return True
    shown = (LINK.sub("", line) if "://" in line or "mailto:" in line else line).strip(DECORATION)
    if not 4 < len(shown) <= 160 or shown.endswith("?") or shown.count(" ") > 23:
        return False
    if is_told and len(shown) <= 80 and GET_APP.match(shown):
        return not _STORY.search(folded.partition("outlook")[2])
    if is_told and ADVERT.match(shown):
        return True
    start = DEVICE_START.match(shown)
    if start:
        return _names_device(shown[start.end() :])
    return len(shown) <= 90 and bool(DEVICE_END.search(shown, len(shown) - LONGEST_END)) and _names_device(shown)


def is_jest(line: str) -> bool:
    """Whether a line says that the mail was sent from a thing, whatever it is."""
    return len(line) <= LONGEST_JEST and _JEST.match(line) is not None and not _STORY.search(line)


def _is_of_scanner(line: str) -> bool:
    return "?" not in line and all((ANTIVIRUS.match(line), VIRUS.search(line), CHECKED.search(line)))


def _names_device(rest: str) -> bool:
    """Whether the words after «sent from» name a device soon and go on without telling a story."""
    found = DEVICE.search(rest)
    if not found or len(rest[: found.start()].split()) > 5:
        return False
    after = _SUFFIX.sub("", rest[found.end() :])
    if APOLOGY.search(after) or re.match(r"\W{0,3}(?:\Z|[(\[|,;–-])", after):
        return True
    return not _STORY.search(after)
