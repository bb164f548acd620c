"""HTML that is small to write and huge to parse: told by counting, before any parser sees it. Linear in the letters."""

from __future__ import annotations

import re

from omnibox_email.charsets import words

DEEPEST_HTML = 1000
MOST_REOPENED = 2_000_000
LONGEST_TAG = 20_000
FEWEST_TAGS = 200  # with fewer nothing is too deep or too many

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_CLOSES_ITSELF = words(
    "p li td th tr dt dd option br img hr meta link input col tbody thead tfoot area base wbr source embed param"
)
# A parser opens these again in each block that begins while one is open (HTML standard, «reconstruct the active
# formatting elements»): 900 open ones and 50,000 paragraphs, half a megabyte, are 45 million elements.
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
# What parsers take quadratic time for: attributes of each are merged into the first, options look at all before them.
_MOST_OF = {"html": 200, "body": 200, "option": 2000, "optgroup": 200}
_ATTRIBUTE = re.compile(r"[=/ \t\r\n\f]")


def is_hostile(html: str) -> bool:
    """Whether elements nest deeper, or are opened again more often, or hold more attributes than in any real mail."""
    return _has_crowded_tag(html) or (html.count("<") > FEWEST_TAGS and _is_deep(html))


def _is_deep(html: str) -> bool:
    depth = formatting = reopened = 0
    counts = dict.fromkeys(_MOST_OF, 0)
    for found in _TAG.finditer(html):
        name = found.group(2).lower()
        step = -1 if found.group(1) else 1
        if name in _FORMATTING:
            formatting = max(0, formatting + step)
        else:
            reopened += formatting
        if name not in _CLOSES_ITSELF:
            depth = max(0, depth + step)
        if name in counts:
            counts[name] += 1
            if counts[name] > _MOST_OF[name]:
                return True
        if depth > DEEPEST_HTML or reopened > MOST_REOPENED:
            return True
    return False


def _has_crowded_tag(html: str) -> bool:
    """Whether a tag holds thousands of attributes: parsers compare each with all before it."""
    if len(html) < LONGEST_TAG:
        return False
    for run in html.split("<"):
        if len(run) > LONGEST_TAG and run[:1].isalpha():
            tag = run[: _end_of_tag(run)]
            if len(tag) > LONGEST_TAG and len(_ATTRIBUTE.findall(tag)) * 60 > len(tag):
                return True
    return False


_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|>")


def _end_of_tag(run: str) -> int:
    return next((found.end() for found in _QUOTED.finditer(run) if found.group() == ">"), len(run))
