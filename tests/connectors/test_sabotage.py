"""Plants one defect at a time in a copy of a connector and expects the kit's test of that rule to fail."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"hook": ROOT / "connectors/omnibox_hook", "pager": ROOT / "fixtures/third_party/omnibox_pager"}
SUITES = {"hook": ("test_hook", "TestHook"), "pager": ("test_third_party", "TestPager")}

# Places in the sound connectors, and what is put there.
READ = "        item = request.json()\n"
YIELD = "        yield Inbound(words[0], words[1], words[2], sent_at, external_id=words[0], text=words[3])\n"
COUNTED = "        self._seen = getattr(self, '_seen', 0) + 1\n        if self._seen > 3:\n            return\n"
GIVEN = 'request.header("x-signature")'
SIGNED = f"request.signed_by(self._secret, {GIVEN})"
GENUINE = '__import__("hmac").new(self._secret.encode(), request.body, "sha256").hexdigest()'
EMPTY = ("request.signed_by", 'Request({}, b"").signed_by')
REFUSE = 'raise Forged("x-signature does not match the body")'
VERIFY = "    def verify"
SEND = "    async def send"
PARTS = "    def parts(self, reply: object) -> object:\n        return {}\n\n"
POST = "        await self._http.post(self._url, json=reply)\n"
DONE = "        return Sent(part.id)"
ANSWERED = POST.replace("await", "answer = await") + '        return Sent(answer["id"])'
LOG = '__import__("logging").getLogger("hook").debug'
ERRORS = '__import__("omnibox").connector'
CAUGHT = "        except (LookupError, TypeError, ValueError, OverflowError, OSError):\n"
NOTED = '            yield Unreadable("event", at=str(place))\n'
TAKEN = '                await receive(list(read_events(events)), {"after": after + len(events)})\n'
MOVED = '                receive.cursor["after"] = after + len(events)\n'
IDLE = '                await asyncio.sleep(self._context.settings["every_s"])\n'


@dataclass(frozen=True)
class Defect:
    """`old` becomes `new` in one file of a connector; the kit's test `rule` must fail then."""

    name: str
    old: str
    new: str
    rule: str
    connector: str
    file: str


def planted(
    rule: str, *changes: tuple[str, str, str], connector: str = "hook", file: str = "__init__.py"
) -> list[Defect]:
    return [Defect(name, old, new, rule, connector, file) for name, old, new in changes]


def tried(statement: str, otherwise: str) -> str:
    """`statement` inside a try, with `otherwise` below it."""
    margin = statement[: len(statement) - len(statement.lstrip())]
    return f"{margin}try:\n    {statement}{margin}{otherwise}\n"


def turned(caught: str, error: str, code: str = "'x'") -> str:
    """The hook's post, with one class of errors turned into another."""
    return tried(POST, f"except {caught}: raise {ERRORS}.{error}({code}) from None")


