"""What stands around a number and says that it is no card number: addresses, links, bank accounts, identifiers."""

import re

from omnibox.masking.alphabet import BULLET, GAP, LETTERS
from omnibox.masking.words import is_card_word, names_card

_LETTER = re.compile(f"[{LETTERS}]")
_BREAKS = frozenset({"", *" \t\r\n\"'()<>"})  # beside these stands a number alone
_LETTER_OF_WORD = re.compile(r"[^\W\d_]")
_WORD_BEFORE = re.compile(f"[{LETTERS}]{{1,30}}\\Z")
_WORD_AFTER = re.compile(f"[{LETTERS}]{{1,30}}")
_ESCAPE_BEFORE = re.compile(r"(?:%[0-9A-Fa-f]{2}|\\[nrtfbv])\Z")  # of a link; of a string in JSON or a log

# A bullet here is a digit that was hidden before.
_OTHER_NUMBER_BEFORE = re.compile(rf"[\d{BULLET}][:.,/]\Z")
# The second number of «41.38506,2.17340» stands directly behind a comma.
_WHOLE_PART_BEFORE = re.compile(
    rf"(?:(?<![{LETTERS}\d{BULLET}.,])(?:[\d{BULLET}]{{1,3}}\.|0,)|(?<=[\d{BULLET}]{{4}},)[\d{BULLET}]{{1,3}}\.)\Z"
)
_LONGEST_SHORT_GROUP = 3

KEY_WORD_REACH = 40
_LONGEST_WORD = 20

_TOKEN_REACH = 2048  # a path longer than this before its number is not looked at
_TOKEN_BREAK = re.compile(r"""[\s<>"'`“”«»]""")
_DELIMITER = re.compile(r"[=(\[{,;:|]")
_PATH_FROM_ROOT = re.compile(rf"/[^?#{LETTERS}]*[{LETTERS}][^?#]*")
_HOST_AND_PATH = re.compile(r"(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,20}/[^?#]*")

