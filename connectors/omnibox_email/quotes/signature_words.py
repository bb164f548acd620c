"""What mail programs and people of many languages put below a mail: device lines, closing formulas, boiler plate."""

from __future__ import annotations

import re

from omnibox_email.caseless import Caseless

# ---- device lines («Sent from my iPhone») ----

DEVICE = re.compile(
    r"(?<![^\W\d_])(?:iphon\w{0,8}|ipad\w{0,6}|ipod\w{0,6}|ios|android\w{0,8}|galaxy|samsung|black ?berry"
    r"|windows(?:in)? (?:phone|mail|10|11|live|sähköposti\w*)"
    r"|(?:mail|courrier|correo|posta|poczt\w*|pošt\w*|e-?post|sähköposti\w*"
    r"|почт\w*|email|e-mail) (?:for|für|pour|para|per|voor|dla|pro|för|til|для)|windows|outlook|hotmail|yahoo"
    r"|gmail|google|proton\w*|tutanota|tuta|zoho|thunderbird|spark|superhuman|mailbird|mailspring|airmail"
    r"|newton|canary|edison|blue ?mail|typeapp|aqua ?mail|k-9|nine|boxer|my ?mail|mail\.ru|yandex|яндекс\S*"
    r"|good \(www|gmx|web\.de|uol|bol|terra|sapo|mailbutler|unibox"
    r"|t-online|freenet|htc|huawei|xiaomi|redmi|poco|one ?plus|nokia|lumia|xperia|sony|motorola"
    r"|moto|droid|pixel|lg|zte|honor|oppo|vivo|realme|fairphone|smart ?phone\w*|phone|telefon\w*|teléfono\w*"
    r"|téléphone|telefone|telefoon|telemóvel|móvil|mòbil|movil|cellulare|celular|mobil(?:e|en?|ny|ní\w*|u|em|om|gerät\w*"
    r"|telefon\w*)?|mobiel\w*|mobiltelefon\w*|mobila|handy|tablet\w*|tab|cell|cellphone|device|the go|dispositivo"
    r"|appareil|gerät|apparaat|toestel|puhelim\w*|urządzeni\w*|zařízení|zariadeni\w*|устройств\w*|пристро\w*"
    r"|телефон\w*|смартфон\w*|мобильн\w*|κινητό|handheld|treo|palm|kindle|surface|mac(?:book)?(?: (?:pro|air"
    r"|mini))?|apple watch|imac|verizon|t-mobile|at&t|sprint|vodafone|orange|wireless|workspace one|polymail"
    r"|shortwave|missive|em client|postbox|mailbox|mailmaster|aol|inbox|nylas|mailtime|spike|roundcube|horde"
    r"|zimbra|xfinity|comcast|cox|rogers|telus|cloudmagic|foxmail|qq\w*|naver|daum|hey|front|desktop"
    r"|mobile (?:app|client|device|phone|mail)|unterwegs|mail app|freemail|mailo|libero|tiscali|virgilio|wp"
    r"|onet|interia|seznam|laposte|sfr|bouygues|alto|inky|hiri|mimestream|notion mail|fastmail|hushmail"
    r"|mailfence|posteo|tutamail"
    r"|imp, the internet messaging program|squirrelmail)(?![^\W\d_])"
    r"|iphone|ipad|android|windows용|آیفون|אייפון|גלקסי|טלפון|סמארטפון|הנייד|手机|手機|電話|携帯|スマート|휴대폰|스마트폰"
    r"|邮箱|網易|网易|네이버"
    r"|galaxy|スマホ|mail大师|邮箱大师",
    re.I,
)
_STARTS = r"""
(?:sent|send|posted|typed|written|composed|emailed|mailed|dictated) (?:securely )?(?:from|via|by|using|with|on|through)
from my (?=\w)
(?:message |email |this (?:message|e-?mail) (?:was|has been) )(?:sent|written) (?:from|via|by|using|with|on)
(?:mensaje |correo )?enviad[oa] (?:desde|con|a través de|vía|por|de|mediante|dende)
enviad[oa] (?:d[eoa]|a partir d[eoa]|com|através d[eoa]|via|pel[oa]|no)
enviat (?:des|amb|per)
(?:messaggio )?inviat[oa] (?:da|dal|dalla|dall'|con|tramite|mediante|via|col)
(?:e-?mail )?(?:gesendet|gesandt|versendet|verschickt|verfasst|geschrieben) (?:von|vom|mit|aus|über|via|mittels|per)
mobil gesendet
(?:diese (?:nachricht|e-?mail|mail) wurde )(?:von|mit|über|per|aus|mobil|via)
(?:message )?envoy[ée]e? (?:de|d'|d’|depuis|à partir d(?:[eu]|['’])|avec|via|par|du|à l'aide d[eu'])
(?:verzonden|verstuurd|gestuurd|verzonden) (?:vanaf|met|via|vanuit|van|door|uit|vanop|per)
wysłan[eoay] (?:z|ze|za pomocą|przez|przy użyciu|od)
(?:odesláno|odoslané|odoslaná|posláno|poslané) (?:z|ze|zo|pomocí|přes|cez|prostřednictvím|mým|s)
(?:sendt|send|afsendt) (?:fra|med|via|på|ved)
(?:skickat|skickades|skickad|sänt|sänd|skickades) (?:från|med|via|genom|av)
lähetetty
(?:отправлено|послано|написано|отправлена|отправлен) (?:с|со|из|от|через|при помощи|с помощью)
(?:надіслано|відправлено|послано) (?:з|із|зі|через|за допомогою)
изпратено (?:от|с|чрез|през)
(?:elküldve|küldve|az üzenet)
(?:trimis|expediat) (?:de pe|din|cu|prin|de la|via)
(?:στάλθηκε|εστάλη|απεστάλη) (?:από|με|μέσω)
(?:poslano|poslato|послато) (?:iz|z|s|sa|preko|putem|са|из)
(?:发送自|發送自|发自|發自|來自|来自|從我的|从我的|通过|透過|由我的)
(?:נשלח|נשלחה)
(?:أُ?رسلت|أُ?رسل|مرسل|تم الإرسال|تم إرسال)
(?:dikirim|terkirim) (?:dari|dengan|melalui)
(?:đã gửi từ|được gửi từ|gửi từ|đã gửi)
(?:ส่งจาก)
(?:saadetud|išsiųsta|nosūtīts|sent iš)
provenance ?:|(?:αποστολή|εστάλη) από|ارسال شده از
"""
_ENDS = r"""
gesendet
verschickt
versendet
geschrieben
gönderildi
から送信
より送信
から送信されました
から送られました
发送
發送
傳送
送信
에서 보냄
에서 보냈습니다
에서 전송
에서 작성
küldve
elküldve
verzonden
verstuurd
lähetetty
ارسال شد
"""
DEVICE_START = Caseless(f"(?:{'|'.join(one.strip() for one in _STARTS.strip().splitlines())})(?=\\W|\\w)")
DEVICE_END = Caseless(f"(?:{'|'.join(one.strip() for one in _ENDS.strip().splitlines())})\\Z")
# «Get Outlook for iOS» in its languages: a short line with the name and a word for fetching.
GET_APP = re.compile(
    r"(?=.{0,80}(?:outlook|blue ?mail|yahoo mail|typeapp|mymail|spark|aqua ?mail|gmail))(?:(?:get|obtener"
    r"|obtenga|obtén|descarg(?:ar|a|ue)|obter|obtenha|baix(?:e|ar)|transf(?:erir|ira)|téléchargez|télécharger"
    r"|obtenir|obtenez|scarica|ottieni|holen sie sich|hol dir|laden sie|download|hämta|skaffa|hent|få|last ned"
    r"|hanki|lataa|pobierz|uzyskaj|získat|získejte|stáhnout|získať|získajte|stiahnite si|получить|получите"
    r"|скачать|скачайте|загрузить|загрузите|завантажити|отримати|descărcați|obțineți|preuzmite|nabavite|获取|下载"
    r"|skaff deg|изтеглете|prenesite|λήψη|κατεβάστε|tải|dapatkan|unduh|รับ|ดาวน์โหลด|obteniu|aconsegueix|hangi|hankige"
    r"|αποκτήστε|gauti|atsisiųskite|iegūt|دریافت|الحصول على|احصل على|تنزيل|קבלו?|הורד|הורידו"
    r"|取得|下載)\s.{3,70}|(?:az )?outlook\s.{2,50}\s(?:downloaden|herunterladen|beschaffen|letöltése|beszerzése|edinin"
    r"|indir(?:in)?|を入手.{0,4}|を取得.{0,4}|다운로드)|.{0,20}outlook.{0,20}(?:edinin|を入手(?:する)?|を取得|다운로드|받기)"
    r"|.{0,20}のoutlookを.{0,10}|(?:获取|下载|取得|下載)outlook .{2,40}"
    r"|az \w{2,10} outlook letöltése|(?:az )?outlook letöltése .{2,20})\Z",
    re.I,
)
ADVERT = Caseless(
    r"(?:(?:diese (?:nachricht|e-?mail|mail) wurde )?mobil gesendet"
    r"|.{1,60} (?:reacted via|hat über|a réagi via|ha reaccionado (?:a través de|mediante)|ha reagito tramite"
    r"|reagiu (?:via|pelo)|heeft gereageerd via) gmail(?: reagiert)?"
    r"|quoted text hidden|message clipped\]? view entire message"  # Google's
    r"|yahoo!? mail\s?[:–-].{5,80}|alle postfächer an einem ort\b.{0,120}|签名由.{0,20}定制)\Z",
)
# What senders who watch whether their mail is read, and scanners for viruses, leave below it, a piece on each line.
TRACKER = re.compile(r"mailtrack|mixmax|sender notified by|avast\.com|avg\.com", re.I)
TRACKER_PIECE = re.compile(
    r"(?:\[image: [^\]]{1,60}\]|sender notified by|mailtrack|mixmax|remove|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"
    r"|\d{1,2}:\d{2}(?::\d{2})?|[ap]m|[\s,.]|<#[0-9a-f-]{20,40}>|www\.av(?:ast|g)\.com"
    r"|[<(\[]?https?://\S{0,200}?(?:mail|track|mixmax|av(?:ast|g)\.com)\S{0,400}"
    r"|virus-?free|virenfrei|(?:garanti )?sans virus|libre de virus|(?:mail )?priva di virus|livre de vírus"
    r"|virusvrij|wolny od wirusów|bez virů|bez vírusov|без вирусов|vírusmentes|virusfri\w{0,3}|viruksia ei)++\Z",
    re.I,
)
PRINTING = re.compile(
    r"\W{0,6}(?:P )?(?:(?:please )?(?:consider|think (?:of|about)) (?:the|our) environment before.{0,30}print"
    r"|bitte (?:prüfen|denken) sie.{0,40}(?:ausdruck|drucken|umwelt)|antes de imprimir|avant d['’]imprimer"
    r"|prima di stampare|(?:merci de penser|pensez) à l['’]environnement|denk aan het milieu"
    r"|(?:por favor,? )?(?:piense|pense) (?:en el medio ambiente|no meio ambiente) antes de imprimir"
    r"|zanim wydrukujesz)",
    re.I,
)
APOLOGY = re.compile(
    r"(?:please |kindly )?(?:excuse|pardon|forgive|apologi[sz]e|apologies for|sorry for"
    r"|ignore)\b.{0,60}\b(?:typo|brevity|brief|terse|spelling|error|mistake|autocorrect|shortness|misspell)"
    r"|bitte entschuldigen sie.{0,60}(?:tippfehler|kürze)|entschuldigen sie.{0,40}(?:tippfehler|kürze)"
    r"|(?:veuillez|merci d)[' ]?excuser.{0,60}(?:brièveté|fautes|concision)|(?:disculpa|disculpe|perdona"
    r"|perdone|perdón|scusa(?:te)?|perdonate|mi scuso).{0,50}(?:breve|brevedad|brevità|errat|errores|errori)"
    r"|desculpe.{0,40}(?:breve|brevidade|erros)|(?:sent|typed) (?:on|with) (?:a |my )?(?:tiny|small|little"
    r"|mobile)",
    re.I,
)
# A sentence about the program is its mark only where it tells that the mail was looked through.
CHECKED = re.compile(
    r"virus-?free|virenfrei|sans virus|libre de virus|priva di virus|livre de v|virusvrij|wolny od|bez vir|без вирус"
    r"|vírusmentes|virusfri|fri från|viruksia|https?:|^www|check|scan|geprüft|vérifi|anali[sz]|controll|escan|verific"
    r"|gecontroleerd|kontrol|sprawdz|провер|перевір|tarkist|ellenőr|tarand",
    re.I,
)
ANTIVIRUS = re.compile(
    r"(?:(?:virus-free|virusfree|virenfrei|libre de virus|garanti sans virus|sans virus|mail priva di virus"
    r"|priva di virus|livre de vírus|virusvrij|wolny od wirusów|bez virů|bez vírusov|без вирусов|vírusmentes"
    r"|virusfri\w*|fri från virus|viruksia ei)\W.{0,60}(?:avast|avg|www).{0,60}|.{0,160}\b(?:avast"
    r"|avg)\b.{0,120}|https?://www\.avas[a-z]?t\.com/\S{0,200}|www\.avast\.com|www\.avg\.com)\Z",
    re.I,
)
VIRUS = re.compile(r"vir(?:us|en|ů|ús)|вирус|www\.av", re.I)

