"""The tree of a mail: one linear, non-recursive pass over the raw bytes that keeps ranges, never copies.

The standard parser recurses per nesting level, is quadratic in parameters and holds about seven times the mail in
memory; here the limits are part of the walk: what lies beyond them becomes an attachment or stays in the last part.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from omnibox_email import charsets, headers
from omnibox_email.headers import Headers, Parameterised

MOST_NESTED = 50
MOST_PARTS = 1000
MOST_DELIMITERS = 200_000
MOST_GUESSES = 3
LONGEST_DELIMITER = 300

_DELIMITER = re.compile(rb"(?:\A|(?<=[\r\n]))--([^\r\n]{0,400})")
_BREAK = re.compile(rb"\r*\n|\r|\Z")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


@dataclass(slots=True)
class Node:
    """A part: its headers and the range of its body in the raw mail."""

    headers: Headers
    start: int
    end: int
    kind: Parameterised
    children: list[Node] = field(default_factory=list)
    boundary: bytes = b""
    shadowed: int | None = None  # the open part whose boundary was the same
    is_cut: bool = False

    @property
    def type(self) -> str:
        return self.kind.value

    @property
    def is_multipart(self) -> bool:
        return bool(self.boundary)


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
        self.names = _delimiters(raw)

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
            self._close_above(level + (0 if closes else 1), found.start())
            if not closes:
                at = self._next_part(_BREAK.search(self.raw, at))
        self._end_leaf(len(self.raw))
        self._close_above(0, len(self.raw))
        return Tree(root, self.is_cut)

    def _match(self, text: bytes) -> tuple[int | None, bool]:
        """Which open part a delimiter line belongs to, and whether it closes it."""
        name = text.rstrip(b" \t")
        if name in self.open:
            return self.open[name], False
        if name.endswith(b"--") and name[:-2] in self.open:
            return self.open[name[:-2]], True
        return None, False

    def _next_part(self, line_end: re.Match[bytes] | None) -> int:
        start = line_end.end() if line_end else len(self.raw)
        parent = self.stack[-1]
        child = self._part(start, is_root=False)
        parent.children.append(child)
        return child.start

    def _part(self, start: int, *, is_root: bool) -> Node:
        self.parts += 1
        block, body = headers.split_block(self.raw, start, len(self.raw), is_root=is_root)
        kind = content_type(block)
        node = Node(block, body, len(self.raw), kind, is_cut=block.is_cut)
        self.is_cut = self.is_cut or block.is_cut
        if kind.value.startswith("multipart/") and (boundary := self._boundary(node)):
            if len(self.stack) >= MOST_NESTED or self.parts > MOST_PARTS:
                self.is_cut = node.is_cut = True
            else:
                node.boundary = boundary
                node.shadowed = self.open.get(boundary)
                self.open[boundary] = len(self.stack)
                self.stack.append(node)
                return node
        self.leaf = node
        return node

    def _boundary(self, node: Node) -> bytes:
        """The boundary that really separates the parts: the declared one, else one that looks like it."""
        declared = node.kind.parameters.get("boundary", "").encode("utf-8", "replace")[:LONGEST_DELIMITER]
        for name in (declared, declared.rstrip(), declared.strip()):
            if name and (name in self.names or not self.names_are_complete):
                return name
        if self.guesses >= MOST_GUESSES:
            return b""
        self.guesses += 1
        for found in _DELIMITER.finditer(self.raw, node.start):
            after = _BREAK.search(self.raw, found.end())
            if after and self.raw[after.end() : after.end() + 8].lower() == b"content-":
                return found.group(1).rstrip(b" \t")
        return b""

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
            if node.shadowed is None:
                self.open.pop(node.boundary, None)
            else:
                self.open[node.boundary] = node.shadowed


def _delimiters(raw: bytes) -> set[bytes]:
    """The names on every line that could delimit parts, without a closing `--`."""
    names: set[bytes] = set()
    if b"--" not in raw:  # most mails are one part; the search costs as much as all the rest of the walk
        return names
    for found in _DELIMITER.finditer(raw):
        name = found.group(1).rstrip(b" \t")
        names.add(name)
        names.add(name.removesuffix(b"--"))
        if len(names) >= MOST_DELIMITERS:
            break
    return names


def _before_break(raw: bytes, at: int) -> int:
    """`at` without the line break in front of it: that belongs to the delimiter."""
    if raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if raw[at - 1 : at] in (b"\n", b"\r") else at


def content_type(block: Headers) -> Parameterised:
    """The Content-Type of a block; what cannot be read is text/plain (RFC 2045 5.2)."""
    kind = headers.parameterised(block.first("content-type"))
    found = _TYPE.match(kind.value)
    return Parameterised(found.group() if found else "text/plain", kind.parameters)


def content(raw: bytes, node: Node) -> bytes:
    """The decoded body of a leaf. An unknown encoding leaves the bytes as they are."""
    body = raw[node.start : node.end]
    encoding = node.headers.plain("content-transfer-encoding").lower().strip("\"' ;")
    if encoding == "base64":
        return headers.decode_base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        files, _ = split_uuencoded(body)
        return files[0][1] if files else body
    return body


def file_name(block: Headers, kind: Parameterised, hints: Sequence[str] = ()) -> str | None:
    """The name a part carries, without path and control characters; None where it has none."""
    disposition = headers.parameterised(block.first("content-disposition"), hints).parameters
    named = headers.parameterised(block.first("content-type"), hints).parameters
    for name in (disposition.get("filename"), disposition.get("name"), named.get("name"), named.get("filename")):
        if name and (cleaned := clean_name(name)):
            return cleaned
    return None


_UNSAFE = re.compile("[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean_name(name: str) -> str | None:
    """A file name fit for showing: its last path part, no invisible or direction-changing characters."""
    text = _UNSAFE.sub("", charsets.clean(name).replace("\n", " "))
    text = re.split(r"[/\\]", text)[-1].strip(" \t.")
    return text[:255] or None if set(text) - {"."} else None


_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,300})\r?\n", re.M)
_END = re.compile(rb"^(?:`|[ ]*)\r?\n?end\b[^\r\n]*(?:\r?\n|\Z)|^end[ \t]*(?:\r?\n|\Z)", re.M)


def split_uuencoded(body: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """(name, bytes) of every uuencoded file in a text, and the text without them."""
    files: list[tuple[bytes, bytes]] = []
    rest: list[bytes] = []
    at = 0
    while (begin := _BEGIN.search(body, at)) and (end := _END.search(body, begin.end())):
        decoded = _uudecode(body[begin.end() : end.start()])
        if decoded is None:
            rest.append(body[at : begin.end()])
            at = begin.end()
            if len(rest) > MOST_PARTS:
                break
            continue
        rest.append(body[at : begin.start()])
        files.append((begin.group(1).strip(), decoded))
        at = end.end()
    return files, b"".join(rest) + body[at:]


def _uudecode(lines: bytes) -> bytes | None:
    out = []
    for line in lines.splitlines():
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            try:  # some encoders pad a line with more than it needs
                out.append(binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3 + 1]))
            except (binascii.Error, IndexError):
                return None
    return b"".join(out) if out else None


def leaves(node: Node) -> Iterator[Node]:
    """Every leaf below `node`, in order; nesting is bounded by `MOST_NESTED`."""
    if not node.is_multipart:
        yield node
    for child in node.children:
        yield from leaves(child)
