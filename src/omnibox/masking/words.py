"""Key words, in the languages of the product and its neighbours, that tell of a card, a code or an expiry date.

All in lower case, to be looked for in lower-case text: a pattern that ignores case is several times slower.
"""

import re

from omnibox.masking.alphabet import LETTERS

# One word that names a card or a scheme. «Mir» and «Elo» are missing: they are common words and names.
_CARD_WORD = (
    "(?:credit|debit|master|bank|gift|e)?card(?:s|holder|number|no|nr)?"
    "|[a-zäöüß]*karten?(?:nummer|nr)?"
    "|tarjetas?|cartas?|cartes?|cart[aã]o|cart[oõ]es|kaart|kort|karta|carte?bancaire"
    "|visa|maestro|amex|express|diners|jcb|unionpay|rupay|hipercard|uatp|dankort|verve|uzcard"
    "|cc|pan|карт[аыуе]|картой"
)

_SECURITY_WORD = (
    "cv[vcnxd]2?|csc|cid|cav2?|security code|card verification (?:code|value|number)"
    "|c[oó]digos?(?: cv[vc]| de (?:seguridad|verificaci[oó]n|seguran[çc]a|verifica[çc][aã]o))?"
    r"|c[oó]d\.? (?:de )?seg(?:uridad|\.)?"
    "|codic[ei](?: cv[vc]|(?: di)? (?:sicurezza|verifica)| segreto)?"
    "|(?:karten)?(?:sicherheits|pr(?:ü|ue)f)(?:code|nummer|ziffer|nr)"
    "|code de (?:s[eé]curit[eé]|v[eé]rification)|cryptogramme(?: visuel)?|pin"
)

_EXPIRY_WORD = (
    "exp|expir(?:y|es|ed?|ation|a|aci[oó]n)|valid (?:thru|through|until|till|to)|good thru"
    "|cad|caduca|caducidad|vence|vencimiento|v[aá]lid[ao] hasta"
    "|scad|scade|scadenza|valid[ao] fino al?"
    "|g(?:ü|ue)ltig(?: bis|keit)|l(?:ä|ae)uft ab|ablauf(?:datum)?|verfall(?:s?datum)?"
    "|valable jusqu['’](?:au|en|à)|validit[eé]|validade|v[aá]lid[ao] at[eé]|vencimento|mm ?/ ?(?:yy|aa|jj)(?:yy|aa|jj)?"
)

# Parts of every key word of a code or a date: a cheap test before the expensive one. In lower case.
_STEMS = (
    *("cv", "csc", "cid", "cav", "security", "verification", "digo", " seg", "codic", "sicherheits", "prüf", "pruef"),
    *("sécurit", "securit", "cryptogr", "pin", "exp", "valid", "válid", "thru", "cad", "venc", "ltig", "abl", "verf"),
    *("mm/", "mm /", "vérif", "valab", "uft ab"),
)

_FILLER = (
    "is|es|è|é|e'|est|ist|lautet|il|el|le|la|on|in|en|em|am|au|a|de|del|date|code|number|nummer|no|nr|nº|n°|num"
    "|número|numero"
    "|end of|ende|fin|fine|finales de|on the back|of (?:the|my) card|de (?:la|mi) tarjeta|della (?:mia )?carta"
    "|de (?:la|ma) carte|d[oe] (?:meu )?cart[aã]o|(?:der|meiner) karte"
)
_PUNCTUATION = r"""[\s:=#.,;()\[\]"'“”„«»<>*_|/\-–—]{0,5}"""

_WORD_START = f"(?<![{LETTERS}])"
_WORD_END = f"(?![{LETTERS}])"

CARD = re.compile(f"{_WORD_START}(?:{_CARD_WORD}|{_SECURITY_WORD}|{_EXPIRY_WORD}){_WORD_END}|卡|カード|카드")

BEFORE_CODE = f"{_WORD_START}(?:{_SECURITY_WORD}){_PUNCTUATION}(?:(?:{_FILLER}){_WORD_END}{_PUNCTUATION}){{0,2}}"
BEFORE_DATE = f"{_WORD_START}(?:{_EXPIRY_WORD}){_PUNCTUATION}(?:(?:{_FILLER}){_WORD_END}{_PUNCTUATION}){{0,2}}"


def may_name_code_or_date(text: str) -> bool:
    """Whether a key word of a code or a date is possible in this lower-case text."""
    for stem in _STEMS:  # noqa: SIM110  # a generator costs three times as much, and every message passes here
        if stem in text:
            return True
    return False


def names_card(text: str) -> bool:
    """Whether a key word for cards stands in this text."""
    return CARD.search(text.lower()) is not None


def is_card_word(letters: str) -> bool:
    """Whether these letters are, as a whole, a key word for cards."""
    return CARD.fullmatch(letters.lower()) is not None


def lower(text: str) -> str:
    """The text in lower case and of the same length: a letter with a longer lower case stays."""
    result = text.lower()
    return result if len(result) == len(text) else "".join(map(_lower_one, text))


def _lower_one(character: str) -> str:
    result = character.lower()
    return result if len(result) == 1 else character
