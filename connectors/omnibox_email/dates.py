"""Dates as mailers write them; absurd ones count as missing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

EARLIEST_YEAR = 1990
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen janv",
            "feb fev fév",
            "mar mär mrz",
            "apr abr avr",
            "may mai mag maj",
            "jun giu",
            "jul lug",
            "aug ago aoû",
            "sep set",
            "oct okt ott out",
            "nov",
            "dec dez dic déc",
        ),
        1,
    )
    for name in names.split()
}
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AST": -4, "ADT": -3,
    "HST": -10, "BST": 1, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_TIME = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>(?:[A-Za-z]{2,4})?[+-]\d{1,2}:?\d{2}|[A-Za-z]{1,5})\b)?"
_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{1,2}})[\s.-]+(?P<month>[^\W\d_]{{3,12}})[\s.-]+(?P<year>\d{{2,4}})[\s,]+{_TIME}{_ZONE}"
)
_ASCTIME = re.compile(
    rf"(?P<month>[^\W\d_]{{3,12}})\s+(?P<day>\d{{1,2}})\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})(?:\s+(?P<late>[+-]\d{{4}}))?"
)
_MONTH_FIRST = re.compile(
    rf"(?P<month>[^\W\d_]{{3,12}})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})[\s,]+{_TIME}{_ZONE}"
)
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[T ]+{_TIME}{_ZONE}")


def parse_date(text: str, now: datetime | None = None) -> datetime | None:
    """The moment a Date header names, with its offset; None where it names none or an absurd one.

    Absurd: before 1990, or more than a day after `now`. A missing or unknown zone counts as UTC.
    """
    text = re.sub(r"\([^()]*\)", " ", text[:400].replace("\n", " "))
    for pattern in (_DAY_FIRST, _ASCTIME, _MONTH_FIRST, _ISO):
        found = pattern.search(text)
        if found:
            return _moment(found.groupdict(), now or datetime.now(UTC))
    return None


def _moment(parts: dict[str, str | None], now: datetime) -> datetime | None:
    month = _month(parts["month"] or "")
    zone = _zone(parts.get("late") or parts["zone"] or "")
    if month is None or zone is None:
        return None
    hour = int(parts["hour"] or 0)
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"] in "pP" else 0)
    try:
        second = min(int(parts["second"] or 0), 59) if int(parts["second"] or 0) <= 60 else 99
        moment = datetime(
            _year(parts["year"] or ""),
            month,
            int(parts["day"] or 0),
            hour,
            int(parts["minute"] or 0),
            second,
            tzinfo=zone,
        )
        is_absurd = moment.year < EARLIEST_YEAR or moment > now + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return None if is_absurd else moment


def _month(name: str) -> int | None:
    if name.isdecimal():
        return int(name)
    lowered = name.lower()
    return _MONTHS.get(lowered[:3], _MONTHS.get(lowered[:4]))


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if year < 50 else 1900)  # RFC 5322 4.3


def _zone(name: str) -> timezone | None:
    offset = re.search(r"([+-])(\d{1,2}):?(\d{2})\Z", name)
    if not offset:
        return timezone(timedelta(hours=_ZONES.get(name.upper(), 0)))
    hours, minutes = int(offset.group(2)), int(offset.group(3))
    if hours > 15 or minutes > 59:
        return None
    return timezone((-1 if offset.group(1) == "-" else 1) * timedelta(hours=hours, minutes=minutes))
