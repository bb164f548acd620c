"""What a message costs its indexes: visitors' events are found by their messages, keys that are not there have no place

By conversation, each event cost a page of its own; and each message stood in the index of the keys it did not have.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_log"
down_revision = "0008_pictures"

KEYS = {"event": ["event_scope", "event_key"], "client": ["client_scope", "client_id"]}


def upgrade() -> None:
    op.drop_index("ix_event_conversation_id", "event")
    _index("ix_event_message_id", "event", ["message_id"])
    given = _last_given()
    with op.batch_alter_table("message", table_kwargs={"sqlite_autoincrement": True}) as table:
        for columns in KEYS.values():
            table.drop_constraint(f"uq_message_{'_'.join(columns)}", type_="unique")
    for name, columns in KEYS.items():
        _index(f"ix_message_{name}", "message", columns, is_unique=True)
    if given:  # SQLite made the table anew; the id of a message that was erased is never given again
        op.execute(sa.text("UPDATE sqlite_sequence SET seq = :given WHERE name = 'message'").bindparams(given=given))


def _index(name: str, table: str, columns: list[str], *, is_unique: bool = False) -> None:
    rows = sa.text(f"{columns[-1]} IS NOT NULL")
    op.create_index(name, table, columns, unique=is_unique, sqlite_where=rows, postgresql_where=rows)


def _last_given() -> int | None:
    if op.get_bind().dialect.name != "sqlite":
        return None
    return op.get_bind().execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'message'")).scalar()
