"""Lists of addresses (From, To, Cc …) of any shape: one linear pass that never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from omnibox_email.heads import encoded_words, headers
from omnibox_email.heads.address_tokens import Token, entries

MOST_ADDRESSES = 500
MOST_HALVES = 5
LONGEST_ADDRESS = 1000
LONGEST_ORDINARY = 300
LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as it stood. `doubt` says why two readers could understand it differently."""

    name: str | None = field(repr=False)
    address: str
    doubt: str = ""


# `Ann Lee <ann@x.example>` or the address alone, in letters that mean nothing else anywhere.
_ORDINARY = re.compile(
    rb"(?:([A-Za-z0-9][A-Za-z0-9._-]*+(?: [A-Za-z0-9._-]++)*+) )?(<)?"
    rb"([A-Za-z0-9._+-]++@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?(2)>)"
)


def parse_list(raw: bytes, hints: Sequence[str] = ()) -> list[Mailbox]:
    """The mailboxes of a header: groups flattened, order kept, at most 500."""
    if not raw:
        return []
    if len(raw) <= LONGEST_ORDINARY and (one := _ordinary(raw)) is not None:
        return [one]
    if b"&lt;" in raw:
        raw = raw.replace(b"&lt;", b"<").replace(b"&gt;", b">")  # written by a program for pages
    return _parsed(headers.to_text(raw, hints), hints, may_decode=True) if raw.strip(b" ,") else []


@lru_cache(maxsize=512)  # ours are in every mail, and each sender is asked for twice
def _ordinary(raw: bytes) -> Mailbox | None:
    """The one mailbox of a header as most are written; None for any other header."""
    found = _ORDINARY.fullmatch(raw)
    if found is None or (found.group(1) and not found.group(2)) or _NOBODY.match(raw.decode("ascii").replace("<", "")):
        return None
    name, _, address = found.groups()
    return Mailbox(name.decode("ascii") if name else None, address.decode("ascii"))


def _parsed(text: str, hints: Sequence[str], *, may_decode: bool) -> list[Mailbox]:
    """As `parse_list`. With `may_decode`, a list that somebody encoded or quoted as a whole is read as well."""
    found: list[Mailbox] = []
    halves: list[list[Token]] = []  # entries without an address: perhaps the first half of a name, `Doe, Jane <…>`
    is_group = False
    for tokens, separator in entries(text):
        if separator == ":":
            is_group = _words(tokens).strip().lower() not in ("mailto", "smtp")
            continue
        if separator == "," and _is_half(tokens) and len(halves) < MOST_HALVES:
            halves.append(tokens)
            continue
        if halves and any(token.kind == "angle" for token in tokens) and _phrase(tokens).strip():
            tokens = [token for half in halves for token in (*half, Token("word", ", "))] + tokens
            halves = []
        for entry in (*halves, tokens):
            boxes = _boxes(entry, is_group=is_group, hints=hints)
            if may_decode and not any("@" in box.address for box in boxes):
                boxes = _wrapped(entry, hints) or boxes
            found += (box for box in boxes if box.address or box.name)
        halves = []
        is_group = is_group and separator != ";"
        if len(found) >= MOST_ADDRESSES:
            break
    return found[:MOST_ADDRESSES]


def _wrapped(tokens: list[Token], hints: Sequence[str]) -> list[Mailbox]:
    """The addresses inside one encoded word, one pair of quotes or a comment, where none stands outside."""
    phrase = " ".join("".join(_displayed(token, hints) for token in tokens if token.kind != "comment").split())
    inside = _parsed(phrase, hints, may_decode=False) if "@" in phrase else []
    if not inside:
        comments = [_text(token.text, hints) for token in tokens if token.kind == "comment"]
        text = next((one for one in comments if _ADDRESS.search(one)), "")
        name = shown(phrase)
        inside = [Mailbox(name or box.name, box.address) for box in _parsed(text, hints, may_decode=False)]
    return [Mailbox(box.name, box.address, "encoded-address") for box in inside if is_usable(box.address)]


def _is_half(tokens: list[Token]) -> bool:
    """Whether an entry may be the beginning of an unquoted name with a comma in it."""
    return bool(_phrase(tokens).strip()) and not any(
        token.kind in ("angle", "quoted") or "@" in token.text for token in tokens
    )


# ---- entries to mailboxes ----

_ATOM = r"[^\s<>,;:\"()\[\]\\@]"
_ADDRESS = re.compile(
    rf"(?:\"(?:[^\"\\]|\\.){{1,200}}\"|{_ATOM}{{1,300}})?(?:@{_ATOM}{{1,300}}){{1,4}}(?:@\[[^\[\]\s]{{1,80}}\])?"
    rf"|(?:\"(?:[^\"\\]|\\.){{1,200}}\"|{_ATOM}{{1,300}})@\[[^\[\]\s]{{1,80}}\]"
)
_NOBODY = re.compile(
    r"[\s<\"']{0,9}(?:(?:undisclosed|unlisted|undisclose|suppressed|hidden)[ _-]?recipients?"
    r"|recipient[ _-]?list[ _-]not[ _-]shown|recipients?[ _-]not[ _-](?:shown|specified)|no[ _-]?recipients?"
    r"|(?:\(?)destinatarios?[ _-]no[ _-]revelados?|destinataires?[ _-]inconnus?|verborgen[ _-]ontvangers"
    r"|nicht[ _-]genannte[ _-]empf\S{1,6}nger)[\s>\"':;,]{0,9}(?:@\S*)?\s*",
    re.I,
)
_UNUSABLE = re.compile(r"[\s<>,;\x00-\x1f]")
_LOCAL = re.compile(r"[A-Za-z0-9._+=/-]{1,300}")


