"""Pictures of people, and when their platform was asked; whoever is here is asked once they write again"""

import sqlalchemy as sa
from alembic import op

revision = "0008_pictures"
down_revision = "0007_lists"


def upgrade() -> None:
    op.add_column("contact", sa.Column("picture", sa.Text()))
    op.add_column("contact", sa.Column("pictured_at", sa.BigInteger()))
    rows = sa.text("pictured_at IS NOT NULL")
    op.create_index("ix_contact_pictured_at", "contact", ["pictured_at"], sqlite_where=rows, postgresql_where=rows)
    op.execute(
        "UPDATE contact SET pictured_at = created_at WHERE name_by = 'platform' AND id IN "
        "(SELECT contact_id FROM identity WHERE scope LIKE 'channel:%')"
    )
