"""Facebook Login: where a person is asked, what their code is worth, and which pages that opens.

Meta's own form of OAuth (its page on the manual flow): no refresh token, errors in the form of the Graph API; a
short-lived token is exchanged for one of about 60 days, and the page tokens that one gives do not end by time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from omnibox.connector import (
    Answer,
    BadSettings,
    ChannelDown,
    Choice,
    Consent,
    Grant,
    Http,
    Rejected,
    SendError,
    Temporary,
    Uncertain,
)
from omnibox_messenger.decoding import elements, identifier, integer, member, number, text
from omnibox_messenger.setup.app import App, read_app

SETTING = "login"
NEEDED, REFUSED, UNAVAILABLE = "consent_needed", "consent_client_refused", "consent_unavailable"  # the core's words
SCOPES = ("pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement", "business_management")
NEEDED_SCOPES = ("pages_messaging", "pages_manage_metadata")
CURES = frozenset({NEEDED, "consent_withdrawn", "messenger.token_dead", "messenger.permission_missing"})
LONG_LIFE = timedelta(days=60)  # where Meta does not say
MOST_ANSWERS = 50
PAGES_OF_ONE = 100

_CODE_IS_OLD = frozenset({36007, 36009})  # expired, used before
_APP_IS_WRONG = frozenset({101, 191})
_SLOW_DOWN = frozenset({4, 17, 32, 341, 613})


def consent_of(settings: Mapping[str, Any]) -> Consent:
    """What Facebook's login page is asked for; raises `BadSettings` naming the setting that is missing."""
    app = read_app(settings)
    if not app.id:
        raise BadSettings("enter the App ID", "app_id")
    if not app.secret:
        raise BadSettings("enter the app secret", "app_secret")
    by_config = {"config_id": app.login_config, "override_default_response_type": "true"}
    return Consent(
        setting=SETTING,
        authorize_url=f"{app.login_base}/v{app.version}/dialog/oauth",
        token_url=f"{app.graph_url}/oauth/access_token",
        client_id=app.id,
        client_secret=app.secret,
        scopes=() if app.login_config else SCOPES,
        extra=by_config if app.login_config else {},
        has_pkce=False,
        renews=False,
        cures=CURES,
    )


async def redeem(http: Http, app: App, code: str, redirect_url: str) -> Grant:
    """The long-lived grant for a code; raises `ChannelDown` or `Temporary`, with a code of the core's."""
    with _in_words_of_consent():
        return await _redeem(http, app, code, redirect_url)


async def choices(http: Http, app: App, grant: Grant) -> Sequence[Choice]:
    """The pages that the person let us into, each with its own token; raises as `redeem`."""
    with _in_words_of_consent():
        return await _choices(http, app, grant)


@contextmanager
def _in_words_of_consent() -> Iterator[None]:
    """A lost or odd answer is no answer: asking again is all there is."""
    try:
        yield
    except BadSettings:
        raise ChannelDown(REFUSED, resumes=False) from None
    except (Temporary, Uncertain, Rejected) as error:
        raise Temporary(UNAVAILABLE, getattr(error, "retry_after", 0.0)) from None


async def _redeem(http: Http, app: App, code: str, redirect_url: str) -> Grant:
    short = await _token(http, app, {"redirect_uri": redirect_url, "code": code})
    exchange = {"grant_type": "fb_exchange_token", "fb_exchange_token": _given(short)}
    long = await _token(http, app, exchange)
    person = await app.get(http, "me", _given(long), refusal, {"fields": "id"})
    life_s = number(long.get("expires_in")) or LONG_LIFE.total_seconds()
    ends = datetime.now(UTC) + timedelta(seconds=min(max(life_s, 60.0), LONG_LIFE.total_seconds()))
    return Grant(_given(long), "", ends, identifier(person.get("id")) or "")


async def _choices(http: Http, app: App, grant: Grant) -> Sequence[Choice]:
    missing = await _missing(http, app, grant)
    found: dict[str, Choice] = {}
    after = ""
    for _ in range(MOST_ANSWERS):
        asked = {"fields": "id,name,access_token,tasks", "limit": str(PAGES_OF_ONE)} | (
            {"after": after} if after else {}
        )
        answer = await app.get(http, "me/accounts", grant.access_token, refusal, asked)
        for page in elements(answer.get("data")):
            choice = _choice(page, grant.owner, missing)
            if choice is not None:
                found[choice.address] = choice
        after = _next(answer)
        if not after:
            break
    return list(found.values())


async def _missing(http: Http, app: App, grant: Grant) -> list[str]:
    """The permissions that we cannot do without and that the person left out."""
    answer = await app.get(http, "me/permissions", grant.access_token, refusal)
    given = {
        text(member(each, "permission"))
        for each in elements(answer.get("data"))
        if text(member(each, "status")) == "granted"
    }
    return [name for name in NEEDED_SCOPES if name not in given]


def _choice(page: object, owner: str, missing: Sequence[str]) -> Choice | None:
    address, token = identifier(member(page, "id")), text(member(page, "access_token"))
    if not address:
        return None
    tasks = [text(task) for task in elements(member(page, "tasks"))]
    problem = ""
    if missing:
        problem = f"The permission {' and '.join(missing)} was left out. Ask again and leave everything switched on."
    elif not token or (tasks and not {"MESSAGING", "MANAGE"} & set(tasks)):
        problem = "You may not answer messages of this page. Ask its owner for that task, then ask again."
    settings = {"page_access_token": token or "", "granted_by": owner}
    return Choice(address, text(member(page, "name")) or address, settings, problem)


def _next(answer: Mapping[str, Any]) -> str:
    """The cursor of the next answer. Meta's `next` address is not followed: it holds the token."""
    paging = answer.get("paging")
    return text(member(member(paging, "cursors"), "after")) or "" if member(paging, "next") else ""


async def _token(http: Http, app: App, form: Mapping[str, str]) -> dict[str, Any]:
    """Asked by POST: in a query string the secret would stand in the logs of proxies."""
    who = {"client_id": app.id, "client_secret": app.secret}
    answer = await http.post(f"{app.graph_url}/oauth/access_token", form={**who, **form}, refusal=refusal)
    if not isinstance(answer, dict):
        raise Temporary(UNAVAILABLE)
    return answer


def _given(answer: Mapping[str, Any]) -> str:
    token = answer.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= 16_000:
        raise Temporary(UNAVAILABLE)
    return token


def refusal(answer: Answer) -> SendError | None:
    """What a refusal means for a consent; nothing of it is logged, since it may quote what we sent."""
    error = member(answer.json, "error")
    if 200 <= answer.status < 300 and not isinstance(error, dict):
        return None
    code, subcode = integer(member(error, "code")), integer(member(error, "error_subcode"))
    if answer.status == 429 or answer.status >= 500 or code in _SLOW_DOWN:
        return Temporary(UNAVAILABLE)
    if subcode in _CODE_IS_OLD or code in (102, 190):
        return ChannelDown(NEEDED, resumes=False)
    if code in _APP_IS_WRONG or subcode == 36008 or (code in (1, 100) and answer.status in (400, 401)):
        return ChannelDown(REFUSED, resumes=False)
    return Temporary(UNAVAILABLE)
