"""The search index

It is made of other rows, so this says no more than that it is there; `omnibox.store.search.schema` says how. When that
changes, a later revision drops the tables and creates them again, and the index fills itself.
"""

from alembic import op

from omnibox.store.search import schema

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    schema.create(op.get_bind())
