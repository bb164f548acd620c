"""A small IMAP4rev1 server on loopback (RFC 3501, IDLE RFC 2177), with switches for what goes wrong in life."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import Callable

from omnibox.testing.world.imap_folder import MailFolder, fits, in_set, words_of

LONGEST_LINE = 1 << 20
BASE_CAPABILITIES = ("IMAP4rev1", "LITERAL+", "SPECIAL-USE")


class ImapServer:
    """Serves the folders of `mailboxes`, by user."""

    def __init__(
        self, accepts: Callable[[str, str], bool], accepts_token: Callable[[str, str], bool] | None = None
    ) -> None:
        self.mailboxes: dict[str, dict[str, MailFolder]] = {}
        self.port = 0
        self.has_idle = True
        self.offers = {"SASL-IR", "UIDPLUS", "MOVE"}
        self.logs_in_by = ["PLAIN", "XOAUTH2"] if accepts_token else ["PLAIN"]
        self.says: dict[str, str] = {}  # what a command is answered in place of being run: NO …, BAD …
        self.unserved: set[int] = set()  # UIDs whose content this server cannot give out
        self.ghosts: set[int] = set()  # UIDs that SEARCH finds and FETCH says nothing about
        self.fetched: Callable[[MailFolder], None] = lambda folder: None  # called as FETCH begins to answer
        self.refuses_login = False
        self.is_black_hole = False
        self.delay_s = 0.0
        self.commands: list[str] = []
        self.heard: Callable[[str], None] = lambda what: None  # told of each command before it is answered
        self.connections = 0
        self._accepts = accepts
        self._accepts_token = accepts_token
        self._kill_in = -1
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], _Session] = {}
        self._changed = asyncio.Event()

    def add_mailbox(self, user: str) -> None:
        self.mailboxes[user.lower()] = {
            "INBOX": MailFolder("INBOX", 1_700_000_000),
            "Sent": MailFolder("Sent", 1_700_000_001, attributes=("\\Sent",)),
        }

    def folder(self, user: str, name: str = "INBOX") -> MailFolder:
        return self.mailboxes[user.lower()][name]

    def add_folder(self, user: str, name: str, *attributes: str) -> MailFolder:
        folders = self.mailboxes[user.lower()]
        folders[name] = MailFolder(name, 1_700_000_000 + len(folders), attributes=attributes)
        return folders[name]

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LONGEST_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    # -- faults --

    def drop(self) -> None:
        """Reset every connection."""
        for session in list(self._sessions.values()):
            session.writer.transport.abort()

    def say_bye(self, words: str = "server is going down") -> None:
        """End every connection as a server does that restarts."""
        for session in list(self._sessions.values()):
            session.push(f"* BYE {words}")
            session.writer.close()

    def kill_at(self, command: int) -> None:
        """Reset the connection on which the `command`-th command from now comes in, before answering it."""
        self._kill_in = command

    async def until_idle(self, user: str, name: str = "INBOX") -> None:
        """Wait until somebody idles on the folder."""
        while not self.folder(user, name).watchers:
            self._changed.clear()
            await self._changed.wait()

    async def until_left(self, user: str, name: str = "INBOX") -> None:
        """Wait until nobody idles on the folder."""
        while self.folder(user, name).watchers:
            self._changed.clear()
            await self._changed.wait()

    async def until_commands(self, count: int) -> None:
        """Wait until `count` commands came in all."""
        while len(self.commands) < count:
            self._changed.clear()
            await self._changed.wait()

    def _counts(self, name: str) -> bool:
        """Note a command; whether the connection lives on."""
        self.commands.append(name)
        self.heard(f"IMAP {name}")
        self._changed.set()
        self._kill_in -= 1
        return self._kill_in != 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        session = _Session(self, reader, writer)
        self._sessions[task] = session
        self.connections += 1
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            session.leave()
            del self._sessions[task]
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


class _Session:
    def __init__(self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.user = ""
        self.opened: MailFolder | None = None
        self.announced = 0
        self.is_read_only = True

    __hash__ = object.__hash__

    def push(self, line: str) -> None:
        if not self.server.is_black_hole and not self.writer.is_closing():
            self.writer.write(line.encode() + b"\r\n")

    def announce(self) -> None:
        """Say how many mails there are, where that is news to this client."""
        if self.opened and len(self.opened.mails) != self.announced:
            self.announced = len(self.opened.mails)
            self.push(f"* {self.announced} EXISTS")

    def expunged(self, number: int) -> None:
        self.announced -= 1
        self.push(f"* {number} EXPUNGE")

    def leave(self) -> None:
        if self.opened:
            self.opened.watchers.discard(self)
            self.opened.openers.discard(self)

    async def run(self) -> None:
        self.push(f"* OK [CAPABILITY {self._capabilities()}] world ready")
        while True:
            words = await self._read_command()
            if words is None:
                return
            tag, name, args = words[0], words[1].upper(), words[2:]
            if name == "UID" and args:
                name, args = f"UID {args[0].upper()}", args[1:]
            if not self.server._counts(name):
                self.writer.transport.abort()
                return
            if self.server.delay_s:
                await asyncio.sleep(self.server.delay_s)
            result = self.server.says.get(name) or await self._run(name, args)
            self.announce()
            self.push(f"{tag} {result}")
            await self.writer.drain()
            if name == "LOGOUT":
                return

    async def _read_command(self) -> list[str] | None:
        """The words of one command; literals are read in place."""
        text = b""
        while True:
            line = await self.reader.readline()
            if not line:
                return None
            line = line.rstrip(b"\r\n")
            literal = re.search(rb"\{(\d+)(\+?)\}\Z", line)
            if not literal:
                break
            if not literal.group(2):
                self.push("+ go ahead")
            content = await self.reader.readexactly(int(literal.group(1)))
            text += line[: literal.start()] + b'"' + content.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        words = words_of((text + line).decode("latin-1"))
        return words if len(words) >= 2 else ["*", "BAD"]

    def _capabilities(self) -> str:
        ways = (f"AUTH={way}" for way in self.server.logs_in_by)
        return " ".join(
            (*BASE_CAPABILITIES, *sorted(self.server.offers), *(("IDLE",) if self.server.has_idle else ()), *ways)
        )

    async def _run(self, name: str, args: list[str]) -> str:
        match name:
            case "CAPABILITY":
                self.push(f"* CAPABILITY {self._capabilities()}")
            case "NOOP" | "CLOSE":
                pass
            case "LOGOUT":
                self.push("* BYE see you")
            case "LOGIN":
                return self._log_in(*[*args, "", ""][:2])
            case "AUTHENTICATE":
                return await self._authenticate(args)
            case _ if not self.user:
                return "BAD log in first"
            case "LIST":
                self._list()
            case "SELECT" | "EXAMINE":
                return self._open(args[0], is_read_only=name == "EXAMINE")
            case "APPEND":
                return self._append(args)
            case "CREATE":
                self.server.add_folder(self.user, args[0])
            case _ if self.opened is None:
                return "BAD open a folder first"
            case "IDLE":
                return await self._idle(self.opened)
            case "UID SEARCH":
                self._search(self.opened, args)
            case "UID FETCH":
                return self._fetch(self.opened, args[0], " ".join(args[1:]))
            case _ if self.is_read_only:
                return "NO [READ-ONLY] the folder is open for reading"
            case "UID STORE":
                self._store(self.opened, args)
            case "UID COPY":
                return self._copy(self.opened, args)
            case "UID MOVE" if "MOVE" in self.server.offers:
                moved = [mail.uid for mail in self.opened.mails if in_set(mail.uid, args[0], self.opened)]
                answer = self._copy(self.opened, args)
                if answer.startswith("OK"):
                    self.opened.expunge(moved)
                return answer
            case "UID EXPUNGE" if "UIDPLUS" in self.server.offers:
                named = [mail for mail in self.opened.mails if in_set(mail.uid, args[0], self.opened)]
                self.opened.expunge([mail.uid for mail in named if "\\Deleted" in mail.flags])
            case _:
                return "BAD unknown command"
        return "OK done"

    def _log_in(self, user: str, password: str) -> str:
        user, password = (word.encode("latin-1").decode("utf-8", "replace") for word in (user, password))
        if self.server.refuses_login or not self.server._accepts(user, password):
            return "NO [AUTHENTICATIONFAILED] user or password is wrong"
        self.user = user.lower()
        return "OK logged in"

    async def _authenticate(self, args: list[str]) -> str:
        encoded = args[1] if len(args) > 1 else ""
        if not encoded:
            self.push("+ ")
            encoded = (await self.reader.readline()).decode("ascii", "replace").strip()
        if args[0].upper() not in self.server.logs_in_by:
            return "NO [CANNOT] no such mechanism"
        if args[0].upper() in ("XOAUTH2", "OAUTHBEARER"):
            return await self._log_in_by_token(base64.b64decode(encoded).decode("utf-8", "replace"))
        _, user, password = (base64.b64decode(encoded).decode("latin-1") + "\0\0").split("\0")[:3]
        return self._log_in(user, password)

    async def _log_in_by_token(self, words: str) -> str:
        user = re.search(r"(?:^user=|^n,a=)([^\x01,]*)", words)
        token = re.search(r"\x01auth=Bearer ([^\x01]*)\x01", words)
        accepts = self.server._accepts_token
        if user and token and accepts and accepts(user.group(1), token.group(1)) and not self.server.refuses_login:
            self.user = user.group(1).lower()
            return "OK logged in"
        self.push("+ " + base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode())
        await self.reader.readline()  # the client must say something before it hears why
        return "NO [AUTHENTICATIONFAILED] invalid credentials"

    def _list(self) -> None:
        for folder in self.server.mailboxes[self.user].values():
            attributes = " ".join(("\\HasNoChildren", *folder.attributes))
            self.push(f'* LIST ({attributes}) "/" "{folder.name}"')

    def _open(self, name: str, *, is_read_only: bool) -> str:
        self.leave()
        folders = self.server.mailboxes[self.user]
        folder = folders.get("INBOX" if name.upper() == "INBOX" else name)
        if folder is None:
            self.opened = None
            return "NO [NONEXISTENT] there is no such folder"
        self.opened = folder
        self.is_read_only = is_read_only
        folder.openers.add(self)
        self.push("* FLAGS (\\Seen \\Answered \\Deleted)")
        self.announced = -1
        self.announce()
        self.push("* 0 RECENT")
        self.push(f"* OK [UIDVALIDITY {folder.uidvalidity}] UIDs valid")
        self.push(f"* OK [UIDNEXT {folder.uidnext}] next")
        return f"OK [READ-{'ONLY' if is_read_only else 'WRITE'}] open"

    def _append(self, args: list[str]) -> str:
        folder = self.server.mailboxes[self.user].get(args[0])
        if folder is None:
            return "NO [TRYCREATE] there is no such folder"
        uid = folder.put(args[-1].encode("latin-1"))
        return f"OK [APPENDUID {folder.uidvalidity} {uid}] kept"

    async def _idle(self, folder: MailFolder) -> str:
        self.push("+ idling")
        folder.watchers.add(self)
        self.announce()
        self.server._changed.set()
        try:
            line = await self.reader.readline()
        finally:
            folder.watchers.discard(self)
            self.server._changed.set()
        if not line:
            raise ConnectionResetError
        return "OK idle ended" if line.strip().upper() == b"DONE" else "BAD expected DONE"

    def _search(self, folder: MailFolder, args: list[str]) -> None:
        found = [mail for mail in folder.mails if fits(mail, args, folder)]
        self.push(" ".join(("* SEARCH", *(str(mail.uid) for mail in found))))

    def _fetch(self, folder: MailFolder, uids: str, what: str) -> str:
        wanted = {mail.uid for mail in folder.mails if in_set(mail.uid, uids, folder)}
        self.server.fetched(folder)
        if "BODY" in what and wanted & self.server.unserved:
            return "NO [SERVERBUG] a message could not be rendered"
        for number, mail in enumerate(folder.mails, 1):
            if mail.uid not in wanted or mail.uid in self.server.ghosts:
                continue
            facts = [f"UID {mail.uid}"]
            if "FLAGS" in what:
                facts.append(f"FLAGS ({' '.join(sorted(mail.flags))})")
            if "RFC822.SIZE" in what:
                facts.append(f"RFC822.SIZE {len(mail.raw)}")
            if "INTERNALDATE" in what:
                facts.append(f'INTERNALDATE "{mail.received_at:%d-%b-%Y %H:%M:%S %z}"')
            body = re.search(r"BODY(?:\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?", what)
            if not body:
                self.push(f"* {number} FETCH ({' '.join(facts)})")
                continue
            if ".PEEK" not in body.group():
                mail.flags.add("\\Seen")
            start = int(body.group(1) or 0)
            content = mail.raw[start : start + int(body.group(2))] if body.group(2) else mail.raw
            origin = f"<{start}>" if body.group(2) else ""
            self.push(f"* {number} FETCH ({' '.join(facts)} BODY[]{origin} {{{len(content)}}}")
            if not self.server.is_black_hole:
                self.writer.write(content + b")\r\n")
        return "OK done"

    def _copy(self, folder: MailFolder, args: list[str]) -> str:
        target = self.server.mailboxes[self.user].get(args[1])
        if target is None:
            return "NO [TRYCREATE] there is no such folder"
        for mail in [one for one in folder.mails if in_set(one.uid, args[0], folder)]:
            target.put(mail.raw, mail.received_at, sorted(mail.flags))
        return "OK copied"

    def _store(self, folder: MailFolder, args: list[str]) -> None:
        flags = {word.strip("()") for word in args[2:]}
        for mail in folder.mails:
            if in_set(mail.uid, args[0], folder):
                mail.flags = mail.flags - flags if args[1].startswith("-") else mail.flags | flags
