"""What is believed of Authentication-Results: what our own server wrote above its border, and nothing else."""

from __future__ import annotations

import pytest

from omnibox_email import authentication
from omnibox_email.content import mime

OWN = "mx.shop.example"
BORDER = (
    "Received: from out.customer.example (out.customer.example [203.0.113.9])\n by mx.shop.example with ESMTPS id 7\n"
)
INSIDE = "Received: from mx.shop.example (mx.shop.example [10.0.0.5]) by box.shop.example with ESMTP id 8\n"
LOCAL = "Received: from mx.shop.example\n by box.shop.example with LMTP id 9\n"
FAIL = f"Authentication-Results: {OWN}; dmarc=fail (p=none) header.from=customer.example\n"
PASS = f"Authentication-Results: {OWN}; dmarc=pass header.from=customer.example\n"


def doubt(head: str, own: tuple[str, ...] = (OWN,), domain: str = "customer.example") -> str | None:
    block = mime.parse(f"{head}From: ana@{domain}\n\nx\n".encode()).root.headers
    return authentication.doubt(authentication.trusted_lines(block), domain, own)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (FAIL + BORDER, "dmarc-fail"),
        (INSIDE + FAIL + BORDER, "dmarc-fail"),
        (LOCAL + FAIL + BORDER, "dmarc-fail"),
        (FAIL, "dmarc-fail"),
        (BORDER + FAIL, None),  # whoever sent it wrote this
        (INSIDE + BORDER + FAIL, None),
        (FAIL + BORDER + PASS, "dmarc-fail"),
        (PASS + BORDER + FAIL, None),
        (BORDER + PASS, None),
        (FAIL.replace(OWN, "mx.else.example") + BORDER, None),
        (FAIL.replace(OWN, "MX.Shop.Example 1") + BORDER, "dmarc-fail"),
        (FAIL.replace(OWN, f"(comment; {OWN}) x.example") + BORDER, None),
        (FAIL.replace("=customer", "=other") + BORDER, None),  # it speaks of another domain
        (PASS.replace("=customer", "=mail.customer") + BORDER, None),
        (f"Authentication-Results: {OWN}; none\n" + BORDER, None),
        (f"Authentication-Results: {OWN}; spf=fail smtp.mailfrom=x@customer.example\n" + BORDER, "spf-fail"),
        (f"Authentication-Results: {OWN}; spf=softfail smtp.mailfrom=x@customer.example\n" + BORDER, None),
        (f"Authentication-Results: {OWN}; spf=fail smtp.mailfrom=x@else.example\n" + BORDER, None),
        (
            f"Authentication-Results: {OWN}; spf=fail smtp.mailfrom=customer.example;\n"
            " dkim=pass header.d=customer.example\n" + BORDER,
            None,
        ),
        (
            f"Authentication-Results: {OWN}; spf=fail smtp.mailfrom=customer.example;\n"
            " dkim=pass header.d=evil.example\n" + BORDER,
            "spf-fail",
        ),
    ],
)
def test_only_our_own_server_above_its_border_is_believed(head: str, expected: str | None) -> None:
    assert doubt(head) == expected


def test_without_a_name_of_our_own_nobody_is_believed() -> None:
    assert doubt(FAIL + BORDER, ()) is None


def test_a_name_that_a_sender_gives_itself_makes_it_no_machine_of_ours() -> None:
    for greeting in ("mx.shop.example", "localhost", "[10.0.0.5]", "x with LMTP"):
        forged = f"Received: from {greeting} (evil.example [198.51.100.7]) by mx.shop.example with ESMTP id 7\n"
        assert doubt(forged + FAIL + BORDER) is None
