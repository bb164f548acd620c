"""What a configuration leads to: the home folder and who holds it, the keys, the files, a server for several."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from omnibox.blobs import Blobs, Folder
from omnibox.config.reading import PREFIX
from omnibox.config.settings import Config
from omnibox.secrets import KEY_VARIABLE, Secrets

LOCK_NAME = "serve.lock"


class AlreadyServing(Exception):
    """Another process serves the same home folder."""


class NeedsServer(Exception):
    """Several processes were asked for on a database that is a file."""


def require_server(config: Config) -> None:
    """Raise `NeedsServer` unless several processes can share the database."""
    if config.database_path is not None:
        raise NeedsServer(
            "`omnibox web` and `omnibox worker` share a PostgreSQL server: set database_url (OMNIBOX_DATABASE_URL) to "
            "postgresql://…, or run `omnibox serve`, which is all of it in one process"
        )


def open_secrets(config: Config) -> Secrets:
    """The keys of this installation; `secret.key` is made where neither it nor a key in the configuration exists."""
    return Secrets.load(config.home, {KEY_VARIABLE: config.secret_key.get_secret_value()})


def open_blobs(config: Config) -> Blobs:
    """Where the files of this installation are."""
    if (place := config.s3_place) is None:
        return Folder(config.files_folder)
    from omnibox.blobs.bucket import Bucket

    return Bucket(place)


def prepare_home(config: Config) -> None:
    """The home folder and its `files`, readable by their owner alone; existing ones stay as they are."""
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.files_folder.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def hold_home(config: Config) -> Iterator[None]:
    """Hold the home folder for serving; raises `AlreadyServing`. The system lets go when the process ends, however."""
    descriptor = os.open(config.home / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise AlreadyServing(
                f"{who} already serves {config.home}; stop it first, or name another folder by {PREFIX}HOME"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
