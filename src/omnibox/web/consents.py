"""Routes for an owner's consent: lead there, take the answer back, or ask by a code for devices."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from omnibox import consents, upkeep
from omnibox.connector import BadSettings, Choice, SendError
from omnibox.consents import NoConsent
from omnibox.errors import explain
from omnibox.inbox import channels
from omnibox.inbox.views import moment
from omnibox.masking import mask
from omnibox.team import policy
from omnibox.web import auth, models, peer
from omnibox.web.api import ApiError, Ask, Wire, at_setting, conflict, door, invalid, not_found, route

PAGE = "/inbox/settings/channels"
MOST_WORD = 4_000
MOST_CHOSEN = 1_000
_WORDS = {
    "unfinished": ("Consent cannot be asked for yet.", "Fill in and save what the form still asks for."),
    "unknown": ("There is no such question any more.", "Ask for consent again."),
    "declined": ("Consent was not given.", "Ask again and let the account's owner agree."),
    "not_lasting": (
        "The provider gave no lasting consent.",
        "Let the application at the provider use refresh tokens (offline access), then ask again.",
    ),
}


class ChosenBody(Wire):
    addresses: list[str] = Field(max_length=MOST_CHOSEN)


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
    return _lead(f"{PAGE}/{connection_id}", await _renew_channels(ask, connection_id))


async def _renew_channels(ask: Ask, connection_id: int) -> str:
    """Give the channels that are there their new credentials, where consent opens several addresses."""
    connections = ask.hub.connections
    try:
        found = await consents.opened(connections, connection_id)
    except NoConsent:
        await upkeep.tend_now(connections, connection_id)
        return "given"
    except (LookupError, BadSettings, SendError):
        return "given"  # the page asks again, and says what is wrong
    await consents.take_up(connections, connection_id, found, ())
    await upkeep.tend_now(connections, connection_id)
    return "choose"


@route("GET", "/api/connections/{id}/consent/choices", may="settings")
async def list_choices(ask: Ask, id: int) -> list[models.ConsentChoice]:
    """The addresses that the owner's consent opens, asked of the provider now; no credentials."""
    found = await _opened(ask, id)
    own = await ask.hub.store.read(lambda tx: {row.address for row in channels.all_channels(tx, id)})
    return [
        models.ConsentChoice(
            address=each.address, name=str(mask(each.name)), problem=each.problem, is_taken=each.address in own
        )
        for each in found
    ]


@route("POST", "/api/connections/{id}/consent/choices", may="settings")
async def take_choices(ask: Ask, id: int, body: ChosenBody) -> models.ConsentTaken:
    """Make channels of some of them. Those that are channels already get their new credentials."""
    found = await _opened(ask, id)
    unknown = set(body.addresses) - {each.address for each in found if not each.problem}
    if unknown:
        raise invalid("addresses", "One of these cannot be had with this consent.")
    count = await consents.take_up(ask.hub.connections, id, found, set(body.addresses))
    await upkeep.tend_now(ask.hub.connections, id)
    return models.ConsentTaken(channels=count)


async def _opened(ask: Ask, connection_id: int) -> list[Choice]:
    try:
        return await consents.opened(ask.hub.connections, connection_id)
    except (LookupError, BadSettings, NoConsent, SendError) as error:
        raise _refused(error) from None


def _lead(page: str, outcome: str) -> web.Response:
    """To a page of ours. The address with the code in it goes to nobody: not by a referrer, not from a cache."""
    headers = {"Location": f"{page}?{urlencode({'consent': outcome})}"}
    return web.Response(status=302, headers={**headers, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


def _refused(error: Exception) -> ApiError:
    if isinstance(error, LookupError):
        return not_found("This connection")
    if isinstance(error, BadSettings):
        return at_setting(error)
    if isinstance(error, SendError):
        return ApiError(502, error.code, *explain(error.code))
    assert isinstance(error, NoConsent)
    if error.code in _WORDS:
        return conflict(*_WORDS[error.code])
    return ApiError(502, error.code, *explain(error.code))
