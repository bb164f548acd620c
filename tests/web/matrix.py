"""Who may use which route: the table that the permission test walks through. Every route has its rows here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANYONE = frozenset({"anonymous", "removed", "agent", "admin", "owner"})
EVERYONE = frozenset({"agent", "admin", "owner"})
LEADS = frozenset({"admin", "owner"})
OWNER = frozenset({"owner"})
CALLERS = ("anonymous", "removed", "agent", "admin", "owner")


@dataclass(frozen=True, slots=True)
class Case:
    """One use of a route. A name in the path is filled by `House.ids` of «subject caller», of `subject`, or by it as
    it is; a value `$name` in the body likewise, `$me` by the caller's id.

    `ok` is the status for those who may; others hear 401 (not signed in) or 403 with `code`.
    """

    may: frozenset[str]
    subject: str = ""
    body: Mapping[str, object] | None = None
    ok: int = 200
    code: str = "forbidden"
    query: str = ""
    file: bool = False


NEW = {"name": "New", "email": "new@example.org"}
WHOSE = ("own", "colleague", "nobody")
UNKNOWN_LINK = "no-such-token"

CASES: dict[tuple[str, str], list[Case]] = {
    ("GET", "/"): [Case(ANYONE, ok=302)],
    ("GET", "/inbox"): [Case(ANYONE, ok=302)],
    ("GET", "/inbox/{path:.*}"): [Case(ANYONE, ok=503)],  # not built in the test's house
    ("GET", "/w/loader.js"): [Case(ANYONE, ok=404)],
    ("GET", "/w/assets/{path:.*}"): [Case(ANYONE, ok=404)],
    ("GET", "/healthz"): [Case(ANYONE)],
    ("GET", "/readyz"): [Case(ANYONE)],
    ("GET", "/metrics"): [Case(ANYONE)],  # and from this machine, which is another test's matter
    ("GET", "/api/openapi.json"): [Case(ANYONE)],
    ("GET", "/api/setup"): [Case(ANYONE)],
    ("POST", "/api/setup"): [Case(ANYONE, body={**NEW, "code": "x", "password": "x"}, ok=409)],
    ("POST", "/api/login"): [Case(ANYONE, body={"email": "agent@example.org", "password": "correct horse battery"})],
    ("POST", "/api/logout"): [Case(ANYONE, ok=204)],
    ("GET", "/api/links/{token}"): [Case(ANYONE, UNKNOWN_LINK, ok=404)],
    ("POST", "/api/links/{token}"): [Case(ANYONE, UNKNOWN_LINK, {"password": "x" * 10}, ok=404)],
    ("GET", "/api/me"): [Case(EVERYONE)],
    ("PATCH", "/api/me"): [Case(EVERYONE, body={"is_on": False})],
    ("POST", "/api/me/password"): [
        Case(EVERYONE, body={"password": "correct horse battery", "new_password": "another good one"})
    ],
    ("GET", "/api/agents"): [Case(EVERYONE)],
    ("PATCH", "/api/agents/{id}"): [
        Case(LEADS, "agent2", {"is_active": False}),
        Case(LEADS, "agent2", {"role": "agent"}),
        Case(OWNER, "agent2", {"role": "admin"}, code="owner_only"),
        Case(OWNER, "agent2", {"role": "owner"}, code="owner_only"),
        Case(OWNER, "admin2", {"role": "agent"}, code="owner_only"),
        Case(OWNER, "admin2", {"is_active": False}, code="owner_only"),
        Case(OWNER, "owner", {"role": "owner"}, code="owner_only"),
        Case(OWNER, "owner", {"is_active": False}, ok=409, code="owner_only"),
        Case(LEADS, "removed", {"is_active": True}),
    ],
    ("POST", "/api/agents/{id}/reset"): [
        Case(LEADS, "agent2", ok=201),
        Case(LEADS, "removed", ok=409),
        Case(OWNER, "admin2", ok=201, code="owner_only"),
        Case(OWNER, "owner", ok=201, code="owner_only"),
    ],
    ("GET", "/api/invitations"): [Case(LEADS)],
    ("POST", "/api/invitations"): [
        Case(LEADS, body={**NEW, "role": "agent"}, ok=201),
        Case(OWNER, body={**NEW, "role": "admin"}, ok=201, code="owner_only"),
        Case(OWNER, body={**NEW, "role": "owner"}, ok=201, code="owner_only"),
    ],
    ("DELETE", "/api/invitations/{id}"): [Case(LEADS, "agent", ok=404)],
    # What is set up
    ("GET", "/api/connectors"): [Case(EVERYONE)],
    ("GET", "/api/connections"): [Case(LEADS)],
    ("POST", "/api/connections"): [Case(LEADS, body={"connector": "hook", "name": "Second"}, ok=201)],
    ("GET", "/api/connections/{id}"): [Case(LEADS, "connection")],
    ("PATCH", "/api/connections/{id}"): [Case(LEADS, "connection", {"name": "Other"})],
    ("DELETE", "/api/connections/{id}"): [Case(LEADS, "connection", ok=409)],
    ("POST", "/api/connections/{id}/check"): [Case(LEADS, "connection")],
    ("POST", "/api/connections/{id}/enable"): [Case(LEADS, "connection")],
    ("POST", "/api/connections/{id}/consent"): [Case(LEADS, "connection", ok=409)],  # a hook asks nobody
    ("POST", "/api/connections/{id}/consent/device"): [Case(LEADS, "connection", ok=409)],
    ("POST", "/api/connections/{id}/consent/device/answer"): [Case(LEADS, "connection", ok=409)],
    ("GET", "/api/connections/{id}/consent/choices"): [Case(LEADS, "connection", ok=409)],
    ("POST", "/api/connections/{id}/consent/choices"): [Case(LEADS, "connection", {"addresses": []}, ok=409)],
    ("GET", "/consent/return"): [Case(ANYONE, ok=302)],  # to a page of ours; an answer counts in its own session only
    ("POST", "/api/connections/{id}/disable"): [Case(LEADS, "connection")],
    ("POST", "/api/connections/{id}/channels"): [Case(LEADS, "connection", {"address": "second"}, ok=201)],
    ("PATCH", "/api/channels/{id}"): [Case(LEADS, "channel", {"name": "Other"})],
    ("DELETE", "/api/channels/{id}"): [Case(LEADS, "channel", ok=409)],
    ("GET", "/api/messages/{id}/editions"): [Case(EVERYONE, "99")],
    ("POST", "/api/messages/{id}/mask-reports"): [Case(EVERYONE, "99", {"spot": 0}, ok=404)],
    ("GET", "/api/mask-reports"): [Case(LEADS)],
    ("GET", "/api/mask-reports/export"): [Case(LEADS)],
    ("GET", "/api/channels/{id}/patterns"): [Case(LEADS, "channel")],
    ("PUT", "/api/channels/{id}/patterns"): [Case(LEADS, "channel", {"patterns": [r"LC\d{8}"]})],
    ("GET", "/api/erasures"): [Case(LEADS)],
    ("POST", "/api/erasures/{id}/done"): [Case(LEADS, "99", ok=409)],
    ("GET", "/api/quarantine"): [Case(LEADS)],
    ("POST", "/api/quarantine/{id}/retry"): [Case(LEADS, "99", ok=404)],
    # What is said
    ("GET", "/api/snapshot"): [Case(EVERYONE)],
    ("GET", "/api/counts"): [Case(EVERYONE)],
    ("GET", "/api/conversations"): [Case(EVERYONE)],
    ("GET", "/api/search"): [Case(EVERYONE, query="?q=hello")],
    ("GET", "/api/conversations/{id}"): [Case(EVERYONE, who) for who in WHOSE],
    ("GET", "/api/conversations/{id}/messages"): [Case(EVERYONE, who) for who in WHOSE],
    ("POST", "/api/conversations/{id}/replies"): [
        Case(EVERYONE, who, {"client_id": "a-client-id", "text": "Hi"}, 201) for who in WHOSE
    ],
    ("POST", "/api/conversations/{id}/notes"): [
        Case(EVERYONE, who, {"client_id": "a-client-id", "text": "Hi"}, 201) for who in WHOSE
    ],
    ("POST", "/api/conversations/{id}/read"): [Case(EVERYONE, who, {"message": 1}, 204) for who in WHOSE],
    ("POST", "/api/conversations/{id}/resolve"): [
        Case(EVERYONE, "own"),
        Case(LEADS, "colleague", code="may_not_resolve"),
        Case(LEADS, "nobody", code="may_not_resolve"),
    ],
    ("POST", "/api/conversations/{id}/reopen"): [Case(EVERYONE, who) for who in WHOSE],
    ("POST", "/api/conversations/{id}/assign"): [
        Case(EVERYONE, "nobody", {"agent": "$me"}),
        Case(LEADS, "nobody", {"agent": "$agent2"}, code="may_not_assign"),
        Case(EVERYONE, "own", {"agent": "$agent2"}),
        Case(EVERYONE, "own", {"agent": None}),
        Case(LEADS, "colleague", {"agent": "$me"}, code="may_not_assign"),
        Case(LEADS, "colleague", {"agent": None}, code="may_not_assign"),
        Case(EVERYONE, "own", {"agent": "$removed"}, ok=422),
    ],
    ("POST", "/api/conversations/{id}/merge"): [Case(EVERYONE, "own", {"into": "$own"}, 409)],
    ("POST", "/api/conversations/{id}/split"): [Case(EVERYONE, who, {"messages": [99]}, 409) for who in WHOSE],
    ("POST", "/api/conversations/{id}/move"): [Case(EVERYONE, "own", {"messages": [99], "into": "$own"}, 409)],
    ("POST", "/api/conversations/{id}/elsewhere"): [Case(EVERYONE, who, {"channel": 999}, 409) for who in WHOSE],
    ("GET", "/api/conversations/{id}/rearrangements"): [Case(EVERYONE, who) for who in WHOSE],
    ("POST", "/api/rearrangements/{id}/undo"): [Case(EVERYONE, "99", ok=404)],
    ("DELETE", "/api/conversations/{id}/related"): [Case(EVERYONE, who) for who in WHOSE],
    ("POST", "/api/conversations/{id}/people"): [
        Case(EVERYONE, who, {"address": "ana@customer.example", "is_confirmed": True}) for who in WHOSE
    ],
    ("POST", "/api/deliveries/{id}/retry"): [Case(EVERYONE, "99", ok=404)],
    ("POST", "/api/deliveries/{id}/dismiss"): [Case(EVERYONE, "99", ok=404)],
    ("POST", "/api/deliveries/{id}/check"): [Case(EVERYONE, "99", ok=404)],
    ("GET", "/api/contacts/{id}"): [Case(EVERYONE, "contact")],
    ("PATCH", "/api/contacts/{id}"): [Case(EVERYONE, "contact", {"name": "Other"})],
    ("GET", "/api/contacts/{id}/picture"): [Case(EVERYONE, "contact", ok=404)],
    ("POST", "/api/uploads"): [Case(EVERYONE, file=True, ok=201)],
    ("GET", "/api/files/{key}"): [Case(EVERYONE, "no-such-key", ok=404)],
    ("GET", "/api/messages/{id}/html"): [Case(EVERYONE, "nobody", ok=404)],
    # Live
    ("GET", "/ws"): [Case(EVERYONE, ok=400)],  # they may, but this is not an upgrade
    ("GET", "/api/events"): [Case(EVERYONE, query="?after=0&wait=0")],
    ("POST", "/api/frames"): [Case(EVERYONE, body={"frames": []})],
    # Doors with credentials of their own: no session opens them, and none is needed
    ("GET", "/hooks/{key}"): [Case(ANYONE, "no-such-key", ok=404)],
    ("POST", "/hooks/{key}"): [Case(ANYONE, "no-such-key", ok=404)],
    ("POST", "/hooks/{key}/withdrawn"): [Case(ANYONE, "no-such-key", ok=404)],
    ("POST", "/hooks/{key}/erase"): [Case(ANYONE, "no-such-key", ok=404)],
    ("GET", "/erasures/{code}"): [Case(ANYONE, "no-such-code", ok=404)],
    ("GET", "/w/ws"): [Case(ANYONE, ok=400)],
    ("OPTIONS", "/w/{rest:history|files|events|frames|files/.+}"): [Case(ANYONE, "history", ok=403)],
    ("GET", "/w/history"): [Case(ANYONE, ok=403)],
    ("POST", "/w/files"): [Case(ANYONE, ok=403)],
    ("GET", "/w/files/{key}"): [Case(ANYONE, "no-such-key", ok=403)],
    ("GET", "/w/events"): [Case(ANYONE, ok=403)],
    ("POST", "/w/frames"): [Case(ANYONE, ok=403)],
}
