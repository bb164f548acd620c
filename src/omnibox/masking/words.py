"""Key words, in the languages of the product and its neighbours, that tell of a card, a code or an expiry date.

All in lower case, to be looked for in lower-case text: a pattern that ignores case is several times slower.
"""

import re
from string import ascii_letters

from omnibox.masking.alphabet import LETTERS

# One word that names a card or a scheme. «Mir» and «Elo» are missing: they are common words and names.
_CARD_WORD = (
    "(?:credit|debit|master|bank|gift|e)?card(?:s|holder|number|no|nr)?"
    "|[a-zäöüß]*karten?(?:nummer|nr)?"
    "|tarjetas?|cartas?|cartes?|cart[aã]o|cart[oõ]es|kaart|kort|karta|carte?bancaire"
    "|visa|maestro|amex|mc|express|diners|jcb|unionpay|rupay|hipercard|uatp|dankort|verve|uzcard"
    "|bancomat|bancontact|girocard|postepay|tarj|kaartnummer|kortnummer|kartę|kartą|kredi kartı"
    "|cc|pan|карт[аыуе]|картой"
)

SECURITY_WORD = (
    "cv[vcnxd]2?|csc|cid|cav2?|security[ _-]?code|card verification (?:code|value|number)"
    "|c[oó]digos?(?: cv[vc]| verificador| de (?:seguridad|verificaci[oó]n|seguran[çc]a|verifica[çc][aã]o))?"
    r"|c[oó]d\.? (?:de )?seg(?:uridad|uran[çc]a|\.)?"
    "|codic[ei](?: cv[vc]|(?: di)? (?:sicurezza|verifica)| segreto)?"
    "|(?:karten)?(?:sicherheits|pr(?:ü|ue)f)(?:code|nummer|ziffer|nr)"
    "|code de (?:s[eé]curit[eé]|v[eé]rification)|cryptogramme(?: visuel)?"
)
# The secret number of a card, and of many another thing: it needs a card near.
_PIN = "pin"

EXPIRY_WORD = (
    "exp|expir(?:y|es|ed?|ation|a|aci[oó]n)|valid (?:thru|through|until|till|to)|good thru"
    "|cad|caduca|caducidad|vence|vencimiento|v[aá]lid[ao] hasta"
    "|scad|scade|scadenza|valid[ao] fino al?"
    "|g(?:ü|ue)ltig(?: bis|keit)|l(?:ä|ae)uft ab|ablauf(?:datum)?|verfall(?:s?datum)?"
    "|valable jusqu['’](?:au|en|à)|validit[eé]|validade|v[aá]lid[ao] at[eé]|vencimento|mm ?/ ?(?:yy|aa|jj)(?:yy|aa|jj)?"
)

# For a cheap look before the expensive one: the first word of every key word of a code or a date by its name in small
# ASCII letters, and one with an accent by the piece behind it.
_PLAIN_WORDS = (
    "card code codes codice codici codigo codigos cid cod csc cryptogramme pin security securitycode seguridad"
    " exp expiry expires expire expired expiration expira expiracion expdate expirydate expirationdate"
    " valid valida valido valable validite validade good cad caduca caducidad vence vencimiento vencimento"
    " scad scade scadenza gueltig gueltigkeit laeuft ablauf ablaufdatum verfall verfalldatum verfallsdatum mm"
)
_SHORT = ("cvv", "cvc", "cvn", "cvx", "cvd", "cid", "csc", "cav")
_SHORT_ENDINGS = ("", "code", "number", "nummer", "no", "nr")
_CARD_IN_GERMAN = "karten"
_GERMAN = ("sicherheits", "pruef", _CARD_IN_GERMAN + "sicherheits", _CARD_IN_GERMAN + "pruef")
_GERMAN_ENDINGS = ("code", "nummer", "ziffer", "nr")
_SOUGHT: dict[bytes, str] = {
    **{word.encode(): word for word in _PLAIN_WORDS.split()},
    **{f"{word}{end}".encode(): word + end for word in _SHORT for end in _SHORT_ENDINGS},
    **{f"{word}{end}".encode(): word + end for word in _GERMAN for end in _GERMAN_ENDINGS},
    **{f"f{end}".encode(): f"prüf{end}" for end in _GERMAN_ENDINGS},
    b"digo": "código",
    b"digos": "código",
    b"d": "cód",
    b"lida": "válida",
    b"lido": "válido",
    b"uft": "läuft",
    b"ltig": "gültig",
    b"ltigkeit": "gültigkeit",
    b"validit": "validité",
    b"expiraci": "expiración",
}
_TO_WORDS = bytes(byte | 32 if chr(byte) in ascii_letters else 32 for byte in range(256))

