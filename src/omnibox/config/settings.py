"""Every setting: what it is for, its default, what it may be, and what follows from it."""

from __future__ import annotations

import ipaddress
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from omnibox.blobs.place import Place
from omnibox.outbound import Guard
from omnibox.secrets import KEY_FILE, BadKey, Secrets

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}(/[A-Za-z0-9._-]+)*")
DEFAULT_HOME = "./omnibox-data"


def _split(text: str) -> list[str]:
    return [entry for part in text.split(",") if (entry := part.strip())]


def _read_list(value: object) -> object:
    """A list may be written as one text with commas, which is all that the environment can."""
    return _split(value) if isinstance(value, str) else value


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("write a whole number")
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_read_list)]
Number = Annotated[int, BeforeValidator(_no_flag)]


class Config(BaseModel):
    """Every setting of the operator, checked. Made by `load`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    home: Path = Field(
        default=Path(DEFAULT_HOME),
        description="The folder that holds everything: database, files, key, omnibox.toml. Not a key of the file, "
        "which lies inside it.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on. Behind a proxy on the same machine the default is right; in a "
        "container it is 0.0.0.0.",
    )
    port: Number = Field(
        default=8080, ge=0, le=65535, description="The port to listen on; 0 lets the system choose a free one."
    )
    public_url: str = Field(
        default="",
        description="How browsers and platforms reach omnibox, for example https://chat.example.com. Links, hook "
        "addresses and snippets begin with it. Empty: http:// with host and port.",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="Where the data is: postgresql://name:password@server/database, or sqlite:////folder/file. "
        "Empty: the file omnibox.db in the home folder.",
    )
    redis_url: SecretStr = Field(
        default=SecretStr(""),
        description="The doorbell between several processes: redis://:password@server:6379/0, or rediss:// for TLS. "
        "Empty: each process looks into the database every two seconds. One process alone needs none.",
    )
    lease_s: Number = Field(
        default=60,
        ge=3,
        le=600,
        description="Several processes: how many seconds after the last sign of life of a process another one takes "
        "over the mailboxes it read, the replies it was sending and the jobs it did.",
    )
    s3_bucket: str = Field(
        default="",
        description="Attachments lie in this bucket of an S3-compatible store, in place of the folder files: bucket, "
        "or bucket/prefix. Several machines need it, or a shared folder.",
    )
    s3_endpoint: str = Field(
        default="",
        description="The store's address, for example https://s3.lan:9000. Empty: Amazon's, in s3_region.",
    )
    s3_region: str = Field(default="us-east-1", min_length=1, description="The region that requests are signed for.")
    s3_key_id: str = Field(
        default="",
        description="The id of the access key. Empty: what the machine gives (AWS_ variables, its role).",
    )
    s3_secret: SecretStr = Field(default=SecretStr(""), description="The secret that belongs to s3_key_id.")
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Encrypts the settings of channels and signs addresses: 32 random bytes in URL-safe base64. "
        "Several between commas are a rotation: the first writes, all read. Empty: the file secret.key in the home "
        "folder, made at the first start.",
    )
    outbound_allow: Names = Field(
        default=(),
        description="Private targets that channels may connect to: networks (10.0.0.0/8), hosts (mail.lan), or either "
        "with a port (mail.lan:993). Everything public is allowed, everything private is not.",
    )
    trusted_proxies: Names = Field(
        default=(),
        description="Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    max_file_bytes: Number = Field(
        default=25_000_000, ge=1_000, le=1_000_000_000, description="The largest file an agent or visitor may attach."
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""),
        description="Who sends this as a bearer token may read /metrics. Empty: only programs of this machine that ask "
        "directly, not through a proxy.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least urgent lines that are written: debug, info, warning or error."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="json: one object per line; console: for people; auto: console on a terminal, else json.",
    )

    @field_validator("home")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if not value:
            return ""
        wish = "write a scheme, a host and perhaps a port, such as https://chat.example.com"
        try:
            parts = urlsplit(value)
            is_right = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            raise ValueError(wish) from None
        if not is_right or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(wish)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not text:
            return value
        scheme = text.partition("://")[0]
        if scheme in ("sqlite", "sqlite+aiosqlite"):
            return value
        if scheme not in ("postgresql", "postgres", "postgresql+asyncpg") or not urlsplit(text).hostname:
            raise ValueError("write postgresql://name:password@server/database or sqlite:////folder/file")
        if find_spec("asyncpg") is None:
            raise ValueError("PostgreSQL needs one more package: pip install 'omnibox[postgres]'")
        return SecretStr("postgresql+asyncpg" + text[len(scheme) :])

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr) -> SecretStr:
        if text := value.get_secret_value():
            wish = "write redis://:password@server:6379/0, or rediss:// for TLS"
            try:
                parts = urlsplit(text)
                is_right = parts.scheme in ("redis", "rediss") and parts.hostname and (parts.port or 1)
            except ValueError:
                raise ValueError(wish) from None
            if not is_right or not re.fullmatch(r"/?\d*", parts.path):
                raise ValueError(wish)
            if find_spec("redis") is None:
                raise ValueError("Redis needs one more package: pip install 'omnibox[redis]'")
        return value

    @field_validator("s3_bucket")
    @classmethod
    def _is_bucket(cls, value: str) -> str:
        if value and not BUCKET.fullmatch(value):
            raise ValueError("write the bucket's name, perhaps with a prefix: omnibox-files or backups/omnibox")
        if value and find_spec("obstore") is None:
            raise ValueError("S3 needs one more package: pip install 'omnibox[s3]'")
        return value

    @field_validator("s3_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
            raise ValueError("write a scheme, a host and perhaps a port, such as https://s3.lan:9000")
        return value.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        try:
            if text := value.get_secret_value():
                Secrets(_split(text))
        except BadKey as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("outbound_allow")
    @classmethod
    def _are_targets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Guard(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            try:
                ipaddress.ip_network(entry)
            except ValueError:
                raise ValueError(f"{entry!r} is no address or network; write 10.0.0.7 or 10.0.0.0/8") from None
        return value

    # ── What follows from the settings

    @property
    def database_path(self) -> Path | None:
        """The SQLite file, or None on a server."""
        url = self.database_url.get_secret_value()
        if not url:
            return self.home / "omnibox.db"
        if not url.startswith("sqlite"):
            return None
        return self.home / url.partition("://")[2].partition("?")[0].removeprefix("/")

    @property
    def store_url(self) -> str:
        """What `Store` takes. May hold a password."""
        path = self.database_path
        return self.database_url.get_secret_value() if path is None else f"sqlite:///{path}"

    @property
    def files_folder(self) -> Path:
        return self.home / "files"

    @property
    def s3_place(self) -> Place | None:
        """The bucket of the files, or None where they lie in the folder."""
        if not self.s3_bucket:
            return None
        bucket, _, prefix = self.s3_bucket.partition("/")
        secret = self.s3_secret.get_secret_value()
        return Place(bucket, prefix, self.s3_endpoint, self.s3_region, self.s3_key_id, secret)

    @property
    def key_file(self) -> Path:
        return self.home / KEY_FILE

    @property
    def base_url(self) -> str:
        """Scheme, host and port as the outside writes them, without a slash at the end."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
