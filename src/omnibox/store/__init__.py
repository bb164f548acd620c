"""The store: tables, engines, the group-commit writer, the event append, migrations."""

from omnibox.store.columns import among
from omnibox.store.conflict import insert
from omnibox.store.store import Store, new_epoch
from omnibox.store.transaction import Reader, Transaction, Written, ask
from omnibox.store.trouble import StoreUnavailable

__all__ = ["Reader", "Store", "StoreUnavailable", "Transaction", "Written", "among", "ask", "insert", "new_epoch"]
