"""The tree of a mail: one linear, non-recursive pass over the raw bytes that keeps ranges, never copies.

The standard parser recurses per nesting level, is quadratic in parameters and holds about seven times the mail in
memory; here the limits are part of the walk: what lies beyond them becomes an attachment or stays in the last part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from omnibox_email import charsets
from omnibox_email.content import transfer
from omnibox_email.heads import headers
from omnibox_email.heads.headers import Headers, Parameterised

DIGEST = "multipart/digest"
MOST_NESTED = 50
MOST_PARTS = 1000
MOST_DELIMITERS = 200_000
MOST_GUESSES = 3
MOST_CLOSED = 10
PREAMBLE_BYTES = 1000
LONGEST_DELIMITER = 300

# What comes before the dashes is looked at after them: a pattern that begins with them is 80 times faster on big mail.
_DELIMITER = re.compile(rb"--(?<![^\r\n]--)([^\r\n]{0,400})")
_BREAK = re.compile(rb"\r*\n|\r|\Z")
_CONTENT = re.compile(rb"[ \t]*content-(?:type|transfer|disposition|id|description)", re.I)
_SHORT = {"html": "text/html", "multipart": "multipart/mixed"}  # as some programs write them
_MAIN_TYPES = ("multipart/", "text/", "message/", "application/", "image/", "audio/", "video/", "font/", "model/")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


@dataclass(slots=True)
class Node:
    """A part: its headers and the range of its body in the raw mail."""

    headers: Headers
    start: int
    end: int
    kind: Parameterised
    children: list[Node] = field(default_factory=list)
    boundary: bytes | None = None  # None: it has no parts; empty: lines of two dashes separate them
    shadowed: int | None = None  # the open part whose boundary was the same
    is_cut: bool = False

    @property
    def type(self) -> str:
        return self.kind.value

    @property
    def is_multipart(self) -> bool:
        return self.boundary is not None


@dataclass(frozen=True, slots=True)
class Tree:
    root: Node
    is_cut: bool


def parse(raw: bytes) -> Tree:
    """The tree of `raw`; any bytes give one."""
    return _Walk(raw).run()


class _Walk:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.stack: list[Node] = []
        self.open: dict[bytes, int] = {}
        self.leaf: Node | None = None
        self.parts = 0
        self.guesses = 0
        self.is_cut = False

    def run(self) -> Tree:
        root, at = self._part(0, is_root=True), 0
        at = root.start
        while True:
            found = _DELIMITER.search(self.raw, at) if self.stack else None
            if not found:
                break
            at = found.end()
            level, closes = self._match(found.group(1))
            if level is None:
                continue
            if self.parts >= MOST_PARTS and self.leaf and not closes:
                self.is_cut = True  # the last part swallows the rest
                continue
            self._end_leaf(found.start())
            ends = closes and not (level == 0 and self._goes_on(at))
            self._close_above(level + (0 if ends else 1), found.start())
            if not closes:
                at = self._next_part(_BREAK.search(self.raw, at))
        self._end_leaf(len(self.raw))
        self._close_above(0, len(self.raw))
        return Tree(root, self.is_cut)

    def _match(self, text: bytes) -> tuple[int | None, bool]:
        """Which open part a delimiter line belongs to, and whether it closes it."""
        name = _name(text)
        if name in self.open:
            return self.open[name], False
        if name.endswith(b"--") and name[:-2] in self.open:
            return self.open[name[:-2]], True
        for level in range(len(self.stack) - 1, -1, -1):  # words behind a closing delimiter, on its line
            boundary = self.stack[level].boundary
            if boundary and name.startswith(boundary + b"--"):
                return level, True
        return None, False

    def _goes_on(self, at: int) -> bool:
        """Whether more parts of the whole mail follow its closing delimiter, as some gateways add theirs."""
        name = self.stack[0].boundary or b""
        found = _DELIMITER.match(self.raw, max(0, self.raw.find(b"--" + name, at)))
        if not name or found is None or found.start() < at or _name(found.group(1)) != name:
            return False
        line_end = _BREAK.search(self.raw, found.end())
        return line_end is not None and _CONTENT.match(self.raw, line_end.end()) is not None

    def _next_part(self, line_end: re.Match[bytes] | None) -> int:
        start = line_end.end() if line_end else len(self.raw)
        parent = self.stack[-1]
        child = self._part(start, is_root=False, default="message/rfc822" if parent.type == DIGEST else "")
        parent.children.append(child)
        return child.start

    def _part(self, start: int, *, is_root: bool, default: str = "") -> Node:
        self.parts += 1
        block, body = headers.split_block(self.raw, start, len(self.raw), is_root=is_root)
        kind = content_type(block, default)
        node = Node(block, body, len(self.raw), kind, is_cut=block.is_cut)
        self.is_cut = self.is_cut or block.is_cut
        if is_root and not block.has("content-type") and self.names:
            self._untyped(node)
        if node.type.startswith("multipart/") and (boundary := self._boundary(node)) is not None:
            if len(self.stack) >= MOST_NESTED or self.parts > MOST_PARTS:
                self.is_cut = node.is_cut = True
            else:
                node.boundary = boundary
                node.shadowed = self.open.get(boundary)
                self.open[boundary] = len(self.stack)
                self.stack.append(node)
                self._undelimited(node)
                return node
        self.leaf = node
        return node

    def _undelimited(self, node: Node) -> None:
        """A first part whose delimiter was lost on the way: its headers stand where the preamble does."""
        at = node.start
        while self.raw[at : at + 1] in (b"\r", b"\n") and at < node.start + 10:
            at += 1
        if _CONTENT.match(self.raw, at):
            node.children.append(self._part(at, is_root=False))

    def _untyped(self, node: Node) -> None:
        """A mail that lost its Content-Type on the way: part headers at its beginning say that it has parts."""
        until = node.start + PREAMBLE_BYTES
        head = self.raw[node.start : until + 400].lower()
        if b"\ncontent-" in head and (name := self._guessed(node, until)):
            node.kind = Parameterised("multipart/mixed", {"boundary": name.decode("utf-8", "replace")})

    def _boundary(self, node: Node) -> bytes | None:
        """The boundary that really separates the parts: the declared one, else one that looks like it."""
        declared = node.kind.parameters.get("boundary", "").encode("utf-8", "replace")[:LONGEST_DELIMITER]
        if declared and self._is_next(node, declared):
            return declared
        for name in (declared, declared.rstrip(), declared.strip(), b"".join(declared.split())):
            if name and (name in self.names or not self.names_are_complete):
                return name
        return self._guessed(node, len(self.raw))

    def _is_next(self, node: Node, name: bytes) -> bool:
        """Whether the first place where `name` could delimit parts does, as it does in nearly all mails."""
        found = _DELIMITER.match(self.raw, max(0, self.raw.find(b"--" + name, node.start)))
        return found is not None and _name(found.group(1)) == name

    def _guessed(self, node: Node, until: int) -> bytes | None:
        """The name on a line above part headers, or on one that is closed further down, beginning before `until`."""
        if self.guesses >= MOST_GUESSES:
            return None
        self.guesses += 1
        tries = MOST_CLOSED
        for found in _DELIMITER.finditer(self.raw, node.start):
            if found.start() > until:
                break
            name = _name(found.group(1))
            after = _BREAK.search(self.raw, found.end())
            if after and _CONTENT.match(self.raw, after.end()):
                return name
            if tries and len(name) > 2 and b" " not in name:
                tries -= 1
                if self.raw.find(b"--" + name + b"--", found.end()) >= 0:
                    return name
        return None

    @cached_property
    def names(self) -> set[bytes]:
        """What could delimit parts; a mail of one part never asks."""
        return _delimiters(self.raw)

    @property
    def names_are_complete(self) -> bool:
        return len(self.names) < MOST_DELIMITERS

    def _end_leaf(self, at: int) -> None:
        if self.leaf:
            self.leaf.end = max(self.leaf.start, _before_break(self.raw, at) if at < len(self.raw) else at)
            self.leaf = None

    def _close_above(self, level: int, at: int) -> None:
        while len(self.stack) > level:
            node = self.stack.pop()
            node.end = at
            assert node.boundary is not None
            if node.shadowed is None:
                self.open.pop(node.boundary, None)
            else:
                self.open[node.boundary] = node.shadowed


def _delimiters(raw: bytes) -> set[bytes]:
    """The names on every line that could delimit parts, without a closing `--`."""
    names: set[bytes] = set()
    for found in _DELIMITER.finditer(raw):
        name = _name(found.group(1))
        names.add(name)
        names.add(name.removesuffix(b"--"))
        if len(names) >= MOST_DELIMITERS:
            break
    return names


def _name(text: bytes) -> bytes:
    """What stands behind the dashes of a delimiter. Two dashes and a blank open a signature and delimit nothing."""
    return text.rstrip(b" \t") or text


def _before_break(raw: bytes, at: int) -> int:
    """`at` without the line break in front of it: that belongs to the delimiter."""
    if raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if raw[at - 1 : at] in (b"\n", b"\r") else at


_LOOSE = re.compile(r"(charset|boundary|name|format)\s{0,9}=\s{0,9}(?:\"([^\"]{1,300})\"|([^\s;\"]{1,300}))", re.I)


def content_type(block: Headers, default: str = "") -> Parameterised:
    """The Content-Type of a block; what cannot be read is text/plain (RFC 2045 5.2)."""
    kind = headers.parameterised(block.first("content-type"))
    found = _TYPE.match(kind.value)
    if kind.parameters.get("boundary") and not (found and kind.value.startswith(_MAIN_TYPES)):
        return Parameterised("multipart/mixed", kind.parameters)  # damaged on the way
    if found is None:
        return Parameterised(default or _SHORT.get(kind.value, "text/plain"), kind.parameters)
    parameters = kind.parameters
    if found.end() < len(kind.value):  # no semicolon; read from the header as it stands, for its letter case
        text = headers.to_text(block.first("content-type"))
        loose = {each.group(1).lower(): each.group(2) or each.group(3) for each in _LOOSE.finditer(text)}
        parameters = {**loose, **parameters}
    return Parameterised(found.group(), parameters)


def content(raw: bytes, node: Node) -> bytes:
    """The decoded body of a leaf. An unknown encoding leaves the bytes as they are."""
    is_text = node.type.startswith("text/")
    return transfer.decode(raw[node.start : node.end], transfer.encoding_of(node.headers), is_text=is_text)


def file_name(block: Headers, kind: Parameterised, hints: Sequence[str] = ()) -> str | None:
    """The name a part carries, without path and control characters; None where it has none."""
    disposition = headers.parameterised(block.first("content-disposition"), hints).parameters
    named = headers.parameterised(block.first("content-type"), hints).parameters
    for name in (disposition.get("filename"), disposition.get("name"), named.get("name"), named.get("filename")):
        if name and (cleaned := clean_name(name)):
            return cleaned
    return None


def content_id(block: Headers) -> str | None:
    """The Content-ID without its brackets."""
    text = headers.to_text(block.first("content-id")).strip()
    if "<" in text:
        text = text.split("<", 1)[1].split(">", 1)[0]
    return charsets.clean(text).strip()[:1000] or None


_UNSAFE = re.compile("[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean_name(name: str) -> str | None:
    """A file name fit for showing: its last path part, no invisible or direction-changing characters."""
    text = _UNSAFE.sub("", charsets.clean(name).replace("\n", " "))
    text = re.split(r"[/\\]", text)[-1].strip(" \t.")
    return text[:255] or None if set(text) - {"."} else None


def leaves(node: Node) -> Iterator[Node]:
    """Every leaf below `node`, in order; nesting is bounded by `MOST_NESTED`."""
    if not node.is_multipart:
        yield node
    for child in node.children:
        yield from leaves(child)
