"""A message stands in the index of a key only if it has that key

Apart from the revision before: whoever holds the events and waits for the messages waits for ever for a process of the
release before, which takes them the other way round.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_keys"
down_revision = "0009_log"

KEYS = {"event": ["event_scope", "event_key"], "client": ["client_scope", "client_id"]}


def upgrade() -> None:
    given = _last_given()
    with op.batch_alter_table("message", table_kwargs={"sqlite_autoincrement": True}) as table:
        for columns in KEYS.values():
            table.drop_constraint(f"uq_message_{'_'.join(columns)}", type_="unique")
    for name, columns in KEYS.items():
        rows = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(f"ix_message_{name}", "message", columns, unique=True, sqlite_where=rows, postgresql_where=rows)
    if given:  # SQLite made the table anew; the id of a message that was erased is never given again
        op.execute(sa.text("UPDATE sqlite_sequence SET seq = :given WHERE name = 'message'").bindparams(given=given))


def _last_given() -> int | None:
    if op.get_bind().dialect.name != "sqlite":
        return None
    return op.get_bind().execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'message'")).scalar()
