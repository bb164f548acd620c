"""The characters of which numbers, separators and words are made, as the insides of regular-expression sets."""

# Every space separator (Zs) and the tab.
SPACES = "\t \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"

# Every dash (Pd), the minus signs and the hyphen bullet.
DASHES = (
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead\u2212\u02d7\u2043"
)

# Nothing to see: what Unicode lets a program ignore (soft hyphen, zero-width and direction marks, tags), marks that sit
# on the character before (a keycap, a line through a digit), a blank letter.
INVISIBLE = (
    "\xad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20f0\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)

# What is left of a Latin-1 no-break space and soft hyphen when bytes that are not UTF-8 pass through as text.
ESCAPED = "\udca0\udcad"

# May stand between any two digits of a number.
LOOSE = SPACES + DASHES + INVISIBLE + ESCAPED

LINE_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
DOTS = ".\xb7\u2024\uff0e"
SLASHES = "/\u2044\u2215\uff0f"
UNDERSCORES = "_\uff3f"

# May stand between the groups of a number only if the same one stands between all of them.
STRICT = LINE_BREAKS + DOTS + SLASHES + UNDERSCORES

GAP = f"[{LOOSE}{STRICT}]"

# Letters that make an identifier with the digits they touch: Latin, Greek and Cyrillic. The ordinal signs of «nº»
# are not among them, nor are scripts that put no space between a word and a number.
LETTERS = "A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0370-\u052f\u1e00-\u1fff\uff21-\uff3a\uff41-\uff5a"

# The bytes of UTF-8 that a decimal digit outside ASCII begins with. They hardly occur in the languages of Europe, so a
# text in one of these is left with its ASCII digits (and its emoji).
LEAD_BYTES = frozenset({character.encode()[0] for character in "٠۰߀०႐꘠０𝟎"})

BULLET = "•"

Span = tuple[int, int]
"""Where something stands in a text: its beginning, and the place behind its end."""
