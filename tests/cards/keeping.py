"""An installation's folder and database in which a test plants what intake would never have stored."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from typer.testing import CliRunner

from omnibox.blobs import Folder
from omnibox.cards.columns import masked_columns
from omnibox.cli import app
from omnibox.cli.common import Refused
from omnibox.config import Config, prepare_home
from omnibox.masking import mask
from omnibox.masking.files import MaskedBytes
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction
from omnibox.store import tables as t
from omnibox.store.migrations import migrate

OMNIBOX = str(Path(sys.executable).parent / "omnibox")
CARD = "4111 1111 1111 1111"  # the number of every sample card
HIDDEN = "•••• •••• •••• 1111"
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended, and all it said."""

    exit_code: int
    output: str


@dataclass(slots=True)
class Kept:
    """A hub that does not run. Its store is opened for each step, as its own process would."""

    home: Path
    url: str

    async def run(self, *arguments: str | Path) -> Done:
        """A command, in this process: starting one for each would take most of the time."""
        done = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments)], env=self.environ)
        if isinstance(done.exception, Refused):  # as `omnibox.cli.main` ends
            return Done(done.exception.exit_code, done.output + done.exception.message)
        return Done(done.exit_code, done.output)

    @property
    def environ(self) -> dict[str, str]:
        server = "" if self.url.startswith("sqlite") else self.url
        return {"OMNIBOX_HOME": str(self.home), "OMNIBOX_DATABASE_URL": server}

    async def audit(self, *arguments: str | Path) -> tuple[int, str]:
        """Exit status and page. No output may hold the number, whatever is found."""
        done = await self.run("audit", "cards", *arguments)
        said = done.output
        assert CARD not in said
        assert CARD.replace(" ", "") not in said
        return done.exit_code, said

    async def write(self, fn: Any) -> Any:
        store = Store(self.url)
        await store.start()
        try:
            return (await store.write(fn)).result
        finally:
            await store.stop()

    async def read(self, statement: sa.Executable) -> list[Any]:
        store = Store(self.url)
        try:
            return await store.read(lambda tx: list(tx.execute(statement).all()))
        finally:
            await store.stop()

    async def plant(self, column: sa.Column[Any], text: str | int, **where: object) -> None:
        """Put a plain text where only masked ones go, past the type that would refuse it."""
        table = sa.table(column.table.name, sa.column(column.name), *map(sa.column, where))
        change = sa.update(table).values({column.name: text})
        for name, value in where.items():
            change = change.where(table.c[name] == value)
        await self.write(lambda tx: tx.execute(change))

    async def plant_file(self, content: bytes, content_type: str = "text/plain", **more: object) -> int:
        blob = await Folder(self.home / "files").put(MaskedBytes(content))
        row = {
            "key": f"key of {blob}",
            "message_id": 1,
            "content_type": content_type,
            "size": len(content),
            "blob": blob,
            "state": "ready",
            "created_at": AT,
            "name": mask("file"),
        }
        statement = sa.insert(t.attachment).returning(t.attachment.c.id)
        return int(await self.write(lambda tx: tx.execute(statement, row | more).scalar_one()))

    async def file_of(self, attachment_id: int) -> bytes:
        ((blob,),) = await self.read(sa.select(t.attachment.c.blob).where(t.attachment.c.id == attachment_id))
        return await Folder(self.home / "files").get(blob)


async def keep(home: Path, url: str) -> Kept:
    """Two channels with a conversation each, and messages 1 to 6: odd ones on the first channel."""
    prepare_home(Config(home=home))
    await migrate(url)
    kept = Kept(home, url)
    sealed = Secrets.load(home, {}).encrypt('{"greeting": "Hello"}')
    await kept.write(lambda tx: _furnish(tx, sealed))
    return kept


def _furnish(tx: Transaction, sealed: str) -> None:
    state = {"name": mask("Shop"), "settings": sealed, "state": "active", "created_at": AT}
    agent = {"name": mask("Ana"), "email": "ana@shop.example", "role": "owner", "created_at": AT}
    tx.execute(sa.insert(t.agent), agent)
    tx.execute(sa.insert(t.connection), state | {"connector": "toy", "hook_key": "hook", "rev": 0})
    for number in (1, 2):
        tx.execute(sa.insert(t.channel), state | {"connection_id": 1, "address": f"shop{number}", "key": f"{number}"})
        tx.execute(sa.insert(t.contact), {"name": mask("Ben"), "created_at": AT, "rev": 0})
        who = {"contact_id": number, "kind": "toy", "scope": "", "address": f"ben{number}", "created_at": AT}
        tx.execute(sa.insert(t.identity), who)
        talk = {"channel_id": number, "contact_id": number, "identity_id": number, "state": "open", "last_at": AT}
        tx.execute(sa.insert(t.conversation), talk | {"opened_at": AT, "rev": 0})
    for number in range(1, 7):
        place = 1 + (number - 1) % 2
        said = {"conversation_id": place, "channel_id": place, "kind": "inbound", "author_kind": "contact"}
        tx.execute(sa.insert(t.message), said | {"text": mask("Hello"), "at": AT, "created_at": AT, "rev": 0})


def all_masked() -> list[sa.Column[Any]]:
    """Every column that holds text people wrote."""
    return [column for table in t.metadata.sorted_tables for column in masked_columns(table)]


__all__ = ["CARD", "HIDDEN", "Kept", "all_masked", "keep"]
