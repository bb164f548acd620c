"""What the head of a mail says: who wrote it, to whom, about what and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from omnibox_email import charsets
from omnibox_email.charsets import guessing, words
from omnibox_email.heads import address_lists, addresses, dates, encoded_words, headers
from omnibox_email.heads.addresses import Mailbox
from omnibox_email.heads.headers import Headers

SAMPLED = ("subject", "from", "to", "cc", "reply-to", "sender")
MOST_SAMPLED = 4096
MOST_LABELS = 10
LONG_ENOUGH = 24  # 8-bit bytes
CERTAIN = 3  # times a charset is named that many texts of one mail agree on

_LABEL = re.compile(rb"=\?([A-Za-z0-9_.:-]{2,40})[*?]")
_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{2,40})", re.I)
_COUNTRY = re.compile(rb"\.([a-z]{2})(?=[>\s,;)]|\Z)", re.I)
# What a country's programs wrote before UTF-8: a supposition for a name of a few letters, no more.
_USED_IN = {
    "cn": ("gb18030",), "sg": ("gb18030",), "tw": ("big5",), "hk": ("big5",), "mo": ("big5",),
    "jp": ("shift_jis", "euc-jp"), "kr": ("euc-kr",), "ru": ("windows-1251", "koi8-r"), "by": ("windows-1251",),
    "ua": ("windows-1251", "koi8-u"), "bg": ("windows-1251",), "mk": ("windows-1251",), "rs": ("windows-1250",),
    "kz": ("windows-1251",), "pl": ("iso-8859-2", "windows-1250"), "cz": ("windows-1250", "iso-8859-2"),
    "sk": ("windows-1250", "iso-8859-2"), "hu": ("iso-8859-2", "windows-1250"), "ro": ("iso-8859-2", "windows-1250"),
    "si": ("windows-1250", "iso-8859-2"), "hr": ("windows-1250", "iso-8859-2"), "gr": ("iso-8859-7",),
    "cy": ("iso-8859-7",), "tr": ("windows-1254",), "il": ("windows-1255",), "th": ("tis-620",),
    "lt": ("windows-1257",), "lv": ("windows-1257",), "ee": ("windows-1257",), "sa": ("windows-1256",),
    "ae": ("windows-1256",), "eg": ("windows-1256",), "ir": ("windows-1256",),
}  # fmt: skip
_SPOKEN_IN = {
    "zh": "cn",
    "ja": "jp",
    "ko": "kr",
    "el": "gr",
    "he": "il",
    "uk": "ua",
    "cs": "cz",
    "ar": "eg",
    "fa": "ir",
}
_FALL_BACK = ("reply-to", "sender", "return-path")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-delivered-to")
_NO_NAMES = words("unknown null none")


def hints(block: Headers, labels: Iterable[str], body: bytes = b"") -> tuple[str, ...]:
    """Charsets that the mail's unlabelled 8-bit texts are most likely in, as `charsets.guess` takes them.

    A name of two letters proves nothing; all such texts of one mail, read together, nearly always do. `labels` are
    those of its parts, `body` the beginning of a body.
    """
    whole = b"\n".join([value for _, value in block.fields])
    is_ascii = whole.isascii() and body.isascii()
    values = [] if is_ascii and b"=?" not in whole else [value for name in SAMPLED for value in block.all(name)]
    encoded = [value for value in values if b"=?" in value]
    named = [label.decode("ascii") for value in encoded for label in _LABEL.findall(value)[:MOST_LABELS]]
    found = list(dict.fromkeys([*labels, *named[: 2 * MOST_LABELS], *_labels_in(body)]))
    if is_ascii:
        return tuple(found)
    found += [f"?{codec}" for country in _countries(block, values) for codec in _USED_IN.get(country, ())]
    if unlabelled := _unlabelled(values):
        sample = b"\n".join([*unlabelled, *_unlabelled([body])])[:MOST_SAMPLED]
        codec, weight = guessing.best(sample, charsets.favours(found))
        is_long = sum(byte >= 0x80 for byte in sample) >= LONG_ENOUGH  # words nobody expects there; still one charset
        found += [codec] * (CERTAIN if weight > guessing.neutral(sample) else int(is_long and codec != "cp1252"))
    return tuple(found)


def _labels_in(body: bytes) -> list[str]:
    """The charsets that a body names; the word is looked for first, since the pattern would try every letter."""
    folded, found = body.lower(), list[str]()
    at = folded.find(b"charset")
    while at >= 0 and len(found) < MOST_LABELS:
        if label := _CHARSET.match(body, at):
            found.append(label[1].decode("ascii"))
        at = folded.find(b"charset", label.end() if label else at + 1)
    return found


def _countries(block: Headers, values: Sequence[bytes]) -> list[str]:
    """The countries that addresses end in and that the writer's language points to, each once."""
    named = b"\n".join([*values, block.first("message-id"), block.first("return-path")])[:MOST_SAMPLED]
    spoken = b"\n".join(block.first(name) for name in ("content-language", "accept-language"))[:200]
    ends = [end.decode("ascii").lower() for end in _COUNTRY.findall(named)]
    tongues = [tongue.decode("ascii").lower() for tongue in re.findall(rb"[A-Za-z]{2}", spoken)]
    return list(dict.fromkeys([*ends, *(_SPOKEN_IN.get(tongue, tongue) for tongue in tongues)]))


