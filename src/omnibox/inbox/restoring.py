"""What makes a copy of a database safe to start: it does not know what happened since it was made."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from omnibox.store import Reader
from omnibox.store.store import new_epoch
from omnibox.store.tables import delivery, installation, job, lease, link, session

RESTORED = "restored"
"""The code of a delivery that waited in the copy: nobody knows whether it has left since."""


def mark_restored(tx: Reader, at: datetime) -> int:
    """Make the database another log, and every reply that waits one that may have left; returns how many wait.

    They look as what a dead process was sending, and the first start settles them so: `uncertain`, never sent again by
    itself. Sessions and links to reset a password end: they may have ended since. May be called twice.
    """
    tx.execute(sa.update(installation).values(epoch=new_epoch()))
    waiting = tx.execute(
        sa.update(delivery)
        .where(delivery.c.state.in_(("queued", "sending")))
        .values(
            state="sending",
            code=RESTORED,
            holder=None,
            lease_until=at,
            left_at=at,
            fence=delivery.c.fence + 1,  # a process of the original, should it still run, records nothing here
        )
    ).rowcount
    tx.execute(sa.update(delivery).where(delivery.c.state == "uncertain").values(code=RESTORED))
    tx.execute(sa.delete(session))
    tx.execute(sa.delete(link).where(link.c.kind == "reset", link.c.used_at.is_(None)))
    tx.execute(sa.delete(lease))
    tx.execute(sa.update(job).values(holder=None, lease_until=None))
    return waiting
