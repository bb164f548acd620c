"""Connectors, connections and channels as the inbox sees them. Secrets never leave by here."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from omnibox.connector import BadSettings, Capabilities
from omnibox.connector.consent import read_grant
from omnibox.consents import RETURN_PATH
from omnibox.errors import explain
from omnibox.fields import secrets_set, shown_values, typed_values
from omnibox.inbox import channels, problems
from omnibox.inbox.elsewhere import takes_addresses
from omnibox.inbox.views import moment
from omnibox.registry import Registered
from omnibox.secrets import Secrets
from omnibox.store import Reader
from omnibox.web.hub import Hub

Json = dict[str, Any]
Problems = Sequence[sa.Row[Any]]
NOTHING: frozenset[str] = frozenset()
WELL: Json = {"code": None, "why": None, "since": None, "is_down": False, "is_deaf": False}


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
        "offers": None if capabilities.offers is None else asdict(capabilities.offers),
        "receipts": sorted(capabilities.receipts),
        "windows": [
            {"until_s": window.until_s, "mode": window.mode, "authors": sorted(window.authors), "needs": window.needs}
            for window in capabilities.windows
        ],
        "subject": capabilities.has_subject,
        "recipients": capabilities.has_recipients,
        "by_address": takes_addresses(capabilities),
        "threads_by": capabilities.threads_by,
        "live": capabilities.live,
    }


def registered_of(hub: Hub, name: str) -> Registered:
    """What is known of a connector, also of one that is no longer installed."""
    return hub.connections.registry.get(name) or Registered(name, error="The connector is not installed.")


# ── Channels


def channel_dicts(tx: Reader, hub: Hub) -> list[Json]:
    """All channels, without their settings."""
    waiting, wrong = channels.waiting_by_channel(tx), problems.of_connections(tx)
    return [
        _channel(row, hub, waiting.get(row.id, 0), wrong.get(row.connection_id, ()))
        for row in channels.all_channels(tx)
    ]


def channel_dict(tx: Reader, hub: Hub, channel_id: int) -> Json | None:
    """One channel without its settings, None where there is none (any more)."""
    row = channels.find_channel(tx, channel_id)
    if row is None:
        return None
    wrong = problems.of_connections(tx, row.connection_id).get(row.connection_id, ())
    return _channel(row, hub, channels.waiting_by_channel(tx, channel_id).get(channel_id, 0), wrong)


def full_channel(
    row: sa.Row[Any], hub: Hub, base_url: str, waiting: int, wrong: Problems, made: frozenset[str] = NOTHING
) -> Json:
    """A channel with its settings, for who may change them. Secrets in `made` are shown: they must be copied now."""
    fields = registered_of(hub, row.connector).channel_settings or ()
    document = read_document(hub.secrets, row.settings)
    if row.connection_state == "draft":
        made |= {field.name for field in fields if field.makes}
    shape = _channel(row, hub, waiting, wrong)
    shape["problems"] = _troubles_of(row, registered_of(hub, row.connector), wrong)
    shape["settings"] = shown_values(fields, document, made)
    shape["secrets_set"] = secrets_set(fields, document)
    shape["snippet"] = _snippet(base_url, row.key) if shape["is_live"] else None
    return shape


def _channel(row: sa.Row[Any], hub: Hub, waiting: int, wrong: Problems) -> Json:
    registered = registered_of(hub, row.connector)
    own_state = row.connection_state == "active"
    above = _of_connection(registered, row.connection_state, row.connection_code, row.connection_since, wrong)
    return {
        "id": row.id,
        "connection": row.connection_id,
        "connector": row.connector,
        "name": row.name,
        "address": row.address,
        "state": row.state if own_state else row.connection_state,
        "health": next(iter([*_troubles_of(row, registered, wrong), *above]), WELL),
        "waiting": waiting,
        "is_live": registered.capabilities.live,
    }


def _troubles_of(row: sa.Row[Any], registered: Registered, wrong: Problems) -> list[Json]:
    """What is wrong with this channel alone, the worst first."""
    mine = [each for each in wrong if each.address == row.address]
    own = [_health(registered, row.code, row.since, is_down=row.state == "paused")] if row.code else []
    own = [] if row.code in {each.code for each in mine} else own
    return own + [_found(registered, each) for each in mine]


def _of_connection(
    registered: Registered, state: str, code: str | None, since: datetime | None, wrong: Problems
) -> list[Json]:
    """What is wrong with a connection as a whole."""
    if registered.error is not None:
        return [_health(registered, "connector_missing", None, is_down=True, is_deaf=True)]
    own = [_health(registered, code, since, is_down=state == "paused", is_deaf=state == "paused")] if code else []
    return own + [_found(registered, each) for each in wrong if not each.address]


def _found(registered: Registered, row: sa.Row[Any]) -> Json:
    return _health(registered, row.code, row.since, row.facts, is_down=row.is_down, is_deaf=row.is_deaf)


def _health(
    registered: Registered,
    code: str,
    since: datetime | None,
    facts: Mapping[str, str] | None = None,
    *,
    is_down: bool = False,
    is_deaf: bool = False,
) -> Json:
    words = " ".join(explain(code, registered.errors)).strip()
    for name, value in (facts or {}).items():
        words = words.replace(f"{{{name}}}", value)
    return {"code": code, "why": words, "since": moment(since), "is_down": is_down, "is_deaf": is_deaf}


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
    wrong = problems.of_connections(tx, row.id).get(row.id, ())
    own = [
        full_channel(channel, hub, base_url, waiting.get(channel.id, 0), wrong)
        for channel in channels.all_channels(tx, row.id)
    ]
    above = _of_connection(registered, row.state, row.code, row.since, wrong)
    below = [each for channel in own for each in channel["problems"]]
    return {
        "id": row.id,
        "connector": row.connector,
        "name": row.name,
        "state": row.state,
        "health": next(iter([*above, *below]), WELL),
        "hook_url": f"{base_url}/hooks/{row.hook_key}" if registered.has_webhook else None,
        "settings": shown_values(registered.settings, document, made),
        "secrets_set": secrets_set(registered.settings, document),
        "consent": _consent(registered, document, base_url, {each["code"] for each in above + below}),
        "problems": above,
        "channels": own,
    }


def _consent(registered: Registered, document: Mapping[str, Any], base_url: str, codes: Collection[str]) -> Json | None:
    """How it stands with the owner's consent, with those `codes` of trouble; None where none is needed."""
    shape = {
        "is_given": False,
        "is_needed": False,
        "has_device": False,
        "has_choices": registered.has_choices,
        "redirect_url": base_url + RETURN_PATH,
        "missing": None,
    }
    try:
        consent = registered.consent(typed_values(registered.settings, document))
    except BadSettings as problem:
        return shape | {"missing": problem.field}
    if consent is None:
        return None
    is_given = read_grant(document.get(consent.setting), consent) is not None
    is_needed = not consent.cures.isdisjoint(codes)
    return shape | {"is_given": is_given, "is_needed": is_needed, "has_device": bool(consent.device_url)}


def read_document(secrets: Secrets, sealed: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(secrets.decrypt(sealed)))


def seal_document(secrets: Secrets, document: Mapping[str, Any]) -> str:
    return secrets.encrypt(json.dumps(document))