def _words(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens if token.kind == "word")


def _boxes(tokens: list[Token], *, is_group: bool, hints: Sequence[str]) -> list[Mailbox]:
    """The mailboxes of one entry: nearly always one."""
    if _NOBODY.fullmatch("".join(token.text for token in tokens)[:LONGEST_NAME]):
        return []
    if any(_is_address(token) for token in tokens):
        return _boxes_with_angles(tokens, is_group=is_group, hints=hints)
    if any("@" in token.text for token in tokens if token.kind == "word"):
        return _boxes_of_bare(tokens, is_group=is_group, hints=hints)
    return _boxes_of_words(tokens, is_group=is_group, hints=hints)


def _is_address(token: Token) -> bool:
    return token.kind == "angle" and "@" in (encoded_words.decode(token.text) if "=?" in token.text else token.text)


def _boxes_with_angles(tokens: list[Token], *, is_group: bool, hints: Sequence[str]) -> list[Mailbox]:
    """Each address in brackets takes the words before it as its name; the last one those behind, if it has none."""
    boxes: list[Mailbox] = []
    phrase: list[Token] = []
    for token in tokens:
        if not _is_address(token):
            phrase.append(Token("word", f" {token.text} ") if token.kind == "angle" else token)
            continue
        name = _name(phrase, hints)
        for address, doubt in _inside(token.text, hints):
            boxes.append(_mailbox(name, address, doubt or _claims_another(phrase, address, hints), is_group=is_group))
        phrase = []
    if boxes and phrase and (name := _name(phrase, hints)) and boxes[-1].name is None:
        boxes[-1] = Mailbox(
            name, boxes[-1].address, boxes[-1].doubt or _claims_another(phrase, boxes[-1].address, hints)
        )
    return list(dict.fromkeys(boxes))


def _claims_another(phrase: list[Token], address: str, hints: Sequence[str]) -> str:
    """A doubt where the words before an address hold another one: some programs take that for the sender."""
    outside = "".join(
        encoded_words.decode(token.text, hints) if token.kind == "encoded" else token.text
        for token in phrase
        if token.kind in ("word", "encoded")
    )
    if "@" not in outside:
        return ""
    claimed = {clean_address(one).lower() for one in _ADDRESS.findall(outside)}
    return "two-addresses" if claimed - {clean_address(address).lower()} else ""


def _inside(angle: str, hints: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(address, doubt) of what stands between angle brackets."""
    decoded = encoded_words.decode(angle, hints)
    doubt = "encoded-address" if decoded != angle else ""
    inner = decoded.rpartition("<")[2].strip("<> ") or decoded  # `<a@x<mailto:a@x>>`
    if '"' not in inner:
        inner = re.sub(r"\([^()]{0,200}\)", "", inner)
    if inner.count("@") < 2 or inner.lstrip().startswith("@"):
        yield _without_names(inner), doubt
        return
    found = _ADDRESS.findall(inner)
    seen: set[str] = set()
    for one in found or [inner]:
        if (address := clean_address(one)) not in seen:
            seen.add(address)
            yield one, doubt


def _without_names(inner: str) -> str:
    """`<Ann Lee ann@x.example>`: the word with the `@`; blanks elsewhere are damage inside the address."""
    words = _NEAR_DOT.sub(r"\1", inner).split()
    if '"' in inner or len(words) < 2 or not all(word.isalpha() for word in words[:-1]) or "@" not in words[-1]:
        return inner
    return words[-1]


def _boxes_of_bare(tokens: list[Token], *, is_group: bool, hints: Sequence[str]) -> list[Mailbox]:
    """Addresses that stand without brackets; a comment, quotes or the words around name their owner."""
    line = "".join(_as_written(token) for token in tokens if token.kind != "comment")
    line = _ROUTE.sub("", _NEAR_AT.sub("@", line))
    spread = _NEAR_DOT.sub(r"\1", line)
    if " " not in spread.strip() and spread.count("@") == 1:
        line = spread
    found = [one for one in _ADDRESS.findall(line) if one.strip("@")]
    if not found:
        return _boxes_of_words(tokens, is_group=is_group, hints=hints)
    rest = _text(_ADDRESS.sub(" ", line).translate(_BRACKETS), hints)
    rest = re.sub(r"(?i)\b(?:mailto|smtp)\s*:\s*", " ", rest)
    name = shown(rest) or shown(" ".join(_text(one.text, hints) for one in tokens if one.kind == "comment"))
    return list(dict.fromkeys(_mailbox(name, address, "", is_group=is_group) for address in found))


def _boxes_of_words(tokens: list[Token], *, is_group: bool, hints: Sequence[str]) -> list[Mailbox]:
    """An entry without an address: an X.500 name, a user of the machine, a person's name or nobody."""
    pieces = [_displayed(token, hints) for token in tokens if token.kind != "comment"]
    comments = [_text(token.text, hints) for token in tokens if token.kind == "comment"]
    phrase = " ".join("".join(pieces).split()).strip(", ")
    if not phrase:
        return []
    doubt = "group" if is_group else "no-domain"
    if any(token.kind == "angle" and token.text.strip() for token in tokens):
        angle = next(token.text for token in tokens if token.kind == "angle" and token.text.strip())
        return [Mailbox(_name([one for one in tokens if one.kind != "angle"], hints), clean_address(angle), doubt)]
    if _LOCAL.fullmatch(phrase):
        return [Mailbox(shown(" ".join(comments)), phrase, doubt)]
    return [Mailbox(shown(phrase), "", "no-address")]


def _mailbox(name: str | None, address: str, doubt: str, *, is_group: bool) -> Mailbox:
    return Mailbox(name, clean_address(address), doubt or ("group" if is_group else ""))


# ---- names and addresses ----

_BRACKETS = dict.fromkeys(map(ord, '"[]<>'), " ")
_ROUTE = re.compile(rf"(?<!\S)(?:@{_ATOM}{{1,200}},?)+:(?=\S)")
_NEAR_DOT = re.compile(r"[ \t]{0,20}([.@])[ \t]{0,20}")
_NEAR_AT = re.compile(r"[ \t]{0,50}@[ \t]{0,50}")
_PREFIX = re.compile(r"(?:mailto|smtp|e-?mail|ex|sip)\s*:(?://)?", re.I)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f\x7f-\x9f]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNESCAPE = re.compile(r"\\(.)", re.S)


