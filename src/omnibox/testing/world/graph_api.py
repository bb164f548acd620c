"""The HTTP face of the simulated Graph API."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from omnibox.testing.world.graph_rules import MOST_UPLOAD, Refused, check_window, read_call

if TYPE_CHECKING:
    from omnibox.testing.world.graph import Fault, Graph, Page, Taken

_HTML = "<html><head><title>Sorry</title></head><body><h1>Something went wrong</h1></body></html>"


def application(graph: Graph) -> web.Application:
    api = _Api(graph)
    app = web.Application(client_max_size=MOST_UPLOAD + (1 << 20))
    app.router.add_get("/media/{key}/{name}", api.media)
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
            return web.json_response(refused.body(), status=refused.status)
        graph.heard(f"Graph {edge or 'profile'} done")
        if fault is not None:
            return await self._broken(request, fault, answer)
        return web.json_response(answer, headers={"X-App-Usage": '{"call_count":1,"total_cputime":1,"total_time":1}'})

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
        token = _token(request)
        if token == f"{graph.app_id}|{graph.app_secret}":
            return self._for_app(request, node, edge)
        page = self._page(request, token)
        if edge in ("messages", "message_attachments", "subscribed_apps", "conversations") and node not in (
            "me",
            page.id,
        ):
            raise Refused(100, 33, f"Unsupported request. Object with ID '{node}' does not exist or cannot be loaded")
        match request.method, edge:
            case "POST", "messages":
                return await self._messages(request, page)
            case "POST", "message_attachments":
                return await self._upload(request, page)
            case (("GET" | "POST" | "DELETE"), "subscribed_apps"):
                return await self._subscribed_apps(request, page)
            case "GET", "conversations":
                return self._conversations(request, page)
            case "GET", "me":
                return {"id": page.id, "name": page.name}
            case "GET", "":
                return self._profile(page, node)
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
        from omnibox.testing.world.graph import Taken

        graph = self.graph
        call = read_call(_json(await request.read()))
        person = graph.people.get(call.psid)
        if person is None or person.page != page.id or not person.last_inbound_ms:
            raise Refused(100, 2018001, "No matching user found")
        if person.has_blocked:
            raise Refused(551, 1545041, "This person isn't available right now.")
        now_ms = graph.now_ms()
        approved = page.is_human_agent_approved
        check_window(call, person.last_inbound_ms, now_ms, is_human_agent_approved=approved)
        if call.action:
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
            metadata=call.metadata,
            messaging_type=call.messaging_type,
            tag=call.tag,
            app_id=graph.app_id,
        )
        await graph.take(taken)
        return {"recipient_id": call.psid, "message_id": taken.mid}

    def _as_seen(self, attachment: Any, file: Any) -> tuple[dict[str, Any], ...]:
        if attachment is None:
            return ()
        url = self.graph.media_url(file) if file else attachment["payload"]["url"]
        return ({"type": attachment["type"], "payload": {"url": url}},)

    async def _upload(self, request: web.Request, page: Page) -> object:
        from omnibox.testing.world.graph import Media

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
        if request.method == "POST":
            form = dict(request.query) | {key: str(value) for key, value in (await request.post()).items()}
            if request.content_type == "application/json":
                form |= _json(await request.read())
            page.subscribed_fields[:] = [field for field in form.get("subscribed_fields", "").split(",") if field]
            return {"success": True}
        if not page.subscribed_fields:
            return {"data": []}
        return {"data": [{"id": self.graph.app_id, "name": "omnibox", "subscribed_fields": page.subscribed_fields}]}

    def _conversations(self, request: web.Request, page: Page) -> object:
        psid = request.query.get("user_id", "")
        person = self.graph.people.get(psid)
        if person is None or person.page != page.id:
            return {"data": []}
        limit = re.search(r"messages\.limit\((\d+)\)", request.query.get("fields", ""))
        newest = list(reversed(self.graph.threads[psid]))[: int(limit[1]) if limit else 25]
        return {"data": [{"id": f"t_{psid}", "messages": {"data": [_read_back(taken, page) for taken in newest]}}]}

    def _profile(self, page: Page, psid: str) -> object:
        person = self.graph.people.get(psid)
        if person is None or person.page != page.id:
            raise Refused(100, 33, f"Object with ID '{psid}' does not exist or cannot be loaded")
        if not page.shows_profiles:
            raise Refused(10, None, "Requires Business Asset User Profile Access", 403)
        first, _, last = person.name.partition(" ")
        return {"first_name": first, "last_name": last, "id": psid}

    def _for_app(self, request: web.Request, node: str, edge: str) -> object:
        graph = self.graph
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


def _read_back(taken: Taken, page: Page) -> dict[str, Any]:
    at = datetime.fromtimestamp(taken.at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
    sender = {"id": page.id, "name": page.name} if taken.is_from_page else {"id": taken.psid}
    return {"id": taken.mid, "created_time": at, "from": sender, "message": taken.text}
