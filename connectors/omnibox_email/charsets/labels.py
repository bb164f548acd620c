"""Names of charsets as mailers write them, and the codec each means."""

from __future__ import annotations

import codecs
import functools
import re

STATEFUL = ("iso2022", "hz")  # our own decoders
PAIRED = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "johab")
WIDE = ("utf-16", "utf-32", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le")

# What mailers call a charset, normalised by `_normal`, and what it means. Latin-1 means Windows-1252, whose extra
# characters (quotes, dashes, euro) it always holds in mail; a national set means the superset its users typed.
ALIASES = {
    name: codec
    for codec, names in {
        "cp1252": """ascii us-ascii ansi-x3.4-1968 iso-646-us 646 us cp367 latin1 latin-1 l1 iso-8859-1 iso8859-1
            iso-88591 iso88591 8859-1 iso-8859 iso8859 iso-ir-100 cp819 csisolatin1 ansi windows-1252 cp-1252 win-1252
            windows1252 win1252 1252 ms-ansi western 8bit 8-bit 7bit 7-bit cp28591 cp20127 cp1252 iso-latin-1
            iso-8859-1-windows-3.1-latin-1 windows""",
        "iso8859_15": "latin9 latin-9 l9 iso-8859-15 iso8859-15 iso885915 cp28605",
        "iso8859_2": "latin2 latin-2 l2 iso-8859-2 iso8859-2 iso88592 8859-2 cp28592",
        "cp1250": "windows-1250 cp-1250 win-1250 windows1250 win1250 1250 ms-ee",
        "cp1251": "windows-1251 cp-1251 win-1251 windows1251 win1251 1251 ms-cyrl cyrillic-windows ansi-cyrillic",
        "cp1253": "windows-1253 cp-1253 win-1253 windows1253 win1253 1253 ms-greek",
        "cp1254": "iso-8859-9 iso8859-9 iso88599 latin5 latin-5 l5 windows-1254 cp-1254 windows1254 win-1254 cp28599",
        "cp1255": "windows-1255 cp-1255 windows1255 win-1255 logical visual-hebrew",
        "cp1256": "windows-1256 cp-1256 windows1256 win-1256 ms-arab",
        "cp1257": "windows-1257 cp-1257 windows1257 win-1257 winbaltrim",
        "cp1258": "windows-1258 cp-1258 windows1258 win-1258",
        "iso8859_5": "iso-8859-5 iso8859-5 cyrillic 8859-5 cp28595",
        "iso8859_6": "iso-8859-6-i iso-8859-6-e arabic asmo-708 cp28596",
        "iso8859_7": "iso-8859-7 greek greek8 elot-928 ecma-118 cp28597",
        "iso8859_8": "iso-8859-8 iso-8859-8-i iso-8859-8-e hebrew cp28598 cp38598",
        "koi8_r": "koi8-r koi8r koi-8-r koi8 koi-8 koi cp20866 cskoi8r",
        "koi8_u": "koi8-u koi8u koi-8-u koi8-ru cp21866",
        "cp866": "ibm866 866 cp-866 dos-866",
        "cp850": "ibm850 cp-850 850 dos-850",
        "cp437": "ibm437 cp-437 437 pc8",
        "mac_roman": "macintosh mac macroman x-mac-roman cp10000 apple-roman",
        "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian mac-cyrillic cp10007",
        "mac_latin2": "x-mac-ce x-mac-centraleurroman mac-ce cp10029",
        "cp874": "windows-874 cp-874 tis-620 tis620 tis-620-0 thai iso-8859-11 iso8859-11 ms874",
        "gb18030": """gb18030 gb-18030 gb2312 gb-2312 gb-2312-80 gb2312-80 gbk cp936 ms936 cp-936 936 windows-936
            x-gbk chinese csgb2312 gb simplified-chinese euc-cn x-euc-cn eucgb2312-cn cp54936 cp51936 iso-ir-58
            gb-1988-80 gb13000 gb12345""",
        "big5hkscs": """big5 big-5 big5-hkscs big5hkscs cn-big5 cn-big-5 x-x-big5 cp950 ms950 windows-950 cp-950 950
            csbig5 big5-eten traditional-chinese""",
        "cp932": """shift-jis shiftjis sjis s-jis x-sjis ms-kanji cp932 ms932 windows-31j windows-932 cp-932 932
            x-ms-cp932 csshiftjis cswindows31j shift-jis-2004""",
        "euc_jp": """euc-jp eucjp x-euc-jp x-eucjp ujis cp51932 cp20932 eucjp-ms cseucpkdfmtjapanese japanese-euc
            extended-unix-code-packed-format-for-japanese""",
        "cp949": """euc-kr euckr x-euc-kr ks-c-5601-1987 ks-c-5601-1989 ks-c-5601 ksc5601 ksc-5601 ksx1001 ks-x-1001
            ks-c-5601-1992 korean cp949 ms949 windows-949 cp-949 949 uhc cseuckr csksc56011987 cp51949 iso-ir-149
            5601""",
        "johab": "johab cp1361 ms1361",
        "iso2022": """iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-2004 iso-2022-jp-ms iso-2022
            iso-2022-jp-ext iso2022jp iso2022-jp csiso2022jp cp50220 cp50221 cp50222 jis jis7 iso-2022-kr iso2022kr
            iso2022-kr csiso2022kr cp50225 iso-2022-cn iso-2022-cn-ext iso2022cn cp50227 x-iso-2022-jp""",
        "hz": "hz hz-gb-2312 hz-gb2312 hzgb cp52936",
        "utf-8": """utf8 utf-8 utf-8-sig utf8mb4 utf-8mb4 utf8mb3 utf8-bom utf-8-bom utf-8n unicode unicode-1-1-utf-8
            unicode-2-0-utf-8 unicode11utf8 utf cp65001 65001 u8 utf8n utf-8-mac utf-8-strict utf-8-unicode""",
        "utf-7": "utf7 utf-7 unicode-1-1-utf-7 csunicode11utf7 cp65000 utf-7-imap unicode-2-0-utf-7",
        "utf-16": "utf16 utf-16 ucs-2 ucs2 iso-10646-ucs-2 csunicode cp1200",
        "utf-32": "utf32 utf-32 ucs-4 ucs4 iso-10646-ucs-4",
    }.items()
    for name in names.split()
}
_SQUEEZED = {name.replace("-", ""): codec for name, codec in ALIASES.items()}
# Codecs that are no charsets, or that take more than linear time (idna, punycode).
NO_CHARSETS = {"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
_SHAPES = (
    (re.compile(r"utf-?8"), "utf-8"),
    (re.compile(r"iso-?2022"), "iso2022"),
    (re.compile(r"(?:iso-?)?8859-?1(?!\d)"), "cp1252"),
    (re.compile(r"(?:iso-?)?8859-?(\d{1,2})"), "iso8859_"),
    (re.compile(r"(?:windows|win|cp|ms|ibm|dos|codepage)-?(\d{3,5})"), "cp"),
    (re.compile(r"koi8?-?u"), "koi8_u"),
    (re.compile(r"koi"), "koi8_r"),
    (re.compile(r"gb-?(?:k|2312|18030|13000)"), "gb18030"),
    (re.compile(r"big-?5"), "big5hkscs"),
    (re.compile(r"euc-?jp"), "euc_jp"),
    (re.compile(r"euc-?kr|ks-?c"), "cp949"),
    (re.compile(r"s(?:hift)?-?jis"), "cp932"),
    (re.compile(r"latin-?1|us-?ascii|ansi"), "cp1252"),
)
_NO_NAME = re.compile(r"[^a-z0-9]+")


@functools.lru_cache(maxsize=512)
def codec_of(label: str) -> str | None:
    """The codec a charset label means: Python's, or one of `STATEFUL`; None where it means none we know.

    Of two labels in one the first known one counts; prefixes, quotes, language tags and odd separators are nothing.
    """
    lowered = label[:200].lower().split("*")[0]
    for candidate in [lowered, *re.split(r"[;,\s]+", lowered)]:
        name = _NO_NAME.sub("-", candidate).strip("-").removeprefix("charset-")
        for form in (name, name.removeprefix("x-"), name.removeprefix("cs"), name.removeprefix("3d")):
            found = ALIASES.get(form) or _SQUEEZED.get(form.replace("-", "")) or _lookup(form)
            if found:
                return found
    return _by_shape(_NO_NAME.sub("-", lowered))


def _by_shape(name: str) -> str | None:
    """A label with something around the name: `x-my-iso8859-2-text`."""
    for shape, codec in _SHAPES:
        if found := shape.search(name):
            number = found.group(1) if shape.groups else ""
            full = f"{codec}-{number}" if codec == "cp" else f"{codec}{number}"
            return ALIASES.get(full.replace("_", "-")) or _SQUEEZED.get(full.replace("-", "")) or _lookup(full)
    return None


def _lookup(name: str) -> str | None:
    if not name or name in NO_CHARSETS or len(name) > 40:
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    is_text: bool = getattr(found, "_is_text_encoding", True)
    return ALIASES.get(found.name, found.name) if is_text and found.name not in NO_CHARSETS else None
