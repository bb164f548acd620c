"""The bound pipeline: mails of a folder into raw SQLite, parsed, cut, masked, sanitised and threaded.

`mail.py FOLDER` prints the seconds of processor time it took and the number of threads.
"""

import email
import re
import sqlite3
import sys
import tempfile
import time
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

import nh3

HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "References")
QUOTE = re.compile(r"^On [^\n]{1,200} wrote:$", re.MULTILINE)
CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
PER_COMMIT = 50
TABLES = """
CREATE TABLE contact (id INTEGER PRIMARY KEY, address TEXT UNIQUE);
CREATE TABLE conversation (id INTEGER PRIMARY KEY, contact INTEGER, subject TEXT, last INTEGER, unread INTEGER);
CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER, key TEXT UNIQUE, text TEXT, reply TEXT, html TEXT);
CREATE TABLE ref (value TEXT PRIMARY KEY, conversation INTEGER);
CREATE TABLE event (seq INTEGER PRIMARY KEY, type TEXT, message INTEGER);
"""


def body_of(mail: Message, kind: str) -> str:
    for part in mail.walk():
        if part.get_content_type() == kind:
            content = part.get_payload(decode=True)
            return (
                content.decode(part.get_content_charset() or "utf-8", "replace") if isinstance(content, bytes) else ""
            )
    return ""


def mask(text: str) -> str:
    if len(text.encode("utf-8", "replace").translate(None, NO_DIGITS)) <= 12:
        return text
    return CARD.sub(lambda found: re.sub(r"\d", "•", found[0][:-4]) + found[0][-4:], text)


def store(tx: sqlite3.Connection, raw: bytes) -> None:
    mail = email.message_from_bytes(raw)
    head = {name: str(make_header(decode_header(mail.get(name, "")))) for name in HEADERS}
    text, html = body_of(mail, "text/plain"), body_of(mail, "text/html")
    found = QUOTE.search(text)
    reply = "\n".join(line for line in text[: found.start() if found else None].splitlines() if line[:1] != ">")
    refs = head["References"].split()
    tx.execute("INSERT INTO contact (address) VALUES (?) ON CONFLICT DO NOTHING", (head["From"],))
    known = tx.execute(f"SELECT conversation FROM ref WHERE value IN ({','.join('?' * len(refs))})", refs).fetchone()
    if known is None:
        made = tx.execute("INSERT INTO conversation (subject, unread) VALUES (?, 0)", (mask(head["Subject"]),))
        known = (made.lastrowid,)
    row = (known[0], head["Message-ID"], mask(text), mask(reply), nh3.clean(html) if html else None)
    message = tx.execute(
        "INSERT INTO message (conversation, key, text, reply, html) VALUES (?, ?, ?, ?, ?)", row
    ).lastrowid
    tx.execute("UPDATE conversation SET last = ?, unread = unread + 1 WHERE id = ?", (message, known[0]))
    tx.execute("INSERT INTO ref VALUES (?, ?) ON CONFLICT DO NOTHING", (head["Message-ID"], known[0]))
    tx.execute("INSERT INTO event (type, message) VALUES ('message.added', ?)", (message,))


mails = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
with tempfile.TemporaryDirectory() as folder:
    database = sqlite3.connect(f"{folder}/bound.db", isolation_level=None)
    database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {TABLES}")
    began = time.process_time()
    for first in range(0, len(mails), PER_COMMIT):
        database.execute("BEGIN IMMEDIATE")
        for each in mails[first : first + PER_COMMIT]:
            store(database, each)
        database.execute("COMMIT")
    took = time.process_time() - began
    print(took, database.execute("SELECT count(*) FROM conversation").fetchone()[0])
    database.close()