_ADDRESS_AFTER = re.compile(rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{0,64}}@(?:[\d{BULLET}.-]{{0,30}}[^\W\d_]|\[)")
_MESSAGE_ID_BEFORE = re.compile(r"<[^<>\s]{0,250}\Z")
_MESSAGE_ID_AFTER = re.compile(r"[^<>\s]{0,250}>")

_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_UUID_LENGTH = 36

_ACCOUNT_START = re.compile(r"(?<![A-Za-z0-9])(?:IBAN ?)?([A-Z]{2}\d\d)", re.IGNORECASE)
_ACCOUNT_GROUP = re.compile(rf"({GAP}{{0,3}}+)([A-Za-z0-9]+)")
_ACCOUNT_REACH = 34 + 33 * 2
_NO_DIGITS = bytes(set(range(128)) - set(b"0123456789"))
_DIGITS_OF_CHECK = 2
_SHORTEST_ACCOUNT, _LONGEST_ACCOUNT = 15, 34


def joins_other_text(text: str, start: int, end: int, first_group_end: int) -> bool:
    """Whether the number is glued to letters that are no card word, or is the rest of a time or a decimal."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before not in _BREAKS and (
        _is_glued_before(text, start, end) or _is_rest_of_number(text, start, end, first_group_end)
    ):
        return True
    return after not in _BREAKS and _is_glued_after(text, end)


def _is_glued_before(text: str, start: int, end: int) -> bool:
    if not start or not _LETTER.match(text[start - 1]):
        return False
    if text[start - 1] in "Bb" and text[end : end + 1] == "^":  # the first track of a magnetic stripe, ISO/IEC 7813
        return False
    if _ESCAPE_BEFORE.search(text, max(0, start - 3), start):
        return False
    word = _WORD_BEFORE.search(text, max(0, start - 30), start)
    return word is None or not is_card_word(word.group())


def _is_glued_after(text: str, end: int) -> bool:
    word = _WORD_AFTER.match(text, end)
    return word is not None and not is_card_word(word.group())


def _is_rest_of_number(text: str, start: int, end: int, first_group_end: int) -> bool:
    if start < 2 or text[start - 1] not in ":.,/":
        return False
    if first_group_end - start <= _LONGEST_SHORT_GROUP:
        return _OTHER_NUMBER_BEFORE.search(text, start - 2, start) is not None
    return first_group_end == end and _WHOLE_PART_BEFORE.search(text, max(0, start - 10), start) is not None


def follows_plus(text: str, start: int) -> bool:
    """Whether a plus sign stands directly before."""
    return start > 0 and text[start - 1] in "+＋"


def stands_near_card_word(text: str, start: int, end: int) -> bool:
    """Whether a key word for cards stands within 40 characters before or after."""
    near = KEY_WORD_REACH + _LONGEST_WORD
    before, after = text[max(0, start - near) : start], text[end : end + near]
    return _ends_near(before) or _begins_near(after)


def _ends_near(before: str) -> bool:
    if not _LETTER_OF_WORD.search(before):
        return False
    cut = max(0, len(before) - KEY_WORD_REACH)
    while cut and _LETTER.match(before[cut - 1]):  # a word that ends within reach counts as a whole
        cut -= 1
    return names_card(before[cut:])


def _begins_near(after: str) -> bool:
    if not _LETTER_OF_WORD.search(after):
        return False
    cut = min(len(after), KEY_WORD_REACH)
    while cut < len(after) and _LETTER.match(after[cut]):
        cut += 1
    return names_card(after[:cut])


def is_spared(text: str, start: int, end: int) -> bool:
    """Whether the number belongs to an address, a link's path, a bank account or a UUID."""
    return (
        _is_in_address(text, start, end)
        or _is_in_path(text, start, end)
        or _is_in_uuid(text, start, end)
        or _is_in_account(text, start, end)
    )


def _is_in_address(text: str, start: int, end: int) -> bool:
    """Whether it stands in the local part of an email address or in a Message-ID."""
    if _TOKEN_BREAK.search(text, start, end):
        return False
    if _ADDRESS_AFTER.match(text, end):
        return True
    before = _MESSAGE_ID_BEFORE.search(text, max(0, start - 255), start)
    after = _MESSAGE_ID_AFTER.match(text, end)
    return before is not None and after is not None and "@" in before.group() + after.group()


def _is_in_path(text: str, start: int, end: int) -> bool:
    """Whether it stands in the path of a link: absolute, without its scheme, or from the root of a site.

    A value in the query or the fragment is text, unless it is itself such a path.
    """
    near = text[max(0, start - _TOKEN_REACH) : start]
    if "/" not in near or _TOKEN_BREAK.search(text, start, end):
        return False
    token = _after_last(_TOKEN_BREAK, near)
    _, scheme, rest = token.rpartition("://")
    if scheme and "/" in rest and "?" not in rest and "#" not in rest:
        return True
    tail = _after_last(_DELIMITER, rest)
    return (_PATH_FROM_ROOT.fullmatch(tail) or _HOST_AND_PATH.fullmatch(tail)) is not None


def _after_last(pattern: re.Pattern[str], text: str) -> str:
    """What follows the last match of a one-character pattern; all of `text` without one."""
    match = pattern.search(text[::-1])
    return text[len(text) - match.start() :] if match else text


def _is_in_uuid(text: str, start: int, end: int) -> bool:
    if end - start > _UUID_LENGTH or "-" not in text[max(0, start - 1) : end + 1]:
        return False
    return any(
        match.start() <= start and end <= match.end()
        for match in _UUID.finditer(text, max(0, start - _UUID_LENGTH), end + _UUID_LENGTH)
    )


def _is_in_account(text: str, start: int, end: int) -> bool:
    """Whether an IBAN, solid or in groups, covers any of it."""
    left = max(0, start - _ACCOUNT_REACH)
    if len(text[left:start].encode("utf-8", "surrogatepass").translate(None, _NO_DIGITS)) < _DIGITS_OF_CHECK:
        return False
    return any(
        match.start(1) < end and start < _account_end(text, match.start(1))
        for match in _ACCOUNT_START.finditer(text, left, end)
    )


def _account_end(text: str, start: int) -> int:
    """Where the IBAN ends that may begin here; `start` if there is none.

    Where the check digits of ISO 13616 come out right, it ends there. Otherwise two capital letters, two digits and
    groups of four are taken for one up to the longest that exists: a wrong one is still no card.
    """
    letters, position = text[start : start + 4], start + 4
    checked_end, formed_end = start, start
    is_solid = is_fours = True
    while (group := _ACCOUNT_GROUP.match(text, position)) is not None:
        gap, more = group.groups()
        if len(letters) + len(more) > _LONGEST_ACCOUNT:
            break
        is_solid = is_solid and not gap
        is_fours = is_fours and bool(gap) and len(letters) % 4 == 0 and len(more) <= 4
        letters, position = letters + more, group.end()
        if len(letters) >= _SHORTEST_ACCOUNT:
            checked_end = position if _has_account_check(letters) else checked_end
            formed_end = position if (is_solid or is_fours) and letters.isupper() else formed_end
    return checked_end if checked_end > start else formed_end


def _has_account_check(letters: str) -> bool:
    moved = (letters[4:] + letters[:4]).upper()
    return moved.isascii() and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1
