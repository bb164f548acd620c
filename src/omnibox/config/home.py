"""What a configuration leads to: the home folder and who holds it, the keys, the files, a server for several."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from omnibox.blobs import Blobs, Folder
from omnibox.config.reading import PREFIX
from omnibox.config.settings import Config
from omnibox.secrets import KEY_VARIABLE, Secrets

LOCK_NAME = "serve.lock"


class AlreadyServing(Exception):
    """Another process serves the same home folder."""


class NotOurs(Exception):
    """Something in the home folder cannot be written by the user that runs this. `path` and `cure` for other words."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cure = f"chown -R it to the user that runs omnibox: {path}"
        super().__init__(f"{path} cannot be written; {self.cure}")


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


def require_writable(config: Config, *, alone: bool = True) -> None:
    """Raise `NotOurs` for the first thing in the home folder that may not be written.

    SQLite opens such a database all the same, for reading: the hub would start, and refuse everything. `alone` False:
    of several processes on a server, which need the folder of files, if that. A folder that is not there yet, and a
    disk that is read-only as a whole, are for others to tell.
    """
    path = config.database_path
    files = [] if config.s3_place is not None else [config.files_folder]
    logs = [] if path is None else [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    for each in [config.home, *files, *logs] if alone else files:
        if not each.exists() or os.statvfs(each).f_flag & os.ST_RDONLY:
            continue
        if not os.access(each, os.W_OK | (os.X_OK if each.is_dir() else 0)):
            raise NotOurs(each)


def is_served(config: Config) -> bool:
    """Whether a process holds the home folder for serving. Asking holds it for an instant, so ask when it matters."""
    try:
        descriptor = os.open(config.home / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


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
