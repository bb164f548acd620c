"""The way back from what an agent rearranged: as though it had not been done, with what came since in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import sqlalchemy as sa

from omnibox.inbox import carrying, figures, rearranging
from omnibox.store import Reader, Transaction
from omnibox.store.tables import agent, message, rearrangement

MOST_LISTED = 50


def undo(tx: Transaction, rearrangement_id: int, agent_id: int) -> rearranging.Done:
    """Put everything back, with what has come since and belongs to it. Raises LookupError or `rearranging.Refused`."""
    found = tx.execute(sa.select(rearrangement).where(rearrangement.c.id == rearrangement_id).with_for_update()).first()
    if found is None:
        raise LookupError(rearrangement_id)
    if found.undone_at is not None:
        raise rearranging.Refused("undone_already")
    source, target = rearranging.lock(tx, found.source_id, found.target_id)
    if is_built_upon(tx, found):
        raise rearranging.Refused("rearranged_since")
    was = cast("dict[str, Any]", found.was)
    carrying.remove_lines(tx, found.id, (source.id, target.id))
    _UNDO[found.kind](tx, source, target, was)
    carrying.put_back_people(tx, source.id, target.id, was)
    undone = sa.update(rearrangement).where(rearrangement.c.id == found.id)
    tx.execute(undone.values(undone_at=tx.clock()))
    for each in (source, target):
        figures.recount(tx, each.id)
    figures.restore(tx, source.id, was["source"])
    if "target" in was:
        figures.restore(tx, target.id, was["target"], assigned=was.get("assigned"))
    rearranging.tell(tx, (source.id, target.id), agent_id, f"un{found.kind}")
    return rearranging.Done(found.id, source.id, target.id)


def _undo_merge(tx: Transaction, source: Any, target: Any, was: Mapping[str, Any]) -> None:
    ids = [row[0] for row in was["messages"]]
    later: list[int] = []
    if source.contact_id != target.contact_id:  # the person goes on writing to where their words were put
        later = carrying.ids_of(
            tx,
            sa.select(message.c.id).where(
                message.c.conversation_id == target.id,
                message.c.kind == "inbound",
                message.c.author_id == source.contact_id,
                message.c.id > max(ids, default=0),
            ),
        )
    unread = min(target.unread, was["source"]["unread"] + figures.unread_among(tx, target, later))
    carrying.bring_back(tx, was["messages"], target.id, source.id)
    carrying.repoint(tx, later, target.id, source.id, {"moved_from_id": None})
    carrying.show(tx, source, was["source"])
    figures.set_unread(tx, source.id, unread)
    figures.set_unread(tx, target.id, target.unread - unread)


def _undo_split(tx: Transaction, source: Any, target: Any, was: Mapping[str, Any]) -> None:
    unread = target.unread
    carrying.bring_back(tx, was["messages"], target.id, source.id)
    later = carrying.ids_of(tx, sa.select(message.c.id).where(message.c.conversation_id == target.id))
    carrying.repoint(tx, later, target.id, source.id, {})
    carrying.hide(tx, target, source.id)
    figures.set_unread(tx, source.id, source.unread + unread)


def _undo_move(tx: Transaction, source: Any, target: Any, was: Mapping[str, Any]) -> None:
    unread = min(target.unread, was["unread"])
    carrying.bring_back(tx, was["messages"], target.id, source.id)
    figures.set_unread(tx, source.id, source.unread + unread)
    figures.set_unread(tx, target.id, target.unread - unread)


_UNDO: Mapping[str, Callable[[Transaction, Any, Any, Mapping[str, Any]], None]] = {
    "merge": _undo_merge,
    "split": _undo_split,
    "move": _undo_move,
}


def is_built_upon(tx: Reader, found: Any) -> bool:
    """Whether something was rearranged since in one of the two: that has to be undone first."""
    both = (found.source_id, found.target_id)
    later = sa.select(rearrangement.c.id).where(
        rearrangement.c.id > found.id,
        rearrangement.c.undone_at.is_(None),
        sa.or_(rearrangement.c.source_id.in_(both), rearrangement.c.target_id.in_(both)),
    )
    return tx.execute(later.limit(1)).first() is not None


def list_of(tx: Reader, conversation_id: int) -> list[dict[str, Any]]:
    """What was done to a conversation, newest first, and whether each can be undone now."""
    here = sa.or_(rearrangement.c.source_id == conversation_id, rearrangement.c.target_id == conversation_id)
    wanted = (
        sa.select(rearrangement, agent.c.name.label("agent_name"))
        .join(agent, agent.c.id == rearrangement.c.agent_id)
        .where(here)
        .order_by(rearrangement.c.id.desc())
        .limit(MOST_LISTED)
    )
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "source": row.source_id,
            "target": row.target_id,
            "agent": row.agent_id,
            "agent_name": row.agent_name,
            "messages": len(row.was["messages"]),
            "at": row.at,
            "undone_at": row.undone_at,
            "may_undo": row.undone_at is None and not is_built_upon(tx, row),
        }
        for row in tx.execute(wanted).all()
    ]
