"""What a platform tells us on a person's behalf: consent taken back, data to be erased. Names no channel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from omnibox.connections import Connections, Live
from omnibox.connector import BadSettings, Withdraws
from omnibox.connector.consent import read_grant
from omnibox.inbox import channels, pictures, problems
from omnibox.logs import get_logger
from omnibox.secrets import random_token
from omnibox.store import Reader, Transaction
from omnibox.store.tables import channel, erasure, identity

WITHDRAWN = "consent_withdrawn"
MOST_SHOWN = 200
log = get_logger("omnibox.withdrawals")


async def withdraw(connections: Connections, live: Live, who: str) -> int:
    """Forget what `who` has granted: their channels pause, their queues wait. Returns how many channels that are."""
    count = (await connections.store.write(partial(_withdraw, connections=connections, live=live, who=who))).result
    await connections.refresh(live.id)
    log.info("a consent was withdrawn", connection_id=live.id, channels=count)
    return count


async def ask_erasure(connections: Connections, live: Live, who: str) -> str:
    """Forget what `who` has granted, and note for the owner that they want to be erased; returns the code by which
    they can ask how it stands. Asking twice gives the same code. Where we hold no more of them it is done at once."""
    await withdraw(connections, live, who)
    code = (await connections.store.write(partial(_note, connection_id=live.id, who=who, code=random_token()))).result
    log.info("an erasure was asked for", connection_id=live.id)
    return code


def find_erasure(tx: Reader, code: str) -> sa.Row[Any] | None:
    return tx.execute(sa.select(erasure).where(erasure.c.code == code)).first()


def list_erasures(tx: Reader) -> Sequence[sa.Row[Any]]:
    """Newest first, with the contact they are about where we know one."""
    contact = (
        sa.select(identity.c.contact_id)
        .join(channel, identity.c.scope == sa.literal("channel:").concat(sa.cast(channel.c.id, sa.Text)))
        .where(channel.c.connection_id == erasure.c.connection_id, identity.c.address == erasure.c.subject)
        .limit(1)
        .scalar_subquery()
    )
    wanted = sa.select(erasure, contact.label("contact_id")).order_by(erasure.c.id.desc()).limit(MOST_SHOWN)
    return tx.execute(wanted).all()


def settle_erasure(tx: Transaction, erasure_id: int) -> None:
    """It is done, by hand. Raises `LookupError`."""
    done = sa.update(erasure).where(erasure.c.id == erasure_id, erasure.c.done_at.is_(None))
    if not tx.execute(done.values(done_at=tx.clock(), subject=None)).rowcount:
        raise LookupError(erasure_id)


def _withdraw(tx: Transaction, connections: Connections, live: Live, who: str) -> int:
    connector = live.connector
    assert isinstance(connector, Withdraws)
    row = channels.find_connection(tx, live.id, lock=True)
    if row is None:
        return 0
    _forget_login(tx, connections, live, row, who)
    count = 0
    for each in channels.all_channels(tx, live.id):
        document = json.loads(connections.secrets.decrypt(each.settings))
        by, names = connector.granted(document)
        if by != who:
            continue
        left = {name: value for name, value in document.items() if name not in names}
        channels.change_channel(tx, each.id, document=connections.secrets.encrypt(json.dumps(left)))
        problems.withdraw(tx, each.id, WITHDRAWN)
        count += 1
    return count


def _forget_login(tx: Transaction, connections: Connections, live: Live, row: sa.Row[Any], who: str) -> None:
    document = json.loads(connections.secrets.decrypt(row.settings))
    try:
        consent = live.registered.consent(live.context.settings)
    except BadSettings:  # nobody could have consented
        return
    grant = None if consent is None else read_grant(document.get(consent.setting), consent)
    if consent is not None and grant is not None and grant.owner == who:
        left = {name: value for name, value in document.items() if name != consent.setting}
        channels.change_connection(tx, live.id, document=connections.secrets.encrypt(json.dumps(left)))


def _note(tx: Transaction, connection_id: int, who: str, code: str) -> str:
    channels.find_connection(tx, connection_id, lock=True)
    asked = sa.select(erasure.c.code).where(
        erasure.c.connection_id == connection_id, erasure.c.subject == who, erasure.c.done_at.is_(None)
    )
    known = tx.execute(asked).scalar()
    if known is not None:
        return str(known)
    scopes = [f"channel:{each.id}" for each in channels.all_channels(tx, connection_id)]
    held = sa.select(identity.c.id).where(identity.c.address == who, identity.c.scope.in_(scopes))
    known_as = list(tx.execute(held).scalars())
    pictures.erase(tx, known_as)
    values = {"subject": who} if known_as else {"done_at": tx.clock()}
    tx.execute(sa.insert(erasure), {"connection_id": connection_id, "code": code, "asked_at": tx.clock()} | values)
    tx.announce("settings.changed", word=channels.AREA)
    return code
