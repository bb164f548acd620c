"""Who may import whom, and that the core never chooses by a connector."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src/omnibox"
CONNECTORS = sorted(path for path in (ROOT / "connectors").iterdir() if path.is_dir())

# Lower layers first; a module may import its own layer and those below. A new module gets its place here.
LAYERS = (
    {"__init__", "model", "masking", "clock", "crash", "durable", "metrics", "errors"},
    {"connector"},
    {"store", "blobs", "outbound", "secrets", "html", "bus", "fields", "logs", "logformat"},
    {"events", "jobs"},
    {"team"},
    {"inbox"},
    {"visitors"},
    {
        "registry",
        "config",
        "context",
        "connections",
        "consents",
        "sources",
        "offline",
        "catching",
        "signalling",
        "upkeep",
        "withdrawals",
    },
    {"web"},
    {"app", "cli", "backup", "cards", "checkup"},
    {"testing"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
ALONE = {"model", "masking", "connector"}  # import nothing of ours but themselves
DEMO = ("cli", "omnibox.testing.world")  # the demonstration plays the platforms of the tests

# Words of platforms and their protocols. `email` is a kind of address and `hook` the webhook door: words of the core.
PLATFORM_TEXT = (
    "messenger facebook instagram whatsapp telegram viber twilio discord pymessenger fb "
    "imap imaplib aioimaplib smtp smtplib aiosmtplib aiosmtpd lmtp dovecot gmail outlook webchat"
)
PLATFORM_WORDS = set(PLATFORM_TEXT.split())
NAMES = {path.name.removeprefix("omnibox_") for path in CONNECTORS}


def sources(folder: Path, but: str = "") -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if path.relative_to(folder).parts[0] != but]


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, at its top or inside its functions."""
    package = ["omnibox", *path.relative_to(CORE).parts[:-1]] if path.is_relative_to(CORE) else []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(
                [*package[: len(package) - node.level + 1], node.module or ""] if node.level else [node.module or ""]
            )
            base = base.strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == "omnibox" else (base,)


def room(name: str) -> str:
    """The module or package directly below `omnibox` that an import names."""
    return name.split(".")[1] if name.count(".") else "__init__"


def ours(path: Path) -> list[str]:
    return [name for name in imported(path) if name.split(".")[0] == "omnibox"]


def test_every_module_has_its_layer() -> None:
    rooms = {path.stem for path in CORE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - set(RANK) == set(), "give it a place in LAYERS"


@pytest.mark.parametrize("path", sources(CORE, but="testing"), ids=lambda path: str(path.relative_to(CORE)))
def test_imports_point_down(path: Path) -> None:
    here = path.relative_to(CORE).parts[0].removesuffix(".py")
    for name in ours(path):
        there = room(name)
        if there not in RANK:  # a name of the package itself, such as its version
            assert name.count(".") == 1
            there = "__init__"
        if (here, ".".join(name.split(".")[:3])) == DEMO:
            continue
        assert RANK[there] <= RANK[here], f"{here} imports {name}"
        assert here not in ALONE or there == here, f"{here} imports {name}"


def test_only_the_kit_needs_pytest() -> None:
    for path in sources(CORE):
        if "kit" not in path.relative_to(CORE).parts:
            assert "pytest" not in {name.split(".")[0] for name in imported(path)}, path


@pytest.mark.parametrize("path", [path for home in CONNECTORS for path in sources(home)], ids=lambda path: path.name)
def test_a_connector_imports_only_the_contract(path: Path) -> None:
    home = next(home.name for home in CONNECTORS if path.is_relative_to(home))
    roots = {name for name in imported(path) if name.startswith("omnibox") and name.split(".")[0] != home}
    assert roots <= {"omnibox.connector"}


def segments(text: str) -> set[str]:
    """The words of an identifier or a text: `ImapSource_x` → imap, source, x."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}


def spoken(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Identifiers and strings, without docstrings, which choose nothing."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
            yield line, node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for name in ("id", "attr", "name", "arg", "module", "asname"):
            if isinstance(value := getattr(node, name, None), str):
                yield line, value


def choices(tree: ast.AST) -> Iterator[str]:
    """Places where something that is called a connector is compared with a constant, or a table is keyed by names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            words = [text for side in sides for text in constants(side)]
            if any(re.search(r"connector", ast.unparse(side), re.I) for side in sides) and any(words):
                yield ast.unparse(node)
        elif isinstance(node, ast.Match) and "connector" in ast.unparse(node.subject).lower():
            yield ast.unparse(node.subject)
        elif isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if len(keys & NAMES) > 1:
                yield ast.unparse(node)


def constants(side: ast.expr) -> list[str]:
    held = side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
    return [node.value for node in held if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("path", sources(CORE, but="testing"), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_never_chooses_by_a_connector(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [(line, text) for line, text in spoken(tree) if segments(text) & PLATFORM_WORDS] == []
    assert list(choices(tree)) == []


@pytest.mark.parametrize(
    "code",
    ["x = 'smtp'", "import aioimaplib", "class ImapSource: pass", "def to_webchat(): pass", "f(webchat=1)", "x = b'FB'",
     "x.messenger", "if row.connector == 'hook': pass", "if connector.name in ('email', 'x'): pass",
     "match row.connector:\n    case 'hook': pass", "x = {'email': 1, 'hook': 2}"],
)  # fmt: skip
def test_a_choice_would_be_found(code: str) -> None:
    tree = ast.parse(code)
    assert [text for _, text in spoken(tree) if segments(text) & PLATFORM_WORDS] or list(choices(tree))


def test_every_connector_is_packed_and_found() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    found = {target.split(":")[0] for target in project["project"]["entry-points"]["omnibox.connectors"].values()}
    assert {f"connectors/{home.name}" for home in CONNECTORS} == packed - {"src/omnibox"}
    assert {home.name for home in CONNECTORS} == found
    for home in CONNECTORS:
        assert (home / "py.typed").is_file()


@pytest.mark.parametrize("home", CONNECTORS, ids=lambda home: home.name)
def test_a_connector_is_a_whole_folder(home: Path) -> None:
    for name in ("__init__.py", "icon.svg", "README.md", "quality.toml"):
        assert (home / name).is_file(), name
