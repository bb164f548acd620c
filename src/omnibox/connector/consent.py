"""Letting omnibox into an account by its owner's consent (OAuth 2.0): what a connector declares, and the token's life.

RFC 6749 (codes and refreshing), 7636 (PKCE), 8628 (devices). A connector says by `Consents` where consent is asked;
the core leads the person there and keeps what comes back, encrypted, in one secret setting; `Tokens` renews it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode

from omnibox.connector.errors import BadSettings, ChannelDown, Rejected, SendError, Temporary, Uncertain
from omnibox.connector.protocols import Answer, Context, Http

NEEDED = "consent_needed"
REFUSED = "consent_client_refused"
UNAVAILABLE = "consent_unavailable"
RENEW_BEFORE_S = 300.0
STAGGER_S = 120.0  # several processes share one grant: they must not renew it in the same second
AGAIN_AFTER_S = 300.0  # between two renewals that a refusal asked for
UNKNOWN_LIFE_S = 3600
LONGEST_TOKEN = 16_000
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

# RFC 6749 5.2 and what the big providers add: the owner has to act, or whoever registered omnibox there.
_OWNER_MUST_ACT = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
_CLIENT_IS_WRONG = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "invalid_request"}
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Where an account's owner is asked, who asks, and for what. `setting` is the `consent` field that keeps the grant.

    `extra` are further parameters of the page, such as a hint which account is meant. Without `device_url` there is
    no way for devices. `renews` False: there is no refresh token, the grant serves as long as it serves. `cures` are
    the codes of troubles that end with a new consent.
    """

    setting: str
    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    device_url: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    has_pkce: bool = True
    renews: bool = True
    cures: frozenset[str] = frozenset({NEEDED})

    @property
    def fingerprint(self) -> str:
        """Tells grants apart: one that was given to another client, or elsewhere, is never sent to this place."""
        words = json.dumps([self.token_url, self.client_id, sorted(self.extra.items())])
        return hashlib.sha256(words.encode()).hexdigest()


@runtime_checkable
class Consents(Protocol):
    """The connector reaches an account by its owner's consent."""

    @classmethod
    def consent(cls, settings: Mapping[str, Any]) -> Consent | None:
        """What to ask for, by the settings so far; None where they choose another way in. Pure.

        Raises `BadSettings` naming the field that is missing for it.
        """


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner's consent gave; `owner` is the platform's id of who consented, where it tells."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    owner: str = ""

    def as_text(self, consent: Consent) -> str:
        """For the secret setting."""
        facts = {"access": self.access_token, "refresh": self.refresh_token, "expires": self.expires_at.isoformat()}
        by = {"by": self.owner} if self.owner else {}
        return json.dumps({**facts, **by, "for": consent.fingerprint})


