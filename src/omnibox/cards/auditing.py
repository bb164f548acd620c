"""One audit from its beginning to the signed page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omnibox.cards import ledger as pages
from omnibox.cards import octets
from omnibox.cards.audit import Auditor, Report
from omnibox.cards.ledger import Ledger
from omnibox.cards.rules import digest_of_rules, require_tables
from omnibox.clock import now
from omnibox.config import Config, open_blobs, open_secrets
from omnibox.events import read_head
from omnibox.store import Store


@dataclass(frozen=True, slots=True)
class Audited:
    """The signed page, and whether it found nothing."""

    page: str
    is_clean: bool


async def audit(config: Config, also: Sequence[Path], report: Report) -> Audited:
    """Raises `StoreUnavailable`, `OldDatabase`, `BadKey` and OSError."""
    secrets = open_secrets(config)
    store = Store(config.store_url)  # never started: it has no writer
    ledger = Ledger(began_at=now())
    auditor = Auditor(store, open_blobs(config), secrets, ledger, report)
    others = octets.other_files(config.home, config.database_path, config.files_folder, also)
    try:
        await store.read(require_tables)
        head = await store.read(read_head)
        rules = await store.read(digest_of_rules)
        await auditor.tables()
        await auditor.pieces()
        await auditor.index()
        await auditor.files()
    finally:
        await store.stop()
    if config.database_path is not None:
        octets.read_database(config.database_path, ledger, report)
    else:
        ledger.not_looked.append("the server's own files: its log, its backups, rows that VACUUM has not taken away")
    octets.read_files(others, ledger, report)
    ledger.not_looked.append("backups and logs outside the home folder; name them with --also")
    database = "SQLite" if config.database_path is not None else "PostgreSQL"
    page = pages.page_of(ledger, database, head.installation, rules, now())
    return Audited(pages.sign(page, secrets), ledger.is_clean)
