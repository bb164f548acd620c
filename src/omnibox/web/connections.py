"""Routes for setting channels up: connectors, connections, channels, and what was put aside."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import Field

from omnibox import upkeep
from omnibox.connector import BadSettings
from omnibox.connector import Field as Setting
from omnibox.fields import Document, check_document
from omnibox.inbox import channels, problems
from omnibox.masking import Masked, mask
from omnibox.model import ConnectionState
from omnibox.registry import Registered
from omnibox.secrets import BadKey, random_token
from omnibox.store import Reader, Transaction
from omnibox.web import models, peer
from omnibox.web.api import ApiError, Ask, Fault, Wire, conflict, invalid, not_found, route, translate
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

T = TypeVar("T")
LONGEST_NAME = 100
LONGEST_ADDRESS = 320
LONGEST_GIVEN = 1000

translate(
    BadKey,
    lambda _: ApiError(
        503, "wrong_key", "The stored settings cannot be read with this installation's key.", "Run `omnibox check`."
    ),
)


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
    return cast("list[models.Connector]", connector_dicts(ask.hub))  # members of that shape


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
    registered = registered_of(hub, body.connector)
    if registered.error is not None:
        raise invalid("connector", registered.error)
    name = _name(body.name or registered.look.title)
    document = _checked(check_document(registered.settings, body.settings, {}, random_token, is_draft=True))
    sealed, hook_key = seal_document(hub.secrets, document.values), random_token()
    written = await hub.store.write(
        lambda tx: channels.add_connection(tx, connector=registered.name, name=name, hook_key=hook_key, document=sealed)
    )
    await hub.connections.refresh(written.result)
    return await _shown(ask, written.result)


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
    name = None if body.name is None else _name(body.name)

    def change(tx: Transaction) -> tuple[sa.Row[Any], frozenset[str]]:
        row = _known(channels.find_connection(tx, id, lock=True), "connection")
        if body.settings is None:
            channels.change_connection(tx, id, name=name)
            return row, NOTHING
        fields = _usable(ask, row.connector).settings
        document = _recheck(ask, fields, body.settings, row.settings, is_draft=row.state == "draft")
        channels.change_connection(tx, id, name=name, document=seal_document(hub.secrets, document.values))
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
    _recheck(ask, registered.settings, {}, row.settings, is_draft=False)
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
        fields = registered.channel_settings or ()
        address = _address(registered, body.address, body.settings, key if registered.capabilities.live else "")
        given = _with_address(fields, body.settings, address)
        document = _checked(check_document(fields, given, {}, random_token, is_draft=row.state == "draft"))
        state: ConnectionState = "active" if row.state == "paused" else row.state
        channel_id = channels.add_channel(
            tx,
            connection_id=id,
            address=address,
            key=key,
            name=_name(body.name or address),
            document=seal_document(hub.secrets, document.values),
            state=state,
        )
        return row, channel_id, document.made

    row, channel_id, made = await _write_unless_taken(ask, add)
    await _take_up(ask, id, lambda tx: channels.remove_channel(tx, channel_id), must_fit=row.state != "draft")
    await upkeep.tend_now(hub.connections, id)
    return await _shown_channel(ask, channel_id, made)


@route("PATCH", "/api/channels/{id}", may="settings")
async def change_channel(ask: Ask, id: int, body: ChannelChange) -> models.Channel:
    """Another name, address or other settings. What is absent stays; null takes a setting back to its default."""
    hub = ask.hub
    name = None if body.name is None else _name(body.name)

    def change(tx: Transaction) -> tuple[sa.Row[Any], frozenset[str]]:
        row = _known(channels.find_channel(tx, id, lock=True), "channel")
        registered = _usable(ask, row.connector)
        if body.settings is None and not body.address:
            channels.change_channel(tx, id, name=name)
            return row, NOTHING
        fields, given = registered.channel_settings or (), body.settings or {}
        address = _address(registered, body.address or "", given, row.address)
        is_draft = row.connection_state == "draft"
        document = _recheck(ask, fields, _with_address(fields, given, address), row.settings, is_draft=is_draft)
        sealed = seal_document(hub.secrets, document.values)
        channels.change_channel(tx, id, name=name, address=address, document=sealed)
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


# ── What was put aside


@route("GET", "/api/quarantine", may="settings")
async def list_quarantine(ask: Ask) -> list[models.Quarantined]:
    """What arrived and could not be read, newest first; at most 200."""
    rows = await ask.hub.store.read(channels.quarantined)
    return [
        models.Quarantined(
            id=row.id,
            connection=row.connection_id,
            kind=row.kind,
            at=row.at,
            size=row.size,
            reason=row.reason,
            excerpt=str(row.excerpt),
        )
        for row in rows
    ]


@route("POST", "/api/quarantine/{id}/retry", may="settings")
async def retry_quarantined(ask: Ask, id: int) -> list[models.Quarantined]:
    """Read it again, after an update say; answers what is still put aside."""
    if not any(row.id == id for row in await ask.hub.store.read(channels.quarantined)):
        raise not_found("This entry")
    try:
        await ask.hub.connections.retry(id)
    except LookupError:
        raise conflict("This cannot be read again from here.", "Enable its connection, then try again.") from None
    return await list_quarantine(ask)


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
    raise _at_field(problem)


async def _tell_platform(ask: Ask, channel_id: int, undo: Callable[[Transaction], None]) -> None:
    """Let the platform know what it has to. What it does not take is undone, and raised as 422 at the field."""
    connections = ask.hub.connections
    row = _known(await ask.hub.store.read(lambda tx: channels.find_channel(tx, channel_id)), "channel")
    try:
        await upkeep.apply(connections, row.connection_id, row.address)
    except BadSettings as problem:
        await ask.hub.store.write(undo)
        await connections.refresh(row.connection_id)
        raise _at_field(problem) from None
    await upkeep.tend_now(connections, row.connection_id)


def _at_field(problem: BadSettings) -> ApiError:
    sentence = f"{str(problem)[:1].upper()}{str(problem)[1:]}."
    return invalid(f"settings.{problem.field}" if problem.field else "settings", sentence)


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


def _recheck(ask: Ask, fields: Sequence[Setting], given: Json, sealed: str, *, is_draft: bool) -> Document:
    stored = read_document(ask.hub.secrets, sealed)
    return _checked(check_document(fields, given, stored, random_token, is_draft=is_draft))


def _checked(document: Document) -> Document:
    if document.errors:
        faults = [Fault(error.path, error.message) for error in document.errors]
        raise ApiError(422, "invalid", "Some settings are missing or wrong.", "Correct the marked fields.", faults)
    return document


def _name(given: str) -> Masked:
    name = mask(" ".join(unicodedata.normalize("NFC", given).split()))
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise invalid("name", f"A name has 1 to {LONGEST_NAME} characters.")
    return name


def _address(registered: Registered, given: str, settings: Json, default: str) -> str:
    """The channel's own address: as given, or as the setting that is the address says, or the default."""
    own = next((settings.get(field.name) for field in registered.channel_settings or () if field.kind == "address"), "")
    address = given.strip() or (own.strip() if isinstance(own, str) else "") or default
    if not address:
        raise invalid("address", "Please fill this in.")
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise invalid("address", f"Please write one line of at most {LONGEST_ADDRESS} characters.")
    return address.casefold() if registered.capabilities.address.folds_case else address


def _with_address(fields: Sequence[Setting], given: Json, address: str) -> Json:
    return given | {field.name: address for field in fields if field.kind == "address"}