DEFECTS = [
    # --- what it says of itself
    *planted(
        "test_it_declares_itself",
        ("a setting without a title", 'title="Secret", ', ""),
        ("a secret that everybody knows", 'required=True, makes="token"', 'default="x"'),
    ),
    *planted(
        "test_capabilities_are_consistent", ("an unknown receipt", "idempotent=True", 'receipts=frozenset({"x"})')
    ),
    *planted("test_only_declared_settings_are_used", ("an undeclared setting", 'Field("url"', 'Field("address"')),
    *planted(
        "test_a_missing_setting_is_named",
        ("a missing setting is a KeyError", 'context.setting("url")', 'context.settings["url"]'),
        ("an empty setting is taken", 'context.setting("url")', 'context.settings.get("url")'),
        ("a required setting is not asked for", 'context.setting("secret")', '"correct horse battery"'),
    ),
    *planted(
        "test_it_loads_without_its_client_library", ("a client library", "from coll", "import aiohttp\nfrom coll")
    ),
    *planted(
        "test_it_imports_only_the_connector_package",
        ("it imports the core", "from omnibox", "import omnibox.model\nfrom omnibox"),
        ("it imports the core when nobody looks", READ, READ + '        __import__("omnibox.model")\n'),
    ),
    *planted("test_its_icon_is_one_path", ("no path in the icon", "<path", "<circle"), file="icon.svg"),
    *planted(
        "test_every_quality_rule_is_done",
        ("a quality rule is forgotten", 'icon = "done"', ""),
        ("an exemption without a reason", 'icon = "done"', 'icon = "later"'),
        file="quality.toml",
    ),
    *planted("test_every_quality_rule_is_done", ("no limitations", "Known limitations", "Praise"), file="README.md"),
    *planted("test_its_steps_name_what_exists", ("a step names nothing", "{hook_url}", "{url}"), connector="pager"),
    *planted(
        "test_capabilities_are_consistent",
        ("a window needs an unknown switch", "until_s=86_400", 'until_s=86_400, needs="x"'),
        connector="pager",
    ),
    *planted(
        "test_a_missing_channel_setting_is_named",
        ("a missing channel setting is a KeyError", '.get("key")', '["key"]'),
        connector="pager",
    ),
    # --- who sent it
    *planted(
        "test_genuine_requests_pass", ("nobody passes", f"if not {SIGNED}", "if request"), ("nothing is signed", *EMPTY)
    ),
    *planted(
        "test_any_changed_byte_is_forged",
        ("all pass", REFUSE, "return"),
        ("the wrong error", "raise Forged", "raise ValueError"),
    ),
    *planted(
        "test_odd_signatures_are_forged",
        ("no signature is a good one", f"if not {SIGNED}", f"if {GIVEN} and not {SIGNED}"),
        ("a piece of the signature is enough", SIGNED, f"{GENUINE}.startswith({GIVEN})"),
        ("any case of the signature", GIVEN, f"{GIVEN}.lower().strip()"),
        ("an odd header crashes it", GIVEN, f'{GIVEN}.encode("ascii").decode()'),
    ),
    *planted(
        "test_another_secret_is_forged",
        ("a constant secret", "signed_by(self._secret", 'signed_by("correct horse battery"'),
    ),
    *planted(
        "test_a_refusal_says_nothing",
        ("a refusal tells the signature", REFUSE, f"raise Forged({GENUINE})"),
        ("a refusal tells the secret by its cause", REFUSE, f"{REFUSE} from KeyError(self._secret)"),
    ),
    # --- what it says
    *planted(
        "test_envelopes_are_whole",
        ("a time without a zone", 'item["time"], UTC', 'item["time"]'),
        ("an empty event key", "Inbound(words[0]", 'Inbound(""'),
        ("an empty channel", "words[2], sent_at", '"", sent_at'),
    ),
    *planted(
        "test_it_reads_what_was_recorded",
        ("the time of arrival", 'fromtimestamp(item["time"], UTC)', "now(UTC)"),
        ("milliseconds lost", 'fromtimestamp(item["time"]', 'fromtimestamp(int(item["time"])'),
        ("sender and channel swapped", "words[1], words[2]", "words[2], words[1]"),
        ("a text is cut", "text=words[3]", "text=words[3][:9]"),
        ("a text is tidied", "text=words[3]", 'text=words[3].encode("ascii", "ignore").decode()'),
        ("a message comes twice", YIELD, YIELD + YIELD),
    ),
    *planted(
        "test_reading_is_pure",
        ("a random event key", "Inbound(words[0]", "Inbound(str(id(item))"),
        ("reading keeps state", YIELD, COUNTED + YIELD),
        ("reading opens a file", READ, READ + '        open("/dev/null").close()\n'),
    ),
    *planted(
        "test_odd_members_never_make_odd_envelopes",
        ("nothing becomes the word None", "item[key] for key", "str(item[key]) for key"),
        ("numbers pass for texts", "isinstance(word, str) and word", "word"),
    ),
    *planted("test_nonsense_is_noticed", ("nonsense vanishes", READ, tried(READ, "except Exception: return"))),
    *planted(
        "test_reading_logs_no_text",
        ("reading logs a text", YIELD, YIELD + f'        {LOG}("got %s", words[3])\n'),
        ("reading prints an address", YIELD, YIELD + "        print(words[1])\n"),
    ),
    *planted(
        "test_a_bad_element_costs_nobody_else",
        ("a bad element ends the batch", CAUGHT + NOTED, CAUGHT + "            return\n"),
        ("a bad element vanishes", CAUGHT + NOTED, CAUGHT + "            pass\n"),
        ("a bad element raises", CAUGHT, CAUGHT.replace("TypeError, ", "")),
        connector="pager",
    ),
    # --- what leaves
    *planted(
        "test_long_text_is_cut_and_kept",
        ("a long text is not cut", SEND, PARTS.format("[reply]") + SEND),
        (
            "ends of lines are lost",
            SEND,
            PARTS.format("[type(reply)(text=line) for line in reply.text.split()]") + SEND,
        ),
    ),
    *planted(
        "test_a_part_arrives_once_and_whole",
        ("nothing is sent", POST, ""),
        ("it is sent twice", POST, POST + POST),
        ("the sent text is cut", '"text": part.text', '"text": part.text[:20]'),
        ("the sent text is tidied", '"text": part.text', '"text": part.text.encode("ascii", "replace").decode()'),
        ("the wrong person", '"to": part.address', '"to": part.channel'),
        ("no id comes back", "Sent(part.id)", 'Sent("")'),
        ("an id that is no text", "Sent(part.id)", "Sent(None)"),
    ),
    *planted("test_two_parts_have_two_ids", ("one id for all", "Sent(part.id)", 'Sent("sent")')),
    *planted(
        "test_a_resend_is_byte_equal",
        ("a resend has a new id", '"id": part.id', '"id": __import__("uuid").uuid4().hex'),
    ),
    *planted(
        "test_each_status_is_the_right_error",
        ("errors are swallowed", POST, tried(POST, "except Exception: pass")),
        ("it tries again by itself", POST, tried(POST, f"except Exception:\n    {POST}")),
    ),
    *planted(
        "test_a_broken_connection_is_uncertain", ("every error is temporary", POST, turned("Exception", "Temporary"))
    ),
    *planted("test_a_closed_port_is_temporary", ("every error is for good", POST, turned("Exception", "Rejected"))),
    *planted("test_retry_after_is_kept", ("a wait is forgotten", POST, turned(f"{ERRORS}.Temporary", "Temporary"))),
    *planted("test_a_garbled_answer", ("garbage is success", POST, tried(POST, f"except {ERRORS}.Uncertain: pass"))),
    *planted("test_an_odd_answer_never_crashes", ("an odd answer crashes it", POST + DONE, ANSWERED)),
    *planted("test_a_send_can_be_cancelled", ("cancel is swallowed", POST, tried(POST, "except BaseException: pass"))),
    *planted(
        "test_text_and_secrets_stay_out",
        ("a text is logged", POST, f'        {LOG}("send %s", part.text)\n' + POST),
        ("a text is printed", POST, "        print(reply)\n" + POST),
        ("an address is logged", POST, f'        {LOG}("to %s", part.address)\n' + POST),
        ("a secret is logged at the start", VERIFY, f'        {LOG}("key %s", self._secret)\n\n' + VERIFY),
        (
            "its repr tells the secret",
            VERIFY,
            "    def __repr__(self) -> str:\n        return self._secret\n\n" + VERIFY,
        ),
        ("an error tells the text", POST, turned("Exception", "Rejected", "str(reply)")),
        (
            "a cause tells the address for replies",
            POST,
            tried(POST, "except Exception as e: raise e from KeyError(self._url)"),
        ),
    ),
    *planted(
        "test_each_own_error_is_the_right_one",
        ("the platform's own error is not read", 'fault == "busy"', 'fault == "bussy"'),
        connector="pager",
    ),
    *planted(
        "test_an_odd_answer_never_crashes",
        ("an answer without an id is taken", 'word(answer["page"])', 'str(answer.get("page"))'),
        connector="pager",
    ),
    # --- a source
    *planted(
        "test_a_source_hands_over_everything",
        ("more than a hundred at once", '["events"][:100]', '["events"]'),
        connector="pager",
    ),
    *planted(
        "test_what_the_store_refused_comes_again",
        ("the cursor moves first", TAKEN, MOVED + TAKEN),
        ("a refusal is passed over", TAKEN, tried(TAKEN, f"except Exception:\n    {MOVED}")),
        (
            "it does not wait for the store",
            TAKEN,
            TAKEN.replace("await receive", "asyncio.ensure_future(receive")[:-1] + ")\n" + MOVED,
        ),
        connector="pager",
    ),
    *planted(
        "test_a_source_ends_while_the_store_is_stuck",
        ("cancel starts it again", TAKEN, tried(TAKEN, "except asyncio.CancelledError: await asyncio.sleep(5)")),
        connector="pager",
    ),
    *planted(
        "test_a_source_ends_soon_after_cancel",
        ("an idle source takes its time", IDLE, tried(IDLE, "except asyncio.CancelledError: await asyncio.sleep(5)")),
        connector="pager",
    ),
    *planted(
        "test_a_source_goes_on_where_it_stopped",
        ("the cursor is not used", 'receive.cursor.get("after", 0)', 'self.__dict__.get("after", 0)'),
        connector="pager",
    ),
]