def _as_written(token: Token) -> str:
    return f'"{token.text}"' if token.kind == "quoted" else token.text


def _displayed(token: Token, hints: Sequence[str]) -> str:
    if token.kind == "quoted":
        return _text(_UNESCAPE.sub(r"\1", token.text), hints)
    return f" {token.text} " if token.kind == "angle" else _text(token.text, hints)


def _phrase(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens if token.kind in ("word", "quoted", "encoded"))


def _text(text: str, hints: Sequence[str]) -> str:
    return encoded_words.decode(text, hints)


def _name(tokens: list[Token], hints: Sequence[str]) -> str | None:
    """The name a phrase shows; a comment counts where there is no phrase (`a@x.example (Ann)`)."""
    joined: list[str] = []
    run: list[str] = []  # encoded words and the blanks between them are decoded together
    for token in tokens:
        if token.kind == "encoded" or (run and token.kind == "word" and not token.text.strip()):
            run.append(token.text)
            continue
        joined.append(_text("".join(run), hints))
        run = []
        if token.kind == "quoted":
            joined.append(_text(_UNESCAPE.sub(r"\1", token.text), hints))
        elif token.kind == "word":
            joined.append(token.text.replace('"', ""))
        else:
            joined.append(" ")
    joined.append(_text("".join(run), hints))
    comments = (_text(_UNESCAPE.sub(r"\1", token.text), hints) for token in tokens if token.kind == "comment")
    return shown("".join(joined)) or shown(" ".join(comments))


def shown(text: str) -> str | None:
    """A name fit for showing: one line, single blanks, without the quotes some mailers add inside the quotes."""
    line = " ".join(_DIRECTION.sub("", headers.one_line(text)).split()).strip(' "\\')
    while len(line) > 1 and line[0] == line[-1] == "'":
        line = line[1:-1].strip()
    return line[:LONGEST_NAME] or None if line not in ("'", ",", ".", "-", "<", ">", "<>") else None


def clean_address(address: str) -> str:
    """The bare address: no blanks, invisible letters, route, scheme, quotes around it or dots at its end."""
    text = _INVISIBLE.sub("", _scrub(address)).strip().strip("<>").strip()
    text = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    if len(text) > 2 and text[0] in "'\"" and text[0] == text[-1]:
        text = text[1:-1]
    local, at, domain = text.rpartition("@")
    if not at:
        return "".join(text.split())[:LONGEST_ADDRESS]
    local = local.strip().lstrip("<") if local.strip().startswith('"') else "".join(local.split()).lstrip("<'")
    domain = "".join(domain.split()).partition("?")[0].strip("'\"").rstrip(".,;:>\\'\")").lstrip(".")
    return (local + at + domain)[:LONGEST_ADDRESS] if local or domain else ""


def _scrub(address: str) -> str:
    """Text without lone surrogates."""
    return address if address.isascii() else address.encode("utf-8", "replace").decode("utf-8")


def is_usable(address: str) -> bool:
    """Whether mail could be sent there: one `@` with something on both sides, blanks only inside quotes."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        return False
    bare = "" if len(local) > 2 and local[0] == local[-1] == '"' else local
    return _UNUSABLE.search(bare + domain) is None
