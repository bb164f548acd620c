"""The command line, run as a user runs it."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from omnibox.config import hold_home, load
from omnibox.offline import split_mbox
from omnibox.secrets import random_key
from omnibox.store.migrations import HEAD
from tests.store.filling import fill

OMNIBOX = str(Path(sys.executable).parent / "omnibox")


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}


def run(*arguments: str | Path, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [OMNIBOX, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env=environment(**environ),
    )


def lines(answer: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    """The JSON Lines of standard output: every line one object, nothing else."""
    found = [json.loads(line) for line in answer.stdout.decode().splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


# ── Common


def test_the_version_is_shown() -> None:
    from omnibox import __version__

    answer = run("--version")
    assert (answer.returncode, answer.stdout.decode()) == (0, f"omnibox {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing command."),
        (["frobnicate"], "frobnicate"),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--port", "70000"], "--port: "),
        (["mask", "--colour"], "--colour"),
        (["normalize"], "--channel"),
        (["normalize", "--channel", "pigeon"], "'pigeon' has no offline commands; choose one of "),
        (["normalize", "--channel", "hook"], "'hook' has no offline commands; choose one of "),
        (["render", "--channel", "pigeon"], "'pigeon'"),
        (["backup"], "PATH"),
        (["restore"], "--here"),
        (["migrate-to"], "URL"),
        (["agent", "invite"], "email"),
        (["agent", "invite", "ada@example.org", "--role", "king"], "--role: choose one of owner, admin, agent"),
        (["agent", "invite", "ada"], "not an email address"),
        (["agent", "reset", "ada"], "not an email address"),
    ],
)
def test_a_usage_error_is_one_clear_line_and_status_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    answer = run(*arguments, OMNIBOX_HOME=str(tmp_path / "home"))
    assert answer.returncode == 2
    (line,) = answer.stderr.decode().splitlines()
    assert line.startswith("omnibox: ")
    assert says in line
    assert answer.stdout == b""
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "command", [["serve"], ["web"], ["worker"], ["check"], ["backup", "x"], ["agent", "reset", "ada@example.org"]]
)
def test_every_fault_of_the_configuration_is_shown_and_the_status_is_2(command: list[str], tmp_path: Path) -> None:
    answer = run(*command, OMNIBOX_HOME=str(tmp_path), OMNIBOX_PROT="1", OMNIBOX_PORT="x")
    assert answer.returncode == 2
    assert [line.split(":")[1].strip() for line in answer.stderr.decode().splitlines()] == [
        "OMNIBOX_PROT",
        "OMNIBOX_PORT",
    ]


@pytest.mark.parametrize("arguments", [["--version"], ["mask", "--help"], ["normalize", "--help"]])
def test_the_offline_commands_start_without_the_server(arguments: list[str]) -> None:
    code = (
        "import sys; from omnibox.cli import main; sys.argv[1:] = sys.argv[1:]\n"
        "try: main()\n"
        "finally: print([n for n in ('sqlalchemy', 'aiohttp', 'structlog', 'cryptography') if n in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.splitlines()[-1] == "[]"


# ── normalize and render


def body(*texts: str, mid: str = "m") -> bytes:
    """A webhook body with one message per text."""
    messages = [
        {
            "sender": {"id": "41"},
            "recipient": {"id": "7"},
            "timestamp": 1760000000123,
            "message": {"mid": f"{mid}{n}", "text": text},
        }
        for n, text in enumerate(texts)
    ]
    return json.dumps({"object": "page", "entry": [{"id": "7", "time": 1, "messaging": messages}]}).encode()


def test_standard_input_is_one_document_and_its_source_is_a_dash() -> None:
    for arguments in ([], ["-"]):
        answer = run("normalize", "--channel", "messenger", *arguments, stdin=body("Hola", "¿Hay alguien?"))
        assert answer.returncode == 0
        assert [(line["v"], line["source"], line["channel"], line["text"]) for line in lines(answer)] == [
            (1, "-", "messenger", "Hola"),
            (1, "-", "messenger", "¿Hay alguien?"),
        ]


def test_a_folder_is_every_file_below_it_by_the_bytes_of_its_path(tmp_path: Path) -> None:
    names = ["B", "a-b", "a/b", "a/c/d", "a.b", "z", "é"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body(name))
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    answer = run("normalize", "--channel", "messenger", tmp_path)
    assert [line["text"] for line in lines(answer)] == ["B", "a-b", "a.b", "a/b", "a/c/d", "z", "é"]
    assert [line["source"] for line in lines(answer)] == [f"{tmp_path}/{line['text']}" for line in lines(answer)]


def test_the_source_is_the_path_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x").write_bytes(body("x"))
    answer = subprocess.run(
        [OMNIBOX, "normalize", "--channel", "messenger", "./in", "in/x"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    assert [line["source"] for line in lines(answer)] == ["./in/x", "in/x"]


def test_a_bad_input_costs_its_own_line_only(tmp_path: Path) -> None:
    inputs = {"1": b"", "2": b"{not json", "3": b'{"object": "user"}', "5": body("fine")}
    for name, raw in inputs.items():
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "4").symlink_to(tmp_path / "nowhere")
    answer = run("normalize", "--channel", "messenger", tmp_path)
    assert answer.returncode == 1
    found = lines(answer)
    assert [line["source"] for line in found] == [f"{tmp_path}/{name}" for name in "12345"]
    assert [line.get("error", {}).get("code") for line in found] == [
        "empty",
        "invalid",
        "unsupported",
        "internal",
        None,
    ]
    assert all(line["error"]["message"] for line in found[:4])
    assert answer.stderr == b""


def test_a_path_that_is_not_there_is_an_error_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(body("fine"))
    answer = run("normalize", "--channel", "messenger", tmp_path / "gone", tmp_path / "x")
    assert answer.returncode == 1
    gone, fine = lines(answer)
    assert (gone["error"]["code"], gone["source"]) == ("internal", f"{tmp_path}/gone")
    assert fine["text"] == "fine"


def test_events_of_another_account_are_no_messages() -> None:
    answer = run("normalize", "--channel", "messenger", "--account", "8", stdin=body("Hola"))
    assert [line["kind"] for line in lines(answer)] == ["other"]


def test_lone_surrogates_become_the_replacement_character(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")
    Path(name).write_bytes(body("a\ud83db"))
    answer = run("normalize", "--channel", "messenger", tmp_path)
    (line,) = lines(answer)
    assert line["text"] == "a\ufffdb"
    assert line["source"] == f"{tmp_path}/\ufffd.json"


def test_a_line_is_written_when_its_input_is_done(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(body("first"))
    command = [OMNIBOX, "normalize", "--channel", "messenger", str(tmp_path / "first"), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdin
        assert process.stdout
        assert json.loads(process.stdout.readline())["text"] == "first"  # while the second is still being typed
        process.stdin.write(body("second"))
        process.stdin.close()
        assert json.loads(process.stdout.readline())["text"] == "second"
    assert process.returncode == 0


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    for n in range(400):
        (tmp_path / f"{n}").write_bytes(body("x" * 200))
    command = [OMNIBOX, "normalize", "--channel", "messenger", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


MBOX = b"""From ada@example.org Thu Jan  1 00:00:00 2026
Message-ID: <1@example.org>
From: Ada <ada@example.org>

