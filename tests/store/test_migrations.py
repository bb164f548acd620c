"""The migrations and the tables say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from omnibox.store.migrations import HEAD, TooNew, migrate, upgrade
from omnibox.store.search import is_index_table
from omnibox.store.tables import metadata


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """The search index keeps its tables to itself."""
    return kind != "table" or not is_index_table(name or "")


@pytest.mark.parametrize("way", ["created at once", "revision by revision"])
async def test_both_ways_lead_to_the_tables(url: str, way: str) -> None:
    driver = url.replace("sqlite://", "sqlite+aiosqlite://", 1)
    engine = create_async_engine(driver)

    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": is_ours})
        return list(compare_metadata(context, metadata))

    if way == "created at once":
        await migrate(url)
    else:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


async def test_a_database_of_a_later_release_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/omnibox.db"
    await migrate(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(TooNew, match=f"9999.*{HEAD}"):
        await migrate(url)
