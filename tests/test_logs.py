"""What a log line looks like, and that no card number gets into one."""

import json
import subprocess
import sys
from typing import Any

SCRIPT = """
import logging, sys, warnings
from omnibox import logformat, logs
from omnibox.masking import mask

logs.set_up(*sys.argv[1:])
log = logs.get_logger("omnibox.test")
log.info("delivery sent", delivery_id=7, note="4111 1111 1111 1111")
log.info("a number", number=4111111111111111, nothing=None, flag=True)
logging.getLogger("other").warning("plain %s", "4111111111111111", extra={"fact": "x"})
try:
    raise ValueError("4111-1111-1111-1111")
except ValueError:
    logging.getLogger("omnibox.test").exception("failed")
log.debug("not shown")
logging.getLogger("asyncio").debug("not shown")
logging.getLogger("other").info("wrong %d", "4111111111111111")
warnings.warn("careful 4111111111111111")
logs.set_up(*sys.argv[1:])
log.info("hits", hits=logformat.cards.hits)
"""


def run(*arguments: str) -> str:
    answer = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    assert answer.stdout == ""
    return answer.stderr


def events(shown: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shown.splitlines()]


def test_each_line_is_one_event_with_its_facts() -> None:
    first, *_ = events(run("info", "json"))
    assert first["at"].endswith("Z")
    assert {key: first[key] for key in ("event", "level", "logger", "delivery_id")} == {
        "event": "delivery sent",
        "level": "info",
        "logger": "omnibox.test",
        "delivery_id": 7,
    }


def test_a_card_number_is_masked_wherever_it_stands_and_counted() -> None:
    shown = run("info", "json")
    assert "4111" not in shown
    found = events(shown)
    assert found[0]["note"] == "•••• •••• •••• 1111"
    assert (found[1]["number"], found[1]["flag"], found[1]["nothing"]) == ("•" * 12 + "1111", True, None)
    assert (found[2]["event"], found[2]["fact"]) == ("plain " + "•" * 12 + "1111", "x")
    assert "ValueError: ••••-••••-••••-1111" in found[3]["exception"]
    assert found[-1]["hits"] == sum(line.get("masked_here", 0) for line in found[:-1]) == 5


def test_lines_below_the_level_are_not_written() -> None:
    assert "not shown" not in run("info", "json")
    assert [line["event"] for line in events(run("error", "json"))] == ["failed"]


def test_off_a_terminal_auto_means_json() -> None:
    assert next(line["event"] for line in events(run("info", "auto"))) == "delivery sent"


def test_the_console_form_is_for_people_and_masked_too() -> None:
    shown = run("info", "console")
    assert "4111" not in shown
    assert "delivery_id=7" in shown.splitlines()[0]
