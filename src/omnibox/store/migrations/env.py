"""What alembic runs: one transaction per revision, on the connection it is given."""

from typing import Any, Literal

from alembic import context

from omnibox.store.columns import Instant, Json, MaskedText
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


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_plainly,
    transaction_per_migration=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
