"""The documentation holds together: links lead somewhere, named files exist, quoted code is the real code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "connectors").glob("*/*.md")])
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ROOMS = "connector connectors bench docs fixtures inbox masking outbound src store team testing tests visitors web"
FILE = re.compile(rf"`((?:{ROOMS.replace(' ', '|')})/[\w./-]+)`")  # below the root, or below src/omnibox
LONGEST = 200  # lines


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """The names that headings get, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    yield from (link for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link))


def broken(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n[a](#a-title) [b](other.md) [c](#nothing) [d](https://example.com)\n```\n[e](code)\n```\n"
    )
    assert list(broken(page)) == ["other.md", "#nothing"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    named = FILE.findall(page.read_text())
    assert [name for name in named if not any((top / name).exists() for top in (ROOT, ROOT / "src/omnibox"))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_read_in_one_go(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= LONGEST


def test_every_page_is_reachable_from_another() -> None:
    reached = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    pages = {page for page in PAGES if page.parent.name == "docs"}
    assert {page.name for page in pages - reached} == set()


def test_the_connector_that_is_explained_is_the_real_one() -> None:
    shown = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/connectors.md").read_text(), re.M | re.S)
    assert shown[0] == (ROOT / "connectors/omnibox_hook/__init__.py").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_functions_and_methods_that_are_named_exist(page: Path) -> None:
    """`module.function` of a room of ours, as docs/life-of-a-message.md names them."""
    for module, name in re.findall(
        r"`(taking|intake|replies|queue|states|threads|policy|conversations)\.(\w+)`", prose(page)
    ):
        found = [path.read_text() for path in (ROOT / "src/omnibox").rglob(f"{module}.py")]
        assert any(re.search(rf"^(async )?def {name}\(", text, re.M) for text in found), f"{module}.{name}"
    for owner, name in re.findall(r"`(Intake|Connections|Delivery|Way)\.(\w+)`", prose(page)):
        text = "".join(path.read_text() for path in (ROOT / "src/omnibox").rglob("*.py"))
        assert re.search(rf"^class {owner}\b.*?^    (async )?def {name}\(", text, re.M | re.S), f"{owner}.{name}"
