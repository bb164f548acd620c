"""A hub that is set up and does not run: for what is done from outside it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from omnibox.app import listening, running
from omnibox.config import Config, load, prepare_home
from omnibox.store import Store
from omnibox.testing.world.demo import Admin

OMNIBOX = str(Path(sys.executable).parent / "omnibox")
SUPPORT = "support@shop.example"


@dataclass(slots=True)
class Installation:
    """A set-up hub that does not run, and what its database holds."""

    config: Config
    environ: dict[str, str]

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [OMNIBOX, "import", *map(str, arguments)],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_hub(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [OMNIBOX, "serve", "--port", "0"],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    async def run(self, *arguments: str | Path, channel: str = SUPPORT, status: int = 0) -> str:
        process = self.start(*arguments, "--channel", channel)
        out, err = await asyncio.to_thread(process.communicate, timeout=120)
        assert process.returncode == status, (out, err)
        return out if status != 2 else err

    async def ask(self, *statements: sa.Select[Any]) -> list[Any]:
        store = Store(self.config.store_url)
        await store.start()
        try:
            return [await store.read(lambda tx, each=each: tx.execute(each).all()) for each in statements]  # type: ignore[misc]
        finally:
            await store.stop()

    async def count(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        ((row,),) = await self.ask(sa.select(sa.func.count()).select_from(table).where(*where))
        return int(row[0])


async def install(home: Path, database_url: str = "", *, port: int = 2400, is_on: bool = False) -> Installation:
    """A hub with one mail channel, whose door is at `port`; and stopped."""
    config = load({"home": str(home)} | ({"database_url": database_url} if database_url else {}), {})
    prepare_home(config)
    async with running(config, setup_code="code") as hub, listening(hub, "127.0.0.1", 0) as web:
        admin = Admin(f"http://127.0.0.1:{web}")
        try:
            await admin.own("code", "owner@shop.example", "correct horse battery staple")
            settings = {
                "incoming": "lmtp",
                "door_address": f"127.0.0.1:{port}",
                "smtp_host": "127.0.0.1",
                "smtp_login": False,
            }
            given = {"connector": "email", "name": "Mail", "settings": settings}
            made = await admin.ask("POST", "/api/connections", given)
            channel = {"name": "Shop", "address": SUPPORT, "settings": {"confirmation": "We have your mail."}}
            await admin.ask("POST", f"/api/connections/{made['id']}/channels", channel)
            if is_on:
                await admin.ask("POST", f"/api/connections/{made['id']}/enable")
        finally:
            await admin.close()
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "OMNIBOX_HOME": str(home)}
    return Installation(config, environ | ({"OMNIBOX_DATABASE_URL": database_url} if database_url else {}))
