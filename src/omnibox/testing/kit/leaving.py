"""What leaves: one part, what the platform says to it, and what must stay silent."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from omnibox import connector as api
from omnibox.testing.context import KitContext
from omnibox.testing.kit.applying import applies, by_http, files, idempotent, marks_leaving, reserves
from omnibox.testing.kit.base import CANARY, Base, assert_cancels
from omnibox.testing.platform import Received

FILE_CANARY = b"kit file \x00\xff\xfe 5317 " * 3
STATUSES: Mapping[int, type[api.SendError]] = {
    429: api.Temporary,
    503: api.Temporary,
    500: api.Uncertain,
    502: api.Uncertain,
    504: api.Uncertain,
    401: api.ChannelDown,
    403: api.ChannelDown,
    400: api.Rejected,
    404: api.Rejected,
    302: api.Rejected,
    307: api.Rejected,
}
GARBAGE = (b"", b"<html>502</html>", b"{", b'{"id": "', b"\xff\xfe\x00")
ODD_ANSWERS: tuple[Any, ...] = (
    [],
    7,
    "x",
    {},
    {"error": 1},
    {"error": {"code": {}}},
    [{}],
    {"id": None, "message_id": None},
)


class Leaving(Base):
    async def test_a_part_arrives_once_and_whole(self, one: Any, platform: Any) -> None:
        part = self.outbound()
        sent = await asyncio.wait_for(one.send(part), self.patience_s)
        assert isinstance(sent, api.Sent)
        assert isinstance(sent.external_id, str)
        assert sent.external_id
        assert not sent.refused
        if self.connector.capabilities.live:
            assert sent.external_id == part.id
            return
        assert platform.arrived == 1
        if self.sends_by_http:
            texts = platform.requests[0].texts()
            assert any(CANARY in text for text in texts), "the text did not arrive as it was written"
            assert any(part.address in text for text in texts), "the address did not arrive"

    async def test_two_parts_have_two_ids(self, one: Any, platform: Any) -> None:
        part = self.outbound()
        first = await one.send(part)
        other = await one.send(replace(part, id=part.id[:-1] + "2"))
        if first.external_id == other.external_id and self.sends_by_http:
            # Only a platform that gives ids itself may give one twice, and a pretend one does.
            assert any(first.external_id in text for text in _answered(self.accept, platform.requests[0]))

    @applies(reserves)
    async def test_a_reserved_id_is_the_one_it_gets(self, one: Any) -> None:
        part = self.outbound()
        sent = await one.send(part)
        assert one.reserve(part) == one.reserve(part)
        assert one.reserve(part) in (sent.external_id, *sent.aliases)

    @applies(by_http)
    @applies(idempotent)
    async def test_a_resend_is_byte_equal(self, one: Any, platform: Any) -> None:
        part = self.outbound()
        await one.send(part)
        await one.send(part)
        first, second = platform.requests
        assert first.body == second.body
        assert any(part.id in text for text in first.texts()), "the platform cannot tell a repeat without the id"

    @applies(marks_leaving)
    async def test_leaving_is_told_before_it_leaves(self, one: Any, platform: Any) -> None:
        told: list[int] = []

        async def leaving() -> None:
            told.append(platform.arrived)

        await one.send(replace(self.outbound(), leaving=leaving))
        assert told == [0]

    @applies(by_http)
    @applies(files)
    async def test_a_file_arrives(self, one: Any, platform: Any) -> None:
        limits = self.connector.capabilities.files

        async def read() -> bytes:
            return FILE_CANARY

        kind = (limits.types or ("text/plain",))[0].replace("*", "png")
        file = api.OutboundFile("kit.bin", kind, len(FILE_CANARY), "kit-1", read)
        sent = await one.send(replace(self.outbound(), text="", files=(file,)))
        assert sent.external_id
        arrived = b"\n".join(request.body for request in platform.requests)
        assert FILE_CANARY in arrived or base64.b64encode(FILE_CANARY) in arrived

    @applies(by_http)
    @pytest.mark.parametrize("status", STATUSES)
    async def test_each_status_is_the_right_error(self, one: Any, platform: Any, status: int) -> None:
        error = {**STATUSES, **self.statuses}[status]
        platform.answer(status, b"{}", {"Location": f"{platform.url}elsewhere"} if status < 400 else None)
        with pytest.raises(api.SendError) as caught:
            await one.send(self.outbound())
        assert type(caught.value) is error
        assert caught.value.code
        assert platform.arrived == 1, "sent twice, or followed a redirect"

    @applies(by_http)
    async def test_each_own_error_is_the_right_one(self, one: Any, platform: Any) -> None:
        for status, body, error in self.own_errors:
            platform.answer(status, body)
            with pytest.raises(api.SendError) as caught:
                await one.send(self.outbound())
            assert type(caught.value) is error, f"{status} {body}"
        assert platform.arrived == len(self.own_errors)

    @applies(by_http)
    @pytest.mark.parametrize("status", [429, 503])
    async def test_retry_after_is_kept(self, one: Any, platform: Any, status: int) -> None:
        date, later = "Mon, 02 Nov 2026 09:30:00 GMT", "Mon, 02 Nov 2026 09:30:07 GMT"
        for headers in ({"Retry-After": "7"}, {"Retry-After": later, "Date": date}):
            platform.answer(status, b"{}", headers)
            with pytest.raises(api.Temporary) as caught:
                await one.send(self.outbound())
            assert caught.value.retry_after == 7

    @applies(by_http)
    @pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
    async def test_a_garbled_answer_is_uncertain(self, one: Any, platform: Any, body: bytes) -> None:
        platform.answer(200, body)
        with pytest.raises(api.Uncertain):
            await one.send(self.outbound())
        assert platform.arrived == 1

    @applies(by_http)
    async def test_an_odd_answer_never_crashes(self, one: Any, platform: Any) -> None:
        for status in (200, 400, 500):
            for answer in ODD_ANSWERS:
                platform.answer(status, json.dumps(answer).encode())
                try:
                    sent = await one.send(self.outbound())
                except api.SendError:
                    pass
                else:
                    assert status == 200
                    assert isinstance(sent.external_id, str)
                    assert sent.external_id not in ("", "None")

    @applies(by_http)
    @pytest.mark.parametrize("cut", ["before", "inside"])
    async def test_a_broken_connection_is_uncertain(self, one: Any, platform: Any, cut: str) -> None:
        platform.answer(200, b"{}", cut=cut)
        with pytest.raises(api.Uncertain):
            await one.send(self.outbound())
        assert platform.arrived == 1

    @applies(by_http)
    async def test_a_closed_port_is_temporary(self, one: Any, platform: Any) -> None:
        await platform.close()
        with pytest.raises(api.Temporary):
            await one.send(self.outbound())

    @applies(by_http)
    async def test_a_send_can_be_cancelled(self, one: Any, platform: Any) -> None:
        platform.hold()
        task = asyncio.ensure_future(one.send(self.outbound()))
        await asyncio.wait_for(platform.got_one(), self.patience_s)
        await assert_cancels(task)

    async def test_text_and_secrets_stay_out_of_logs_and_errors(
        self, context: KitContext, platform: Any, caplog: pytest.LogCaptureFixture, capfd: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        one = self.connector(context)  # made here, so that what it logs then is seen
        part, told = self.outbound(), [repr(one), str(one)]
        told.append(repr(await one.send(part)))
        if self.sends_by_http and not self.connector.capabilities.live:
            echo = json.dumps({"error": {"message": CANARY, "code": 100}, "text": CANARY}).encode()
            for status in (400, 403, 429, 500, 200):
                platform.answer(status, echo if status != 200 else CANARY.encode())
                told.append(await self._failure(one, part))
            platform.answer(cut="before")
            told.append(await self._failure(one, part))
            await platform.close()
            told.append(await self._failure(one, part))
        said = {CANARY, "Zebra quartz", "4111111111111111"}
        self._assert_silent("\n".join(told), self._secrets(self.settings(platform)), said)
        hidden = said | ({part.address} if len(part.address) > 5 else set())
        self._assert_silent(self._logged(context, caplog, capfd), self._secrets(self.settings(platform)), hidden)


def _answered(accept: Any, request: Received) -> list[str]:
    return replace(request, body=json.dumps(accept(request)).encode()).texts()
