"""The tables of the search index. They hold nothing that is not elsewhere: a move or a backup may leave them out.

All their names begin with `search_`, those that SQLite's FTS5 keeps for itself included, and none is in the metadata of
the other tables. An empty `search_state` makes the indexer begin anew.
"""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.store.columns import Key, MaskedText

metadata = sa.MetaData()

state = sa.Table(
    "search_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),  # events up to here are in
    sa.Column("below", sa.BigInteger, nullable=False),  # of the history before, messages from here on are in; 0: all
    sa.Column("turn", sa.BigInteger, nullable=False),  # grows with every write, so that of two writers one gives way
)

document = sa.Table(
    "search_document",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),  # the message's
    sa.Column("conversation_id", Key, nullable=False),
    sa.Column("text", MaskedText, nullable=False),
)

# The words come ready from us, apart by spaces, so the simplest tokenizer does. Neither table keeps its texts.
EMBEDDED = (
    "CREATE VIRTUAL TABLE search_word USING fts5(words, content='', columnsize=0, tokenize='ascii', prefix='3 4')",
    "CREATE VIRTUAL TABLE search_part USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram')",
)

POSTGRES = (
    "ALTER TABLE search_document ADD COLUMN words tsvector NOT NULL",
    "CREATE INDEX search_document_conversation ON search_document (conversation_id, id)",
)
WITH_PARTS = (
    "CREATE INDEX search_document_parts ON search_document USING gin (words, text gin_trgm_ops)"
    " WITH (gin_pending_list_limit = 1024)"
)
WORDS_ONLY = (
    "CREATE INDEX search_document_words ON search_document USING gin (words) WITH (gin_pending_list_limit = 1024)"
)


def is_index_table(name: str) -> bool:
    """Whether a table is the search index's, or one that FTS5 keeps for it."""
    return name.startswith("search_")


def create(connection: sa.Connection) -> None:
    """Make the tables, empty. Without the extension pg_trgm PostgreSQL finds words and their beginnings only."""
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        for statement in EMBEDDED:
            connection.exec_driver_sql(statement)
        return
    for statement in POSTGRES:
        connection.exec_driver_sql(statement)
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError:  # not installed there, or not allowed to us
        connection.exec_driver_sql(WORDS_ONLY)
    else:
        connection.exec_driver_sql(WITH_PARTS)