# ---- closing formulas («Kind regards») ----

_CLOSINGS = r"""
(?:(?:with |my |our )?(?:best|kind|kindest|warm|warmest|many|friendly|very best|cordial)(?: and warmest)? )?regards
(?:with )?(?:my |our )?(?:best|kind|kindest|warm|warmest) (?:personal )?regards
(?:many )?thanks ?(?:&|and|/|\+|,) ?(?:best |kind |kindest |warm |with )?regards|thank you and (?:best |kind )?regards
(?:best|kind|warm|warmest) (?:greetings|wishes)|greetings|all the best|(?:with )?best wishes|all best|best|warmly
cordially
(?:yours )?(?:very )?(?:sincerely|faithfully|truly|respectfully)(?: yours)?|respectfully|yours|kindly|br|rgds|kr
brgds|b/?r
cheers|(?:have a )?(?:nice|great|good|lovely) (?:day|weekend|one)
(?:un )?(?:cordial(?:es)? |afectuoso |fuerte |atento )?saludos?(?: cordiales?| afectuosos?| atentos?)?|atentamente
atte\.?
(?:un |un fuerte |un cordial )?(?:abrazo|saludo)|(?:muy )?cordialmente|reciba(?:n)? un (?:cordial )?saludo
saludos y gracias
(?:cordiali |distinti |tanti |un cordiale |i miei più cordiali |un caro )?salut[io]|cordialmente|cordialit[àa]
(?:in attesa di (?:un )?(?:vostro|suo|tuo)? ?riscontro,? )?(?:porgo )?(?:cordiali|distinti) saluti
(?:bien |très )?(?:cordialement|amicalement|sincèrement)|cdt|cdlt|bien à (?:vous|toi)
(?:sincères |meilleures |mes )?salutations(?: distinguées)?
(?:avec )?(?:mes )?(?:meilleures|sincères|cordiales) salutations|respectueusement|à bientôt
bonne (?:journée|soirée|réception)
(?:mit )?(?:den )?(?:freundlichen|besten|herzlichen|vielen|schönen|lieben|sonnigen) gr(?:ü|ue)(?:ß|ss)(?:en)?
(?:freundliche|beste|viele|liebe|herzliche|schöne|sonnige) gr(?:ü|ue)(?:ß|ss)e(?: aus \w+)?|mit freundlichem gruß
(?:freundlicher|lieber|schöner) gruß|gruß|gruss|gr(?:ü|ue)(?:ß|ss)e
mfg|lg|vg|bg|hochachtungsvoll|mit (?:vorzüglicher )?hochachtung|herzlichst
(?:com os (?:meus )?(?:melhores |sinceros )?|melhores |os melhores |cordiais )?(?:cumprimentos|saudações)
atenciosamente|att\.?|atte|abraços?|um abraço|grato|grata|cordialmente|abs\.?
(?:met )?(?:vriendelijke|hartelijke|beste|warme|lieve) (?:groet(?:en|jes)?)|groet(?:en|jes)?|hoogachtend|mvg|gr\.?
vriendelijk groetend
(?:serdecznie |łączę )?(?:pozdrawiam|pozdrowienia|pozdrawiamy)(?: serdecznie)?|z (?:poważaniem|wyrazami szacunku)
(?:z )?pozdrowieniami
s (?:pozdravem|přátelským pozdravem|úctou|pozdravom|přáním hezkého dne)|pozdravem|pozdrav|zdraví|hezký den
s prianím pekného dňa|pekný deň
(?:med )?(?:venlig|vennlig|vänlig|mange|kærlig|kjærlig|varma|hjärtliga|be(?:ste|dste))[ea]? (?:hilsen|hilsner)
(?:med )?(?:vänliga?|bästa|varma|hjärtliga|många) hälsning(?:ar)?
(?:hilsen|hilsner|hälsningar|hälsning|mvh|vh|dbh|hälsn\.?)|med (?:de )?bedste hilsner
(?:ystävällisin|parhain|terveisin|lämpimin) ?(?:terveisin)?|terveisin|t\.|terv\.?|yst\.? ?terv\.?
(?:с )?(?:наилучшими |лучшими |добрыми )?(?:уважением|пожеланиями)|с уважением|всего (?:доброго|хорошего|наилучшего)
искренне ваш\w?
(?:з )?(?:повагою|найкращими побажаннями)|з повагою|всього найкращого|с поздрав|поздрави|с уважение
(?:üdvözlettel|tisztelettel|üdv|köszönettel|szép napot)|cu (?:stimă|stima|respect|drag)|toate cele bune|o zi bună
(?:saygılarımla|saygılar|saygılarımızla|sevgiler|iyi günler|iyi çalışmalar|selamlar)
(?:με )?(?:εκτίμηση|φιλικούς χαιρετισμούς|φιλικά|χαιρετισμούς)|lep pozdrav|srdačan pozdrav|lijep pozdrav|srdačno
pozdrav
(?:敬具|よろしくお願いいたします。?|よろしくお願いします。?|以上、?よろしくお願いいたします。?|宜しくお願い致します。?)
(?:此致|敬礼|此致敬礼|祝好|祝商祺|谢谢！?祝好|顺祝商祺|敬上|감사합니다\.?|드림)
(?:בברכה|בכבוד רב|תודה ובברכה|مع (?:خالص )?التحي(?:ة|ات)|تحياتي|وتفضلوا بقبول فائق الاحترام)
salam|hormat (?:kami|saya)|trân trọng|thân mến|kính thư|ขอแสดงความนับถือ|ด้วยความเคารพ|با احترام
take care|bis bald|bis dann|a presto|(?:cari|i miei migliori|con i migliori) saluti|un saluto|buona (?:giornata|serata)
in attesa di [^.!?]{1,40}(?:cordiali|distinti) saluti
(?:je vous prie|veuillez|nous vous prions|recevez|avec)[^.!?]{1,90}salutations(?: distinguées| les meilleures)?
dans l['’]attente de [^.!?]{1,140}salutations(?: distinguées| les meilleures)?
belle (?:journée|soirée)|muchos saludos|(?:le|les) saludan? (?:muy )?atentamente|quedo a la espera|afectuosamente
fijne (?:dag|avond)|pozdr\.?|zdravím|pěkný (?:den|večer)|s priateľským pozdravom|vänligen|hälsar|de bedste hilsner
yt\.?|kunnioittavasti|hyvää päivänjatkoa|с наилучшими|щиро ваш\w?|kolay gelsin|baráti üdvözlettel
cu (?:deosebită )?considerație|numai bine|何卒よろしくお願い(?:申し上げます|いたします|致します)。?|以上です。?
祝(?:工作|生活)?(?:顺利|愉快|順利)|مع (?:أطيب|خالص) (?:التحيات|تحياتي|التمنيات)|сърдечни поздрави
с най-добри пожелания|s (?:poštovanjem|spoštovanjem)|lp|lepo pozdravljeni|срдачан поздрав|с поштовањем|поздрав
pagarbiai|su pagarba|geros dienos|linkėjimai|ar (?:cieņu|sveicieniem)|jauku dienu|lugupidamisega
talk soon|speak soon|(?:lots of |with |much )?love(?=,)|xo(?:xo)*|blessings(?=,)|v/r|hugs(?=[,!])
abrazos|tia(?=,)|stay (?:safe|well|healthy)|(?:ein(?:en)? )?schöne[sn] (?:wochenende|tag|abend)(?: noch)?
tschü(?:ss|ß)|сердечно|مع تحياتي
parimate soovidega|tervitades|kõike head|salutacions(?: cordials)?|(?:una )?salutació|atentament
"""
_CLOSING = "|".join(f"(?:{one.strip()})" for one in _CLOSINGS.strip().splitlines())
CLOSING = re.compile(f"(?:{_CLOSING})(?!\\w)", re.I)
# Thanks are words of their own; they only open a signature above a full block of name and numbers.
THANKS = re.compile(
    r"(?:(?:many |kind )?thanks(?: (?:again|and (?:best |kind |warm )?regards|in advance|so much|a lot|you))?"
    r"|thank you(?: very much| so much| and (?:best |kind )?regards)?|thx|gracias|muchas gracias"
    r"|grazie(?: mille)?|merci(?: beaucoup| d'avance)?|danke|vielen dank|dank(?: im voraus)?|obrigad[oa]"
    r"|bedankt|dank u|dziękuję|děkuji|ďakujem|takk?|tack|kiitos|спасибо|дякую|teşekkürler|mulțumesc|köszönöm"
    r"|ευχαριστώ|terima kasih|با تشکر|고맙습니다\.?|谢谢|謝謝|ありがとうございます。?)(?!\w)",
    re.I,
)

