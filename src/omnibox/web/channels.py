"""Connectors, connections and channels as the inbox sees them. Secrets never leave by here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from omnibox.connector import BadSettings, Capabilities
from omnibox.connector.consent import read_grant
from omnibox.consents import RETURN_PATH
from omnibox.errors import explain
from omnibox.fields import secrets_set, shown_values, typed_values
from omnibox.inbox import channels
from omnibox.inbox.views import moment
from omnibox.registry import Registered
from omnibox.secrets import Secrets
from omnibox.store import Reader
from omnibox.web.hub import Hub

Json = dict[str, Any]
NOTHING: frozenset[str] = frozenset()


# ── Connectors


def connector_dicts(hub: Hub) -> list[Json]:
    """Every installed connector as data, also those that could not be loaded."""
    return [_connector(registered) for registered in hub.connections.registry.values()]


def _connector(registered: Registered) -> Json:
    look = registered.look
    return {
        "name": registered.name,
        "title": look.title,
        "icon": registered.icon,
        "in_list": look.in_list,
        "colour": {"light": look.light, "dark": look.dark},
        "noun": look.noun,
        "summary": look.summary,
        "capabilities": _capabilities(registered.capabilities),
        "connection_schema": registered.connection_schema,
        "channel_schema": registered.channel_schema,
        "steps": [{"title": step.title, "text": step.text} for step in registered.steps],
        "has_check": registered.has_check,
        "has_webhook": registered.has_webhook,
        "error": registered.error,
    }


@cache
def _capabilities(capabilities: Capabilities) -> Json:
    files = capabilities.files
    return {
        "max_text": capabilities.max_text,
        "formats": sorted(capabilities.formats),
        "files": None if files is None else {"count": files.count, "bytes": files.bytes, "types": list(files.types)},
        "receipts": sorted(capabilities.receipts),
        "windows": [
            {"until_s": window.until_s, "mode": window.mode, "authors": sorted(window.authors), "needs": window.needs}
            for window in capabilities.windows
        ],
        "subject": capabilities.has_subject,
        "recipients": capabilities.has_recipients,
        "threads_by": capabilities.threads_by,
        "live": capabilities.live,
    }


def registered_of(hub: Hub, name: str) -> Registered:
    """What is known of a connector, also of one that is no longer installed."""
    return hub.connections.registry.get(name) or Registered(name, error="The connector is not installed.")


# ── Channels


def channel_dicts(tx: Reader, hub: Hub) -> list[Json]:
    """All channels, without their settings."""
    waiting = channels.waiting_by_channel(tx)
    return [_channel(row, hub, waiting.get(row.id, 0)) for row in channels.all_channels(tx)]


def channel_dict(tx: Reader, hub: Hub, channel_id: int) -> Json | None:
    """One channel without its settings, None where there is none (any more)."""
    row = channels.find_channel(tx, channel_id)
    if row is None:
        return None
    return _channel(row, hub, channels.waiting_by_channel(tx, channel_id).get(channel_id, 0))


def full_channel(row: sa.Row[Any], hub: Hub, base_url: str, waiting: int, made: frozenset[str] = NOTHING) -> Json:
    """A channel with its settings, for who may change them. Secrets in `made` are shown: they must be copied now."""
    fields = registered_of(hub, row.connector).channel_settings or ()
    document = read_document(hub.secrets, row.settings)
    if row.connection_state == "draft":
        made |= {field.name for field in fields if field.makes}
    shape = _channel(row, hub, waiting)
    shape["settings"] = shown_values(fields, document, made)
    shape["secrets_set"] = secrets_set(fields, document)
    shape["snippet"] = _snippet(base_url, row.key) if shape["is_live"] else None
    return shape


def _channel(row: sa.Row[Any], hub: Hub, waiting: int) -> Json:
    registered = registered_of(hub, row.connector)
    own_state = row.connection_state == "active"
    code = row.code or row.connection_code
    since = row.since if row.code else row.connection_since
    if registered.error is not None:
        code, since = "connector_missing", None
    return {
        "id": row.id,
        "connection": row.connection_id,
        "connector": row.connector,
        "name": row.name,
        "address": row.address,
        "state": row.state if own_state else row.connection_state,
        "health": _health(registered, code, moment(since)),
        "waiting": waiting,
        "is_live": registered.capabilities.live,
    }


def _health(registered: Registered, code: str | None, since: str | None) -> Json:
    if code is None:
        return {"code": None, "why": None, "since": None}
    what, cure = explain(code, registered.errors)
    return {"code": code, "why": f"{what} {cure}".strip(), "since": since}


def _snippet(base_url: str, key: str) -> str:
    return (
        "<script>window.omnibox=window.omnibox||function(){(omnibox.q=omnibox.q||[]).push(arguments)}</script>\n"
        f'<script async src="{base_url}/w/loader.js" data-site="{key}"></script>'
    )


# ── Connections


def connection_dict(tx: Reader, hub: Hub, base_url: str, row: sa.Row[Any], made: frozenset[str] = NOTHING) -> Json:
    """A connection with its channels, for who may change them. Secrets in `made` are shown: they must be copied now."""
    registered = registered_of(hub, row.connector)
    document = read_document(hub.secrets, row.settings)
    if row.state == "draft":
        made |= {field.name for field in registered.settings if field.makes}
    waiting = channels.waiting_by_channel(tx)
    code, since = (row.code, row.since) if registered.error is None else ("connector_missing", None)
    return {
        "id": row.id,
        "connector": row.connector,
        "name": row.name,
        "state": row.state,
        "health": _health(registered, code, moment(since)),
        "hook_url": f"{base_url}/hooks/{row.hook_key}" if registered.has_webhook else None,
        "settings": shown_values(registered.settings, document, made),
        "secrets_set": secrets_set(registered.settings, document),
        "consent": _consent(registered, document, base_url),
        "channels": [
            full_channel(channel, hub, base_url, waiting.get(channel.id, 0))
            for channel in channels.all_channels(tx, row.id)
        ],
    }


def _consent(registered: Registered, document: Mapping[str, Any], base_url: str) -> Json | None:
    """How it stands with the owner's consent; None where none is needed."""
    shape = {"is_given": False, "has_device": False, "redirect_url": base_url + RETURN_PATH, "missing": None}
    try:
        consent = registered.consent(typed_values(registered.settings, document))
    except BadSettings as problem:
        return shape | {"missing": problem.field}
    if consent is None:
        return None
    is_given = read_grant(document.get(consent.setting), consent) is not None
    return shape | {"is_given": is_given, "has_device": bool(consent.device_url)}


def read_document(secrets: Secrets, sealed: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(secrets.decrypt(sealed)))


def seal_document(secrets: Secrets, document: Mapping[str, Any]) -> str:
    return secrets.encrypt(json.dumps(document))
