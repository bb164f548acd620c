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
if you|if received|in error|intended only|intended solely|solely|sole use|only for the|exclusive use
other than the|si vous|exclusif|exclusive|uniquement|si usted|si no es|si ha recibido|exclusiv|se você
se recebeu|se não|qualora|se lei|se non siete|esclusiv|wenn sie|falls sie|sollten sie|ausschließlich|irrtümlich
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
    r"|pens|croi|reço|demand|peux|dois)|[Jj]['’]\w+|mon|[Yy]o|[Mm]is?|[Ii]o|mi[oa]|[Ee]u|meus?|minhas?|[Ii]k|mijn|mij|mój"
    r"|mnie|mého|[Яя]|мо[йеяю]\w*|мне|[Jj]ag|[Jj]eg|mig|meg|[Mm]inä|minun|[Εε]γώ|μου|[Tt]ôi|אני|أنا)(?!\w)"
    r"|我(?!们|們|司|方|行|公)|私[はのが]|저는|제가"
)
# Who looked through the mail, and found nothing.
SCANNED = re.compile(
    r"\bthis (?:e-?mail |mail )?(?:message|e-?mail|mail) (?:has been|was|is) (?:\w+ ){0,2}(?:scanned|checked|swept)\b"
    r"|no virus found in this|checked by avg|(?:diese|e-mail|mail) wurde .{0,60}(?:geprüft|gescannt)"
    r"|\A\W{0,3}click .{0,120}report this (?:e-?mail|message) as spam",
    re.I,
)
# What the sender's house adds beside that.
HOUSE = re.compile(
    r"\W{0,6}(?:any |the )?(?:views|opinions|statements)(?: (?:and|or) opinions?)?,? "
    r"(?:expressed|presented|contained|stated) (?:in|by) this\b|\W{0,6}save a tree\W"
    r"|\W{0,6}(?:informationen|hinweise) zum datenschutz\b"
    r"|\W{0,6}(?:you can find )?our privacy (?:policy|notice|statement) (?:can|is|at)\b",
    re.I,
)
REGISTERED = _stems("""
registered in|registered office|registered number|registered no|company number|company no|company registration
vat no|vat reg|vat number|amtsgericht|handelsregister|registergericht| hrb | hra |geschäftsführ|aufsichtsrat
ust-id|steuernummer|siret|au capital|capital social|partita iva|p.iva|p. iva|cod. fisc|registro imprese|kvk|btw
regon|y-tunnus|org.nr|org. nr|organisationsnummer|cégjegyz|adószám|огрн
""")
HEADING = re.compile(
    r"\W{0,6}(?:(?:legal |important |confidentiality |privacy |e-?mail )?(?:notice|disclaimer|warning)"
    r"|confidential(?:ity)?|aviso (?:legal|de confidencialidad)|avertissement|clause de confidentialité"
    r"|haftungsausschluss|rechtlicher hinweis|datenschutzhinweis|avvertenz\w|informativa(?: sulla)? privacy"
    r"|nota de confidencial\w+|klauzula poufności)\W{0,6}\Z",
    re.I,
)
