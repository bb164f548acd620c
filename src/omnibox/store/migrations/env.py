"""What alembic runs: one transaction per revision, on the connection it is given."""

from typing import Any, Literal

from alembic import context
from alembic.migration import MigrationContext

from omnibox import crash
from omnibox.store.columns import Instant, Json, MaskedText
from omnibox.store.search import is_index_table
from omnibox.store.tables import metadata


def render_plainly(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """A migration must not change when our column types do: it names the types underneath."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.BigInteger()"
    if isinstance(item, MaskedText):
        return "sa.Text()"
    if isinstance(item, Json):
        return 'sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")'
    return False


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """The search index keeps its tables to itself."""
    return kind != "table" or not is_index_table(name or "")


def check_parents(ctx: MigrationContext, *_: Any, **__: Any) -> None:
    """Still inside the revision's transaction: one that leaves rows without their parents is undone."""
    link = ctx.connection
    if link is None:
        return
    if link.dialect.name == "sqlite" and link.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise RuntimeError("the revision would leave rows without their parents; nothing of it was kept")
    crash.point("revision")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_plainly,
    include_name=is_ours,
    transaction_per_migration=True,
    on_version_apply=check_parents,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
