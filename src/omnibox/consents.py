"""Leading the owner of an account to where consent is asked, and keeping what comes back. Names no channel."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.connections import Connections, Live, places
from omnibox.connector import BadSettings, Choice, Chooses, Consent, SendError
from omnibox.connector import consent as grants
from omnibox.inbox import channels
from omnibox.logs import get_logger
from omnibox.masking import mask
from omnibox.secrets import BadKey, random_token
from omnibox.store import Reader, Transaction, insert
from omnibox.store.tables import memory

RETURN_PATH = "/consent/return"
ANSWER_WITHIN = timedelta(minutes=15)
LONGEST_WORD = 4_000
LONGEST_NAME = 100
log = get_logger("omnibox.consents")


class NoConsent(Exception):
    """It came to nothing; `code` is `unfinished`, `unknown`, `declined`, `not_lasting` or a code of errors.md."""

    def __init__(self, code: str, connection_id: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.connection_id = connection_id


@dataclass(frozen=True, slots=True)
class _Asked:
    """What we remember, encrypted, while the owner decides."""

    connection_id: int
    owner: str
    verifier: str
    redirect_url: str


# ── In the browser


async def begin(connections: Connections, connection_id: int, owner: str, redirect_url: str) -> str:
    """The address of the page on which consent is asked. Only the session `owner` can bring the answer back.

    Raises `LookupError`, `BadSettings`, or `NoConsent` where the settings choose another way in.
    """
    _, consent = await _wanted(connections, connection_id)
    state, verifier = random_token(), random_token()
    asked = {"owner": owner, "verifier": verifier, "redirect_url": redirect_url}
    await _remember(connections, connection_id, _key(state), asked, clears="consent page ")
    return grants.page_url(consent, redirect_url, state, verifier)


async def finish(connections: Connections, state: str, code: str, owner: str, refusal: str = "") -> int:
    """Redeem what came back and let the connection run on; returns its id. A state serves once. Raises `NoConsent`."""
    asked = await _take(connections, state)
    if asked is None or asked.owner != owner:
        raise NoConsent("unknown")
    if refusal or not 0 < len(code) <= LONGEST_WORD:
        raise NoConsent("declined", asked.connection_id)
    try:
        live, consent = await _wanted(connections, asked.connection_id)
        if isinstance(live.connector, Chooses):
            grant = await live.connector.redeem(code, asked.redirect_url)
        else:
            grant = await grants.redeem(live.context.http, consent, code, asked.verifier, asked.redirect_url)
    except LookupError:
        raise NoConsent("unknown") from None
    except BadSettings:
        raise NoConsent("unfinished", asked.connection_id) from None
    except SendError as error:
        # The code is good for minutes and once: what the standard calls an invalid grant is a late or second try.
        code = "unknown" if error.code == grants.NEEDED else error.code
        raise NoConsent(code, asked.connection_id) from None
    await keep(connections, asked.connection_id, consent, grant)
    return asked.connection_id


# ── By a code that the owner types elsewhere


async def begin_device(connections: Connections, connection_id: int, owner: str) -> grants.DeviceCode:
    """A code for the owner to type. Raises as `begin`, or a `SendError`."""
    live, consent = await _wanted(connections, connection_id)
    if not consent.device_url:
        raise NoConsent("unfinished", connection_id)
    found = await grants.ask_device(live.context.http, consent)
    asked = {
        "owner": owner,
        "device": found.code,
        "interval": found.interval_s,
        "next": connections.clock().timestamp(),
    }
    key = f"consent device {owner[:32]}"
    await _remember(connections, connection_id, key, asked, clears="consent device ", until=found.expires_at)
    return found


async def ask_device(connections: Connections, connection_id: int, owner: str) -> bool:
    """Whether consent was given by now; then it is kept. Asks the provider no more often than it allows.

    Raises `NoConsent` where there is nothing to wait for any more, or a `SendError`.
    """
    key = f"consent device {owner[:32]}"
    asked = await _recall(connections, connection_id, key)
    if asked is None:
        raise NoConsent("unknown", connection_id)
    now = connections.clock().timestamp()
    if now < asked["next"]:
        return False
    live, consent = await _wanted(connections, connection_id)
    try:
        grant = await grants.redeem_device(live.context.http, consent, asked["device"])
    except grants.Waiting as wait:
        interval = asked["interval"] + (5 if wait.slower else 0)  # RFC 8628 3.5
        later = {**asked, "interval": interval, "next": now + interval}
        await _remember(connections, connection_id, key, later, clears="consent device ")
        return False
    except grants.Declined:
        await _forget(connections, connection_id, key)
        raise NoConsent("declined", connection_id) from None
    await _forget(connections, connection_id, key)
    await keep(connections, connection_id, consent, grant)
    return True


# ── Keeping


async def keep(connections: Connections, connection_id: int, consent: Consent, grant: grants.Grant) -> None:
    """Store a grant, encrypted; a connection that was paused runs again. Raises `NoConsent`."""
    if consent.renews and not grant.refresh_token:
        raise NoConsent("not_lasting", connection_id)
    text = grant.as_text(consent)

    def write(tx: Transaction) -> None:
        row = channels.find_connection(tx, connection_id, lock=True)
        if row is None:
            return
        document = json.loads(connections.secrets.decrypt(row.settings)) | {consent.setting: text}
        channels.change_connection(tx, connection_id, document=connections.secrets.encrypt(json.dumps(document)))
        if row.state == "paused":
            channels.set_state(tx, connection_id, "active")

    await connections.store.write(write)
    await connections.refresh(connection_id)
    log.info("consent was given", connection_id=connection_id)


# ── Choosing among what it opened


async def opened(connections: Connections, connection_id: int) -> list[Choice]:
    """The addresses that the stored grant opens, asked for now. Raises as `begin`, or a `SendError`."""
    live, consent = await _wanted(connections, connection_id)
    grant = grants.read_grant(live.context.settings.get(consent.setting), consent)
    if grant is None or not isinstance(live.connector, Chooses):
        raise NoConsent("unfinished", connection_id)
    found = list(await live.connector.choices(grant))
    addresses = [each.address for each in found]

    def others(tx: Reader) -> dict[str, str]:
        elsewhere = places.taken_elsewhere(tx, live.registered, connections.secrets, connection_id, addresses)
        own = {row.address for row in channels.all_channels(tx, connection_id)}
        return {address: words for address, words in elsewhere.items() if address not in own}

    taken = await connections.store.read(others)
    return [replace(each, problem=each.problem or taken.get(each.address, "")) for each in found]


async def take_up(
    connections: Connections, connection_id: int, found: Sequence[Choice], wanted: Collection[str]
) -> int:
    """Make channels of the `wanted` addresses among `found`; those we have get their new credentials, wanted or not.

    Returns how many were given new credentials or made. Raises `Occupied` where another connection was faster.
    """
    usable = [each for each in found if not each.problem]

    def write(tx: Transaction) -> int:
        row = channels.find_connection(tx, connection_id, lock=True)
        if row is None:
            return 0
        registered = connections.registry[row.connector]
        own = places.held(tx, registered, connections.secrets, connection_id)
        known = {each.address: each for each in channels.all_channels(tx, connection_id)}
        count = 0
        for each in usable:
            if each.address not in known and each.address not in wanted:
                continue
            old = known.get(each.address)
            stored = {} if old is None else json.loads(connections.secrets.decrypt(old.settings))
            document = connections.secrets.encrypt(json.dumps(stored | dict(each.settings)))
            if old is not None:
                channels.change_channel(tx, old.id, document=document)
            else:
                _add(tx, row, each, document)
            count += 1
        places.require_free(tx, registered, connections.secrets, connection_id, own)
        return count

    count = (await connections.store.write(write)).result
    await connections.refresh(connection_id)
    log.info("channels were taken from a consent", connection_id=connection_id, count=count)
    return count


def _add(tx: Transaction, row: sa.Row[Any], chosen: Choice, document: str) -> None:
    channels.add_channel(
        tx,
        connection_id=row.id,
        address=chosen.address,
        key=random_token(),
        name=mask(" ".join(chosen.name.split())[:LONGEST_NAME] or chosen.address),
        document=document,
        state="active" if row.state == "paused" else row.state,
    )


async def _wanted(connections: Connections, connection_id: int) -> tuple[Live, Consent]:
    await connections.refresh(connection_id)
    live = connections.find(connection_id)
    if live is None:
        raise LookupError(connection_id)
    consent = live.registered.consent(live.context.settings)
    if consent is None:
        raise NoConsent("unfinished", connection_id)
    return live, consent


# ── Rows


def _key(state: str) -> str:
    return f"consent page {hashlib.sha256(state.encode()).hexdigest()}"


async def _remember(
    connections: Connections,
    connection_id: int,
    key: str,
    asked: dict[str, Any],
    *,
    clears: str,
    until: datetime | None = None,
) -> None:
    """Keep what was asked; questions of the same kind whose time is over are swept."""
    sealed = connections.secrets.encrypt(json.dumps(asked))
    now = connections.clock()
    row = {"connection_id": connection_id, "key": key, "value": sealed, "until": until or now + ANSWER_WITHIN}

    def write(tx: Transaction) -> None:
        tx.execute(sa.delete(memory).where(memory.c.key.startswith(clears), memory.c.until <= now))
        statement = insert(memory)
        newer = {"value": statement.excluded.value, "until": statement.excluded.until}
        tx.execute(statement.on_conflict_do_update(index_elements=["connection_id", "key"], set_=newer), row)

    await connections.store.write(write)


async def _take(connections: Connections, state: str) -> _Asked | None:
    gone = (
        sa.delete(memory)
        .where(memory.c.key == _key(state))
        .returning(memory.c.connection_id, memory.c.value, memory.c.until)
    )
    row = (await connections.store.write(lambda tx: tx.execute(gone).first())).result
    if row is None or row.until <= connections.clock():
        return None
    asked = _opened(connections, row.value)
    if asked is None:
        return None
    return _Asked(row.connection_id, asked["owner"], asked["verifier"], asked["redirect_url"])


async def _recall(connections: Connections, connection_id: int, key: str) -> dict[str, Any] | None:
    wanted = sa.select(memory.c.value).where(
        memory.c.connection_id == connection_id, memory.c.key == key, memory.c.until > connections.clock()
    )
    value = await connections.store.read(lambda tx: tx.execute(wanted).scalar())
    return None if value is None else _opened(connections, value)


async def _forget(connections: Connections, connection_id: int, key: str) -> None:
    gone = sa.delete(memory).where(memory.c.connection_id == connection_id, memory.c.key == key)
    await connections.store.write(lambda tx: tx.execute(gone))


def _opened(connections: Connections, sealed: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(connections.secrets.decrypt(sealed))
    except BadKey:
        return None
    return found