def read_grant(text: object, consent: Consent) -> Grant | None:
    """The grant that `as_text` wrote for the same consent; None where there is none."""
    try:
        facts = json.loads(str(text or ""))
        if facts["for"] != consent.fingerprint:
            return None
        expires_at = datetime.fromisoformat(facts["expires"])
        return Grant(str(facts["access"]), str(facts["refresh"]), expires_at, str(facts.get("by", "")))
    except (ValueError, TypeError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types where: `user_code` at `url`, before `expires_at`. We ask every `interval_s` seconds."""

    code: str = field(repr=False)
    user_code: str
    url: str
    expires_at: datetime
    interval_s: float


class Waiting(Exception):
    """The person has not answered yet; `slower`: ask less often."""

    def __init__(self, *, slower: bool = False) -> None:
        super().__init__("waiting")
        self.slower = slower


class Declined(Exception):
    """The person said no, or the code ran out; `code` is the standard's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# ── Asking


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def page_url(consent: Consent, redirect_url: str, state: str, verifier: str) -> str:
    """The page on which the owner is asked."""
    words = {
        **consent.extra,
        "response_type": "code",
        "client_id": consent.client_id,
        "redirect_uri": redirect_url,
        "scope": " ".join(consent.scopes),
        "state": state,
    }
    if consent.has_pkce:
        words |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return f"{consent.authorize_url}{'&' if '?' in consent.authorize_url else '?'}{urlencode(words)}"


async def redeem(http: Http, consent: Consent, code: str, verifier: str, redirect_url: str) -> Grant:
    """The grant for a code that came back. Raises a `SendError`."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_url,
        "code_verifier": verifier,
    }
    return _granted(await _ask(http, consent, form), None)


async def renew(http: Http, consent: Consent, grant: Grant) -> Grant:
    """A new access token; the refresh token may be another one from now on, and then the old one is void.

    Raises `ChannelDown` with `NEEDED` where the owner has to consent again, else `Temporary`.
    """
    form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    return _granted(await _ask(http, consent, form), grant)


async def ask_device(http: Http, consent: Consent) -> DeviceCode:
    """A code for the person to type. Raises a `SendError`."""
    form = {"client_id": consent.client_id, "scope": " ".join(consent.scopes)}
    answer = await _post(http, consent.device_url, form)
    url = str(answer.get("verification_uri") or answer.get("verification_url") or "")
    if not (isinstance(answer.get("device_code"), str) and isinstance(answer.get("user_code"), str)):
        raise Temporary(UNAVAILABLE)
    if not url.startswith(("https://", "http://")):
        raise Temporary(UNAVAILABLE)
    ends = datetime.now(UTC) + timedelta(seconds=_seconds(answer.get("expires_in"), 900))
    interval = _seconds(answer.get("interval"), 5)
    return DeviceCode(answer["device_code"], answer["user_code"][:64], url[:500], ends, interval)


async def redeem_device(http: Http, consent: Consent, code: str) -> Grant:
    """The grant where the person has consented by now. Raises `Waiting`, `Declined` or a `SendError`."""
    return _granted(await _ask(http, consent, {"grant_type": DEVICE_GRANT, "device_code": code}), None)


async def _ask(http: Http, consent: Consent, form: Mapping[str, str]) -> Mapping[str, Any]:
    who = {"client_id": consent.client_id}
    if consent.client_secret:
        who["client_secret"] = consent.client_secret
    return await _post(http, consent.token_url, {**form, **who})


async def _post(http: Http, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """The answer's members. What left without an answer is `Temporary` too: asking again is all there is."""
    said: list[str] = []

    def refusal(answer: Answer) -> SendError | None:
        code = answer.json.get("error") if isinstance(answer.json, Mapping) else None
        if 200 <= answer.status < 300 and not isinstance(code, str):
            return None
        said.append(code if isinstance(code, str) else "")
        return _error(code, answer.status)

    try:
        answer = await http.post(url, form=form, headers={"Accept": "application/json"}, refusal=refusal)
    except (Rejected, Uncertain, ChannelDown, Temporary) as error:
        if said and said[0] in ("authorization_pending", "slow_down"):
            raise Waiting(slower=said[0] == "slow_down") from None
        if said and said[0] in ("access_denied", "authorization_declined", "expired_token", "bad_verification_code"):
            raise Declined("expired_token" if said[0] == "bad_verification_code" else said[0]) from None
        if isinstance(error, (Rejected, Uncertain)) or not said:
            raise Temporary(UNAVAILABLE, getattr(error, "retry_after", 0.0)) from None
        raise
    except BadSettings:
        raise ChannelDown(REFUSED, resumes=False) from None
    if not isinstance(answer, Mapping):
        raise Temporary(UNAVAILABLE)
    return answer


def _error(code: object, status: int) -> SendError:
    """Only the standard's own words mean that a person has to act; everything else may pass."""
    if status == 429 or status >= 500:
        return Temporary(UNAVAILABLE)
    if code in _OWNER_MUST_ACT:
        return ChannelDown(NEEDED, resumes=False)
    if code in _CLIENT_IS_WRONG:
        return ChannelDown(REFUSED, resumes=False)
    return Temporary(UNAVAILABLE)


def _granted(answer: Mapping[str, Any], before: Grant | None) -> Grant:
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not 0 < len(access) <= LONGEST_TOKEN:
        raise Temporary(UNAVAILABLE)
    if not isinstance(refresh, str) or not refresh:
        refresh = before.refresh_token if before else ""
    life = _seconds(answer.get("expires_in"), UNKNOWN_LIFE_S)
    return Grant(access, refresh, datetime.now(UTC) + timedelta(seconds=life))


def _seconds(value: object, default: float) -> float:
    try:
        return min(max(float(str(value)), 1.0), 31_536_000.0)
    except ValueError:
        return default


# ── Keeping


class Tokens:
    """The access token of one connection: renewed ahead of its end, kept as soon as it is new."""

    def __init__(self, context: Context, consent: Consent) -> None:
        self._context = context
        self._consent = consent
        self._grant = read_grant(context.settings.get(consent.setting), consent)
        self._is_kept = True
        self._renewing: asyncio.Task[str] | None = None
        self._asked_at = -AGAIN_AFTER_S
        self._lock = asyncio.Lock()
        self._margin = timedelta(seconds=RENEW_BEFORE_S + random.uniform(0, STAGGER_S))  # noqa: S311 # not for secrets

    async def current(self) -> str:
        """A token that holds for some minutes. Raises `ChannelDown` with `NEEDED`, or `Temporary`."""
        async with self._lock:
            await self._keep()
            if self._grant is None:
                raise ChannelDown(NEEDED, resumes=False)
            if datetime.now(UTC) < self._grant.expires_at - self._margin:
                return self._grant.access_token
            try:
                return await self._renewed(self._grant)
            except Temporary:
                if datetime.now(UTC) < self._grant.expires_at:
                    return self._grant.access_token  # it still holds; there is time to ask again
                raise

    async def after_refusal(self, refused: str) -> str | None:
        """A token other than `refused`, which the other side did not take; None where that one is quite new.

        Raises as `current`. Providers lock out who renews at every refusal.
        """
        async with self._lock:
            if self._grant is None:
                raise ChannelDown(NEEDED, resumes=False)
            if self._grant.access_token != refused:
                return self._grant.access_token  # another line has renewed it meanwhile
            now = asyncio.get_running_loop().time()
            if now < self._asked_at + AGAIN_AFTER_S:
                return None
            self._asked_at = now
            return await self._renewed(self._grant)

    async def close(self) -> None:
        """Let a renewal come to its end: the refresh token that it brings may be the only one that is good."""
        if self._renewing is not None:
            await asyncio.wait([self._renewing])

    async def _renewed(self, grant: Grant) -> str:
        """As `_renew`; who stops waiting does not stop it."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.ensure_future(self._renew(grant))
        return await asyncio.shield(self._renewing)

    async def _renew(self, grant: Grant) -> str:
        if other := await self._renewed_elsewhere(grant):
            return other
        if not grant.refresh_token:
            raise ChannelDown(NEEDED, resumes=False)
        try:
            self._grant = await renew(self._context.http, self._consent, grant)
        except ChannelDown:
            # Another process may have renewed it between our look and our request, which made ours void.
            if other := await self._renewed_elsewhere(grant):
                return other
            raise
        self._is_kept = False
        await self._keep()
        return self._grant.access_token

    async def _renewed_elsewhere(self, grant: Grant) -> str | None:
        stored = read_grant(await self._context.stored_setting(self._consent.setting), self._consent)
        if stored is None or stored.access_token == grant.access_token or stored.expires_at <= grant.expires_at:
            return None
        self._grant = stored
        return stored.access_token

    async def _keep(self) -> None:
        """Store a new grant before it is used: the old refresh token may be void already."""
        if not self._is_kept and self._grant is not None:
            await self._context.save_secret(self._consent.setting, self._grant.as_text(self._consent))
            self._is_kept = True
