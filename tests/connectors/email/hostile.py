"""Mails made to harm: small to write down, costly for a careless reader. Each is made when it is asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable

HEAD = b"From: Eve <eve@x.example>\r\nTo: help@shop.example\r\nSubject: s\r\nMessage-ID: <1@x.example>\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
PLAIN = HEAD + b"\r\n"


def nested(levels: int, kind: bytes = b"mixed", last: bytes = b"hello") -> bytes:
    """Multiparts within multiparts."""
    parts = (
        b"Content-Type: multipart/%s; boundary=b%d\r\n\r\n--b%d\r\n" % (kind, number, number)
        for number in range(levels)
    )
    return HEAD + b"".join(parts) + b"\r\n" + last + b"\r\n"


def attached(levels: int) -> bytes:
    """Mails within mails."""
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * levels + b"hello\r\n"


def encoded(levels: int) -> bytes:
    """A base64 part within a base64 part."""
    raw = b"hello"
    for _ in range(levels):
        raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(raw)
    return HEAD + raw


def _fonts(paragraphs: int) -> bytes:
    return b"<p>" + b"".join(b"<font size=%d>" % number for number in range(900)) + b"<p>x" * paragraphs


HOSTILE: dict[str, Callable[[], bytes]] = {
    # containers
    "nested multiparts": lambda: nested(3000),
    "nested alternatives": lambda: nested(3000, b"alternative"),
    "nested digests": lambda: nested(3000, b"digest"),
    "nested mails": lambda: attached(3000),
    "nested base64": lambda: encoded(30),
    "parts": lambda: MIXED + b"--b\r\n\r\nx\r\n" * 50_000,
    "parts with headers": lambda: MIXED + b"--b\r\nContent-Type: text/html\r\nContent-ID: <a>\r\n\r\n<p>x\r\n" * 50_000,
    "files": lambda: MIXED + b"--b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n" * 50_000,
    "delimiters of nobody": lambda: PLAIN + b"--\n" * 1_000_000,
    "other delimiters each": lambda: MIXED + b"".join(b"--b%d\r\n" % number for number in range(300_000)),
    "boundaries that begin alike": lambda: nested(49) + b"\r\n--b" * 500_000,
    "delimiters with words": lambda: MIXED + b"--b--" + b"x" * 390 + b"\r\n--b--" * 300_000,
    "multipart without boundary": lambda: (
        HEAD + b"Content-Type: multipart/mixed\r\n\r\n" + b"--x\r\nContent-a" * 400_000
    ),
    # headers
    "recipients": lambda: HEAD + b"Cc: " + b"a@x.example,\r\n " * 100_000 + b"\r\n\r\nx",
    "groups": lambda: HEAD + b"Cc: " + b"g: a@x.example;" * 100_000 + b"\r\n\r\nx",
    "references": lambda: HEAD + b"References: " + b"<a@x.example>\r\n " * 100_000 + b"\r\n\r\nx",
    "open brackets": lambda: HEAD + b"References: " + b"<" * 1_000_000 + b"\r\n\r\nx",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n" + HEAD + b"\r\nx",
    "encoded words in names": lambda: (
        b"Cc: " + b"=?utf-8?b?YQ==?= <a@x.example>, " * 50_000 + b"\r\n" + HEAD + b"\r\nx"
    ),
    "open encoded words": lambda: b"Subject: " + b"=?a?q?b" * 120_000 + b"\r\n" + HEAD + b"\r\nx",
    "cut base64 words": lambda: b"Subject: " + b"=?utf-8?b?YWJ?= " * 50_000 + b"\r\n" + HEAD + b"\r\nx",
    "comments": lambda: b"From: " + b"(" * 1_000_000 + b"\r\n\r\nx",
    "quotes": lambda: b"From: " + b'"a' * 500_001 + b"\r\n\r\nx",
    "backslashes": lambda: b"From: " + b'"' + b"\\" * 1_000_000 + b"\r\n\r\nx",
    "parameters": lambda: HEAD + b"Content-Type: text/plain" + b"; a*1*=b" * 100_000 + b"\r\n\r\nx",
    "parameters in quotes": lambda: HEAD + b'Content-Type: text/plain; a="' + b';"' * 400_000 + b"\r\n\r\nx",
    "numbered names": lambda: (
        HEAD
        + b"Content-Disposition: attachment"
        + b"".join(b"; filename*%d=x" % number for number in range(50_000))
        + b"\r\n\r\nx"
    ),
    "one long header": lambda: HEAD + b"X-A: " + b"a " * 5_000_000 + b"\r\n\r\nx",
    "header lines": lambda: HEAD + b"X-A: b\r\n" * 1_000_000 + b"\r\nx",
    "received lines": lambda: b"Received: from a by b; Fri, 20 Nov 2026 10:00:00 +0100\r\n" * 100_000 + HEAD + b"\r\nx",
    "folds": lambda: HEAD + b"X-A: b\r\n" + b" c\r\n" * 1_000_000 + b"\r\nx",
    "a head without an end": lambda: HEAD + b"a b c\r\n" * 1_000_000,
    "blanks before colons": lambda: HEAD + (b"X-A" + b" " * 900 + b"\r\n") * 10_000,
    "date of digits": lambda: b"Date: " + b"1" * 1_000_000 + b"\r\n" + HEAD + b"\r\nx",
    # texts
    "quote marks": lambda: PLAIN + b">\n" * 3_000_000,
    "deep quote marks": lambda: PLAIN + b">" * 5_000_000,
    "introductions": lambda: PLAIN + b"On 2026 10:00 a@b:\n" * 400_000,
    "introductions without an end": lambda: PLAIN + b"On Monday " * 500_000,
    "header blocks": lambda: PLAIN + b"De: x\n" * 1_000_000,
    "signature lines": lambda: PLAIN + b"-- \n" * 1_000_000,
    "underscores": lambda: PLAIN + b"_" * 3_000_000,
    "blanks": lambda: PLAIN + b" " * 5_000_000 + b"x",
    "flowed lines": lambda: HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 1_000_000,
    "uuencode": lambda: PLAIN + b"begin 644 a\n" * 500_000,
    "uuencode files": lambda: PLAIN + b"begin 644 a\n#86)C\n`\nend\n" * 200_000,
    "enriched": lambda: HEAD + b"Content-Type: text/enriched\r\n\r\n" + b"<param>" * 500_000,
    "bounces": lambda: HEAD + b"\r\nThis is the mail system\n" + b"<a@x.example>: host said: 550\n" * 200_000,
    # transfer encodings
    "padding": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ==" * 1_500_000,
    "equal signs": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * 5_000_000,
    "quoted equal signs": lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 5_000_000,
    "quoted blanks": lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"= " + b" " * 5_000_000,
    "utf-7": lambda: HEAD + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AAA" * 1_000_000,
    "punycode": lambda: HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 500_000,
    "every byte": lambda: PLAIN + bytes(range(256)) * 30_000,
    "high bytes": lambda: PLAIN + bytes(range(128, 256)) * 40_000,
    "half of each charset": lambda: PLAIN + b"\xe9\n\xc3\xa9\n" * 600_000,
    # HTML
    "divs": lambda: HTML + b"<div>" * 1_000_000,
    "quotations": lambda: HTML + b"<blockquote type=cite>x" * 200_000,
    "shallow quotations": lambda: HTML + b"<blockquote type=cite>x<br>" * 900 + b"y<br>" * 100_000,
    "ampersands": lambda: HTML + b"&" * 5_000_000,
    "blank letters": lambda: HTML + "\u00a0".encode() * 2_000_000,
    "ampersands in an attribute": lambda: HTML + b'<p title="' + b"&" * 3_000_000 + b'">x',
    "scripts": lambda: HTML + b"<script>" * 500_000,
    "comments in HTML": lambda: HTML + b"<!--" * 1_000_000,
    "reopened elements": lambda: HTML + _fonts(100_000),
    "fonts": lambda: HTML + b"".join(b"<p><font size=%d>x" % number for number in range(50_000)),
    "attributes": lambda: HTML + b"<p " + b" ".join(b"a%d=1" % number for number in range(300_000)) + b">x",
    "bodies": lambda: HTML + b"".join(b"<body a%d=1>" % number for number in range(100_000)),
    "options": lambda: HTML + b"<select>" + b"<option>x" * 200_000,
    "tables": lambda: HTML + b"<table>x" * 200_000,
    "less-than signs": lambda: HTML + b"<" * 3_000_000,
    "links": lambda: HTML + b"<a href=http://x.example/>" * 100_000,
    "content ids": lambda: HTML + b"cid:" * 1_000_000,
    "images": lambda: HTML + b"<img src=cid:x>" * 200_000,
    "styles": lambda: HTML + b'<p style="' + b"a:b;" * 2_000_000 + b'">x',
    "lists": lambda: HTML + b"<ul><li>" * 400 + b"<li>y" * 60_000,
    "metas": lambda: HEAD + b"Content-Type: text/html\r\n\r\n" + b"<meta charset" * 300_000 + b"\xe9",
}
