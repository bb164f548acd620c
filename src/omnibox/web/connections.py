"""Routes for setting channels up: connectors, connections and their channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import Field

from omnibox import upkeep
from omnibox.connections import places
from omnibox.connections.places import Occupied
from omnibox.connector import BadSettings
from omnibox.fields import check_document
from omnibox.inbox import channels, problems
from omnibox.model import ConnectionState
from omnibox.registry import Registered
from omnibox.secrets import BadKey, random_token
from omnibox.store import Reader, Transaction
from omnibox.web import models, peer
from omnibox.web.api import ApiError, Ask, Fault, Wire, at_setting, conflict, invalid, not_found, route, translate
from omnibox.web.channels import (
    NOTHING,
    Json,
    connection_dict,
    connector_dicts,
    full_channel,
    read_document,
    registered_of,
    seal_document,
)
from omnibox.web.given import read_address, read_name, recheck, require_valid, with_address

T = TypeVar("T")
LONGEST_GIVEN = 1000

translate(
    BadKey,
    lambda _: ApiError(
        503, "wrong_key", "The stored settings cannot be read with this installation's key.", "Run `omnibox check`."
    ),
)


@partial(translate, Occupied)
def _occupied(error: Occupied) -> ApiError:
    path = "address" if error.place.address else f"settings.{error.place.setting}"
    return ApiError(409, "conflict", error.message, error.cure, [Fault(path, error.words)])


class ConnectionBody(Wire):
    connector: str = Field(max_length=LONGEST_GIVEN)
    name: str = Field("", max_length=LONGEST_GIVEN)
    settings: dict[str, Any] = Field(default_factory=dict)


class ConnectionChange(Wire):
    name: str | None = Field(None, max_length=LONGEST_GIVEN)
    settings: dict[str, Any] | None = None


class ChannelBody(Wire):
    name: str = Field("", max_length=LONGEST_GIVEN)
    address: str = Field("", max_length=LONGEST_GIVEN)
    settings: dict[str, Any] = Field(default_factory=dict)


class ChannelChange(Wire):
    name: str | None = Field(None, max_length=LONGEST_GIVEN)
    address: str | None = Field(None, max_length=LONGEST_GIVEN)
    settings: dict[str, Any] | None = None


# ── Connectors


@route("GET", "/api/connectors", may="read")
async def list_connectors(ask: Ask) -> list[models.Connector]:
    """What can be connected, as data: look, capabilities, forms, steps."""
    found = await asyncio.to_thread(connector_dicts, ask.hub)  # imports them all, the first time
    return cast("list[models.Connector]", found)  # members of that shape


# ── Connections


@route("GET", "/api/connections", may="settings")
async def list_connections(ask: Ask) -> list[models.Connection]:
    """All connections with their channels. Secrets are absent; `secrets_set` names those that have a value."""
    base = peer.base_url(ask.request)
    found = await ask.hub.store.read(
        lambda tx: [connection_dict(tx, ask.hub, base, row) for row in channels.all_connections(tx)]
    )
    return cast("list[models.Connection]", found)  # members of that shape


@route("POST", "/api/connections", may="settings", status=201)
async def add_connection(ask: Ask, body: ConnectionBody) -> models.Connection:
    """A new connection, as a draft: settings may still be missing. Values that omnibox makes are there at once."""
    hub = ask.hub
    registered = await asyncio.to_thread(registered_of, hub, body.connector)  # imports it, the first time
    if registered.error is not None:
        raise invalid("connector", registered.error)
    name = read_name(body.name or registered.look.title)
    document = require_valid(check_document(registered.settings, body.settings, {}, random_token, is_draft=True))
    sealed = await asyncio.to_thread(seal_document, hub.secrets, document.values)  # loads the cipher, the first time
    hook_key = random_token()

    def add(tx: Transaction) -> int:
        connection_id = channels.add_connection(
            tx, connector=registered.name, name=name, hook_key=hook_key, document=sealed
        )
        places.require_free(tx, registered, hub.secrets, connection_id)
        return connection_id

    connection_id = (await hub.store.write(add)).result
    await hub.connections.refresh(connection_id)
    return await _shown(ask, connection_id)


@route("GET", "/api/connections/{id}", may="settings")
async def read_connection(ask: Ask, id: int) -> models.Connection:
    """One connection with its channels."""
    return await _shown(ask, id)


@route("PATCH", "/api/connections/{id}", may="settings")
async def change_connection(ask: Ask, id: int, body: ConnectionChange) -> models.Connection:
    """Another name or other settings. What is absent stays; null takes a setting back to its default.

    Unless it is a draft the settings must be complete, and the connector must take them; else nothing is changed.
    """
    hub = ask.hub
    name = None if body.name is None else read_name(body.name)

    def change(tx: Transaction) -> tuple[sa.Row[Any], frozenset[str]]:
        row = _known(channels.find_connection(tx, id, lock=True), "connection")
        if body.settings is None:
            channels.change_connection(tx, id, name=name)
            return row, NOTHING
        registered = _usable(ask, row.connector)
        own = places.held(tx, registered, hub.secrets, id)
        document = recheck(ask, registered.settings, body.settings, row.settings, is_draft=row.state == "draft")
        channels.change_connection(tx, id, name=name, document=seal_document(hub.secrets, document.values))
        places.require_free(tx, registered, hub.secrets, id, own)
        return row, document.made

    before, made = (await hub.store.write(change)).result

    def undo(tx: Transaction) -> None:
        channels.change_connection(tx, id, document=before.settings)

    if body.settings is not None:
        await _take_up(ask, id, undo, must_fit=before.state != "draft")
        await upkeep.tend_now(hub.connections, id)
    return await _shown(ask, id, made)


@route("DELETE", "/api/connections/{id}", may="settings")
async def remove_connection(ask: Ask, id: int) -> None:
    """Remove a connection whose channels have no conversations."""

    def remove(tx: Transaction) -> None:
        _known(channels.find_connection(tx, id, lock=True), "connection")
        channels.remove_connection(tx, id)

    await _write_unless_used(ask, remove)
    await ask.hub.connections.refresh(id)


@route("POST", "/api/connections/{id}/check", may="settings")
async def check_connection(ask: Ask, id: int) -> models.Checked:
    """Try it out, step by step. Nothing is changed; a step that could not be tried yet is neither right nor wrong."""
    row = _known(await ask.hub.store.read(lambda tx: channels.find_connection(tx, id)), "connection")
    _usable(ask, row.connector)
    if row.state == "disabled":
        raise conflict("The connection is disabled.", "Enable it, then check.")
    findings = await ask.hub.connections.check(id)
    return models.Checked(
        checks=[models.CheckResult(name=each.name, ok=each.ok, why=each.why, cure=each.cure) for each in findings]
    )


@route("POST", "/api/connections/{id}/enable", may="settings")
async def enable_connection(ask: Ask, id: int) -> models.Connection:
    """Let it run, with all its channels; also ends a pause. All settings must be there."""
    await _set_state(ask, id, "active")
    await _take_up(ask, id, lambda tx: channels.set_state(tx, id, "draft"), must_fit=True)
    await upkeep.tend_now(ask.hub.connections, id)
    return await _shown(ask, id)


@route("POST", "/api/connections/{id}/disable", may="settings")
async def disable_connection(ask: Ask, id: int) -> models.Connection:
    """Stop it: nothing is read, taken or sent. Conversations stay, and what waits goes on waiting."""
    await _set_state(ask, id, "disabled")
    await ask.hub.connections.refresh(id)
    return await _shown(ask, id)


async def _set_state(ask: Ask, connection_id: int, state: ConnectionState) -> None:
    def enter(tx: Transaction) -> None:
        row = _known(channels.find_connection(tx, connection_id, lock=True), "connection")
        if state == "active":
            _require_complete(ask, tx, row)
        channels.set_state(tx, connection_id, state)

    await ask.hub.store.write(enter)


def _require_complete(ask: Ask, tx: Reader, row: sa.Row[Any]) -> None:
    """Raise 422 with every setting that is missing, of the connection and of its channels."""
    registered = _usable(ask, row.connector)
    recheck(ask, registered.settings, {}, row.settings, is_draft=False)
    for channel in channels.all_channels(tx, row.id):
        fields = registered.channel_settings or ()
        document = check_document(
            fields, {}, read_document(ask.hub.secrets, channel.settings), random_token, is_draft=False
        )
        if document.errors:
            faults = [Fault(f"channels.{channel.id}.{error.path}", error.message) for error in document.errors]
            raise ApiError(422, "invalid", f"Settings of the channel {channel.name} are missing.", None, faults)


# ── Channels


@route("POST", "/api/connections/{id}/channels", may="settings", status=201)
async def add_channel(ask: Ask, id: int, body: ChannelBody) -> models.Channel:
    """One more of our addresses on this connection. It runs at once where the connection does."""
    hub, key = ask.hub, random_token()

    def add(tx: Transaction) -> tuple[sa.Row[Any], int, frozenset[str]]:
        row = _known(channels.find_connection(tx, id, lock=True), "connection")
        registered = _usable(ask, row.connector)
        own = places.held(tx, registered, hub.secrets, id)
        fields = registered.channel_settings or ()
        address = read_address(registered, body.address, body.settings, key if registered.capabilities.live else "")
        given = with_address(fields, body.settings, address)
        document = require_valid(check_document(fields, given, {}, random_token, is_draft=row.state == "draft"))
        state: ConnectionState = "active" if row.state == "paused" else row.state
        channel_id = channels.add_channel(
            tx,
            connection_id=id,
            address=address,
            key=key,
            name=read_name(body.name or address),
            document=seal_document(hub.secrets, document.values),
            state=state,
        )
        places.require_free(tx, registered, hub.secrets, id, own)
        return row, channel_id, document.made

    row, channel_id, made = await _write_unless_taken(ask, add)
    await _take_up(ask, id, lambda tx: channels.remove_channel(tx, channel_id), must_fit=row.state != "draft")
    await upkeep.tend_now(hub.connections, id)
    return await _shown_channel(ask, channel_id, made)


@route("PATCH", "/api/channels/{id}", may="settings")
async def change_channel(ask: Ask, id: int, body: ChannelChange) -> models.Channel:
    """Another name, address or other settings. What is absent stays; null takes a setting back to its default."""
    hub = ask.hub
    name = None if body.name is None else read_name(body.name)

    def change(tx: Transaction) -> tuple[sa.Row[Any], frozenset[str]]:
        row = _known(channels.find_channel(tx, id, lock=True), "channel")
        registered = _usable(ask, row.connector)
        if body.settings is None and not body.address:
            channels.change_channel(tx, id, name=name)
            return row, NOTHING
        own = places.held(tx, registered, hub.secrets, row.connection_id)
        fields, given = registered.channel_settings or (), body.settings or {}
        address = read_address(registered, body.address or "", given, row.address)
        is_draft = row.connection_state == "draft"
        document = recheck(ask, fields, with_address(fields, given, address), row.settings, is_draft=is_draft)
        sealed = seal_document(hub.secrets, document.values)
        channels.change_channel(tx, id, name=name, address=address, document=sealed)
        places.require_free(tx, registered, hub.secrets, row.connection_id, own)
        return row, document.made

    before, made = await _write_unless_taken(ask, change)

    def undo(tx: Transaction) -> None:
        channels.change_channel(tx, id, address=before.address, document=before.settings)

    await _take_up(ask, before.connection_id, undo, must_fit=before.connection_state != "draft")
    await _tell_platform(ask, id, undo)
    return await _shown_channel(ask, id, made)


@route("DELETE", "/api/channels/{id}", may="settings")
async def remove_channel(ask: Ask, id: int) -> None:
    """Remove a channel that has no conversations."""

    def remove(tx: Transaction) -> int:
        row = _known(channels.find_channel(tx, id, lock=True), "channel")
        channels.remove_channel(tx, id)
        return int(row.connection_id)

    await ask.hub.connections.refresh(await _write_unless_used(ask, remove))


# ── Common ground


async def _shown(ask: Ask, connection_id: int, made: frozenset[str] = NOTHING) -> models.Connection:
    base = peer.base_url(ask.request)

    def read(tx: Reader) -> Json:
        row = _known(channels.find_connection(tx, connection_id), "connection")
        return connection_dict(tx, ask.hub, base, row, made)

    return cast("models.Connection", await ask.hub.store.read(read))  # members of that shape


async def _shown_channel(ask: Ask, channel_id: int, made: frozenset[str]) -> models.Channel:
    base = peer.base_url(ask.request)

    def read(tx: Reader) -> Json:
        row = _known(channels.find_channel(tx, channel_id), "channel")
        waiting = channels.waiting_by_channel(tx, channel_id).get(channel_id, 0)
        wrong = problems.of_connections(tx, row.connection_id).get(row.connection_id, ())
        return full_channel(row, ask.hub, base, waiting, wrong, made)

    return cast("models.Channel", await ask.hub.store.read(read))  # members of that shape


async def _take_up(ask: Ask, connection_id: int, undo: Callable[[Transaction], None], *, must_fit: bool) -> None:
    """Build the connection anew. Where it must fit and the connector refuses: undo, and raise 422 at the field."""
    connections = ask.hub.connections
    await connections.refresh(connection_id)
    problem = connections.problem(connection_id)
    if problem is None or not must_fit:
        return
    await ask.hub.store.write(undo)
    await connections.refresh(connection_id)
    raise at_setting(problem)


async def _tell_platform(ask: Ask, channel_id: int, undo: Callable[[Transaction], None]) -> None:
    """Let the platform know what it has to. What it does not take is undone, and raised as 422 at the field."""
    connections = ask.hub.connections
    row = _known(await ask.hub.store.read(lambda tx: channels.find_channel(tx, channel_id)), "channel")
    try:
        await upkeep.apply(connections, row.connection_id, row.address)
    except BadSettings as problem:
        await ask.hub.store.write(undo)
        await connections.refresh(row.connection_id)
        raise at_setting(problem) from None
    await upkeep.tend_now(connections, row.connection_id)


async def _write_unless_used(ask: Ask, remove: Callable[[Transaction], T]) -> T:
    try:
        return (await ask.hub.store.write(remove)).result
    except sa.exc.IntegrityError:
        raise ApiError(
            409, "has_conversations", "It has conversations, which would lose their channel.", "Disable it instead."
        ) from None


async def _write_unless_taken(ask: Ask, write: Callable[[Transaction], T]) -> T:
    try:
        return (await ask.hub.store.write(write)).result
    except sa.exc.IntegrityError:
        fault = Fault("address", "This connection has a channel of this address already.")
        raise ApiError(409, "conflict", fault.message, None, [fault]) from None


def _known(row: sa.Row[Any] | None, what: str) -> sa.Row[Any]:
    if row is None:
        raise not_found(f"This {what}")
    return row


def _usable(ask: Ask, connector: str) -> Registered:
    registered = registered_of(ask.hub, connector)
    if registered.error is not None:
        raise conflict(f"The connector {connector} cannot be used: {registered.error}", "Install its package again.")
    return registered
