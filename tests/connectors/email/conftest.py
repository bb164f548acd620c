"""Servers the email tests talk to: the world's post office, and a real Dovecot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from tests.connectors.email.doubles import ADDRESS, PASSWORD

from omnibox.testing.world.mail import MailHouse

CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """A running Dovecot: ports, its certificate, and a folder per user."""

    def __init__(self, folder: Path, imap: int, imaps: int) -> None:
        self.folder = folder
        self.imap = imap
        self.imaps = imaps

    @property
    def certificate(self) -> str:
        return (self.folder / "cert.pem").read_text()

    def put(self, user: str, raw: bytes, name: str, folder: str = "") -> None:
        """Drop a mail into a maildir, as a delivery agent does."""
        maildir = self.folder / "mail" / user / (f".{folder}" if folder else "")
        for part in ("", "tmp", "new", "cur"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        temporary = maildir / "tmp" / name
        temporary.write_bytes(raw)
        temporary.rename(maildir / "new" / name)
        subprocess.run(["chown", "-R", "dovecot:", str(self.folder / "mail" / user)], check=True)

    def rebuild(self, user: str) -> None:
        """Forget all UIDs, as a restored mailbox does; afterwards the numbers belong to another UIDVALIDITY.

        Dovecot would take the time in seconds for it, which is the old one where a test is quick, and a session that is
        still closing would write the old one back.
        """
        self._end_sessions(user)
        inbox = self.folder / "mail" / user
        validity = int(re.findall(rb"V(\d+)", (inbox / "dovecot-uidlist").read_bytes().splitlines()[0])[0])
        for path in inbox.glob("dovecot*"):
            path.unlink()
        (inbox / "dovecot-uidlist").write_text(f"3 V{validity + 1} N1\n")
        shutil.chown(inbox / "dovecot-uidlist", "dovecot", "dovecot")

    def _end_sessions(self, user: str) -> None:
        deadline = time.monotonic() + 20
        while user in self._admin("who", "-1", user):
            self._admin("kick", user)
            assert time.monotonic() < deadline, f"a session of {user} does not end"
            time.sleep(0.02)

    def _admin(self, *words: str) -> str:
        """What `doveadm` prints; it fails where it finds nobody."""
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *words]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with _dovecot(CONFIGURATION) as server:
        yield server


@contextlib.asynccontextmanager
async def dovecot_by_token(identity: str) -> AsyncIterator[Dovecot]:
    """A Dovecot that asks the identity server at `identity` whose a token is."""
    static = "passdb {{\n  driver = static\n  args = password={password}\n}}"
    by_token = "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {folder}/oauth2.conf\n}}"
    text = CONFIGURATION.replace(static, by_token).replace("plain login", "xoauth2 oauthbearer")
    words = f"tokeninfo_url = {identity}/whose?access_token=\nusername_attribute = email\n"
    manager = _dovecot(text, {"oauth2.conf": words})
    server = await asyncio.to_thread(manager.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@contextlib.contextmanager
def _dovecot(configuration: str, files: Mapping[str, str] | None = None) -> Iterator[Dovecot]:
    if shutil.which("dovecot") is None or os.geteuid() != 0:
        pytest.skip("dovecot is not installed, or the tests do not run as root: see scripts/install-servers")
    folder = Path(tempfile.mkdtemp(prefix="omnibox-dovecot-"))
    folder.chmod(0o755)
    server = Dovecot(folder, free_port(), free_port())
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    openssl += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    openssl += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(openssl, check=True, capture_output=True)
    (folder / "run").mkdir()
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "dovecot", "dovecot")
    for name, words in (files or {}).items():
        (folder / name).write_text(words)
    text = configuration.format(folder=folder, password=PASSWORD, imap=server.imap, imaps=server.imaps)
    (folder / "dovecot.conf").write_text(text)
    # In the foreground, as our child: a daemon would outlive a killed test run.
    process = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")], stdin=subprocess.DEVNULL)
    try:
        _wait_for(server.imap)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    """Until somebody answers on `port`, at most ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@pytest_asyncio.fixture
async def house() -> AsyncIterator[MailHouse]:
    """The world's post office with our account."""
    house = MailHouse()
    await house.start()
    house.add_account(ADDRESS, PASSWORD)
    try:
        async with asyncio.timeout(60):
            yield house
    finally:
        await house.stop()
