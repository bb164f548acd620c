"""Settings that connectors declare as data: the form of them (JSON Schema) and the check of what was filled in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from omnibox.connector import Field
from omnibox.masking import mask

LONGEST_LINE = 2_000
LONGEST_TEXT = 20_000
MOST_ENTRIES = 200
EMAIL = re.compile(r"[^\s@\"<>(),;:]+@[^\s@\"<>(),;:\[\]]+")
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
PRIVATE_NAMES = (".local", ".lan", ".internal", ".home.arpa", ".test")
HOST = re.compile(rf"(?=.{{1,254}}$){LABEL}(?:\.{LABEL})*\.?")
HTTPS = re.compile(r"https://[^\s/?#•]+[^\s•]*")  # what was hidden in it no longer leads anywhere
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
HIDDEN = ("secret", "consent")  # never leave by the API
MAY_BE_EMPTY = ("text", "long")  # elsewhere an empty text means: not set
_SITE = "Write scheme and host, such as https://shop.example.com."
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

HINTS: Mapping[str, Mapping[str, Any]] = {
    "text": {},
    "address": {},
    "secret": {"writeOnly": True},
    "consent": {"writeOnly": True, "readOnly": True, "x-ui": "oauth"},
    "email": {"format": "email"},
    "url": {"format": "uri"},
    "host": {"format": "hostname"},
    "color": {"x-ui": "color", "pattern": "^#[0-9a-fA-F]{6}$"},
    "long": {"x-ui": "text"},
    "choice": {},
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One value that does not fit; `path` is `settings.` and the name of the setting."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """Settings after a check: all values that are set, and what is wrong with them."""

    values: Mapping[str, Any]
    errors: tuple[FieldError, ...]
    made: frozenset[str]
    """Settings that got a new random value now."""


class _Wrong(Exception):
    """The message for the person who filled it in; never the value."""


# ── The form


def to_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """JSON Schema of the settings, with `x-ui` hints for the form; unknown hints may be ignored."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required and not field.makes and not field.when],
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Any]:
    shape: dict[str, Any] = {"title": field.title or field.name.replace("_", " ").capitalize()}
    if field.help:
        shape["description"] = field.help
    shape |= _type(field)
    if field.default is not None:
        shape["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
    if field.placeholder:
        shape["x-ui-placeholder"] = field.placeholder
    if field.group:
        shape["x-ui-group"] = field.group
    if field.when:
        shape["x-ui-if"] = {name: list(values) for name, values in field.when.items()}
    if needed := field.required_if or (field.when if field.required else {}):
        shape["x-ui-required-if"] = {name: list(values) for name, values in needed.items()}
    if field.makes:  # made by omnibox, to be copied
        shape.pop("writeOnly", None)
        shape |= {"readOnly": True, "x-ui": "copy"}
    return shape


def _type(field: Field) -> dict[str, Any]:
    match field.kind:
        case "number":
            return {"type": "integer" if isinstance(field.default, int) else "number"}
        case "boolean":
            return {"type": "boolean"}
        case "list" | "origins":
            return {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ENTRIES}
        case "choice":
            return {"type": "string", "enum": list(field.choices)}
        case kind:
            longest = LONGEST_TEXT if kind in ("long", "secret") else LONGEST_LINE
            return {"type": "string", "maxLength": longest, **HINTS[kind]}


# ── The check


def check_document(
    fields: Sequence[Field],
    given: Mapping[str, Any],
    stored: Mapping[str, Any],
    new_token: Callable[[], str],
    *,
    is_draft: bool,
) -> Document:
    """`stored` with `given` laid over it. All faults together; a draft may lack what is required.

    A setting that is absent stays as it is, an empty secret too. None takes a setting back to its default; a value
    that omnibox makes is then made anew.
    """
    known = {field.name: field for field in fields}
    values = {name: value for name, value in stored.items() if name in known}
    errors = [FieldError(f"settings.{name}", "There is no such setting.") for name in given if name not in known]
    for name, value in given.items():
        if name not in known or _stays(known[name], value, stored.get(name)):
            continue
        if value is None or (value == "" and known[name].kind not in MAY_BE_EMPTY):
            values.pop(name, None)
            continue
        try:
            values[name] = _read_value(known[name], value)
        except _Wrong as wrong:
            errors.append(FieldError(f"settings.{name}", str(wrong)))
    made = frozenset(name for name, field in known.items() if field.makes == "token" and not values.get(name))
    values |= {name: new_token() for name in sorted(made)}
    faulty = {error.path for error in errors}
    errors += [
        FieldError(f"settings.{field.name}", "Please fill this in.")
        for field in fields
        if not is_draft and _is_missing(field, typed_values(fields, values)) and f"settings.{field.name}" not in faulty
    ]
    return Document(values, tuple(errors), made)


def _stays(field: Field, value: Any, stored: Any) -> bool:
    return value == stored or (value == "" and (field.kind in HIDDEN or bool(field.makes)))


def _is_missing(field: Field, values: Mapping[str, Any]) -> bool:
    is_required = field.required or (bool(field.required_if) and _fit(field.required_if, values))
    return is_required and _fit(field.when, values) and values[field.name] in (None, "", [], ())


def _fit(wanted: Mapping[str, Sequence[str]], values: Mapping[str, Any]) -> bool:
    return all(values.get(name) in chosen for name, chosen in wanted.items())


def typed_values(fields: Sequence[Field], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What a connector sees: every declared setting, its default where nothing is set."""
    return {field.name: stored.get(field.name, field.default) for field in fields}


def shown_values(fields: Sequence[Field], stored: Mapping[str, Any], made: frozenset[str]) -> dict[str, Any]:
    """What may leave by the API: no secrets, except those in `made`, which a person must copy now."""
    return {
        field.name: stored[field.name]
        for field in fields
        if field.name in stored and (field.kind not in HIDDEN or field.name in made)
    }


def secrets_set(fields: Sequence[Field], stored: Mapping[str, Any]) -> list[str]:
    """The names of the secrets that have a value."""
    return [field.name for field in fields if field.kind in HIDDEN and stored.get(field.name)]


def _read_value(field: Field, value: Any) -> Any:
    match field.kind:
        case "number":
            return _number(field, value)
        case "boolean":
            if not isinstance(value, bool):
                raise _Wrong("Please choose yes or no.")
            return value
        case "list":
            return _list(value)
        case "origins":
            return list(dict.fromkeys(_origin(entry) for entry in _list(value)))
    if not isinstance(value, str):
        raise _Wrong("Please write a text.")
    return _READERS[field.kind](field, value)


def _number(field: Field, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e15:
        raise _Wrong("Please write a number.")
    if float(value).is_integer():
        return int(value)
    if isinstance(field.default, int):
        raise _Wrong("Please write a whole number.")
    return value


def _list(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise _Wrong("Please write a list of texts.")
    entries = list(dict.fromkeys(entry.strip() for entry in value if entry.strip()))
    if len(entries) > MOST_ENTRIES:
        raise _Wrong(f"Please keep it to {MOST_ENTRIES} entries.")
    for entry in entries:
        _line(entry)
    return entries


def _line(value: str) -> str:
    if len(value) > LONGEST_LINE:
        raise _Wrong(f"Please keep it to {LONGEST_LINE} characters.")
    if CONTROL.search(value):  # a line end could add a header somewhere
        raise _Wrong("Please write one line without control characters.")
    return value


def _text(_: Field, value: str) -> str:
    return _line(value.strip())


def _words(field: Field, value: str) -> str:
    """What people read, without card numbers. Digits alone are an id of a platform."""
    value = _text(field, value)
    return value if value.isdecimal() else str(mask(value))


def _long(_: Field, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _Wrong(f"Please keep it to {LONGEST_TEXT} characters.")
    return value


def _secret(field: Field, value: str) -> str:
    return _long(field, value.strip("\r\n\t"))  # copied along with a pasted token; a blank may belong to it


def _consent(_: Field, value: str) -> str:
    raise _Wrong("This is given by consent, not typed.")


def _choice(field: Field, value: str) -> str:
    if value not in field.choices:
        raise _Wrong(f"Please choose one of: {', '.join(field.choices)}.")
    return value


def _email(_: Field, value: str) -> str:
    if not EMAIL.fullmatch(_line(value.strip())):
        raise _Wrong("Please write an email address, such as info@example.com.")
    return value.strip()


def _url(_: Field, value: str) -> str:
    value = _line(value.strip())
    try:
        parts = urlsplit(value)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right or " " in value:
        raise _Wrong("Please write a full address, such as https://example.com/path.")
    return value


def _host(_: Field, value: str) -> str:
    return _host_name(_line(value.strip()))


def _host_name(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        pass
    try:
        ascii_name = value if value.isascii() else _as_browsers_say_it(value)
    except ValueError:
        ascii_name = ""
    if not HOST.fullmatch(ascii_name):
        raise _Wrong("Please write a host name without port or path, such as mail.example.com.")
    return ascii_name


def _as_browsers_say_it(name: str) -> str:
    """An international name in ASCII; raises ValueError. Python's own codec makes somebody else's fass.de of faß.de."""
    from yarl import URL

    return URL.build(scheme="https", host=name).raw_host or ""


def _origin(entry: str) -> str:
    """A website as browsers name it in their Origin header: scheme, host, and the port if it is not the usual one.

    Unencrypted only at home: elsewhere anybody on the way could put words into the chat.
    """
    is_bare = "://" not in entry
    try:
        parts = urlsplit(f"https://{entry}" if is_bare else entry)
        host, port = _host_name(parts.hostname or ""), parts.port
    except (ValueError, _Wrong):
        raise _Wrong(_SITE) from None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise _Wrong(_SITE)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _Wrong("Please leave out what follows the host: the chat is allowed for a whole site. " + _SITE)
    is_here = _is_this_machine(host)
    if parts.scheme == "http" and not (is_here or _is_of_our_network(host)):
        raise _Wrong("Please begin with https://; http:// is only for your own network, such as http://localhost:8000.")
    scheme = "http" if is_bare and is_here else parts.scheme
    usual = {"http": 80, "https": 443}[scheme]
    name = f"[{host}]" if ":" in host else host.lower()
    return f"{scheme}://{name}" if port in (None, usual) else f"{scheme}://{name}:{port}"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_of_our_network(host: str) -> bool:
    """Whether a host has an address or a name that leads nowhere on the internet."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.lower().endswith(PRIVATE_NAMES)


def _color(_: Field, value: str) -> str:
    if not COLOR.fullmatch(value.strip()):
        raise _Wrong("Please write a colour as #rrggbb.")
    return value.strip().lower()


_READERS: Mapping[str, Callable[[Field, str], str]] = {
    "text": _words,
    "address": _text,
    "secret": _secret,
    "email": _email,
    "url": _url,
    "host": _host,
    "color": _color,
    "long": lambda field, value: str(mask(_long(field, value))),
    "choice": _choice,
    "consent": _consent,
}

KINDS = frozenset({"number", "boolean", "list", "origins", *_READERS})


def is_https(url: str) -> bool:
    """Whether it is the full address of a page or a picture that anybody may be sent to."""
    return len(url) <= LONGEST_LINE and HTTPS.fullmatch(url) is not None