_FILLER = (
    "is|es|è|é|e'|est|ist|lautet|il|el|le|la|on|in|en|em|am|au|a|de|del|date|code|number|nummer|no|nr|nº|n°|num"
    "|número|numero"
    "|end of|ende|fin|fine|finales de|on the back|of (?:the|my) card|de (?:la|mi) tarjeta|della (?:mia )?carta"
    "|de (?:la|ma) carte|d[oe] (?:meu )?cart[aã]o|(?:der|meiner) karte"
)
PUNCTUATION = r"""[\s:=#.,;()\[\]"'“”„«»<>*_|/\-–—]{0,6}"""

_WORD_START = f"(?<![{LETTERS}])"
_WORD_END = f"(?![{LETTERS}])"

CARD = re.compile(f"{_WORD_START}(?:{_CARD_WORD}|{SECURITY_WORD}|{_PIN}|{EXPIRY_WORD}){_WORD_END}|卡|カード|카드")
_CARD_ITSELF = re.compile(f"{_WORD_START}(?:{_CARD_WORD}){_WORD_END}|卡|カード|카드")
_SECURITY = re.compile(f"{_WORD_START}(?:{SECURITY_WORD}){_WORD_END}")
_BARE_CODE_WORDS = frozenset({"código", "codigo", "códigos", "codigos", "codice", "codici", "cid"})

BEFORE_CODE = (
    f"{_WORD_START}(?:{SECURITY_WORD}|(?P<secret>{_PIN})){PUNCTUATION}(?:(?:{_FILLER}){_WORD_END}{PUNCTUATION}){{0,2}}"
)
BEFORE_DATE = f"{_WORD_START}(?:{EXPIRY_WORD}){PUNCTUATION}(?:(?:{_FILLER}){_WORD_END}{PUNCTUATION}){{0,2}}"


def may_name_code_or_date(text: str) -> bool:
    """Whether a key word of a code or a date is possible in this text."""
    return not _SOUGHT.keys().isdisjoint(text.encode("utf-8", "surrogatepass").translate(_TO_WORDS).split())


def find_key_words(text: str) -> list[int]:
    """Where in a lower-case text a key word of a code or a date may begin."""
    words = text.encode("utf-8", "surrogatepass").translate(_TO_WORDS).split()
    if _SOUGHT.keys().isdisjoint(words):
        return []
    starts: set[int] = set()
    for word in {_SOUGHT[word] for word in _SOUGHT.keys() & words}:
        at = text.find(word)
        while at >= 0:
            starts.add(at - len(_CARD_IN_GERMAN) if text.endswith(_CARD_IN_GERMAN, 0, at) else at)
            at = text.find(word, at + 1)
    return sorted(starts)


def names_card(text: str) -> bool:
    """Whether a key word for cards, or of their codes and dates, stands in this text."""
    return CARD.search(text.lower()) is not None


def names_card_itself(text: str) -> bool:
    """Whether a word for a card or a scheme stands in this text in lower case."""
    return _CARD_ITSELF.search(text) is not None


def names_security_code(text: str) -> bool:
    """Whether a text names the code of a card; «code» alone, in any language, may be another one."""
    return any(match.group() not in _BARE_CODE_WORDS for match in _SECURITY.finditer(text.lower()))


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
