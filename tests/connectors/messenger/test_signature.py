"""Whose webhook calls are believed."""

import hashlib
import hmac

import pytest

from omnibox.connector import Forged, Request
from omnibox.testing.context import KitContext
from omnibox_messenger import Messenger

SECRET = "5f1d0c7be28943a6b1c4d9e07a8b3c2d"
BODY = b'{"object":"page","entry":[],"n":"\\u00e9"}'


def digest(body: bytes = BODY, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


@pytest.fixture
def messenger() -> Messenger:
    return Messenger(KitContext({"app_secret": SECRET, "verify_token": "right-token"}))


def test_a_genuine_call_passes(messenger: Messenger) -> None:
    messenger.verify(Request({"x-hub-signature-256": f"sha256={digest()}"}, BODY))


def test_a_genuine_call_with_a_wrong_sha1_header_passes(messenger: Messenger) -> None:
    headers = {"x-hub-signature-256": f"sha256={digest()}", "x-hub-signature": "sha1=00"}
    messenger.verify(Request(headers, BODY))


FORGED = {
    "no header": {},
    "empty": {"x-hub-signature-256": ""},
    "scheme alone": {"x-hub-signature-256": "sha256="},
    "no scheme": {"x-hub-signature-256": digest()},
    "only the old header": {"x-hub-signature": "sha1=" + digest(algorithm="sha1")},
    "the old header beside a wrong one": {
        "x-hub-signature": "sha1=" + digest(algorithm="sha1"),
        "x-hub-signature-256": "sha256=" + "0" * 64,
    },
    "sha1 in the new header": {"x-hub-signature-256": "sha1=" + digest(algorithm="sha1")},
    "the header chooses sha1": {"x-hub-signature-256": "sha256=" + digest(algorithm="sha1")},
    "the header chooses md5": {"x-hub-signature-256": "md5=" + digest(algorithm="md5")},
    "sha512": {"x-hub-signature-256": "sha512=" + digest(algorithm="sha512")},
    "upper-case digits": {"x-hub-signature-256": "sha256=" + digest().upper()},
    "upper-case scheme": {"x-hub-signature-256": "SHA256=" + digest()},
    "one digit short": {"x-hub-signature-256": "sha256=" + digest()[:-1]},
    "one digit more": {"x-hub-signature-256": "sha256=" + digest() + "0"},
    "blank before": {"x-hub-signature-256": " sha256=" + digest()},
    "line feed after": {"x-hub-signature-256": "sha256=" + digest() + "\n"},
    "two of them": {"x-hub-signature-256": f"sha256={digest()}, sha256={digest()}"},
    "another app's secret": {"x-hub-signature-256": "sha256=" + digest(secret=SECRET[::-1])},
    "an empty secret": {"x-hub-signature-256": "sha256=" + digest(secret="")},
    "plain hash of the body": {"x-hub-signature-256": "sha256=" + hashlib.sha256(BODY).hexdigest()},
    "the body encoded again": {"x-hub-signature-256": "sha256=" + digest(BODY.replace(b"\\u00e9", "é".encode()))},
    "not ASCII": {"x-hub-signature-256": "sha256=" + "é" * 64},
    "half a character": {"x-hub-signature-256": "sha256=\udcff" + digest()[1:]},
    "full-width digits": {"x-hub-signature-256": "sha256=" + "\uff10" * 64},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_forged_call_is_refused_without_a_word(messenger: Messenger, headers: dict[str, str]) -> None:
    with pytest.raises(Forged) as caught:
        messenger.verify(Request(headers, BODY))
    assert digest()[:16] not in str(caught.value)


def ask(messenger: Messenger, **changed: str | None) -> str:
    query = {"hub.mode": "subscribe", "hub.verify_token": "right-token", "hub.challenge": "1158201444"}
    query |= {f"hub.{name}": value for name, value in changed.items() if value is not None}
    return messenger.challenge(Request({}, b"", {k: v for k, v in query.items() if changed.get(k[4:], "") is not None}))


def test_the_handshake_gives_the_digits_back(messenger: Messenger) -> None:
    assert ask(messenger) == "1158201444"


@pytest.mark.parametrize(
    "changed",
    [
        {"verify_token": "wrong"},
        {"verify_token": ""},
        {"verify_token": None},
        {"verify_token": "right-token "},
        {"verify_token": "\udcff"},
        {"mode": "unsubscribe"},
        {"mode": None},
        {"challenge": "<script>alert(1)</script>"},
        {"challenge": "12 34"},
        {"challenge": "12\n"},
        {"challenge": "\u0661\u0662"},
        {"challenge": ""},
        {"challenge": None},
        {"challenge": "1" * 65},
    ],
    ids=str,
)
def test_a_wrong_handshake_is_refused(messenger: Messenger, changed: dict[str, str | None]) -> None:
    with pytest.raises(Forged):
        ask(messenger, **changed)
