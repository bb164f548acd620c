"""The HTTP face of the simulated Graph API."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from omnibox.testing.world import graph_profile
from omnibox.testing.world import graph_threads as threads
from omnibox.testing.world.graph_records import Fault, Media, Page, Taken
from omnibox.testing.world.graph_rules import MOST_UPLOAD, Refused, check_window, presses_of, read_call, read_persona

if TYPE_CHECKING:
    from omnibox.testing.world.graph import Graph

_HTML = "<html><head><title>Sorry</title></head><body><h1>Something went wrong</h1></body></html>"


def application(graph: Graph) -> web.Application:
    api = _Api(graph)
    app = web.Application(client_max_size=MOST_UPLOAD + (1 << 20))
    app.router.add_get("/media/{key}/{name}", api.media)
    app.router.add_route("*", "/{version}/dialog/oauth", graph.login.dialog)
    app.router.add_route("*", "/{version}/{node}", api.call)
    app.router.add_route("*", "/{version}/{node}/{edge}", api.call)
    return app


class _Api:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def media(self, request: web.Request) -> web.Response:
        found = self.graph.media.get(request.match_info["key"])
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.content, content_type=found.content_type)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call: the token, the fault that may be due, and the edge itself."""
        graph, (node, edge) = self.graph, _target(request)
        graph.asked.append((request.method, edge))
        graph.queries.append(sorted(request.query))
        graph.heard(f"Graph {edge or 'profile'}")
        if graph.delay_s:
            await asyncio.sleep(graph.delay_s)
        psid = ""
        if edge == "messages":
            psid = _named_person(await request.read())
        fault = graph.fault_for(edge, psid)
        if fault is not None and not fault.is_taken:
            return await self._broken(request, fault)
        try:
            answer = await self._answer(request, node, edge)
        except Refused as refused:
            graph.refused.append((edge, refused.code, refused.subcode))
            return web.json_response(refused.body(), status=refused.status, headers=self._usage(request))
        graph.heard(f"Graph {edge or 'profile'} done")
        if fault is not None:
            return await self._broken(request, fault, answer)
        return web.json_response(answer, headers=self._usage(request))

    def _usage(self, request: web.Request) -> dict[str, str]:
        """How much of its quota the page has used, in the headers that Meta sends with every answer."""
        app = '{"call_count":1,"total_cputime":1,"total_time":1}'
        token = _token(request)
        page = next((page for page in self.graph.pages.values() if token and page.token == token), None)
        if page is None:
            return {"X-App-Usage": app}
        now_ms = self.graph.now_ms()
        use = {
            "type": "messenger",
            "call_count": page.quota.share(now_ms),
            "total_cputime": 1,
            "total_time": 1,
            "estimated_time_to_regain_access": page.quota.regained_in_min(now_ms),
        }
        return {"X-App-Usage": app, "X-Business-Use-Case-Usage": json.dumps({page.id: [use]})}

    async def _broken(self, request: web.Request, fault: Fault, answer: object = None) -> web.StreamResponse:
        if fault.shape == "close":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if fault.shape == "hang":
            await self.graph.is_stopping.wait()
        if fault.shape in ("hang", "status"):
            return web.Response(status=fault.status, headers=fault.headers)
        if fault.shape == "html":
            return web.Response(text=_HTML, content_type="text/html", status=fault.status, headers=fault.headers)
        if fault.shape == "half":
            half = json.dumps(answer or {"message_id": "m_half"})[:-6]
            return web.Response(text=half, content_type="application/json", status=fault.status, headers=fault.headers)
        refused = Refused(fault.code, fault.subcode, "An injected error that quotes the text of the message")
        return web.json_response(refused.body(), status=fault.status, headers=fault.headers)

    async def _answer(self, request: web.Request, node: str, edge: str) -> object:
        graph = self.graph
        if request.match_info["version"] != f"v{graph.version}":
            raise Refused(2635, None, "You are calling a deprecated version of the API")
        if (node, edge) == ("oauth", "access_token"):
            return await graph.login.exchange(request)
        token = _token(request)
        if token == f"{graph.app_id}|{graph.app_secret}":
            return await self._for_app(request, node, edge)
        if node == "me" and graph.login.knows(token):
            return graph.login.for_person(request, token, edge)
        page = self._page(request, token)
        is_of_page = edge in ("message_attachments", "subscribed_apps", "conversations", "personas") or (
            edge == "messages" and request.method == "POST"
        )
        if is_of_page and node not in ("me", page.id):
            raise Refused(100, 33, f"Unsupported request. Object with ID '{node}' does not exist or cannot be loaded")
        match request.method, edge:
            case "POST", "messages":
                return await self._messages(request, page)
            case "POST", "personas":
                return await self._make_persona(request, page)
            case "POST", "message_attachments":
                return await self._upload(request, page)
            case (("GET" | "POST" | "DELETE"), "subscribed_apps"):
                return await self._subscribed_apps(request, page)
            case "GET", "conversations":
                page.quota.count("thread", graph.now_ms())
                return threads.conversations(graph, request, page)
            case "GET", "messages":
                page.quota.count("thread", graph.now_ms())
                return threads.messages(graph, request, page, node)
            case "POST", "messenger_profile":
                return graph_profile.change(page, _json(await request.read()), graph.now_ms())
            case "GET", "me":
                return {"id": page.id, "name": page.name}
            case "GET", "":
                return self._profile(page, node, request.query.get("fields", ""))
        raise Refused(100, None, f"Unsupported request: {request.method} {edge}")

    def _page(self, request: web.Request, token: str) -> Page:
        page = next((page for page in self.graph.pages.values() if token and page.token == token), None)
        if page is None:
            raise Refused(190, 467, "Invalid OAuth access token", 401)
        if page.token_error is not None:
            raise Refused(190, page.token_error, "Error validating access token", 401)
        proof = request.query.get("appsecret_proof", "")
        genuine = hmac.new(self.graph.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if (proof or self.graph.needs_proof) and proof != genuine:
            raise Refused(100, None, "Invalid appsecret_proof provided in the API argument")
        return page

    async def _messages(self, request: web.Request, page: Page) -> object:
        graph = self.graph
        call = read_call(_json(await request.read()))
        page.quota.count("other" if call.action else "text" if call.text else "media", graph.now_ms())
        person = graph.people.get(call.psid)
        if person is None or person.page != page.id or not person.last_inbound_ms:
            raise Refused(100, 2018001, "No matching user found")
        if person.has_blocked:
            raise Refused(551, 1545041, "This person isn't available right now.")
        now_ms = graph.now_ms()
        approved = page.is_human_agent_approved
        check_window(call, person.last_inbound_ms, now_ms, is_human_agent_approved=approved)
        if call.persona is not None and call.persona not in page.personas:
            raise Refused(100, None, "Param persona_id must be a persona of this page")
        if call.action:
            graph.actions.append((call.psid, call.action))
            return {"recipient_id": call.psid}
        file = graph.upload_of(call.attachment) if call.attachment else None
        taken = Taken(
            graph.new_id("m"),
            page.id,
            call.psid,
            now_ms,
            is_from_page=True,
            text=call.text,
            attachments=self._as_seen(call.attachment, file),
            files=(file,) if file else (),
            quick_replies=tuple(str(reply["title"]) for reply in call.quick_replies),
            presses=presses_of(call),
            metadata=call.metadata,
            messaging_type=call.messaging_type,
            tag=call.tag,
            persona=page.personas.get(call.persona or "", ""),
            app_id=graph.app_id,
        )
        await graph.take(taken)
        return {"recipient_id": call.psid, "message_id": taken.mid}

    async def _make_persona(self, request: web.Request, page: Page) -> object:
        if not page.takes_personas:
            raise Refused(200, None, "Requires pages_messaging permission to manage the object", 403)
        name = read_persona(_json(await request.read()))
        key = self.graph.new_id("p")
        page.personas[key] = name
        return {"id": key}

    def _as_seen(self, attachment: Any, file: Any) -> tuple[dict[str, Any], ...]:
        if attachment is None:
            return ()
        if attachment["type"] == "template":
            return (dict(attachment),)
        url = self.graph.media_url(file) if file else attachment["payload"]["url"]
        return ({"type": attachment["type"], "payload": {"url": url}},)

    async def _upload(self, request: web.Request, page: Page) -> object:
        described, media = None, None
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise Refused(100, None, "Unexpected multipart")
            content = bytes(await part.read(decode=False))
            if part.name == "message":
                described = _json(content)
            elif part.name == "filedata":
                kind = part.headers.get("Content-Type", "application/octet-stream")
                media = Media(part.filename or "file", kind, content)
            else:
                raise Refused(100, None, f"Unexpected key {part.name!r}")
        attachment = described.get("attachment") if isinstance(described, dict) else None
        if (
            not isinstance(attachment, dict)
            or media is None
            or attachment.get("type") not in ("image", "audio", "video", "file")
        ):
            raise Refused(100, None, "An upload needs message and filedata")
        if len(media.content) > MOST_UPLOAD:
            raise Refused(100, 2018109, "The attachment size exceeds the limit")
        key = self.graph.new_id("a")
        self.graph.uploads[key] = (media, self.graph.now_ms())
        return {"attachment_id": key}

    async def _subscribed_apps(self, request: web.Request, page: Page) -> object:
        if request.method == "DELETE":
            page.subscribed_fields.clear()
            return {"success": True}
        if request.method == "POST" and not page.takes_subscriptions:
            raise Refused(200, None, "To subscribe to the messages field, one of these permissions is needed", 403)
        if request.method == "POST":
            form = dict(request.query) | {key: str(value) for key, value in (await request.post()).items()}
            if request.content_type == "application/json":
                form |= _json(await request.read())
            page.subscribed_fields[:] = [field for field in form.get("subscribed_fields", "").split(",") if field]
            return {"success": True}
        if not page.subscribed_fields:
            return {"data": []}
        return {"data": [{"id": self.graph.app_id, "name": "omnibox", "subscribed_fields": page.subscribed_fields}]}

    def _profile(self, page: Page, psid: str, fields: str) -> object:
        person = self.graph.people.get(psid)
        if person is None or person.page != page.id:
            raise Refused(100, 33, f"Object with ID '{psid}' does not exist or cannot be loaded")
        if not page.shows_profiles:
            raise Refused(10, None, "Requires Business Asset User Profile Access", 403)
        first, _, last = person.name.partition(" ")
        known = {"first_name": first, "last_name": last, "profile_pic": person.picture}
        return {name: known[name] for name in fields.split(",") if known.get(name)} | {"id": psid}

    async def _for_app(self, request: web.Request, node: str, edge: str) -> object:
        graph = self.graph
        if node == graph.app_id and request.method == "POST" and edge == "subscriptions":
            return await self._register(request)
        if node == graph.app_id and edge == "permissions" and graph.permissions:
            return {"data": [{"permission": name, "status": state} for name, state in graph.permissions.items()]}
        if edge == "debug_token":
            asked = request.query.get("input_token")
            page = next((page for page in graph.pages.values() if page.token == asked), None)
            if page is None:
                return {"data": {"is_valid": False, "scopes": []}}
            return {
                "data": {
                    "app_id": graph.app_id,
                    "type": "PAGE",
                    "is_valid": page.token_error is None,
                    "expires_at": page.token_ends_at,
                    "scopes": list(page.scopes),
                    "profile_id": page.id,
                }
            }
        if node == graph.app_id and edge == "subscriptions":
            if not graph.hooks.url:
                return {"data": []}
            active = graph.webhook_fields_active
            return {"data": [{"object": "page", "callback_url": graph.hooks.url, "active": active, "fields": []}]}
        raise Refused(100, 33, "Unsupported request")

    async def _register(self, request: web.Request) -> object:
        """The app's webhook: Meta tries the address before it takes it."""
        form = await request.post()
        if form.get("object") != "page" or not form.get("fields"):
            raise Refused(100, None, "Param object must be page")
        try:
            await self.graph.subscribe(str(form.get("callback_url")), str(form.get("verify_token")))
        except (ValueError, OSError, TimeoutError):
            raise Refused(2200, None, "Callback verification failed") from None
        self.graph.webhook_fields_active = True
        return {"success": True}


def _target(request: web.Request) -> tuple[str, str]:
    """Node and edge; `me` and `debug_token` without an edge are their own."""
    node, edge = request.match_info["node"], request.match_info.get("edge", "")
    return node, edge or (node if node in ("me", "debug_token") else "")


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else request.query.get("access_token", "")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Refused(100, None, "Invalid JSON") from None


def _named_person(body: bytes) -> str:
    try:
        return str(json.loads(body)["recipient"]["id"])
    except (ValueError, KeyError, TypeError):
        return ""
