"""The configuration as an operator meets it: file, environment, options, and the home folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from omnibox.config import AlreadyServing, Config, ConfigProblems, hold_home, load, open_secrets, prepare_home
from omnibox.secrets import random_key


def load_with(home: Path, toml: str = "", options: dict[str, object] | None = None, **environ: str) -> Config:
    (home / "omnibox.toml").write_text(toml)
    return load(options, {"OMNIBOX_HOME": str(home), "PATH": "/bin", **environ})


def problems_with(home: Path, toml: str = "", **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigProblems) as caught:
        load_with(home, toml, **environ)
    return caught.value.problems


def test_nothing_has_to_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(environ={})
    assert config.home == tmp_path / "omnibox-data"
    assert config.base_url == "http://127.0.0.1:8080"
    assert config.database_path == config.home / "omnibox.db"
    assert config.store_url == f"sqlite:///{config.home}/omnibox.db"
    assert not config.home.exists()


def test_an_option_goes_before_the_environment_and_the_environment_before_the_file(tmp_path: Path) -> None:
    toml = "host = 'a.example'\nport = 1001\nmax_file_bytes = 1001"
    config = load_with(
        tmp_path, toml, {"host": "c.example", "port": None}, OMNIBOX_HOST="b.example", OMNIBOX_PORT="1002"
    )
    assert (config.host, config.port, config.max_file_bytes) == ("c.example", 1002, 1001)


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load_with(tmp_path, "port = 1001", OMNIBOX_PORT="", OMNIBOX_PUBLIC_URL="").port == 1001


def test_lists_are_written_with_commas_in_the_environment(tmp_path: Path) -> None:
    config = load_with(
        tmp_path, "trusted_proxies = ['10.0.0.7', '10.1.0.0/16']", OMNIBOX_OUTBOUND_ALLOW="mail.lan:993, 10.0.0.0/8"
    )
    assert config.outbound_allow == ("mail.lan:993", "10.0.0.0/8")
    assert config.trusted_proxies == ("10.0.0.7", "10.1.0.0/16")


def test_every_problem_is_reported_by_the_name_that_was_typed(tmp_path: Path) -> None:
    found = problems_with(
        tmp_path,
        "prot = 1\nport = 'x'\npublic_url = 'https://example.com/path'\nhome = '/x'\n[limits]\nfile = 1",
        OMNIBOX_HOTS="1",
        OMNIBOX_LOG_LEVEL="loud",
        OMNIBOX_MAX_FILE_BYTES="many",
    )
    path = tmp_path / "omnibox.toml"
    assert sorted(line.partition(":")[0] for line in found) == sorted(
        [
            f"prot in {path}",
            f"port in {path}",
            f"public_url in {path}",
            f"home in {path}",
            f"limits in {path}",
            "OMNIBOX_HOTS",
            "OMNIBOX_LOG_LEVEL",
            "OMNIBOX_MAX_FILE_BYTES",
        ]
    )
    assert f"prot in {path}: there is no such setting; did you mean port?" in found
    assert "OMNIBOX_HOTS: there is no such setting; did you mean OMNIBOX_HOST?" in found


@pytest.mark.parametrize("name", ["SKIP_WEB", "CRASH_AT", "TEST_POSTGRES", "BENCH_MAILS"])
def test_switches_of_builds_and_tests_are_let_pass(tmp_path: Path, name: str) -> None:
    assert load_with(tmp_path, **{f"OMNIBOX_{name}": "1"}).port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PUBLIC_URL", "chat.example.com"),
        ("PUBLIC_URL", "ftp://chat.example.com"),
        ("PUBLIC_URL", "https://user@chat.example.com"),
        ("PUBLIC_URL", "https://chat.example.com:99999"),
        ("DATABASE_URL", "mysql://server/database"),
        ("DATABASE_URL", "postgresql:///database"),
        ("SECRET_KEY", "short"),
        ("OUTBOUND_ALLOW", "10.0.0.0/8,a b"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("MAX_FILE_BYTES", "0"),
        ("REDIS_URL", "http://redis.lan"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://redis.lan:port/0"),
        ("REDIS_URL", "redis://redis.lan/first"),
        ("LEASE_S", "2"),
        ("LEASE_S", "601"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(tmp_path: Path, name: str, value: str) -> None:
    (found,) = problems_with(tmp_path, **{f"OMNIBOX_{name}": value})
    assert found.startswith(f"OMNIBOX_{name}: ")


def test_a_flag_is_no_number(tmp_path: Path) -> None:
    (found,) = problems_with(tmp_path, "port = true")
    assert found == f"port in {tmp_path}/omnibox.toml: write a whole number"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("SECRET_KEY", "hunter2"), ("DATABASE_URL", "oracle://u:hunter2@h/d"), ("REDIS_URL", "http://:hunter2@h")],
)
def test_no_message_and_no_print_shows_a_secret(tmp_path: Path, name: str, secret: str) -> None:
    assert "hunter2" not in "".join(problems_with(tmp_path, **{f"OMNIBOX_{name}": secret}))
    key = random_key()
    config = load_with(
        tmp_path,
        OMNIBOX_SECRET_KEY=key,
        OMNIBOX_DATABASE_URL="postgresql://u:hunter2@h/d",
        OMNIBOX_REDIS_URL="rediss://:hunter2@redis.lan:6380/1",
    )
    assert key not in repr(config)
    assert "hunter2" not in repr(config)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (found,) = problems_with(tmp_path, "port = = 1")
    assert found.startswith(f"{tmp_path}/omnibox.toml: is not TOML")


def test_postgresql_gets_its_driver(tmp_path: Path) -> None:
    config = load_with(tmp_path, OMNIBOX_DATABASE_URL="postgresql://u:p@h/d")
    assert config.store_url == "postgresql+asyncpg://u:p@h/d"
    assert config.database_path is None


def test_a_database_file_may_lie_elsewhere(tmp_path: Path) -> None:
    config = load_with(tmp_path, OMNIBOX_DATABASE_URL=f"sqlite:///{tmp_path}/deep/other.db")
    assert config.database_path == tmp_path / "deep/other.db"
    assert config.store_url == f"sqlite:///{tmp_path}/deep/other.db"


@pytest.mark.parametrize(
    ("host", "base"),
    [("0.0.0.0", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("box.lan", "http://box.lan:8080")],
)
def test_the_address_shown_can_be_opened(tmp_path: Path, host: str, base: str) -> None:
    assert load_with(tmp_path, OMNIBOX_HOST=host).base_url == base


def test_the_public_address_is_kept_without_a_slash(tmp_path: Path) -> None:
    assert load_with(tmp_path, OMNIBOX_PUBLIC_URL="https://Chat.Example.com/").base_url == "https://chat.example.com"


def test_the_home_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    config = load(environ={"OMNIBOX_HOME": str(tmp_path / "new/home")})
    prepare_home(config)
    open_secrets(config)
    assert config.home.stat().st_mode & 0o777 == 0o700
    assert config.files_folder.stat().st_mode & 0o777 == 0o700
    assert config.key_file.stat().st_mode & 0o777 == 0o600


def test_a_key_in_the_configuration_needs_no_file(tmp_path: Path) -> None:
    config = load_with(tmp_path, f"secret_key = '{random_key()}'")
    assert open_secrets(config).decrypt(open_secrets(config).encrypt("x")) == "x"
    assert not config.key_file.exists()


def test_one_process_serves_a_home_folder(tmp_path: Path) -> None:
    config = load_with(tmp_path)
    holder = "from omnibox.config import *; held = hold_home(load()); held.__enter__(); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holder],
        env={"OMNIBOX_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(AlreadyServing, match=f"process {other.pid} already serves {tmp_path}"), hold_home(config):
            pass
        other.kill()
    with hold_home(config):  # the lock went with the process
        pass
