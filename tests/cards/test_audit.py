"""`omnibox audit cards`: whatever is kept unmasked is found, and nothing else is called a card number."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing

import sqlalchemy as sa
from tests.cards.keeping import CARD, HIDDEN, Kept, all_masked
from tests.store.filling import fill

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.inbox.indexing import make_indexer
from omnibox.masking.files import MaskedBytes
from omnibox.secrets import Secrets
from omnibox.store import Store
from omnibox.store import tables as t


async def test_what_is_clean_is_called_clean_and_the_page_is_signed(kept: Kept) -> None:
    await kept.plant(t.message.c.text, f"My card is {HIDDEN}, order 1234567.", id=1)
    status, page = await kept.audit("--out", kept.home / "report.txt")
    assert (status, "Result: clean." in page) == (0, True)
    assert "message.text" not in page
    done = await kept.run("audit", "verify", kept.home / "report.txt")
    assert (done.exit_code, done.output.startswith("Genuine")) == (0, True)


async def test_a_page_that_was_changed_is_not_genuine(embedded: Kept) -> None:
    await embedded.plant(t.message.c.text, CARD, id=1)
    status, page = await embedded.audit()
    assert status == 1
    changed = embedded.home / "changed.txt"
    changed.write_text(page.replace("1 card number", "0 card numbers", 1))
    assert (await embedded.run("audit", "verify", changed)).exit_code == 1
    changed.write_text(page)
    assert (await embedded.run("audit", "verify", changed)).exit_code == 0
    Secrets.load(embedded.home / "other", {})
    (embedded.home / "secret.key").write_text((embedded.home / "other/secret.key").read_text())
    assert (await embedded.run("audit", "verify", changed)).exit_code == 1
    assert (await embedded.run("audit", "verify", embedded.home / "none.txt")).exit_code == 2


async def test_a_hit_is_told_by_place_row_and_last_four(embedded: Kept) -> None:
    await embedded.plant(t.message.c.text, f"Please take {CARD}, cvv 123.", id=3)
    await embedded.plant(t.contact.c.name, f"Ben {CARD.replace(' ', '-')}", id=2)
    status, page = await embedded.audit()
    assert status == 1
    assert "row 3: Visa •••• 1111, 1 codes and dates" in page
    assert "contact.name" in page
    assert page.count("row 2: Visa •••• 1111") == 1


async def test_every_column_of_masked_text_is_searched(embedded: Kept) -> None:
    database = embedded.home / "omnibox.db"
    fill(database, 12)
    with closing(sqlite3.connect(database)) as link, link:
        for column in all_masked():
            link.execute(f"UPDATE {column.table.name} SET {column.name} = ? WHERE rowid = 2", (f"Mine: {CARD}",))
    status, page = await embedded.audit()
    assert status == 1
    missing = [f"{c.table.name}.{c.name}" for c in all_masked() if f"  {c.table.name}.{c.name} " not in page]
    assert missing == []


async def test_a_table_that_nobody_told_us_about_is_searched(kept: Kept) -> None:
    await kept.write(lambda tx: tx.execute(sa.text("CREATE TABLE surprise (id INTEGER PRIMARY KEY, note TEXT)")))
    await kept.write(lambda tx: tx.execute(sa.text("INSERT INTO surprise VALUES (7, '4111111111111111')")))
    status, page = await kept.audit()
    assert (status, "surprise.note" in page, "row 7: Visa •••• 1111" in page) == (1, True, True)


async def test_documents_are_searched_inside_sealed_ones_too(embedded: Kept) -> None:
    sealed = Secrets.load(embedded.home, {}).encrypt('{"greeting": "Pay by ' + CARD + '"}')
    await embedded.plant(t.connection.c.settings, sealed, id=1)
    change = sa.update(t.message).where(t.message.c.id == 2).values(recipients={"to": [f"Ben {CARD}"], "cc": []})
    await embedded.write(lambda tx: tx.execute(change))
    status, page = await embedded.audit()
    assert status == 1
    assert "connection.settings" in page
    assert "message.recipients" in page


async def test_ids_that_look_like_cards_are_told_apart_and_are_no_hits(embedded: Kept) -> None:
    await embedded.plant(t.identity.c.address, CARD.replace(" ", ""), id=1)
    await embedded.plant(t.message.c.event_key, f"m_{CARD.replace(' ', '')}:7", id=1)
    await embedded.plant(t.message.c.event_key, "5555555555554444:123", id=2)  # as if with a security code
    status, page = await embedded.audit()
    assert status == 0
    assert "identity.address" in page.partition("(not hits)")[2]
    await embedded.plant(t.identity.c.address, CARD, id=1)  # no platform writes its ids in groups
    assert (await embedded.audit())[0] == 1


async def test_text_files_are_searched_and_others_are_said_to_be_unread(embedded: Kept) -> None:
    wide = f"Card {CARD}".encode("utf-16")
    found = [
        await embedded.plant_file(f"a,b\nx,{CARD}\n".encode(), "text/csv"),
        await embedded.plant_file(wide, "text/plain"),
        await embedded.plant_file(f'{{"pan": "{CARD}"}}'.encode(), "application/octet-stream"),
        await embedded.plant_file(f"<svg><text>{CARD}</text></svg>".encode(), "image/svg+xml"),
        await embedded.plant_file(f"called a picture, {CARD}".encode(), "image/png"),
    ]
    await embedded.plant_file(b"\x89PNG\r\n\x1a\n\0\0" + CARD.encode(), "image/png")
    await embedded.plant_file(b"%PDF-1.7 \0" + CARD.encode(), "application/pdf")
    loose = await Folder(embedded.home / "files").put(MaskedBytes(f"lost: {CARD}".encode()))
    status, page = await embedded.audit()
    assert status == 1
    for number in found:
        assert f"attachment {number}: Visa •••• 1111" in page
    assert "2 attachments: no text" in page
    assert loose in page


async def test_the_index_is_searched(kept: Kept) -> None:
    await kept.plant(t.message.c.text, "Mine is 4111111111111111 as ever", id=1)
    store = Store(kept.url)
    await store.start()
    await make_indexer(store, LocalBus()).catch_up()
    await store.stop()
    document = sa.table("search_document", sa.column("text"), sa.column("id"))
    await kept.write(
        lambda tx: tx.execute(sa.update(document).where(document.c.id == 1).values(text="4111111111111111"))
    )
    if kept.url.startswith("sqlite"):
        add = sa.text("INSERT INTO search_word (rowid, words) VALUES (99, '4111111111111111 ¶1')")
    else:
        add = sa.text("UPDATE search_document SET words = '''4111111111111111''\\:1' WHERE id = 2")
    await kept.write(lambda tx: tx.execute(add))
    status, page = await kept.audit()
    assert status == 1
    assert "search_document.text" in page
    assert "a word: Visa •••• 1111" in page


async def test_what_stays_by_the_rules_is_no_hit_where_it_stands_alone(embedded: Kept) -> None:
    """A number in a link's path stays in its message; in the index it is a word by itself."""
    await embedded.plant(t.message.c.text, "See https://shop.example/orders/4111111111111111 please", id=1)
    store = Store(embedded.url)
    await store.start()
    try:
        await make_indexer(store, LocalBus()).catch_up()
    finally:
        await store.stop()
    assert (await embedded.audit())[0] == 0


