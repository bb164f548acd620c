"""Finds the connectors that are installed, by entry points, and knows each as data. A broken one stops nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any, cast

from omnibox.connector import (
    Capabilities,
    Chains,
    Checks,
    Chooses,
    Connector,
    Consent,
    Consents,
    Evidence,
    Field,
    Handshake,
    Look,
    Occupies,
    Offline,
    Place,
    Source,
    Step,
    Webhook,
)
from omnibox.errors import learn
from omnibox.fields import KINDS, to_schema

GROUP = "omnibox.connectors"
OWN_DISTRIBUTION = "omnibox"
ICON_PATH = re.compile(r"<path\b[^>]*?\sd=\"([MmLlHhVvCcSsQqTtAaZzEe0-9.,+\-\s]+)\"")


@dataclass(frozen=True, slots=True)
class Registered:
    """One connector as the installation knows it. With an `error` it can only be shown, not used."""

    name: str
    connector: type[Connector] | None = None
    error: str | None = None
    look: Look = Look(title="")
    icon: str | None = None
    capabilities: Capabilities = Capabilities()
    steps: tuple[Step, ...] = ()
    settings: tuple[Field, ...] = ()
    channel_settings: tuple[Field, ...] | None = None
    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What happened and what to do, per code of its own."""

    @property
    def connection_schema(self) -> dict[str, Any]:
        return to_schema(self.settings)

    @property
    def channel_schema(self) -> dict[str, Any] | None:
        return None if self.channel_settings is None else to_schema(self.channel_settings)

    @property
    def has_webhook(self) -> bool:
        return self._can(Webhook)

    @property
    def has_handshake(self) -> bool:
        return self._can(Handshake)

    @property
    def has_source(self) -> bool:
        return self._can(Source)

    @property
    def has_check(self) -> bool:
        return self._can(Checks)

    @property
    def has_evidence(self) -> bool:
        return self._can(Evidence)

    @property
    def has_choices(self) -> bool:
        return self._can(Chooses)

    def consent(self, settings: Mapping[str, Any]) -> Consent | None:
        """What the owner of the account is asked for, if anything. Raises `BadSettings` naming what is missing."""
        return cast("type[Consents]", self.connector).consent(settings) if self._can(Consents) else None

    def places(self, settings: Mapping[str, Any], addresses: Sequence[str]) -> list[Place]:
        """What a connection with these settings and channels alone can serve; nothing for most connectors."""
        return list(cast("type[Occupies]", self.connector).places(settings, addresses)) if self._can(Occupies) else []

    @property
    def offline(self) -> type[Offline] | None:
        """The class as the offline commands use it, or None where it has nothing for them."""
        return cast("type[Offline]", self.connector) if self._can(Offline) else None

    @property
    def chains(self) -> type[Chains] | None:
        """The class as `omnibox thread` uses it, or None where its messages do not name each other."""
        return cast("type[Chains]", self.connector) if self._can(Chains) else None

    def _can(self, protocol: type) -> bool:
        return self.connector is not None and issubclass(self.connector, protocol)


def load_connectors(found: Sequence[EntryPoint] | None = None) -> dict[str, Registered]:
    """Every installed connector by name, sorted. Imports them all; what fails is in it with its reason."""
    points = sorted(entry_points(group=GROUP) if found is None else found, key=_own_first)
    connectors: dict[str, Registered] = {}
    for point in points:
        name = point.name
        if name in connectors:  # the distribution's own one stands; the other must not vanish silently
            name = f"{point.name}@{_distribution(point)}"
            connectors[name] = _broken(name, f"another package already offers a connector named {point.name}")
        else:
            connectors[name] = load_connector(point)
    return dict(sorted(connectors.items()))


class Connectors(Mapping[str, Registered]):
    """The installed connectors; each is imported when it is asked for, all of them when they are listed."""

    def __init__(self) -> None:
        self._known: dict[str, Registered] = {}
        self._is_whole = False

    def __getitem__(self, name: str) -> Registered:
        if name not in self._known and not self._is_whole:
            found = find_connector(name)
            if found is None:
                raise KeyError(name)
            self._known[name] = found
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Registered]:
        if not self._is_whole:
            self._known = load_connectors() | self._known
            self._is_whole = True
        return self._known


def find_connector(name: str) -> Registered | None:
    """One connector by name, without importing the others."""
    points = sorted(entry_points(group=GROUP, name=name), key=_own_first)
    return load_connector(points[0]) if points else None


def connector_names() -> list[str]:
    """The names of all installed connectors; imports none."""
    return sorted(entry_points(group=GROUP).names)


def load_connector(point: EntryPoint) -> Registered:
    """Import and read one connector; whatever that raises becomes its `error`."""
    try:
        return _read(point.name, point.load())
    except Exception as error:
        return _broken(point.name, f"{type(error).__name__}: {error}")


def _own_first(point: EntryPoint) -> tuple[bool, str]:
    return _distribution(point) != OWN_DISTRIBUTION, _distribution(point)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else ""


def _broken(name: str, reason: str) -> Registered:
    return Registered(name, error=reason, look=Look(title=_title(name), in_list=False))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _read(name: str, connector: Any) -> Registered:
    """What the class says of itself, checked; raises TypeError or ValueError where the contract is not kept."""
    if not isinstance(connector, type):
        raise TypeError(f"{connector!r} is not a class")
    if getattr(connector, "name", None) != name:
        raise ValueError(f"its `name` must be {name!r}, as in its entry point")
    if not callable(getattr(connector, "send", None)):
        raise TypeError("it has no `send`")
    channel_settings = getattr(connector, "channel_settings", None)
    learn(getattr(connector, "errors", {}))
    return Registered(
        name=name,
        connector=cast("type[Connector]", connector),
        look=getattr(connector, "look", None) or Look(title=_title(name)),
        icon=_read_icon(connector.__module__.partition(".")[0]),
        capabilities=_typed(connector, "capabilities", Capabilities),
        steps=_all(Step, getattr(connector, "steps", ())),
        settings=_fields(getattr(connector, "settings", ())),
        channel_settings=None if channel_settings is None else _fields(channel_settings),
        errors=getattr(connector, "errors", {}),
    )


def _typed(connector: type, name: str, kind: type[Capabilities]) -> Capabilities:
    value = getattr(connector, name, None)
    if not isinstance(value, kind):
        raise TypeError(f"its `{name}` must be {kind.__name__}(…)")
    return value


def _fields(fields: object) -> tuple[Field, ...]:
    declared: tuple[Field, ...] = _all(Field, fields)
    names = [field.name for field in declared]
    for field_ in declared:
        if field_.kind not in KINDS:
            raise ValueError(f"setting {field_.name!r} has the unknown kind {field_.kind!r}")
        if names.count(field_.name) > 1:
            raise ValueError(f"setting {field_.name!r} is declared twice")
    return declared


def _all(kind: type, items: object) -> tuple[Any, ...]:
    members = tuple(items) if isinstance(items, (tuple, list)) else (items,)
    if not all(isinstance(item, kind) for item in members):
        raise TypeError(f"expected a tuple of {kind.__name__}(…)")
    return members


def _read_icon(package: str) -> str | None:
    """The one path of the package's `icon.svg`, or None: a connector without an icon is shown by its title."""
    try:
        svg = (files(package) / "icon.svg").read_text("utf-8")
    except (OSError, UnicodeDecodeError, ModuleNotFoundError, TypeError):
        return None
    paths = ICON_PATH.findall(svg)
    return paths[0].strip() if len(paths) == 1 and 'viewBox="0 0 24 24"' in svg else None
