"""The words lawyers of many languages use to say whom a mail is for, by what they say; all in small letters.

A notice is told by how many things it says, whatever its language and its order: so these are beginnings of words that
are looked for anywhere, and each tuple is one thing said.
"""

from __future__ import annotations

import re


def _stems(text: str) -> tuple[str, ...]:
    return tuple(one for line in text.strip().splitlines() for one in line.removeprefix("    ").split("|") if one)


# What the notice speaks of: the mail it stands in.
THIS_MAIL = _stems("""
this e-mail|this email|this message|this mail|this communication|this transmission|this electronic
information transmitted|information contained|information in this|ce message|cet e-mail|cet email|ce courriel
ce courrier|cette communication|présente communication|este mensaje|este correo|este e-mail|este email
esta comunicación|esta mensagem|questo messaggio|questa mail|questa e-mail|questa email|presente comunicazione
presente messaggio|presente e-mail|diese e-mail|dieser e-mail|diese email|dieser email|diese nachricht
dieser nachricht|diese mail|dieser mail|dit bericht|dit e-mail|deze e-mail|deze mail|dit mailbericht
ta wiadomość|niniejsza wiadomość|niniejsza korespondencja|tej wiadomości|tento e-mail|tento email|tato zpráva
této zpráv|tato e-mailová|táto správa|tejto správ|táto e-mailová|настоящее сообщение|данное сообщение
это сообщение|данное письмо|это письмо|це повідомлення|цей лист|detta meddelande|detta e-post|detta mail
denna e-post|denne e-mail|denne mail|denne e-post|denne meddelelse|denne melding|dette e-post|tämä viesti
tämä sähköposti|bu e-posta|bu mesaj|bu ileti|bu elektronik|ez az e-mail|ez az üzenet|jelen e-mail|jelen üzenet
acest mesaj|acest e-mail|acest email|παρόν μήνυμα|αυτό το μήνυμα|μήνυμα αυτό|本邮件|此邮件|本電子郵件|本信件
此電子郵件|本郵件|このメール|本メール|この電子メール|본 메일|이 메일|본 이메일|본 전자|aquest missatge
aquest correu|email này|thư này|הודעה זו|מסר זה|هذه الرسالة|هذا البريد
""")
# Under which condition, or that nobody else is meant.
CONDITION = _stems("""
if you|if received|intended only|intended solely|solely|sole use|only for the|exclusive use
other than the|si vous|exclusif|exclusive|uniquement|si usted|si no es|si ha recibido|exclusiv|se você
se recebeu|se não|qualora|se lei|se non siete|esclusiv|wenn sie|falls sie|sollten sie|ausschließlich
indien|als u|uitsluitend|alleen bestemd|jeśli|jeżeli|wyłącz|pokud|jestliže|výhradně|výlučne| ak |если
исключительно|якщо|виключно|om du|om ni|endast|enbart|hvis du|hvis de|alene|kun ment|kun for|jos |vain |eğer
değilseniz|yalnız|özeldir|ha ön|amennyiben|kizárólag|dacă|εάν|αν δεν|αποκλειστικ|如果|如為|仅限|僅限|若您|場合
のみ|경우|만을|si l'heu|exclusivament|nếu|chỉ dành|אם |בלבד|إذا|فقط
""")
# What is said of it, a line for each.
SAID = (
    _stems("""
    confiden|konfiden|vertraul|vertrouwel|poufn|důvěrn|dôvern|конфиденц|конфіденц|fortrolig|luottamuks|gizli
    bizalmas|εμπιστευτ|保密|機密|机密|비밀|thông tin mật|חסוי|سري|riservat|privileg|proprietary
    """),
    _stems("""
    intended|addressee|recipient|to whom|destinat|empfänger|adressat|geadresseerd|adresat|adresát|příjemc
    адресат|mottagar|mottaker|modtager|vastaanott|címzett|gönderildiği|παραλήπτ|收件|宛先|受信|수신|người nhận
    נמען|مستلم
    """),
    _stems("""
    in error|by mistake|par erreur|por error|per errore|por engano|irrtüm|versehentlich|ten onrechte
    abusievelijk|omyłk|pomyłk|omylem|omylom|по ошибке|помилково|av misstag|ved en fejl|feiltagelse|feiltakelse
    ved feil|erehdyks|yanlışlık|téved|din greșeal|din eroare|εκ παραδρομής|κατά λάθος|错收|誤って|誤送|잘못|nhầm
    בטעות|طريق الخطأ|per error
    """),
    _stems("""
    delete|destroy|supprim|détrui|detrui|elimin|bórr|borre|apague|apagu|cancell|lösch|vernicht|vernietig
    verwijder|usuń|usunię|skasow|smaž|vymaž|удал|видал|radera|slette|poista|siliniz|silin|töröl|șterge|διαγρ
    删除|刪除|銷毀|削除|삭제|xóa|מחק|حذف
    """),
    _stems("""
    unauthori|not authori|prohibit|forbidden|disclos|dissemin|distribut|interdit|diffus|verboden|unzuläss
    untersagt|nicht gestattet|zabron|zakáz|запрещ|заборон|kielletty|yasak|tilos|interzis|απαγορ|禁止|请勿|請勿
    금지|nghiêm cấm|אסור|proibi|prohibid|divulg|copying
    """),
    _stems("""
    notify|inform|avertir|avis|signaler|contact|verständig|benachrich|unterricht|in kennis|powiadom|kontakt
    skontakt|уведом|повідомит|underrett|varsle|meddela|ilmoitt|bilgilendir|értesít|anunț|ενημερ|通知|ご連絡|알려
    thông báo|הודע|إبلاغ|comuniqu|avvis
    """),
    _stems("""
    attach|pièces jointes|pieces jointes|adjunt|anexos|allegat|anhang|anhäng|bijlage|załącz|přílo|príl|připojen
    вложен|приложен|додат|bilag|vedlegg|liittei|ekleri|mellékl|fișier|συνημμ|附件|添付|첨부|đính kèm|מצורפ|مرفق
    """),
)
# Whoever says «I» is a person who writes of such a mail.
FIRST_PERSON = re.compile(
    r"(?<!\w)(?:I|I['’]m|[Mm]y|me|[Ii]ch|[Mm]ein(?:e[mnrs]?)?|mich|mir"
    r"|[Jj]e (?:n['’e]|suis|vous|l['’]|m['’e]|s|voudr|souhait"
    r"|pens|croi|reço|demand|peux|dois)|[Jj]['’]\w+|mon|[Yy]o|[Mm]is?|[Ii]o|mi[oa]|[Ee]u|meus?|minhas?|[Ii]k|mijn|mij"
    r"|mój"
    r"|mnie|mého|[Яя]|мо[йеяю]\w*|мне|[Jj]ag|[Jj]eg|mig|meg|[Mm]inä|minun|[Εε]γώ|μου|[Tt]ôi|אני|أنا)(?!\w)"
    r"|我(?!们|們|司|方|行|公)|私[はのが]|저는|제가"
)
_MAIL = r"(?:e-?mail |mail )?(?:message|e-?mail|mail)"
_MALICE = r"(?:virus|malware|spam|dangerous content|mimesweeper|mailscanner|security|antivirus|anti-virus|avast|avg\b)"
# Which program looked through the mail: a whole sentence in a program's words.
SCANNED = re.compile(
    rf"\W{{0,6}}(?:this footnote (?:also )?confirms that )?this {_MAIL} (?:has been|was|is) (?:\w+ )?"
    rf"(?:scanned|checked|swept) (?:for|by|with) [^.?!]{{0,60}}{_MALICE}"
    rf"|\W{{0,6}}(?:no virus found in this (?:incoming |outgoing )?{_MAIL}\.? )?checked by avg (?:[-(]|anti)"
    r"|\W{0,6}diese (?:e-?mail|mail|nachricht) wurde (?:von|mit|durch) [^.?!]{2,60} (?:auf|nach) "
    r"(?:viren|schad|malware)[^.?!]{0,30}(?:geprüft|gescannt|untersucht)\.?(?: (?:https?://|www\.)\S{1,300})?\Z"
    r"|\W{0,3}click (?:here)? ?(?:[(<]?https?://\S{1,300} )?to report this (?:e-?mail|message) as spam\W{0,3}\Z",
    re.I,
)
# Whoever says this of a mail that was looked through has something to tell.
FOUND = re.compile(
    r"\b(?:infect|block|quarant|remov|reject|attach|says?\b|but\b|still\b|again\b|please\b|not\b|cannot\b|fail|open\b"
    r"|contains\b|found a\b|because\b|so\b)",
    re.I,
)
# What the sender's house adds beside that.
HOUSE = re.compile(
    r"\W{0,6}(?:any |the )?(?:views|opinions|statements)(?: (?:and|or) opinions?)?,? "
    r"(?:expressed|presented|contained|stated) (?:in|by) this [^.?!]{0,60}\b(?:are|is) (?:solely |only |purely )?"
    r"(?:those|that) of the (?:author|sender|individual|writer|originator)\b"
    r"|\W{0,6}save a tree\W{1,3}(?:don['’]t|do not|think|please)[^.?!]{0,40}\bprint"
    r"|\W{0,6}(?:informationen|hinweise) zum datenschutz (?:finden|erhalten) sie (?:hier|unter|auf)\W{1,3}"
    r"(?:https?://|www\.)\S{1,300}\Z",
    re.I,
)
# Where its own pages and numbers are: below a signature alone, for anybody is asked for them.
PRIVACY = re.compile(
    r"\W{0,6}(?:you can find )?our privacy (?:policy|notice|statement)(?: can be found| is available| is)? "
    r"(?:at|here|on|under)\W{1,3}(?:https?://|www\.)\S{1,300}\Z",
    re.I,
)
# What is spoken of where numbers of a firm are what was asked for.
OF_BILLING = re.compile(
    r"invoice|billing|rechnung|factur|fattur|faktur|fatura|nota fiscal|сч[её]т|rekening|\b(?:vat|ust|iva|tva|btw|nip)\b"
    r"|\b(?:our|company|firm\w*|new|neue\w?|following|these) (?:data|details|daten|angaben|numbers?|address)"
    r"|\bdaten\b|\bdatos\b"
    r"|\bdati\b|données|coordonnées|gegevens|\bdane\b|\bdados\b|\bdetails\b|legal form|impressum",
    re.I,
)
REGISTERED = _stems("""
registered in|registered office|registered number|registered no|company number|company no|company registration
vat no|vat reg|vat number|amtsgericht|handelsregister|registergericht| hrb | hra |geschäftsführ|aufsichtsrat
ust-id|steuernummer|siret|au capital|capital social|partita iva|p.iva|p. iva|cod. fisc|registro imprese|kvk|btw
regon|y-tunnus|org.nr|org. nr|organisationsnummer|cégjegyz|adószám|огрн
""")
TITLED = re.compile(
    r"\W{0,6}(?:aviso legal|aviso de confidencial\w+|confidentiality notice|legal (?:notice|disclaimer))\b", re.I
)
MAY_BE = re.compile(
    r"\b(?:may contain|may be confidential|puede contener|pueden contener|peut contenir|peuvent contenir|può contenere"
    r"|possono contenere|kann vertraulich|können vertraulich|pode conter|kan vertrouwelijk|może zawierać"
    r"|может содержать)"
)
HEADING = re.compile(
    r"\W{0,6}(?:(?:legal |important |confidentiality |privacy |e-?mail )?(?:notice|disclaimer|warning)"
    r"|confidential(?:ity)?|aviso (?:legal|de confidencialidad)|avertissement|clause de confidentialité"
    r"|haftungsausschluss|rechtlicher hinweis|datenschutzhinweis|avvertenz\w|informativa(?: sulla)? privacy"
    r"|nota de confidencial\w+|klauzula poufności)\W{0,6}\Z",
    re.I,
)
