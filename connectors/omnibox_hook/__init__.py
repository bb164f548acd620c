"""A channel for any system that can POST JSON: the smallest useful connector."""

from collections.abc import Iterator
from datetime import UTC, datetime

from omnibox.connector import Capabilities, Context, Field, Forged, Inbound, Look, Outbound, Request, Sent


class Hook:
    name = "hook"
    look = Look(title="Hook", light="#0B6E6E", dark="#5CC8C8", summary="Any system that can POST JSON")
    capabilities = Capabilities(max_text=4000, idempotent=True)
    settings = (
        Field("secret", kind="secret", title="Secret", help="Signs what you send us", required=True, makes="token"),
        Field("url", kind="url", title="Address for replies", help="We POST each reply there", required=True),
    )

    def __init__(self, context: Context) -> None:
        self._secret, self._url, self._http = context.setting("secret"), context.setting("url"), context.http

    def verify(self, request: Request) -> None:
        if not request.signed_by(self._secret, request.header("x-signature")):
            raise Forged("x-signature does not match the body")

    def parse(self, request: Request) -> Iterator[Inbound]:
        item = request.json()
        sent_at = datetime.fromtimestamp(item["time"], UTC)
        words = [item[key] for key in ("id", "from", "to", "text")]
        if not all(isinstance(word, str) and word for word in words):
            raise ValueError("id, from, to and text are strings")
        yield Inbound(words[0], words[1], words[2], sent_at, external_id=words[0], text=words[3])

    async def send(self, part: Outbound) -> Sent:
        reply = {"id": part.id, "from": part.channel, "to": part.address, "text": part.text}
        await self._http.post(self._url, json=reply)
        return Sent(part.id)