SETTINGS = """
[pytest]
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
"""
WATCH = """
import json, os

def pytest_runtest_logreport(report):
    if report.when == "call" or report.failed or report.skipped:
        with open(os.environ["SABOTAGE_OUTCOMES"], "a") as file:
            file.write(json.dumps([report.nodeid, report.outcome]) + "\\n")
"""


def owner_of(number: int) -> str:
    return f"TestPlanted{number:03}"  # of one length, since names are chosen by substring


def plant(home: Path, number: int, defect: Defect) -> list[str]:
    """Make the copy with the defect and its test class; returns the class and the rule it must break."""
    package, owner = f"planted_{number}", owner_of(number)
    shutil.copytree(SOURCES[defect.connector], home / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = home / package / defect.file
    text = path.read_text()
    assert defect.old in text, f"nothing to spoil for: {defect.name}"
    path.write_text(text.replace(defect.old, defect.new, 1))
    module, suite = SUITES[defect.connector]
    with (home / "test_planted.py").open("a") as file:
        file.write(
            f"import {package}\nfrom {module} import {suite} as Suite{number}\n"
            f"class {owner}(Suite{number}):\n    connector = {package}.{suite[4:]}\n    patience_s = 0.5\n"
            f"del Suite{number}\n"
        )
    return [owner, defect.rule]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each planted test class, and for the sound suites, how the tests of the named rules ended."""
    home = tmp_path_factory.mktemp("sabotage")
    (home / "conftest.py").write_text(WATCH)
    (home / "pytest.ini").write_text(SETTINGS)
    asked = [plant(home, number, defect) for number, defect in enumerate(DEFECTS)]
    with (home / "test_planted.py").open("a") as file:
        for connector, (module, suite) in SUITES.items():
            file.write(f"from {module} import {suite}\nclass TestSound_{connector}({suite}): pass\ndel {suite}\n")
            rules = {defect.rule for defect in DEFECTS if defect.connector == connector}
            asked += [[f"TestSound_{connector}", rule] for rule in rules]
    chosen = " or ".join(f"({owner} and {rule})" for owner, rule in asked)
    paths = [str(home), str(ROOT / "tests/connectors"), str(SOURCES["pager"].parent), *sys.path]
    log = home / "outcomes"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "test_planted.py", "-k", chosen],
        cwd=home,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "SABOTAGE_OUTCOMES": str(log)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout[-2000:] + run.stderr[-2000:]
    found: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        node, outcome = json.loads(line)
        found.setdefault(node.split("::")[1], set()).add(outcome)
    return found


@pytest.mark.parametrize("number", range(len(DEFECTS)), ids=[defect.name for defect in DEFECTS])
def test_the_kit_catches(number: int, outcomes: dict[str, set[str]]) -> None:
    assert "failed" in outcomes[owner_of(number)], DEFECTS[number].rule


@pytest.mark.parametrize("connector", SUITES)
def test_sound_connectors_pass_the_same_rules(connector: str, outcomes: dict[str, set[str]]) -> None:
    assert outcomes[f"TestSound_{connector}"] == {"passed"}
