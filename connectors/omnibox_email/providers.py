"""Where the big providers ask for consent and where their mail servers stand. Pure data, and the settings over it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from omnibox.connector import BadSettings, Consent

SETTING = "grant"
PASSWORD = "password"  # noqa: S105 # the name of a choice
BY_CONSENT = ("google", "microsoft", "other")
LOGINS = (PASSWORD, *BY_CONSENT)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: where consent is asked, and both servers as (host, port, security)."""

    authorize_url: str = ""
    token_url: str = ""
    device_url: str = ""
    scopes: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    imap: tuple[str, int, str] | None = None
    smtp: tuple[str, int, str] | None = None


_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
PROVIDERS: Mapping[str, Provider] = {
    # Google's way for devices does not give the scope of mail (developers.google.com, read November 2026). Without
    # `prompt` a second consent brings no refresh token.
    "google": Provider(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 # an address
        scopes=("https://mail.google.com/",),
        extra=(("access_type", "offline"), ("prompt", "consent")),
        imap=("imap.gmail.com", 993, "tls"),
        smtp=("smtp.gmail.com", 465, "tls"),
    ),
    "microsoft": Provider(
        authorize_url=f"{_MICROSOFT}/authorize",
        token_url=f"{_MICROSOFT}/token",
        device_url=f"{_MICROSOFT}/devicecode",
        scopes=(
            "https://outlook.office.com/IMAP.AccessAsUser.All",
            "https://outlook.office.com/SMTP.Send",
            "offline_access",
        ),
        imap=("outlook.office365.com", 993, "tls"),
        smtp=("smtp.office365.com", 587, "starttls"),
    ),
}


def provider_of(settings: Mapping[str, Any]) -> Provider:
    """What is known of the chosen provider; empty for a password and for one of the admin's own."""
    return PROVIDERS.get(str(settings.get("login") or PASSWORD), Provider())


def consent_of(settings: Mapping[str, Any]) -> Consent | None:
    """What to ask the owner for; None where a password is the way in. Raises `BadSettings` naming what is missing."""
    if str(settings.get("login") or PASSWORD) not in BY_CONSENT:
        return None
    provider = provider_of(settings)
    user = _text(settings, "imap_user")
    for name in ("imap_user", "client_id"):
        if not _text(settings, name):
            raise BadSettings(f"the setting {name} is missing", name)
    scopes = tuple(str(one) for one in settings.get("scopes") or ()) or provider.scopes
    return Consent(
        setting=SETTING,
        authorize_url=_address(settings, "authorize_url", provider.authorize_url),
        token_url=_address(settings, "token_url", provider.token_url),
        device_url=_address(settings, "device_url", provider.device_url, may_lack=True),
        client_id=_text(settings, "client_id"),
        client_secret=str(settings.get("client_secret") or ""),
        scopes=scopes,
        extra={**dict(provider.extra), "login_hint": user},
    )


def _address(settings: Mapping[str, Any], name: str, default: str, *, may_lack: bool = False) -> str:
    tenant = _text(settings, "tenant") or "common"
    if not all(letter.isalnum() or letter in ".-" for letter in tenant):
        raise BadSettings("Give the tenant's domain or id alone, such as contoso.example.", "tenant")
    url = _text(settings, name) or default.replace("{tenant}", tenant)
    if not url and not may_lack:
        raise BadSettings(f"the setting {name} is missing", name)
    if url and not _is_safe(url):
        raise BadSettings("Secrets travel to this address: it must begin with https://.", name)
    return url


def _is_safe(url: str) -> bool:
    """Encrypted, or on this very machine."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return bool(parts.hostname)
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _text(settings: Mapping[str, Any], name: str) -> str:
    return str(settings.get(name) or "").strip()