Hello
>From here on

From eve@example.org Thu Jan  1 00:00:00 2026
Message-ID: <2@example.org>
From: Eve <eve@example.org>

Second
From the start of a line, but not after an empty one
"""


def test_an_mbox_is_split_where_from_follows_an_empty_line() -> None:
    first, second = split_mbox(MBOX.splitlines(keepends=True))
    assert first.endswith(b"\n\nHello\nFrom here on\n")
    assert second.endswith(b"Second\nFrom the start of a line, but not after an empty one\n")
    assert list(split_mbox([])) == [b""]
    assert list(split_mbox([b"no\n", b"mbox\n"])) == [b"no\nmbox\n"]
    assert list(split_mbox([b"From a\n", b"From b\n"])) == [b"From b\n"]


def test_an_mbox_gives_one_line_per_mail(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(MBOX)
    answer = run("normalize", "--channel", "email", "--mbox", tmp_path / "box")
    assert [(line["external_id"], line["source"]) for line in lines(answer)] == [
        ("1@example.org", f"{tmp_path}/box"),
        ("2@example.org", f"{tmp_path}/box"),
    ]


def test_render_answers_each_line_in_order() -> None:
    items = [
        b'{"to": "41", "text": "Hola", "attachments": [], "quick_replies": [], "mode": "response"}',
        b"{not json",
        b"[1]",
        b"",
        b'{"to": "41", "text": "Adios", "attachments": [], "quick_replies": [], "mode": "response"}',
    ]
    answer = run("render", "--channel", "messenger", stdin=b"\n".join(items) + b"\n")
    assert answer.returncode == 1
    first, invalid, other, empty, last = lines(answer)
    assert [first["requests"][0]["json"]["message"]["text"], last["requests"][0]["json"]["message"]["text"]] == [
        "Hola",
        "Adios",
    ]
    assert [line["error"]["code"] for line in (invalid, other, empty)] == ["invalid", "unsupported", "empty"]
    assert run("render", "--channel", "messenger", stdin=items[0]).returncode == 0


# ── mask


def test_mask_passes_text_through_to_the_byte() -> None:
    text = b"Paga con 4111 1111 1111 1111, gracias\r\n" + b"\xff no line feed"
    answer = run("mask", stdin=text)
    assert answer.returncode == 0
    assert answer.stdout == text.replace(b"4111 1111 1111", "•••• •••• ••••".encode())


def test_mask_answers_json_strings_with_objects() -> None:
    answer = run("mask", "--jsonl", stdin=b'"4111111111111111"\n"nothing"\n')
    assert answer.returncode == 0
    assert lines(answer) == [{"text": "•" * 12 + "1111", "found": 1}, {"text": "nothing", "found": 0}]


# ── The hub


def migrate_home(home: Path) -> None:
    """A home folder as a first start leaves it."""
    import asyncio

    from omnibox.config import open_secrets, prepare_home
    from omnibox.store.migrations import migrate

    config = load(environ={"OMNIBOX_HOME": str(home)})
    prepare_home(config)
    open_secrets(config)
    asyncio.run(migrate(config.store_url))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    migrate_home(tmp_path / "home")
    return tmp_path / "home"


def test_a_second_serve_on_a_home_folder_says_so(home: Path) -> None:
    with hold_home(load(environ={"OMNIBOX_HOME": str(home)})):
        answer = run("serve", "--home", home)
    assert answer.returncode == 2
    assert answer.stderr.decode().startswith(f"omnibox: process {os.getpid()} already serves {home}; ")


@pytest.mark.parametrize("role", ["web", "worker"])
@pytest.mark.parametrize("database", ["", "sqlite:////tmp/other.db"])
def test_several_processes_need_a_server_for_the_data(role: str, database: str, tmp_path: Path) -> None:
    answer = run(role, "--home", tmp_path / "home", OMNIBOX_DATABASE_URL=database)
    assert (answer.returncode, answer.stdout) == (2, b"")
    (said,) = answer.stderr.decode().splitlines()
    assert "OMNIBOX_DATABASE_URL" in said
    assert "omnibox serve" in said
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("role", ["serve", "web", "worker"])
def test_a_database_that_is_not_there_is_named(role: str, tmp_path: Path) -> None:
    url = "postgresql://u:hunter2@127.0.0.1:9/d"
    answer = run(role, "--home", tmp_path / "home", OMNIBOX_DATABASE_URL=url)
    assert (answer.returncode, answer.stdout) == (75, b"")
    assert answer.stderr == b"omnibox: the database does not answer; run `omnibox check`\n"


@contextmanager
def serving(home: Path, **environ: str) -> Iterator[tuple[str, str]]:
    """A running `omnibox serve` that is told to end afterwards: its address, and what it said before."""
    command = [OMNIBOX, "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**environ)
    ) as process:
        assert process.stdout
        assert process.stderr
        watch = threading.Timer(60, process.kill)  # so that a hang is a failure
        watch.start()
        said = ""
        while "runs at" not in said.rpartition("\n")[0].rpartition("\n")[2]:
            line = process.stdout.readline().decode()
            assert line, process.stderr.read().decode()
            said += line
        yield said.split()[-1], said
        process.send_signal(signal.SIGTERM)
        log = process.stderr.read().decode()
        watch.cancel()
    assert process.returncode == 0, log
    assert all(json.loads(line) for line in log.splitlines())
    assert "set-up" not in log


def test_serve_shows_a_set_up_code_until_there_is_an_owner_and_ends_on_sigterm(tmp_path: Path) -> None:
    home = tmp_path / "new"
    with serving(home) as (url, said), urlopen(f"{url}/readyz") as answer:
        assert answer.status == 200
        code = said.splitlines()[0].split()[-1]
        assert re.fullmatch(r"([a-z2-9]{5}-){2}[a-z2-9]{5}", code)
    with serving(home) as (url, said):
        assert said.splitlines()[0].split()[-1] == code  # of the installation, so that several processes say the same
    add_agent(home, "ada@example.org", "owner")
    with serving(home) as (url, said):
        assert said == f"omnibox runs at {url}\n"


def test_a_running_hub_is_backed_up_and_gets_invitations(tmp_path: Path) -> None:
    home = tmp_path / "new"
    with serving(home):
        assert run("check", "--home", home).returncode == 0
        assert run("agent", "invite", "ada@example.org", "--home", home).returncode == 0
        assert run("backup", tmp_path / "copy", "--home", home).returncode == 0
    with closing(sqlite3.connect(tmp_path / "copy/omnibox.db")) as database:
        assert database.execute("SELECT email FROM agent").fetchall() == [("ada@example.org",)]


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        answer = run("serve", "--port", str(port), "--home", home)
    assert answer.returncode == 2
    assert answer.stderr.decode().splitlines()[-1].startswith("omnibox: ")
    assert f"127.0.0.1:{port}: another program listens there" in answer.stderr.decode().splitlines()[-1]


def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "omnibox.db").write_bytes(b"no database" * 1000)
    answer = run("serve", "--port", "0", "--home", tmp_path)
    assert answer.returncode == 2
    (line,) = answer.stderr.decode().splitlines()
    assert line == f"omnibox: {tmp_path}/omnibox.db: is damaged or no database; keep it aside and restore a backup"
    assert (tmp_path / "omnibox.db").read_bytes() == b"no database" * 1000


# Root may write everywhere; a test runs as root here and there.
AS_A_USER = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []


def as_a_user(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [*AS_A_USER, OMNIBOX, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment(OMNIBOX_PORT="0"))


@pytest.mark.parametrize(("what", "mode"), [(".", 0o500), ("files", 0o500), ("omnibox.db", 0o400)])
def test_a_home_folder_that_may_not_be_written_is_refused_with_the_words_of_check(
    home: Path, what: str, mode: int
) -> None:
    """A database without leave to write opens all the same, for reading: nothing would be taken, all day."""
    assert as_a_user("check", "--home", home).returncode == 0
    with hold_home(load({"home": str(home)})):
        pass  # a start has been there: its lock may be written
    place = home / what
    place.chmod(mode)
    try:
        looked, served = as_a_user("check", "--home", home), as_a_user("serve", "--home", home)
    finally:
        place.chmod(0o700)
    cure = f"chown -R it to the user that runs omnibox: {place}"
    assert finding(looked, "home folder") == (f"failed  home folder: {place} cannot be written", f"→ {cure}")
    assert looked.returncode == 1
    assert (served.returncode, served.stdout) == (2, b"")
    assert served.stderr.decode() == f"omnibox: {place} cannot be written; {cure}\n"


def test_a_demo_on_a_taken_port_says_so_and_one_beside_another_leaves_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "omnibox-demo"
    folder.mkdir()
    (folder / "omnibox.db").write_bytes(b"of the last demo")

    def demo(port: int) -> str:
        command = [OMNIBOX, "demo", str(port)]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False, env=environment())
        assert (answer.returncode, answer.stdout) == (2, b"")
        (line,) = answer.stderr.decode().splitlines()
        return line

    with hold_home(load({"home": str(folder)})):
        assert f"process {os.getpid()} already serves" in demo(0)
    assert (folder / "omnibox.db").read_bytes() == b"of the last demo"
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert demo(port) == f"omnibox: port {port} is in use; try `omnibox demo {port + 1}`"


def add_agent(home: Path, email: str, role: str, *, is_active: bool = True) -> None:
    with closing(sqlite3.connect(home / "omnibox.db")) as database, database:
        database.execute(
            "INSERT INTO agent (name, email, password_hash, role, is_active, created_at)"
            " VALUES ('Ada', ?, 'x', ?, ?, 0)",
            (email, role, is_active),
        )


# ── check


def test_check_finds_a_fresh_home_well_and_changes_nothing(tmp_path: Path) -> None:
    answer = run("check", "--home", tmp_path / "new")
    assert answer.stderr == b""
    names = [line[8:].partition(":")[0] for line in answer.stdout.decode().splitlines() if not line.startswith("  ")]
    assert names[:4] == ["configuration", "home folder", "database", "secret key"]
    assert names[-1] == "web pages"
    assert {f"connector {name}" for name in ("email", "hook", "messenger", "webchat")} <= set(names)
    assert not (tmp_path / "new").exists()


def finding(answer: subprocess.CompletedProcess[bytes], name: str) -> tuple[str, str]:
    """The line of that name and the cure below it."""
    shown = [*answer.stdout.decode().splitlines(), ""]
    place = next(n for n, line in enumerate(shown) if line[8:].startswith(name))
    return shown[place], shown[place + 1].strip()


def test_check_names_what_fails_with_a_cure(home: Path) -> None:
    add_connection(home, random_key())
    (home / "secret.key").chmod(0o644)
    answer = run("check", "--home", home)
    assert answer.returncode == 1
    assert finding(answer, "secret key") == (
        f"failed  secret key: others may read {home}/secret.key",
        f"→ chmod 600 {home}/secret.key",
    )
    (home / "secret.key").chmod(0o600)
    line, cure = finding(run("check", "--home", home), "secret key")
    assert line == "failed  secret key: does not fit"
    assert "bring back the secret.key" in cure
    (home / "secret.key").unlink()
    line, cure = finding(run("check", "--home", home), "secret key")
    assert line == f"failed  secret key: {home}/secret.key is missing"
    with closing(sqlite3.connect(home / "omnibox.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    line, cure = finding(run("check", "--home", home), "database")
    assert (line.startswith("failed  database: revision 9999"), cure) == (True, "→ start a newer release")
    (home / "omnibox.db").write_bytes(b"no database" * 100)
    line, cure = finding(run("check", "--home", home), "database")
    assert line == f"failed  database: {home}/omnibox.db is damaged or no database"
    assert cure == "→ keep it aside and restore a backup"


def test_check_finds_a_database_damaged_within(home: Path) -> None:
    with (home / "omnibox.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)
    line, cure = finding(run("check", "--home", home), "database")
    assert (line.endswith("is damaged or no database"), cure) == (True, "→ keep it aside and restore a backup")


def test_check_looks_whether_it_could_listen(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        port = place.rpartition(":")[2]
        for answer in (run("check", "--home", home, "--port", port), run("check", "--home", home, OMNIBOX_PORT=port)):
            assert answer.returncode == 1
            assert finding(answer, "port") == (
                f"failed  port: {place}: another program listens there",
                "→ end it, or name another port by --port",
            )
        with hold_home(load({"home": str(home)})):
            line, _ = finding(run("check", "--home", home, "--port", port), "port")
        assert line == f"ok      port: {place}: in use, and this hub runs"
    assert finding(run("check", "--home", home, "--port", port), "port")[0] == f"ok      port: {place} is free"
    away = run("check", "--home", home, "--host", "192.0.2.7", "--port", port)  # an address for examples (RFC 5737)
    assert finding(away, "port")[0] == f"failed  port: 192.0.2.7:{port}: this machine has no such address"
    served = run("serve", "--home", home, "--host", "192.0.2.7", "--port", port)
    assert "192.0.2.7" in served.stderr.decode()
    assert "this machine has no such address; name one" in served.stderr.decode()


def test_a_running_hub_does_not_stand_in_its_own_way(tmp_path: Path) -> None:
    with serving(tmp_path / "new") as (url, _):
        answer = run("check", "--home", tmp_path / "new", "--port", url.rpartition(":")[2])
        assert finding(answer, "port")[0].endswith("in use, and this hub runs")
        assert answer.returncode == 0


def test_check_passes_over_a_database_that_is_in_use(home: Path) -> None:
    add_connection(home, (home / "secret.key").read_text().strip())
    with closing(sqlite3.connect(home / "omnibox.db")) as busy:
        busy.execute("BEGIN IMMEDIATE")
        answer = run("check", "--home", home)
    assert finding(answer, "database")[0] == f"ok      database: revision {HEAD}"
    assert finding(answer, "secret key")[0] == "ok      secret key: fits 1 stored documents"


def test_check_reads_a_postgresql_database(tmp_path: Path, postgres_url: str) -> None:
    answer = run("check", "--home", tmp_path, OMNIBOX_DATABASE_URL=postgres_url)
    assert finding(answer, "database")[0] == "ok      database: empty; the first start fills it"
    gone = postgres_url.rpartition("/")[0] + "/gone"
    line, cure = finding(run("check", "--home", tmp_path, OMNIBOX_DATABASE_URL=gone), "database")
    assert (line.startswith("failed  database: cannot be read"), "database_url" in cure) == (True, True)


def add_connection(home: Path, key: str) -> None:
    from omnibox.secrets import Secrets

    with closing(sqlite3.connect(home / "omnibox.db")) as database, database:
        database.execute(
            "INSERT INTO connection (connector, name, hook_key, settings, state, created_at)"
            " VALUES ('hook', 'Hook', 'k', ?, 'draft', 0)",
            (Secrets([key]).encrypt("{}"),),
        )


# ── backup


def test_a_backup_holds_database_files_and_settings_but_not_the_key(home: Path, tmp_path: Path) -> None:
    add_agent(home, "ada@example.org", "owner")
    (home / "files/ab").mkdir(parents=True)
    (home / "files/ab/abcd").write_bytes(b"a file")
    (home / "omnibox.toml").write_text("port = 8081")
    answer = run("backup", tmp_path / "copy", "--home", home)
    assert answer.returncode == 0, answer.stderr
    assert f"keep {home}/secret.key too" in answer.stdout.decode()
    copy = tmp_path / "copy"
    assert sorted(path.name for path in copy.iterdir()) == ["files", "omnibox.db", "omnibox.toml"]
    assert (copy / "files/ab/abcd").read_bytes() == b"a file"
    assert {oct(path.stat().st_mode & 0o077) for path in (copy, copy / "omnibox.db", copy / "files")} == {"0o0"}
    with closing(sqlite3.connect(copy / "omnibox.db")) as database:
        assert database.execute("SELECT email FROM agent").fetchall() == [("ada@example.org",)]
        (epoch,) = database.execute("SELECT epoch FROM installation").fetchone()
    with closing(sqlite3.connect(home / "omnibox.db")) as database:
        assert database.execute("SELECT epoch FROM installation").fetchone() != (epoch,)
    assert finding(run("check", "--home", copy), "database")[0] == f"ok      database: revision {HEAD}"


def test_a_backup_leaves_out_settings_that_hold_the_key(home: Path, tmp_path: Path) -> None:
    key = random_key()
    (home / "omnibox.toml").write_text(f"secret_key = '{key}'")
    assert run("backup", tmp_path / "copy", "--home", home).returncode == 0
    assert not (tmp_path / "copy/omnibox.toml").exists()


def test_a_backup_is_whole_while_the_hub_writes(home: Path, tmp_path: Path) -> None:
    """Two rows that are always written together are never copied apart."""
    stop = threading.Event()
    with closing(sqlite3.connect(home / "omnibox.db")) as database:
        database.executescript("CREATE TABLE one (n, pad); CREATE TABLE two (n, pad);")
        for n in range(2000):  # enough pages for several steps
            database.execute("INSERT INTO one VALUES (?, zeroblob(8000))", (-1 - n,))
        database.commit()

    written = 0

    def write() -> None:
        nonlocal written
        with closing(sqlite3.connect(home / "omnibox.db", timeout=30)) as database:
            while not stop.is_set():
                with database:
                    database.execute("INSERT INTO one VALUES (?, '')", (written,))
                    database.execute("INSERT INTO two VALUES (?, '')", (written,))
                written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written == 0:
            time.sleep(0)
        before = written
        answer = run("backup", tmp_path / "copy", "--home", home)
        after = written
    finally:
        stop.set()
        writer.join()
    assert answer.returncode == 0, answer.stderr
    assert after > before
    with closing(sqlite3.connect(tmp_path / "copy/omnibox.db")) as copy:
        ones = copy.execute("SELECT count(*) FROM one WHERE n >= 0").fetchone()
        assert ones == copy.execute("SELECT count(*) FROM two").fetchone()
        assert before - 1 <= ones[0] <= after


def test_a_backup_never_overwrites(home: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/mine").write_text("mine")
    for target in (tmp_path / "copy", tmp_path / "copy/mine", home / "files/x"):
        answer = run("backup", target, "--home", home)
        assert answer.returncode == 2, answer.stdout
        assert str(target) in answer.stderr.decode()
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine"]
    assert list((home / "files").iterdir()) == []


def test_a_backup_of_nothing_or_of_a_server_says_what_to_do(tmp_path: Path) -> None:
    answer = run("backup", tmp_path / "copy", "--home", tmp_path / "none")
    assert (answer.returncode, b"is the home folder the right one?" in answer.stderr) == (2, True)
    answer = run(
        "backup", tmp_path / "copy", OMNIBOX_HOME=str(tmp_path), OMNIBOX_DATABASE_URL="postgresql://u:hunter2@h/d"
    )
    assert (answer.returncode, b"pg_dump" in answer.stderr, b"hunter2" in answer.stderr) == (2, True, False)
    assert not (tmp_path / "copy").exists()


# ── restore


def test_a_backup_comes_back_into_an_empty_home_and_asks_about_what_waited(home: Path, tmp_path: Path) -> None:
    fill(home / "omnibox.db", 9)
    with closing(sqlite3.connect(home / "omnibox.db")) as database, database:
        for state, some in (("queued", "id < 4"), ("sending", "id = 4"), ("uncertain", "id = 5"), ("sent", "id > 5")):
            database.execute(f"UPDATE delivery SET state = ?, code = NULL, left_at = NULL WHERE {some}", (state,))
        database.execute("UPDATE link SET kind = 'reset', used_at = NULL")
    assert run("backup", tmp_path / "copy", "--home", home).returncode == 0
    new = tmp_path / "new"
    answer = run("restore", tmp_path / "copy", "--home", new)
    assert answer.returncode == 0, answer.stderr
    assert b"4 replies waited" in answer.stdout
    assert f"bring the secret key to {new}/secret.key" in answer.stdout.decode()
    with closing(sqlite3.connect(new / "omnibox.db")) as database:
        rows = database.execute(
            "SELECT state, code, left_at IS NULL, count(*) FROM delivery GROUP BY 1, 2, 3"
        ).fetchall()
        # What is «sending» with a past lease and has left is settled by the first start as uncertain.
        assert sorted(rows, key=str) == [
            ("sending", "restored", 0, 4),
            ("sent", None, 1, 4),
            ("uncertain", "restored", 1, 1),
        ]
        assert database.execute("SELECT count(*) FROM session").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM link").fetchone() == (0,)
    epochs = {epoch_of(folder) for folder in (home, tmp_path / "copy", new)}
    assert len(epochs) == 3  # each is another log


def epoch_of(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "omnibox.db")) as database:
        (epoch,) = database.execute("SELECT epoch FROM installation").fetchone()
    return str(epoch)


def test_a_restore_never_overwrites_and_names_what_is_wrong(home: Path, tmp_path: Path) -> None:
    assert run("backup", tmp_path / "copy", "--home", home).returncode == 0
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn/omnibox.db").write_bytes((tmp_path / "copy/omnibox.db").read_bytes()[:5000])
    for arguments, says in (
        ([tmp_path / "copy", "--home", home], "restore into another home folder"),
        ([tmp_path / "empty", "--home", tmp_path / "new"], "`omnibox backup` wrote"),
        ([tmp_path / "torn", "--home", tmp_path / "new"], "damaged"),
        (["--home", tmp_path / "new"], "--here"),
        ([tmp_path / "copy", "--here", "--home", tmp_path / "new"], "--here"),
        (["--here", "--home", tmp_path / "new"], "there is no database"),
    ):
        answer = run("restore", *arguments)
        assert (answer.returncode, says in answer.stderr.decode()) == (2, True), answer.stderr
    assert not (tmp_path / "new/omnibox.db").exists()
    with hold_home(load(environ={"OMNIBOX_HOME": str(home)})):
        answer = run("restore", "--here", "--home", home)
    assert (answer.returncode, b"already serves" in answer.stderr) == (2, True)


def test_a_copy_restored_by_other_means_is_told_so(home: Path) -> None:
    before = epoch_of(home)
    answer = run("restore", "--here", "--home", home)
    assert (answer.returncode, b"0 replies waited" in answer.stdout) == (0, True), answer.stderr
    assert epoch_of(home) != before


# ── agent


def test_an_invitation_is_one_link_and_can_be_made_again(home: Path) -> None:
    for _ in range(2):
        answer = run(
            "agent",
            "invite",
            "Ada@Example.org",
            "--role",
            "owner",
            "--home",
            home,
            OMNIBOX_PUBLIC_URL="https://chat.example.com",
        )
        assert answer.returncode == 0, answer.stderr
        (link,) = answer.stdout.decode().split()
        assert link.startswith("https://chat.example.com/inbox/link/")
        assert len(link.rpartition("/")[2]) >= 43
    with closing(sqlite3.connect(home / "omnibox.db")) as database:
        assert database.execute("SELECT email, role, name, is_active FROM agent").fetchall() == [
            ("ada@example.org", "owner", "ada", 0)
        ]
        ((token_hash,),) = database.execute("SELECT token_hash FROM link WHERE used_at IS NULL").fetchall()
    assert token_hash not in link


def test_who_has_come_is_reset_and_not_invited(home: Path) -> None:
    add_agent(home, "ada@example.org", "agent")
    add_agent(home, "eve@example.org", "agent", is_active=False)
    answer = run("agent", "invite", "ada@example.org", "--home", home)
    assert (answer.returncode, b"is an agent already" in answer.stderr) == (2, True)
    answer = run("agent", "reset", "ada@example.org", "--home", home)
    assert answer.returncode == 0
    assert answer.stdout.startswith(b"http://127.0.0.1:8080/inbox/link/")
    for email, why in (("bob@example.org", b"no agent signs in with"), ("eve@example.org", b"is deactivated")):
        answer = run("agent", "reset", email, "--home", home)
        assert (answer.returncode, why in answer.stderr, answer.stdout) == (2, True, b"")


def test_agents_need_a_database(tmp_path: Path) -> None:
    answer = run("agent", "invite", "ada@example.org", "--home", tmp_path)
    assert (answer.returncode, b"start `omnibox serve` first" in answer.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
