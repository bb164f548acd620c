"""What an item of the writer and a query function see of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

import sqlalchemy as sa

from omnibox.clock import Clock
from omnibox.model import Seq
from omnibox.store.hot import Hot, Result, Row

T = TypeVar("T")


@dataclass(slots=True)
class Transaction:
    """What an item of the writer sees: the connection, and what it announces."""

    connection: sa.Connection
    clock: Clock
    events: list[dict[str, Any]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def execute(self, statement: sa.Executable | Hot, parameters: Any = None) -> sa.CursorResult[Any]:
        if isinstance(statement, Hot):
            return cast("sa.CursorResult[Any]", statement.run(self.connection, parameters))
        return cast("sa.CursorResult[Any]", self.connection.execute(statement, parameters))

    def announce(self, type: str, *, conversation: int | None = None, message: int | None = None,
                 contact: int | None = None, channel: int | None = None, agent: int | None = None,
                 word: str | None = None) -> None:  # fmt: skip
        """Append an event with this transaction. Ids and words of the code only, never text."""
        self.events.append(
            {
                "type": type,
                "conversation_id": conversation,
                "message_id": message,
                "contact_id": contact,
                "channel_id": channel,
                "agent_id": agent,
                "word": word,
            }
        )

    def ring(self, word: str) -> None:
        """Wake whoever waits for `word` once this transaction is durable."""
        self.words.add(word)


class Reader(Protocol):
    """What a query function needs: `sa.Connection` and `Transaction` both are one."""

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]: ...


def ask(tx: Reader, statement: Hot, row: Row) -> Result:
    """Run a hot statement where a query function runs."""
    connection = tx.connection if isinstance(tx, Transaction) else cast("sa.Connection", tx)  # there is no third
    return cast("Result", statement.run(connection, row))


class Written(NamedTuple, Generic[T]):
    """What a durable write gave; `seq` is the log's head at its commit, 0 if the batch announced nothing."""

    result: T
    seq: Seq
