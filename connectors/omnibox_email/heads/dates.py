"""Dates as mailers write them; absurd ones count as missing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from omnibox_email.heads import calendars

EARLIEST_YEAR = 1990
LONGEST = 400
MOST_HOURS_OFF = 15
DAY = timedelta(days=1)

_BLANKS = {0xA0: " ", 0x202F: " ", 0x2212: "-", 0x200E: None, 0x200F: None}
_DIGITS = re.compile(r"[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")
_COMMENT = re.compile(r"\([^()]*\)")
_HALF = r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\b\.?)?"
# `Fri, 20 Nov 2026 10:15:00 +0100 (CET)`, as nearly all write it, and IMAP's ` 1-Nov-2026 10:15:00 +0100`.
_ORDINARY = re.compile(
    r" ?(?:[A-Z][a-z]{2}, )?(\d{1,2})[ -](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ -](\d{4})"
    r" (\d\d):(\d\d):(\d\d) ([+-](?:0\d|1[0-4]))([0-5]\d)(?: \([A-Z]{1,5}\))?",
    re.ASCII,
)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER_OF = {name: number for number, name in enumerate(_NAMES, 1)}
_TIME = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2})\s?[:h]\s?(?P<minute>\d{1,2})(?:\s?[:m]\s?(?P<second>\d{1,2})(?:[.,]\d{1,9})?)?s?(?![\d:])"
    + _HALF
)
_DOTTED_TIME = re.compile(r"(?<![\d.])(?P<hour>\d{1,2})\.(?P<minute>\d{2})(?:\.(?P<second>\d{2}))?(?![\d.])" + _HALF)
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})[T ]?(\d{2})(\d{2})(\d{2})(?!\d)")
_EPOCH = re.compile(r"\s*(\d{10})(?:\d{3})?\s*\Z")
_NAMED = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º|ª|er)?[\s.,/-]{0,5}(?:de\s|di\s|of\s)?\s?(?P<month>[^\W\d_]{3,15})\.?"
    r"[\s.,/'-]{0,5}(?:de\s|del\s)?\s?(?P<year>\d{2,4})(?!\d|\s?[:.]\d)"
)
_MONTH_FIRST = re.compile(
    r"(?P<month>[^\W\d_]{3,15})\.?[\s-]{1,5}(?P<day>\d{1,2})(?:st|nd|rd|th)?(?![\d:])"
    r"(?:[,\s-]{1,5}(?P<year>\d{4})(?![\d:]))?"
)
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d{2})\s?[-./年]\s?(?P<month>\d{1,2})\s?[-./月]\s?(?P<day>\d{1,2})(?!\d)"
)
_EAST = re.compile(r"(?<!\d)(?P<day>\d{1,2})\s+(?P<month>\d{1,2})\s?[月월]\s+(?P<year>\d{4})(?!\d)")
_NUMBERS = re.compile(r"(?<!\d)(?P<first>\d{1,2})[./-](?P<second>\d{1,2})[./-](?P<year>\d{4}|\d{2})(?!\d)")
_LATE_YEAR = re.compile(r"(?<![\d+-])((?:19|20)\d{2})(?!\d)")
_ZONE = re.compile(r"(?<![\d:])(?P<sign>[+-]{1,2})\s?(?P<hours>\d{1,2}?):?(?P<minutes>\d{2})?(?!\d)")
_ZONE_NAME = re.compile(r"(?<![^\W_])([A-Za-z]{1,5})(?![^\W\d_])")


def parse_date(text: str, now: datetime | None = None) -> datetime | None:
    """The moment a Date header names, with its offset; None where it names none or an absurd one.

    Absurd: before 1990, or more than a day after `now`. A missing, unknown or military zone counts as UTC (RFC 5322
    4.3); the day of the week counts for nothing.
    """
    if found := _ORDINARY.fullmatch(text):
        moment = _ordinary(found)
        return moment if moment and _is_sensible(moment, now or datetime.now(UTC)) else None
    text = _plain(text)
    if (moment := _of_digits(text)) is None:
        time = _TIME.search(text) or _DOTTED_TIME.search(text)
        if time is None:
            return None
        # The date is looked for on either side of the time, the zone behind it.
        date = _date(text[: time.start()] + " ; " + text[time.end() :], is_american=time["half"] is not None)
        zone = _zone(_without_dates(text[time.end() :]))
        moment = _moment(date, time, zone) if date and zone else None
    return moment if moment and _is_sensible(moment, now or datetime.now(UTC)) else None


def _ordinary(found: re.Match[str]) -> datetime | None:
    day, month, year, hour, minute, second, hours, minutes = found.groups()
    date = int(year), _NUMBER_OF[month], int(day)
    return _build(date, (int(hour), int(minute), int(second)), _offset(hours, minutes))


@lru_cache(maxsize=64)
def _offset(hours: str, minutes: str) -> timezone:
    sign = -1 if hours[0] == "-" else 1
    return timezone(timedelta(hours=int(hours), minutes=sign * int(minutes)))


def _plain(text: str) -> str:
    text = text[:LONGEST].translate(_BLANKS)
    for _ in range(3):  # nested comments
        text = _COMMENT.sub(" ", text)
    text = _DIGITS.sub(lambda found: str(int(found.group())), text.partition("(")[0])
    return " ".join(text.replace('"', " ").split())


def _of_digits(text: str) -> datetime | None:
    """`20261121T101500Z`, or seconds since 1970."""
    if found := _COMPACT.search(text):
        year, month, day, hour, minute, second = map(int, found.groups())
        zone = _zone(text[found.end() :])
        return _build((year, month, day), (hour, minute, second), zone) if zone else None
    if found := _EPOCH.match(text):
        return datetime.fromtimestamp(int(found.group(1)), UTC)
    return None


def _date(text: str, *, is_american: bool) -> tuple[int, int, int] | None:
    """(year, month, day) of whatever form stands in `text`."""
    if found := _YEAR_FIRST.search(text) or _EAST.search(text):
        return int(found["year"]), int(found["month"]), int(found["day"])
    for found in _NAMED.finditer(text):
        if month := calendars.month(found["month"]):
            return _year(found["year"]), month, int(found["day"])
    for found in _MONTH_FIRST.finditer(text):
        if month := calendars.month(found["month"]):
            year = found["year"] or ((late := _LATE_YEAR.search(text, found.end())) and late.group(1))
            return (int(year), month, int(found["day"])) if year else None
    if found := _NUMBERS.search(text):
        first, second = int(found["first"]), int(found["second"])
        day, month = (second, first) if second > 12 or (is_american and first < 13) else (first, second)
        return _year(found["year"]), month, day
    return None


def _without_dates(text: str) -> str:
    """`text` without what could be taken for an offset: `21-Nov-2026`."""
    for form in (_YEAR_FIRST, _NAMED, _NUMBERS):
        text = form.sub(" ", text)
    return text


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if len(digits) == 2 and year < 50 else 1900)  # RFC 5322 4.3


def _moment(date: tuple[int, int, int], time: re.Match[str], zone: timezone) -> datetime | None:
    hour = int(time["hour"])
    if time["half"] and hour <= 12:
        hour = hour % 12 + (12 if time["half"] in "pP" else 0)
    return _build(date, (hour, int(time["minute"]), int(time["second"] or 0)), zone)


def _build(date: tuple[int, int, int], time: tuple[int, int, int], zone: timezone) -> datetime | None:
    """A leap second is the second before it; anything else that does not exist is nothing."""
    hour, minute, second = time
    try:
        return datetime(*date, hour, minute, 59 if second == 60 else second, tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _is_sensible(moment: datetime, now: datetime) -> bool:
    try:
        return moment.year >= EARLIEST_YEAR and moment <= now + DAY
    except OverflowError:
        return False


def _zone(text: str) -> timezone | None:
    """The offset that `text` begins with or names; None for one that cannot be."""
    head = text[:60]
    if found := _ZONE.search(head):
        hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
        if hours > MOST_HOURS_OFF or minutes > 59:
            return None
        return timezone((-1 if "-" in found["sign"] else 1) * timedelta(hours=hours, minutes=minutes))
    for found in _ZONE_NAME.finditer(head):
        if (offset := calendars.zone_minutes(found.group(1))) is not None:
            return timezone(timedelta(minutes=offset))
    return UTC