# What somebody writes above a name and numbers that are the answer itself.
ANNOUNCES = re.compile(
    r"\b(?:details?|address|contact|data|reach (?:me|us|him|her)|call|number|phone|adress\w*|kontakt\w*|daten|nummer"
    r"|erreich\w+|datos|dirección|número|dati|indirizzo|numero|recapit\w+|coordonnées|adresse|dados|endereço|gegevens"
    r"|adres|dane|adresa|údaje|данные|адрес|дані|follows?|following|below|here (?:is|are)|hier|voici|ecco)\b"
    r"[^.!?]{0,40}\Z",
    re.I,
)

# ---- boiler plate ----

DISCLAIMER = re.compile(
    r"\W{0,6}(?:(?:legal |important |confidentiality |privacy )?(?:notice|disclaimer)\b\s?[:\-–.]"
    r"|confidential(?:ity)?(?: notice)?\s?[:\-–]|th(?:is|e) (?:e-?mail|message|communication|electronic"
    r"|transmission|information (?:contained|in)|contents? of|document|mail).{0,200}(?:confidential|intended"
    r"|privileged|addressee|recipient)|(?:este|esta) (?:mensaje|correo|comunicación|mensagem"
    r"|e-?mail).{0,200}(?:confidencial|destinat[aá]ri)|aviso legal|aviso de confidencial|(?:questo|il presente"
    r"|le informazioni).{0,30}(?:messaggio|e-?mail|contenut|posta).{0,200}(?:riservat|confidenzial"
    r"|destinatari)|(?:ce|cet|le présent|les informations).{0,30}(?:message|e-?mail|courriel"
    r"|courrier).{0,200}(?:confidentiel|destinataire)|(?:diese|dieses|der inhalt dieser).{0,20}(?:e-?mail"
    r"|nachricht|mail).{0,200}(?:vertraulich|bestimmt|empfänger|adressat)|(?:dit|deze"
    r"|de informatie).{0,30}(?:bericht|e-?mail).{0,200}(?:vertrouwelijk|bestemd|geadresseerde)|(?:ta|niniejsza"
    r"|informacje|treść).{0,30}(?:wiadomość|poczta|tej).{0,200}(?:poufn|adresat|przeznaczon)|(?:tento|tato"
    r"|obsah).{0,20}(?:e-?mail|zpráva|správa).{0,200}(?:důvěrn|dôvern|určen)|(?:please )?(?:consider"
    r"|think of) the environment before printing|bitte (?:prüfen|denken) sie.{0,40}(?:ausdruck|drucken|umwelt)"
    r"|(?:это|данное|настоящее) (?:сообщение|письмо|электронное).{0,200}(?:конфиденциальн|предназначен))",
    re.I | re.S,
)
FOOTER = re.compile(
    r"mailing list|mailman/|listinfo|unsubscribe|google groups|groups\.google|you (?:received"
    r"|are receiving) this|to post to this|reply to this email directly|manage (?:your )?(?:subscription"
    r"|preferences|notifications)|abmelden|désabonn|cancelar (?:la )?suscripción|disiscriver|отписаться"
    r"|liste de diffusion|mailingliste|lista de correo",
    re.I,
)
BOILER = re.compile(
    r"confiden|vertraulich|vertrouw|poufn|důvěrn|dôvern|конфиденц|privileg|intended|addressee|recipient"
    r"|destinat|empfänger|adressat|geadresseerd|адресат|unauthori|disclos|distribut|delete|elimin|lösch"
    r"|supprim|notify|inform|environment|umwelt|druck|print|in error|irrtümlich|par erreur|por error"
    r"|per errore|предназнач|určen|przeznacz|bestimmt|bestemd|riservat|legal|solely",
    re.I,
)
GREETING = re.compile(
    r"(?:dear|hello|hi|hey|hallo|hola|ciao|bonjour|buongiorno|sehr geehrte[rn]?|liebe[rs]?|guten (?:tag"
    r"|morgen)|estimad[oa]s?|querid[oa]s?|car[oai]|gentile|egregio|caro|prezad[oa]s?|beste|geachte"
    r"|szanown[aiy]|dzień dobry|dobrý den|vážen[áýí]|hej|hei|kære|bästa|здравствуйте|добрый день|уважаем\w+"
    r"|добрий день|шановн\w+)\b.{0,60}[,!:]\Z",
    re.I,
)
