"""Routes for an owner's consent: lead there, take the answer back, or ask by a code for devices."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from omnibox import consents
from omnibox.connector import BadSettings, SendError
from omnibox.consents import NoConsent
from omnibox.errors import explain
from omnibox.inbox.views import moment
from omnibox.team import policy
from omnibox.web import auth, models, peer
from omnibox.web.api import ApiError, Ask, conflict, door, invalid, not_found, route

PAGE = "/inbox/settings/channels"
MOST_WORD = 4_000
_WORDS = {
    "unfinished": ("Consent cannot be asked for yet.", "Fill in and save what the form still asks for."),
    "unknown": ("There is no such question any more.", "Ask for consent again."),
    "declined": ("Consent was not given.", "Ask again and let the account's owner agree."),
    "not_lasting": (
        "The provider gave no lasting consent.",
        "Let the application at the provider use refresh tokens (offline access), then ask again.",
    ),
}


@route("POST", "/api/connections/{id}/consent", may="settings")
async def ask_for_consent(ask: Ask, id: int) -> models.ConsentPage:
    """The provider's page to send the browser to. It comes back to this very session within 15 minutes."""
    redirect_url = peer.base_url(ask.request) + consents.RETURN_PATH
    try:
        url = await consents.begin(ask.hub.connections, id, ask.session.token_hash, redirect_url)
    except (LookupError, BadSettings, NoConsent, SendError) as error:
        raise _refused(error) from None
    return models.ConsentPage(url=url)


@route("POST", "/api/connections/{id}/consent/device", may="settings")
async def ask_by_code(ask: Ask, id: int) -> models.DeviceCode:
    """A code for the account's owner to type at the provider, on any device."""
    try:
        found = await consents.begin_device(ask.hub.connections, id, ask.session.token_hash)
    except (LookupError, BadSettings, NoConsent, SendError) as error:
        raise _refused(error) from None
    ends = moment(found.expires_at) or ""
    return models.DeviceCode(user_code=found.user_code, url=found.url, expires_at=ends, interval_s=found.interval_s)


@route("POST", "/api/connections/{id}/consent/device/answer", may="settings")
async def read_answer(ask: Ask, id: int) -> models.DeviceAnswer:
    """Whether the owner has agreed by now. Asking more often than the interval asks nobody."""
    try:
        is_given = await consents.ask_device(ask.hub.connections, id, ask.session.token_hash)
    except (LookupError, BadSettings, NoConsent, SendError) as error:
        raise _refused(error) from None
    return models.DeviceAnswer(is_given=is_given)


@door("GET", consents.RETURN_PATH, may="public")
async def come_back(ask: Ask) -> web.Response:
    """Where the provider sends the browser back to, whatever the channel. Ends on the connection's page."""
    query = ask.request.query
    state = query.get("state", "")
    try:
        signed_in = await auth.require(ask.request, ask.hub)
        policy.may(signed_in.agent, "settings")
    except (ApiError, policy.Forbidden):
        return _lead(PAGE, "signed_out")
    try:
        if not 0 < len(state) <= MOST_WORD:
            raise NoConsent("unknown")
        connection_id = await consents.finish(
            ask.hub.connections, state, query.get("code", ""), signed_in.session.token_hash, query.get("error", "")
        )
    except NoConsent as error:
        return _lead(PAGE if error.connection_id is None else f"{PAGE}/{error.connection_id}", error.code)
    return _lead(f"{PAGE}/{connection_id}", "given")


def _lead(page: str, outcome: str) -> web.Response:
    """To a page of ours. The address with the code in it goes to nobody: not by a referrer, not from a cache."""
    headers = {"Location": f"{page}?{urlencode({'consent': outcome})}"}
    return web.Response(status=302, headers={**headers, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


def _refused(error: Exception) -> ApiError:
    if isinstance(error, LookupError):
        return not_found("This connection")
    if isinstance(error, BadSettings):
        return invalid(f"settings.{error.field}" if error.field else "settings", f"{error}.")
    if isinstance(error, SendError):
        return ApiError(502, error.code, *explain(error.code))
    assert isinstance(error, NoConsent)
    if error.code in _WORDS:
        return conflict(*_WORDS[error.code])
    return ApiError(502, error.code, *explain(error.code))
