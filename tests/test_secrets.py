"""Encryption and signed tokens: what was written is read, what was changed is not, and keys can be rotated."""

import multiprocessing
import re
import stat
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibox.secrets import BadKey, Secrets, random_key, random_token

KEY, OTHER = random_key(), random_key()
VALUES = st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,5}){0,2}", fullmatch=True)


@given(st.text())
def test_what_is_encrypted_is_decrypted(text: str) -> None:
    token = Secrets([KEY]).encrypt(text)
    assert Secrets([KEY]).decrypt(token) == text
    assert token.isascii()
    assert len(text) < 4 or text not in token


def test_the_same_text_never_looks_the_same() -> None:
    secrets = Secrets([KEY])
    assert secrets.encrypt("password") != secrets.encrypt("password")


def test_a_changed_token_is_refused_and_the_error_names_the_cure() -> None:
    token = Secrets([KEY]).encrypt("password")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(BadKey):
            Secrets([KEY]).decrypt(changed)
    for odd in ("", "x", token[:-1], "ü", "\ud800"):
        with pytest.raises(BadKey):
            Secrets([KEY]).decrypt(odd)
    with pytest.raises(BadKey, match=r"secret\.key") as caught:
        Secrets([OTHER]).decrypt(token)
    assert KEY not in str(caught.value)
    assert OTHER not in str(caught.value)


def test_keys_are_rotated_without_losing_anything() -> None:
    old = Secrets([KEY])
    stored, token = old.encrypt("password"), old.sign("reply", "c12")
    both = Secrets([OTHER, KEY])
    assert both.decrypt(stored) == "password"
    assert both.verify("reply", token) == "c12"
    renewed = both.renew(stored)
    new = Secrets([OTHER])
    assert new.decrypt(renewed) == "password"
    assert new.verify("reply", both.sign("reply", "c12")) == "c12"
    assert new.verify("reply", token) is None


@given(VALUES)
def test_a_signed_value_is_readable_and_comes_back(value: str) -> None:
    secrets = Secrets([KEY])
    token = secrets.sign("reply", value)
    assert re.fullmatch(re.escape(value) + r"\.[a-z2-7]{26}", token)
    assert secrets.verify("reply", token) == value
    assert secrets.verify("reply", token.upper()) == value
    assert token == Secrets([KEY]).sign("reply", value)


@given(VALUES, VALUES)
def test_a_token_holds_for_one_purpose_and_one_value(value: str, other: str) -> None:
    secrets = Secrets([KEY])
    token = secrets.sign("reply", value)
    assert secrets.verify("unsubscribe", token) is None
    assert Secrets([OTHER]).verify("reply", token) is None
    mac = token.rpartition(".")[2]
    assert secrets.verify("reply", f"{other}.{mac}") == (value if value == other else None)
    # A purpose and a value cannot be cut apart elsewhere.
    assert secrets.verify("reply" + value, token) is None


def test_a_changed_token_is_nobody_s() -> None:
    secrets = Secrets([KEY])
    token = secrets.sign("reply", "c12")
    for place in range(len(token)):
        for character in "a7.q \0ü\udcff":
            changed = token[:place] + character + token[place + 1 :]
            assert changed == token or secrets.verify("reply", changed) is None
    for odd in ("", ".", "c12", "c12.", token[:-1], token + "a", token + "=", " " + token, token + "\n", "c12." * 999):
        assert secrets.verify("reply", odd) is None


@pytest.mark.parametrize("value", ["", ".", "a.", ".a", "a..b", "A", "a-b", "ü", "a b", "a\n", "c12@x"])
def test_what_does_not_fit_a_local_part_is_not_signed(value: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Secrets([KEY]).sign("reply", value)


def test_random_tokens_are_long_and_differ() -> None:
    tokens = {random_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)


def test_the_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    home = tmp_path / "omnibox-data"
    stored = Secrets.load(home, {}).encrypt("password")
    path = home / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["secret.key"]
    assert Secrets.load(home, {}).decrypt(stored) == "password"
    path.chmod(0o644)
    Secrets.load(home, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def key_made_in(home: Path) -> str:
    return Secrets.load(home, {}).sign("race", "1")


def test_two_processes_at_first_start_end_with_one_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert len(set(pool.map(key_made_in, [tmp_path / "home"] * 8))) == 1


def test_the_variable_goes_before_the_file(tmp_path: Path) -> None:
    Secrets.load(tmp_path, {})
    token = Secrets.load(tmp_path, {"OMNIBOX_SECRET_KEY": f" {KEY} , {OTHER} "}).sign("reply", "c1")
    assert token == Secrets([KEY]).sign("reply", "c1")
    assert Secrets.load(tmp_path, {"OMNIBOX_SECRET_KEY": " "}).verify("reply", token) is None
    assert not list((tmp_path / "other").glob("*"))
    Secrets.load(tmp_path / "other", {"OMNIBOX_SECRET_KEY": KEY})
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "wrong",
    ["", "short", KEY[:-4], KEY + KEY, "ü" * 44, KEY.replace(KEY[3], "!")],
    ids=["empty", "short", "cut", "twice", "not ascii", "not base64"],
)
def test_a_wrong_key_is_named_by_its_place_and_not_shown(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="key 2") as caught:
        Secrets([KEY, wrong])
    assert not wrong or wrong not in str(caught.value)
    assert KEY not in repr(Secrets([KEY]))
    (tmp_path / "secret.key").write_text(",")
    with pytest.raises(BadKey, match="no key"):
        Secrets.load(tmp_path, {})


def test_signing_needs_no_cryptography() -> None:
    code = (
        "import sys; from omnibox.secrets import Secrets, random_key; Secrets([random_key()]).sign('a', 'b'); "
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
