"""The store: tables, engines, the group-commit writer, the event append, migrations."""

from omnibox.store.engine import Reader, Store, StoreUnavailable, Transaction, Written, insert

__all__ = ["Reader", "Store", "StoreUnavailable", "Transaction", "Written", "insert"]