def _unlabelled(texts: Iterable[bytes]) -> list[bytes]:
    """The texts that are neither ASCII nor UTF-8."""
    out = []
    for text in texts:
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            out.append(text[:MOST_SAMPLED])
    return out


def mailboxes(block: Headers, name: str, hints: Sequence[str]) -> tuple[Mailbox, ...]:
    """Everybody in the fields `name`, those that stand twice included."""
    if not block.has(name):
        return ()
    return tuple(addresses.parse_list(b", ".join(block.all(name)), hints))


def sender(block: Headers, hints: Sequence[str]) -> tuple[Mailbox | None, str | None]:
    """Who wrote the mail, and why that is not certain.

    From; where it holds no usable address Reply-To, Sender, Return-Path; at last a user of the machine (`root`).
    """
    named = mailboxes(block, "from", hints)
    is_told_once = len(block.all("from")) == 1
    if len(named) == 1 and is_told_once and addresses.is_usable(named[0].address):
        return named[0], named[0].doubt or None
    usable = [box for box in named if addresses.is_usable(box.address)]
    if usable:
        different = {addresses.fold(box.address) for box in usable}
        doubt = usable[0].doubt or ("several-senders" if len(different) > 1 or not is_told_once else "")
        others = [box for box in named if box not in usable] if is_told_once else []
        return _named(usable[0], others), doubt or None
    name = _sender_name(block, hints) if not any(box.address and box.name for box in named) else named[0].name
    for header in _FALL_BACK:
        for box in mailboxes(block, header, hints):
            if addresses.is_usable(box.address):
                return Mailbox(name or box.name, box.address), "no-from"
    local = next((box for box in named if box.address), None)
    return local, "no-from"


def _named(box: Mailbox, others: Sequence[Mailbox]) -> Mailbox:
    """The sender with the name that a stray comma cut off: `Jane Doe, jane@x.example`."""
    if box.name is not None or len(others) != 1:
        return box
    return Mailbox(others[0].name or others[0].address, box.address, box.doubt)


def _sender_name(block: Headers, hints: Sequence[str]) -> str | None:
    """The whole of a From without an address: it can be nothing but a name."""
    text = encoded_words.decode(headers.to_text(block.first("from"), hints), hints)
    name = address_lists.shown(re.sub(r"<[^<>]*>?", " ", text.replace('"', "")).strip(" ,;:"))
    return None if name is None or name.lower() in _NO_NAMES else name


def subject(block: Headers, hints: Sequence[str]) -> str | None:
    """The first subject that says something; empty where all are empty, None where there is none."""
    texts = [headers.text_of(value, hints) for value in block.all("subject")[:3]]
    return next((text for text in texts if text), texts[0] if texts else None)


def sent_at(block: Headers) -> datetime | None:
    """The moment the first readable Date names."""
    for value in block.all("date")[:3]:
        if (moment := dates.parse_date(headers.decode_words(headers.to_text(value)))) is not None:
            return moment
    return None


def delivered_to(block: Headers) -> tuple[str, ...]:
    """The addresses that servers on the way delivered the mail to."""
    if not block.has_any(_DELIVERED):
        return ()
    boxes = (box for name in _DELIVERED for value in block.all(name)[:20] for box in addresses.parse_list(value))
    return tuple(dict.fromkeys(box.address for box in boxes if addresses.is_usable(box.address)))


def is_cut(block: Headers) -> bool:
    """Whether the head holds more than is read of it."""
    return block.is_cut or any(
        sum(value.count(b"@") for value in block.all(name)) > addresses.MOST_ADDRESSES for name in ("to", "cc")
    )