async def test_bytes_that_no_row_names_any_more_are_found_in_file_and_log(embedded: Kept) -> None:
    database = embedded.home / "omnibox.db"
    long = "and so on " * 2000  # goes over pages of its own
    with closing(sqlite3.connect(database)) as link:
        link.execute("PRAGMA secure_delete=OFF")
        for text in (f"Old: {CARD}", f"{long}{CARD} {long}"):
            with link:
                link.execute("UPDATE message SET text = ? WHERE id = 1", (text,))
            with link:
                link.execute("UPDATE message SET text = 'gone' WHERE id = 1")
        status, page = await embedded.audit()
        assert (status, "omnibox.db-wal" in page.partition("Found:")[2]) == (1, True)
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    status, page = await embedded.audit()
    assert status == 1
    assert "message.text" not in page
    assert "omnibox.db " in page.partition("Found:")[2]


async def test_logs_and_copies_in_the_home_folder_and_those_named_are_searched(embedded: Kept) -> None:
    (embedded.home / "omnibox.log").write_text(f"one\ntwo\nthree {CARD} four\n")
    elsewhere = embedded.home.parent / "logs"
    elsewhere.mkdir()
    (elsewhere / "old.log.gz").write_bytes(gzip.compress(b"x" * 1_048_570 + f" \n{CARD}\n".encode()))
    status, page = await embedded.audit()
    assert (status, "line 3: Visa •••• 1111" in page) == (1, True)
    assert "old.log.gz" not in page
    status, page = await embedded.audit("--also", elsewhere)
    assert "old.log.gz" in page
    assert "line 2: Visa" in page.partition("old.log.gz")[2]
    assert (await embedded.audit("--also", elsewhere / "none"))[0] == 2


async def test_the_audit_neither_waits_for_a_writer_nor_makes_one_wait(embedded: Kept) -> None:
    with closing(sqlite3.connect(embedded.home / "omnibox.db", isolation_level=None)) as link:
        link.execute("BEGIN IMMEDIATE")
        link.execute("UPDATE message SET text = 'meanwhile' WHERE id = 1")
        assert (await embedded.audit())[0] == 0
        link.execute("COMMIT")


async def test_trouble_is_told_apart_from_a_hit(embedded: Kept) -> None:
    nobody = Kept(embedded.home, "postgresql://omnibox@127.0.0.1:9/none")
    assert (await nobody.run("audit", "cards")).exit_code == 2
    await embedded.write(lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '0003_email'")))
    done = await embedded.run("audit", "cards")
    assert (done.exit_code, "start the hub" in done.output) == (2, True)
    (embedded.home / "omnibox.db").unlink()
    assert (await embedded.run("audit", "cards")).exit_code == 2
