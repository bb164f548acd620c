"""The seven-bit charsets that switch alphabets by escape sequences (ISO-2022-JP, -KR, -CN, HZ), as mailers write them.

Python's own codecs refuse the vendors' characters (①, ㈱, 髙) that half of all Japanese business mail holds, and lose
the whole text for one missing escape.
"""

from __future__ import annotations

import re

_SWITCH = re.compile(rb"\x1b(?:\$\([@-~]|\$[)*][@-~]|\$[@-~]|\([@-~]|[NOno|}~]|\.[@-~])|[\x0e\x0f\n]")
_SETS = {
    b"\x1b$B": "jis", b"\x1b$@": "jis", b"\x1b$(B": "jis", b"\x1b$(@": "jis", b"\x1b$(O": "jis", b"\x1b$(Q": "jis",
    b"\x1b$(P": "jis", b"\x1b$(D": "jis212", b"\x1b(I": "kana", b"\x1b$A": "gb", b"\x1b$(A": "gb", b"\x1b$(C": "ks",
}  # fmt: skip
_SHIFTED_SETS = {b"\x1b$)C": "ks", b"\x1b$)A": "gb", b"\x1b$)E": "gb"}
_PAIRS = re.compile(rb"(?:[\x21-\x7e][\x21-\x7e])+")
_HZ = re.compile(rb"~\{((?:[\x21-\x7d][\x21-\x7e]){1,4000})(?:~\}|(?=[\r\n])|\Z)")
_LOST_ESCAPE = re.compile(rb"(?<!\x1b)\$([@B])((?:[\x21-\x7e]{2}){1,2000}?)(?<!\x1b)\(([BJ])")


def is_stateful(raw: bytes) -> bool:
    """Whether `raw` switches alphabets."""
    return re.search(rb"\x1b(?:\$[@ABD(]|\$\)[A-Z]|\(I)|\x0e[\x21-\x7e]{2}", raw) is not None


def decode(raw: bytes) -> str:
    """The text of any ISO-2022 mixture; a line end switches back to ASCII, a missing escape costs its own word."""
    out: list[str] = []
    current, shifted, is_shifted, at = "", "ks", False, 0
    for found in _SWITCH.finditer(raw):
        out.append(_piece(raw[at : found.start()], shifted if is_shifted else current))
        at, switch = found.end(), found.group()
        if switch in _SHIFTED_SETS:
            shifted = _SHIFTED_SETS[switch]
        elif switch == b"\x0e":
            is_shifted = True
        elif switch in (b"\x0f", b"\n"):
            is_shifted = False
            current = current if switch == b"\x0f" else ""
            out.append("\n" if switch == b"\n" else "")
        else:
            current = _SETS.get(switch, "")
    out.append(_piece(raw[at:], shifted if is_shifted else current))
    return "".join(out)


def decode_hz(raw: bytes) -> str:
    """Chinese between `~{` and `~}` (RFC 1843); `~~` is a tilde."""
    out, at = [], 0
    for found in _HZ.finditer(raw):
        out.append(_plain(raw[at : found.start()]).replace("~~", "~").replace("~\n", ""))
        out.append(_pairs(found.group(1), "gb"))
        at = found.end()
    return "".join(out) + _plain(raw[at:]).replace("~~", "~").replace("~\n", "")


def restore_escapes(raw: bytes) -> bytes:
    """`raw` with the escape bytes that a seven-bit gateway took out of declared ISO-2022-JP."""
    if b"\x1b" in raw:
        return raw
    return _LOST_ESCAPE.sub(lambda found: b"\x1b$B" + found.group(2) + b"\x1b(B", raw)


def _piece(raw: bytes, alphabet: str) -> str:
    if not raw:
        return ""
    if not alphabet:
        return _plain(raw)
    if alphabet == "kana":
        return bytes(byte | 0x80 if 0x21 <= byte < 0x60 else byte for byte in raw).decode("cp932", "replace")
    out, at = [], 0
    for found in _PAIRS.finditer(raw):
        out.append(_plain(raw[at : found.start()]))
        out.append(_pairs(found.group(), alphabet))
        at = found.end()
    return "".join(out) + _plain(raw[at:])


def _plain(raw: bytes) -> str:
    return raw.decode("ascii" if raw.isascii() else "cp1252", "replace")


def _pairs(pairs: bytes, alphabet: str) -> str:
    if alphabet == "jis":
        return shift_jis_of(pairs).decode("cp932", "replace")
    if alphabet == "jis212":
        high = bytes(byte | 0x80 for byte in pairs)
        return b"".join(b"\x8f" + high[at : at + 2] for at in range(0, len(high), 2)).decode("euc_jp", "replace")
    return bytes(byte | 0x80 for byte in pairs).decode("gb18030" if alphabet == "gb" else "cp949", "replace")


def shift_jis_of(pairs: bytes) -> bytes:
    """JIS X 0208 pairs (0x21-0x7E) as Shift-JIS, whose codec knows the vendors' rows."""
    out = bytearray()
    for at in range(0, len(pairs) - 1, 2):
        row, cell = pairs[at], pairs[at + 1]
        lead = (row - 0x21) // 2 + 0x81
        out.append(lead if lead <= 0x9F else lead + 0x40)
        out.append(cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell >= 0x60))
    return bytes(out)


_EUC = re.compile(rb"((?:[\xa1-\xfe][\xa1-\xfe])+)|(\x8e[\xa1-\xdf])|(\x8f[\xa1-\xfe][\xa1-\xfe])")


def decode_euc_jp(raw: bytes) -> str:
    """EUC-JP with the vendors' characters."""
    out, at = [], 0
    for found in _EUC.finditer(raw):
        out.append(_plain(raw[at : found.start()]))
        pairs, kana, _ = found.groups()
        if pairs:
            out.append(shift_jis_of(bytes(byte & 0x7F for byte in pairs)).decode("cp932", "replace"))
        else:
            out.append(kana[1:].decode("cp932", "replace") if kana else found.group().decode("euc_jp", "replace"))
        at = found.end()
    return "".join(out) + _plain(raw[at:])
