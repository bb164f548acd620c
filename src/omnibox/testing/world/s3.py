"""An S3-compatible store on loopback: one bucket, path-style, signatures checked, with switches for what goes wrong.

async with S3() as s3:
    s3.objects                      # what it holds: key → Object
    s3.faults.append(Fault("status", status=503, times=2))
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from aiohttp import web

REGION = "us-east-1"
PAGE = 1000
UNHASHED = {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/s3/aws4_request, ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Object:
    content: bytes = field(repr=False)
    written_at: datetime


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests of a method ("" = any): an error status, no answer, or a cut line.

    With `is_taken` the request had its effect all the same.
    """

    shape: Literal["status", "hang", "close"] = "status"
    status: int = 500
    method: str = ""
    times: int = 1
    is_taken: bool = False


class S3:
    """The server. `asked` counts the requests by method, `refused` those that were not signed as they should."""

    def __init__(self, bucket: str = "files", key_id: str = "AKIDEXAMPLE", secret: str = "a secret") -> None:
        self.bucket, self.key_id, self.secret = bucket, key_id, secret
        self.objects: dict[str, Object] = {}
        self.faults: list[Fault] = []
        self.asked: Counter[str] = Counter()
        self.refused = 0
        self.port = 0
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> S3:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a `stop` on the same port again, with the same objects."""
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{bucket}", self._take)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)  # to aiohttp 0 is no limit
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        self.asked[request.method] += 1
        body = await request.read()
        fault = self._fault(request.method)
        if fault is None:
            return self._answer(request, body)
        if fault.is_taken:
            self._answer(request, body)
        if fault.shape == "hang":
            await asyncio.get_running_loop().create_future()
        if fault.shape == "close" and request.transport is not None:
            request.transport.abort()
        return _error(fault.status, "InternalError")

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in ("", method):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _answer(self, request: web.Request, body: bytes) -> web.Response:
        if not self._is_signed(request, body):
            self.refused += 1
            return _error(403, "SignatureDoesNotMatch")
        if request.match_info["bucket"] != self.bucket:
            return _error(404, "NoSuchBucket")
        key = request.match_info.get("key", "")
        match request.method:
            case "GET" if not key:
                return self._list(request.query)
            case "GET" | "HEAD":
                return self._get(key)
            case "PUT" if "partNumber" in request.query:
                return self._take_part(request.query, body)
            case "PUT":
                return self._put(key, body)
            case "DELETE" if "uploadId" in request.query:
                self._uploads.pop(request.query["uploadId"], None)
                return web.Response(status=204)
            case "DELETE":
                self.objects.pop(key, None)
                return web.Response(status=204)
            case "POST" if "uploads" in request.query:
                return self._begin_parts(key)
            case "POST" if "uploadId" in request.query:
                return self._end_parts(key, request.query["uploadId"], body)
        return _error(405, "MethodNotAllowed")

    # ── Objects

    def _put(self, key: str, body: bytes) -> web.Response:
        self.objects[key] = Object(body, datetime.now(UTC))
        return web.Response(headers={"ETag": _tag(body)})

    def _get(self, key: str) -> web.Response:
        found = self.objects.get(key)
        if found is None:
            return _error(404, "NoSuchKey")
        headers = {"ETag": _tag(found.content), "Last-Modified": f"{found.written_at:%a, %d %b %Y %H:%M:%S GMT}"}
        return web.Response(body=found.content, headers=headers, content_type="application/octet-stream")

    def _list(self, query: Mapping[str, str]) -> web.Response:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", query.get("start-after", ""))
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown = keys[:PAGE]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.objects[key].written_at:%Y-%m-%dT%H:%M:%S.000Z}"
            f"</LastModified><ETag>{escape(_tag(self.objects[key].content))}</ETag>"
            f"<Size>{len(self.objects[key].content)}</Size></Contents>"
            for key in shown
        )
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        return _xml(
            "ListBucketResult",
            f"<Name>{escape(self.bucket)}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}",
        )

    # ── Uploads in parts

    def _begin_parts(self, key: str) -> web.Response:
        upload = f"upload-{next(self._numbers)}"
        self._uploads[upload] = {}
        return _xml(
            "InitiateMultipartUploadResult",
            f"<Bucket>{escape(self.bucket)}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>",
        )

    def _take_part(self, query: Mapping[str, str], body: bytes) -> web.Response:
        parts = self._uploads.get(query["uploadId"])
        if parts is None:
            return _error(404, "NoSuchUpload")
        parts[int(query["partNumber"])] = body
        return web.Response(headers={"ETag": _tag(body)})

    def _end_parts(self, key: str, upload: str, body: bytes) -> web.Response:
        parts = self._uploads.pop(upload, None)
        if parts is None:
            return _error(404, "NoSuchUpload")
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
        if numbers != sorted(parts):
            return _error(400, "InvalidPart")
        self._put(key, b"".join(parts[number] for number in numbers))
        return _xml("CompleteMultipartUploadResult", f"<Key>{escape(key)}</Key><ETag>&quot;whole&quot;</ETag>")

    # ── Signatures (AWS Signature Version 4)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        stamp, digest = request.headers.get("x-amz-date", ""), request.headers.get("x-amz-content-sha256", "")
        if not found or found["key"] != self.key_id or found["region"] != REGION or stamp[:8] != found["day"]:
            return False
        if digest not in UNHASHED and digest != hashlib.sha256(body).hexdigest():
            return False
        path, _, query = request.raw_path.partition("?")
        pairs = sorted(
            (quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, keep_blank_values=True)
        )
        asked = "\n".join(
            [
                request.method,
                path,
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in found["names"].split(";")),
                "",
                found["names"],
                digest,
            ]
        )
        scope = f"{found['day']}/{found['region']}/s3/aws4_request"
        signed = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for step in (*scope.split("/"), signed):
            key = hmac.digest(key, step.encode(), "sha256")
        return hmac.compare_digest(key.hex(), found["signature"])


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, inside: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'
    return web.Response(text=text, content_type="application/xml")


def _error(status: int, code: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")
