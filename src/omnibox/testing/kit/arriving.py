"""What arrives: recorded bodies, forged ones, odd ones."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omnibox import connector as api
from omnibox.testing import inspection
from omnibox.testing.context import KitContext
from omnibox.testing.kit.applying import applies, handshake, reads, webhook
from omnibox.testing.kit.base import Base


class Arriving(Base):
    @applies(reads)
    async def test_it_reads_what_was_recorded(self, one: Any, platform: Any) -> None:
        settings = self.settings(platform)
        for path in self.recorded():
            got = [inspection.as_document(item) for item in self.read(one, path.read_bytes(), settings)]
            expected = path.with_suffix(".expected.json")
            if os.environ.get("OMNIBOX_WRITE_EXPECTED"):
                expected.write_text(json.dumps(got, indent=2, ensure_ascii=False) + "\n")
            assert json.loads(json.dumps(got)) == json.loads(expected.read_text()), path.name

    @applies(reads)
    async def test_envelopes_are_whole(self, one: Any, platform: Any) -> None:
        for path in self.recorded():
            for item in self.read(one, path.read_bytes(), self.settings(platform)):
                assert not inspection.faults(item), path.name

    @applies(reads)
    async def test_reading_is_pure(self, one: Any, platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings, bodies = self.settings(platform), [path.read_bytes() for path in self.recorded()]
        first = [list(self.read(one, body, settings)) for body in bodies]
        context = self.new_context(platform)
        other = self.connector(context)

        def no_input(*_: object, **__: object) -> Any:
            raise AssertionError("reading a recorded body opens a file or a socket")

        with monkeypatch.context() as patched:
            patched.setattr(io, "open", no_input)
            patched.setattr("builtins.open", no_input)
            patched.setattr(socket, "socket", no_input)
            again = [list(self.read(other, body, settings)) for body in reversed(bodies)]
            again += [list(self.read(one, body, settings)) for body in reversed(bodies)]
        await context.close()
        assert again == first[::-1] * 2
        assert first == [list(self.read(one, body, settings)) for body in bodies]

    @applies(webhook)
    async def test_genuine_requests_pass(self, one: Any, platform: Any) -> None:
        for path in self.recorded():
            one.verify(self.request(path.read_bytes(), self.settings(platform)))

    @applies(webhook)
    async def test_any_changed_byte_is_forged(self, one: Any, platform: Any) -> None:
        for path in self.recorded():
            request = self.request(path.read_bytes(), self.settings(platform))
            for body in inspection.changed_bytes(request.body):
                self._assert_forged(one, replace(request, body=body))

    @applies(webhook)
    async def test_odd_signatures_are_forged(self, one: Any, platform: Any) -> None:
        for path in self.recorded():
            request = self.request(path.read_bytes(), self.settings(platform))
            for headers in ({}, *inspection.odd_headers(request.headers)):
                self._assert_forged(one, replace(request, headers=headers))

    @applies(webhook)
    async def test_another_secret_is_forged(self, one: Any, platform: Any) -> None:
        settings = self.settings(platform)
        body = self.recorded()[0].read_bytes()
        genuine = self.request(body, settings)
        for field in self.connector.settings:
            if field.kind == "secret" and field.name in settings:
                for other in (settings[field.name][::-1] + "x", "", "None"):
                    forged = self.request(body, {**settings, field.name: other})
                    if forged.headers != genuine.headers:
                        self._assert_forged(one, forged)
                        await self._assert_secret_counts(platform, field.name, other, genuine, forged)

    async def _assert_secret_counts(
        self, platform: Any, name: str, secret: str, others: api.Request, own: api.Request
    ) -> None:
        """A connection with another secret takes what that one signed, and only that."""
        if not secret:
            return
        context = self.new_context(platform, **{name: secret})
        connector = self.connector(context)
        connector.verify(own)
        self._assert_forged(connector, others)
        await context.close()

    @applies(webhook)
    async def test_a_refusal_says_nothing(self, one: Any, platform: Any) -> None:
        settings = self.settings(platform)
        for path in self.recorded():
            genuine = self.request(path.read_bytes(), settings)
            with pytest.raises(api.Forged) as caught:
                one.verify(replace(genuine, body=genuine.body + b" "))
            values = [*genuine.headers.values(), *self.sign(genuine.body + b" ", settings).values()]
            expected = {re.sub(r"^\w{1,9}=", "", value) for value in values if len(value) > 15}
            self._assert_silent(self._told(caught.value), self._secrets(settings), expected)

    @applies(handshake)
    async def test_an_unsigned_handshake_is_forged(self, one: Any) -> None:
        for query in (
            {},
            {"hub.challenge": "1"},
            {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": ""},
        ):
            with pytest.raises(api.Forged):
                one.challenge(api.Request({}, b"", query))

    @applies(webhook)
    @pytest.mark.parametrize("body", inspection.NONSENSE, ids=range(len(inspection.NONSENSE)))
    async def test_nonsense_is_noticed(self, one: Any, body: bytes) -> None:
        try:
            got = list(one.parse(api.Request({}, body)))
        except Exception:  # whatever it raises means: not readable as a whole
            return
        assert got, "nonsense vanished: raise, or yield Unreadable"
        assert all(isinstance(item, api.Unreadable) for item in got)

    @applies(webhook)
    async def test_odd_members_never_make_odd_envelopes(self, one: Any) -> None:
        for path in self.recorded():
            document = _document(path)
            for variant in inspection.odd_variants(document) if document is not None else ():
                for item in _read_or_nothing(one, variant):
                    assert not inspection.faults(item), path.name

    @applies(webhook)
    async def test_a_bad_element_costs_nobody_else(self, one: Any, platform: Any) -> None:
        for path in self.recorded():
            whole = list(self.read(one, path.read_bytes(), self.settings(platform)))
            wanted, count = [item for item in whole if _is_read(item)], 0
            for body, is_noise in _planted(path, self.batches):
                count += 1
                try:
                    got = list(one.parse(api.Request({}, body)))
                except Exception as error:
                    raise AssertionError(f"{path.name}: one bad element raised {type(error).__name__}") from error
                assert inspection.is_subsequence(wanted, got), f"{path.name}: a bad element cost another one"
                if is_noise:
                    noticed = sum(not _is_read(item) for item in got)
                    assert noticed > len(whole) - len(wanted), f"{path.name}: a bad element vanished"
            assert count or len(wanted) < 2, f"{path.name} holds several elements: say which lists in `batches`"

    @applies(reads)
    async def test_reading_logs_no_text(
        self, one: Any, context: KitContext, platform: Any, caplog: pytest.LogCaptureFixture, capfd: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        settings, said = self.settings(platform), set()
        for path in self.recorded():
            said |= inspection.spoken(self.read(one, path.read_bytes(), settings))
            document = _document(path)
            if hasattr(one, "parse") and document is not None:
                for variant in inspection.odd_variants(document):
                    for item in _read_or_nothing(one, variant):
                        assert item
                one.verify(self.request(path.read_bytes(), settings))
        self._assert_silent(self._logged(context, caplog, capfd), self._secrets(settings), said)


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def _read_or_nothing(one: Any, document: Any) -> list[Any]:
    try:
        return list(one.parse(api.Request({}, inspection.encoded(document))))
    except Exception:  # not readable as a whole: a right answer to an odd body
        return []


def _is_read(item: object) -> bool:
    return not isinstance(item, api.Unreadable)


def _planted(path: Path, batches: Any) -> Iterator[tuple[bytes, bool]]:
    """Bodies with one bad element at one place, and whether it is noise, which must be noticed."""
    document = _document(path)
    if document is None:
        return
    for number in range(len(list(batches(document)))):
        elements = list(list(batches(document))[number])
        twisted = [variant for element in elements[:2] for variant in inspection.odd_variants(element)]
        noise = [odd for odd in inspection.ODD_VALUES if not isinstance(odd, dict)]
        for place in range(len(elements) + 1):
            for bad, is_noise in [(odd, True) for odd in noise] + [(odd, False) for odd in twisted]:
                changed = _document(path)
                list(batches(changed))[number].insert(place, bad)
                yield inspection.encoded(changed), is_noise
