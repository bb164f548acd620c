"""Enhanced status codes (RFC 3463) in the words of mail systems, told from addresses of machines and from versions."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?:(?<=\b[245]\d\d[-_])|(?<![\w.@/-]))([245])\.([0-7])\.(\d{1,3})(?![^\W_]|\.\d)")
_STATED = re.compile(r"\s*(?:[245]\d\d[ -])?(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_VERSION = re.compile(
    r"(?:version|ver\.?|\bv|release|exim|postfix|sendmail|domino|notes|mailer|build|exchange)[ /:]*\Z",
    re.I,
)
_ORDER = {"failed": "54", "delayed": "45", "delivered": "2", "relayed": "2"}


def stated(value: str) -> str | None:
    """The code of a Status field, whatever stands after it, and behind the reply code that some put before it."""
    found = _STATED.match(value)
    return found.group(1) if found else None


def best(text: str, action: str = "failed") -> str | None:
    """The most telling code in a text: of the class that fits the action, rather 5.1.1 than 5.0.0, the first."""
    found = [each.group() for each in _CODE.finditer(text) if not _is_version(text, each.start())]
    wanted = _ORDER.get(action, "54")
    fitting = [code for code in found if code[0] in wanted]
    if not fitting:
        return None
    return min(fitting, key=lambda code: (wanted.index(code[0]), code.endswith(".0.0")))


def _is_version(text: str, at: int) -> bool:
    return bool(_VERSION.search(text, max(0, at - 16), at))
