"""What a start does without, so that the first page is there soon."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

# None is needed before somebody signs in, a channel is set up or a terminal looks on, and each takes its part of a
# start: measure one that is to go from this list (`python -m bench 09`).
LATE = """
    alembic aioimaplib aiosmtplib argon2 asyncpg cryptography nh3 obstore prometheus_client pygments pymessenger redis
    regex requests rich selectolax structlog tenacity
    omnibox_email omnibox_hook omnibox_messenger omnibox_webchat
    omnibox.backup omnibox.checkup omnibox.masking.codes omnibox.masking.markup omnibox.masking.scanner
    omnibox.testing omnibox.web.models omnibox.web.openapi
    sqlalchemy.dialects.postgresql sqlalchemy.ext.asyncio sqlalchemy.orm
"""
SCRIPT = """
import sys
from omnibox.cli import main
try:
    main()
finally:  # a module that waits for its first use is of another type
    print(*(name for name, each in sys.modules.items() if type(each).__name__ != "_LazyModule"))
"""


def serve_the_first_page(home: Path) -> set[str]:
    """What a hub has loaded that was started, asked for its front page, and stopped."""
    hub = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "serve", "--home", str(home), "--port", "0"],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert hub.stdout is not None
        url = next((found[1] for line in hub.stdout if (found := re.search(r"runs at (\S+)", line))), "")
        assert url, "it did not start"
        with urlopen(f"{url}/inbox/", timeout=30) as page:
            assert page.status == 200
        hub.send_signal(signal.SIGTERM)
        printed, _ = hub.communicate(timeout=30)
    finally:
        hub.kill()
        hub.wait()
    return set(printed.splitlines()[-1].split())


def test_the_first_page_is_there_before_what_it_does_not_need(tmp_path: Path) -> None:
    loaded = serve_the_first_page(tmp_path)
    assert {"omnibox.web.server", "omnibox.logformat"} <= loaded
    assert loaded.intersection(LATE.split()) == set()
