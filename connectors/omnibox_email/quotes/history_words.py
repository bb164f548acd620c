"""What mail programs of many languages write around quoted history: the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from omnibox_email.caseless import Caseless
from omnibox_email.charsets import words

# ---- introductions («On … wrote:») ----

# The verbs, with the auxiliary words that go between them and the name.
WROTE = Caseless(
    r"(?<!\w)(?:wrote|writes|said|escribi[óo]|escribe|ha escri(?:to|t)|escriure|va escriure|escribiu|scritto|scrive"
    r"|scrisse|schrieb(?:en)?|schreibt|meinte|geschrieben|schreef|schrijft|geschreven|[ée]crit|[ée]crivait"
    r"|vous [ée]criviez|escreveu|escreve|escrita"
    r"|napisał(?:\(?a\)?|/a|o)?|napisana przez|pisze|napsala?|napsal(?:\(a\)|/a)?|píše"
    r"|napísal(?:a|\(a\)|/a)?|píše|skrev|skriver|sade|sagde"
    r"|skreiv|har skrevet|kirjoitti|kirjoittaa|написала?|написал(?:\(а\)|а)?|написав(?:\(ла\)|ла)?|написано"
    r"|написа|пишет|пише"
    r"|писала?|писал(?:\(а\)|а)?|писали|написао(?:/ла)?|је написао|napisao(?:/la)?|napisala|napisal(?:\(a\)|/a)"
    r"|yazdı|yazmış|a scris|scris|írta"
    r"|írt|έγραψε|έγραψαν|γράφει|kirjutas|rašė|parašė|rakstīja|rakstija|menulis|menulis|đã viết|viết|เขียนว่า|เขียน"
    r"|skrifaði|idatzi (?:zuen|du)|scripsit|tulis|het geskryf|shkroi|напиша|піша|напісаў|yazıb"
    r"|skribis|sinulat ni)(?!\w)"
    r"|写道|寫道|写了|寫了|のメール|のメッセージ|さんは書きました|は書きました|が書きました|書きました|さんが書い|작성"
    r"|님이 쓴|썼습니다|씀"
    r"|כתב(?:/ה)?|כתבה|מאת|كتب(?:ت)?|تمت كتابة|میں لکھا|نوشت",
)
# Introductions without a date: «Quoting Ann <a@x.example>:».
QUOTING = re.compile(
    r"(?:quoting|zitat von|zitiere|citando(?: a)?|citando|citation de|citerar|citerer|quoting message from|cytowanie"
    r"|cytat|citace|citeren|cituji|citat|lainaus|idézet"
    r"|цитата от|цитирую|in (?:article|message|reply to)|message de|mensaje de|messaggio da|missatge de"
    r"|rispondo a|thus spake|citējot|tsiteerin|cituojant|citând)\s",
    re.I,
)
# Words that begin an introduction; what comes before one on an earlier line is not part of it.
STARTERS = words(
    """
    on am le el il em op den dne dňa dnia w at el. στις στις: på pe 在 於 于 vào în in la на у в дана datum quoting
    zitat citando a kuupäev missatge o ve tarihinde ב בתאריך في pada ในวันที่ ne dana den. le. بتاريخ
    """.casefold()
)
# Small words that stand beside names and dates, by language.
GLUE = words(
    """
    on at am pm a.m p.m the of via from by date and for to wrote writes said in article message th st nd rd gmt
    utc um uhr von vom hat folgendes im an den der die le la les à au de du des par el los las a del il alle ore
    giorno ha di da alla lo em às à(s e o os as dos das op om van het een ter kl kl. klo dnia w dniu użytkownik
    від noong nang ang
    u z dne v ve ze odesílatel uživatel dňa používateľ в г г. гг р р. от на у о пользователь користувач је ob je
    oseba tarihinde şunu şunları tarihli ezt időpont lui în data ora στις στο ο η χρήστης μ.μ π.μ vào lúc pukul
    tanggal pada kell plkst lietotājs dia que va és det pm. am. h min hs hrs i og och und y et dit has have
    kirjoitti p. pe skrev no: re: cest cet est edt pst pdt msk bst ist jst bin al ibn zu zum zur af ap ben hours
    följande vid
    heure heures hora horas s m á ás luns uur heeft volgende bericht følgende følgjande seguinte siguiente
    seguente quanto wiadomość napisana napisano przez godz kello keltezéssel kellene user usuario usuário utente
    utilisateur benutzer gebruiker hau erabiltzaileak ar của behalf 年 月 日 mailto napisal klockan klokken no
    napon dátummal időpontban
    kuupäeval kontakt today yesterday heute gestern hoy ayer oggi ieri hoje ontem vandaag gisteren aujourd'hui hier
    dziś dzisiaj wczoraj dnes včera idag igår tänään eilen сегодня вчера сьогодні вчора bugün dün 今日 昨日 今天 昨天
    오늘 어제 ma astăzi tegnap danas jučer днес
    """.casefold()
)
# Short names of months and days as they stand in introductions.
DAYS = words(
    """
    pi ut uto sri čet pet sub sij velj ožu tra svi kol ruj stu pir tor ket нов јан јун јул сеп пет уто чет нед дец pn
    dl dt dc dj dv ds dg
    jan feb mar apr may jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ene abr ago
    dic lun mié mie jue vie sáb sab dom janv fév févr fevr avr mai juin juil août aout déc mer jeu ven sam dim
    gen mag giu lug set ott gio seg ter qua qui sex fev out dez mär märz mrz okt don fre die mrt mei maa din woe
    vri zat zon sty lut kwi maj cze lip sie wrz paź lis gru pon wto śro czw pią sob niedz nie led úno bře dub
    kvě čvn čvc čer srp zář říj pro pros úte stř čtv pát ned máj jún júl mån tis ons tor tors lör sön man tir
    lør søn tammik helmik maalisk huhtik toukok kesäk heinäk elok syysk lokak marrask jouluk янв февр фев мар
    апр май мая июн июл авг сент сен окт нояб ноя дек пон вто сре чет пят суб вос січ лют бер квіт трав черв лип
    серп вер жовт лист груд яну юни юли юн юл οκτ ιαν φεβ μαρ απρ μαΐ μαι ιουν ιουλ αυγ σεπ νοε δεκ δευ τρι τετ
    πεμ πέμ παρ σαβ κυρ oca şub nis haz tem ağu eyl eki kas ara paz pzt sal çar per cum cmt ian iun iul márc ápr
    szept febr vas hét kedd sze csü pén szo joi vin sâm dum thg thứ th tháng sel rab kam jum agu des mo di mi do
    fr sa so ma wo vr za zo po út st čt pá ne pn wt śr cz pt sb nd пн вт ср чт пт сб вс нд ti ke to pe la su h k
    cs p v š t s n cn kw lu je ve
    urt ots api eka uzt abu ira urr aza abe
    pirmd otrd trešd ceturtd piektd sestd svētd maijs jūn jūl jaan veebr sausio vas kov bal geg birž liep rugp rugs
    spal lapkr gruod mán þri mið fim fös lau maí ágú nóv pirm otr treš cet luns mér xov ven xan xuñ xul
    """.casefold()
)
# Beginnings of their full names.
DAY_STARTS = tuple(
    words(
        """
    janua janei janvi januá enero gennai febbra maggi maio mayo junio julio septi novie dicie marts març dezemb
    fevrei febru febre fevere février märz march marzo março mars april aprile avril abril juni julho juillet
    juin junho june july giugno luglio august agosto août septem setem settem sept októ octob octub outub ottobr
    okto novem noiem decem décem dezem dicem diciem mond tuesd wednesd thursd frid saturd sund lunes martes
    miérc jueves viernes sábado domingo lundi mardi mercredi jeudi vendredi samedi dimanche lunedì martedì
    mercoled giovedì venerd sabato domenica segunda terça quarta quinta sexta montag dienstag mittwoch donnerst
    freitag samstag sonnabend sonntag maandag dinsdag woensdag donderdag vrijdag zaterdag zondag poniedzia
    wtorek środ czwart piątek sobot niedziel styczn luteg kwietn maja czerwc lipca sierpn wrześ paździer
    listopad grudni pondělí úterý střed čtvrtek pátek neděl ledna únor březn dubna květn června červenc srpna
    září říjn prosin pondelok utorok streda štvrtok piatok nedeľa máj január marec apríl jún júl måndag tisdag
    onsdag torsdag fredag lördag söndag mandag tirsdag lørdag søndag maanantai tiistai keskiviikko torstai
    perjantai lauantai sunnuntai tammiku helmiku maalisku huhtiku toukoku kesäku heinäku eloku syysku lokaku
    marrasku jouluku январ феврал марта апрел июня июля август сентябр октябр ноябр декабр понедел вторник среда
    четверг пятниц суббот воскрес січн лютог березн квітн травн червн липн серпн вересн жовтн листопад грудн
    понеділ вівторок середа четвер пʼятниц субот неділ ιανουαρ φεβρουαρ μαρτί απριλ μαΐου ιουνί ιουλί αυγούστ
    σεπτεμ οκτωβρ νοεμβρ δεκεμβρ δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή ocak şubat nisan mayıs
    haziran temmuz ağustos eylül ekim kasım aralık pazartesi salı çarşamba perşembe cuma pazar ianuar iunie
    iulie hétfő szerda csütörtök péntek szombat vasárnap luni marți miercuri vineri sâmbătă duminică szeptember
    gener febrer juny juliol agost setembre desembre jaanuar veebruar aprill juuni juuli novembr detsemb oktoob
    esmasp teisip kolmap neljap reede laupäe pühap pirmdie otrdie trešdie ceturtd piektd sestdie svētdie
    siječnja veljač ožujk travnja svibnja lipnja srpnja kolovoz rujna studeno prosinc
    pirmadie antradie trečiadie ketvirtad penktadie šeštadie sekmadie ponedjelj nedjelj četrtek sobota
    """
    )
)

# Whoever is named by a pronoun is named by a writer, not by a program.
PRONOUNS = words(
    """
    I i we my our your his her their he she they ich wir mein unser er sie yo nosotros él ella io noi eu nós ele
    ela ik wij hij zij ja já я мы он она они jag vi jeg han hun hon minä me hän biz ben
    us mir mich uns Ihr Ihre Ihrem Ihnen euer mi nos nuestro nuestra suo sua vostro vostra mio mia nostro seu minha meu
    mon notre nous vous votre m'a m’a m'ont m’ont mijn uw mij ons jullie mig meg ni er ert mně nám váš vám mnie nam
    wasz мне нам ваш ваша bana bize
    """
)

# ---- header blocks («From: … Sent: …») ----

_FIELDS: Mapping[str, str] = {
    "from": (
        "from|from address|de|da|von|van|od|fra|från|lähettäjä|от|от кого|від|від кого|kimden|gönderen|expéditeur"
        "|absender|remitente|mittente|remetente|afzender|nadawca|odesílatel|odosielateľ|avsändare|avsender"
        "|afsender|отправитель|відправник|发件人|發件人|寄件者|寄件人|差出人|送信者|送信元|보낸 사람|보낸사람|보낸이"
        "|보내는 사람|발신|발신자|feladó|de la"
        "|expeditor|από|αποστολέας|מאת|من|المرسل|từ|người gửi|dari|pengirim|จาก|šalje|saatja|nuo|no|šalje|шаље"
        "|frá|од|ад|nga|kimdən|kimdan|minn|oddi wrth|ó|kutoka|mula kay"
        "|از|प्रेषक|से|igorlea|nork|siuntėjas|sūtītājs|daripada"
    ),
    "sent": (
        "sent|sent on|sent at|date sent|enviado|enviado el|enviado a las|enviado em|enviada em|enviada|enviado:"
        "|enviat|inviato|inviato il|data invio|gesendet|gesendet am|envoyé|envoyé le|date d'envoi|verzonden"
        "|verzonden op|wysłano|wysłane|data wysłania|odesláno|odoslané|odeslané|sendt|skickat|skickad|lähetetty"
        "|отправлено|дата отправки|надіслано|відправлено|изпратено|изпратено на|gönderildi|gönderilme|gönderme tarihi"
        "|gönderim tarihi|gönderim zamanı|gönderilen|发送时间|發送時間|发送日期|寄件日期|傳送時間|送信日時"
        "|보낸 날짜|보낸날짜|보낸 시간|küldve"
        "|elküldve|trimis|trimis la|expediat|στάλθηκε|αποστολή|נשלח|תאריך שליחה|تم الإرسال|أرسلت|مرسل"
        "|تاريخ الإرسال|đã gửi|gửi|dikirim|terkirim|ส่ง|ส่งเมื่อ|poslano|послато|saadetud|išsiųsta|nosūtīts|sent date"
        "|enviados|dërguar|göndərildi|yuborilgan|mibgħut|anfonwyd|seolta|gestuur|ilitumwa|ipinadala|испратено"
        "|poslato|ارسال شده|ارسال|भेजा गया|bidaltze-data|bidalia|dihantar|enviado a"
    ),
    "date": (
        "date|fecha|data|datum|dato|päivämäärä|päiväys|pvm|дата|dátum|dată|tarih|ημερομηνία|ημερ/νία|תאריך"
        "|التاريخ|تاريخ|日付|日時|日期|时间|時間|날짜|작성일|ngày|tanggal|วันที่|kuupäev|datums|fecha de envío"
        "|date/time|when|le"
        "|el|time sent"
    ),
    "to": (
        "to|para|a|à|an|aan|do|komu|til|till|vastaanottaja|vastaanottajat|кому|до|kime|alıcı|收件人|收件者"
        "|宛先|受信者|送信先"
        "|받는 사람|받는사람|받은 사람|받는이|수신|수신자"
        "|destinataire|destinatario|destinatário|empfänger|ontvanger|odbiorca"
        "|adresat|příjemce"
        "|prijemca|mottagare|mottaker|modtager|получатель|címzett|către|catre|pentru|προς|אל|إلى|الى|đến|tới"
        "|người nhận|kepada|ke|ถึง|za|kome|prima|за|kellele|saaja|kam|per a|til:|recipient|recipients"
        "|për|kimə|kimga|lil|at|chuig|kwa|kay|каму|به|को|hartzailea|nori|gavėjas|saņēmējs"
    ),
    "cc": (
        "cc|bcc|cci|cco|kopie|kopie an|kopia|kopi|kopio|copie|copie à|copia|cópia|kópia|másolat|копия|копія|dw"
        "|bilgi|gizli|抄送|副本|密送|参照|참조|숨은 참조|κοιν|κοιν.|κοινοποίηση|עותק|نسخة|slepá kopie"
        "|piilokopio|cópia oculta"
        "|tembusan|สำเนา|opis|kk|ukryta kopia|blindkopie|másolatot kap"
    ),
    "subject": (
        "subject|asunto|oggetto|betreff|betr.|objet|sujet|onderwerp|temat|předmět|predmet|emne|ämne|aihe|otsikko"
        "|тема|относно|konu|主题|主旨|主題|标题|件名|题目|제목|tárgy|subiect|subiectul|θέμα|נושא|الموضوع|موضوع"
        "|chủ đề|tiêu đề"
        "|perihal|subjek|เรื่อง|zadeva|предмет|наслов|teema|tema|tēma|assunto|assumpte|efni|sub|re|title"
        "|subjekti|mövzu|mavzu|suġġett|pwnc|ábhar|mada|paksa|тэма|thema|विषय|gaia"
    ),
    "sender": "sender",  # what «From» is to Alibaba's mail, and one more header to others
    "other": (
        "reply-to|reply to|respuesta a|rispondi a|antwort an|répondre à|responder a|importance|importancia"
        "|wichtigkeit|priorität|priorità|priority|importanza|belang|attachments|attachment|adjuntos|anlagen"
        "|anhänge|allegati|pièces jointes|bijlagen|anexos|załączniki|přílohy|вложения|bilagor|vedlegg"
        "|organization|organisation|x-mailer|reply|sensitivity|category|message-id|cc:|mailed-by|附件|添付|첨부|size"
        "|list-id|return-path|delivered-to|gruppen|newsgroups|user|resent-from"
    ),
}
FIELDS: Mapping[str, str] = {label.casefold(): kind for kind, labels in _FIELDS.items() for label in labels.split("|")}
LONGEST_LABEL = max(map(len, FIELDS))

# ---- rules («-----Original Message-----») ----

PHRASES = frozenset(
    """
    original
    original message|original mail|original email|original e-mail|original appointment|original text|forwarded message
    forwarded mail|forwarded email|forwarded e-mail|forwarded letter|reply message|original message follows
    message original
    forward message|forwarded content|begin forwarded message|start of forwarded message|start forwarded message
    in reply to|replied message|quoted message|previous message|original msg|reply separator|historic message
    original message processed by david®|original message processed by david|original message processed by tobit david
    mensaje original|mensaje reenviado|correo original|mensaje inicial|mail original|inicio del mensaje reenviado
    mensaje enviado|mensaje anterior|correo reenviado
    messaggio originale|messaggio inoltrato|email originale|e-mail originale|messaggio originario
    inizio messaggio inoltrato
    inizio del messaggio inoltrato|messaggio iniziale
    message d'origine|message d’origine|message initial|message transféré|message réexpédié|message transmis
    courriel original
    e-mail d'origine|e-mail d’origine|mail d'origine|message d'origine de|début du message réexpédié
    début du message transféré
    e-mail original|courriel d'origine|e-mail transféré|message précédent
    ursprüngliche nachricht|original-nachricht|originalnachricht|original nachricht|ursprüngliche e-mail
    ursprüngliche mail
    originale nachricht|orginalnachricht|weitergeleitete nachricht|original-mail|originalmail|originale mail
    original-mitteilung|antwort-nachricht
    weitergeleitete mail
    weitergeleitete e-mail|anfang der weitergeleiteten nachricht|ursprüngl. mitteilung|urspr. nachricht
    original e-mail
    ursprungliche nachricht|ursprüngliche mitteilung|vorherige nachricht
    mensagem original|mensagem encaminhada|mensagem reencaminhada|início da mensagem reencaminhada|mensagem de origem
    início da mensagem encaminhada|e-mail encaminhado|mensagem anterior
    oorspronkelijk bericht|origineel bericht|doorgestuurd bericht|doorgezonden bericht|oorspronkelijke e-mail
    begin doorgestuurd bericht|oorspronkelijke bericht|originele bericht|origineel e-mailbericht
    wiadomość oryginalna|oryginalna wiadomość|wiadomość przekazana|przekazana wiadomość|treść oryginalnej wiadomości
    treść przekazanej wiadomości
    wiadomość pierwotna|wiadomość źródłowa|początek przekazywanej wiadomości|oryginalny e-mail
    przesłana dalej wiadomość
    původní zpráva|původní e-mail|přeposlaná zpráva|předaná zpráva|přeposlaný e-mail|původní email
    začátek přeposílané zprávy
    pôvodná správa|pôvodný e-mail|preposlaná správa|postúpená správa|pôvodný email|začiatok preposlanej správy
    исходное сообщение|первоначальное сообщение|исходное письмо|пересылаемое сообщение|пересланное сообщение
    оригинальное сообщение|пересылаемое письмо|начало переадресованного сообщения|начало переадресованного письма
    пересланное письмо|предыдущее сообщение|сообщение оригинал
    оригінальне повідомлення|початкове повідомлення|вихідне повідомлення|переслане повідомлення
    пересилається повідомлення
    початок листа, що пересилається|оригінал повідомлення|переслане повідомлення від
    ursprungligt meddelande|originalmeddelande|vidarebefordrat meddelande|vidarebefordrat brev|ursprungligt mail
    vidarebefordrat mail|börja vidarebefordrat brev|original meddelande|ursprungligt e-postmeddelande
    ursprungligt brev
    opprinnelig melding|videresendt melding|original melding|originalmelding|start på videresendt melding
    opprinnelig e-post
    oprindelig meddelelse|original meddelelse|oprindelig besked|videresendt meddelelse|videresendt besked
    oprindelig mail
    start på videresendt besked|original besked|originalmeddelelse|videresendt mail|oprindelig e-mail
    alkuperäinen viesti|välitetty viesti|alkuperäinen sähköposti|edelleen lähetetty viesti|välitetty viesti alkaa
    alkuperäinen sanoma|edelleenlähetetty viesti
    eredeti üzenet|továbbított üzenet|eredeti levél|továbbított levél|továbbított levél kezdete|továbbított e-mail
    mesaj original|mesajul original|mesaj redirecționat|mesaj redirectionat|mesaj transmis|mesaj trimis mai departe
    orijinal mesaj|özgün ileti|orijinal ileti|özgün mesaj|iletilen mesaj|yönlendirilen mesaj|yönlendirilmiş ileti
    iletilen ileti
    original mesaj|orijinal e-posta|başlangıç iletilen ileti|asıl mesaj
    αρχικό μήνυμα|πρωτότυπο μήνυμα|προωθημένο μήνυμα|αυθεντικό μήνυμα|προωθούμενο μήνυμα|αρχικό e-mail
    оригинално писмо|препратено писмо
    оригинално съобщение|препратено съобщение|първоначално съобщение|izvorna poruka|originalna poruka
    proslijeđena poruka
    оригинална порука|прослеђена порука|prosleđena poruka|izvirno sporočilo|posredovano sporočilo
    missatge original|missatge reenviat|mensaxe orixinal|jatorrizko mezua|algkiri|originaalkiri|edastatud kiri
    originalus laiškas|pradinis pranešimas|persiųstas laiškas|sākotnējais ziņojums|pārsūtīts ziņojums
    הודעה מקורית|הודעה שהועברה|הודעה מועברת|ההודעה המקורית
    الرسالة الأصلية|رسالة أصلية|رسالة معاد توجيهها|رسالة مُعاد توجيهها|پیام اصلی|پیام بازارسال شده
    thư gốc|tin nhắn gốc|thư đã chuyển tiếp|thư được chuyển tiếp|pesan asli|pesan terusan|pesan yang diteruskan
    ข้อความต้นฉบับ|ข้อความที่ส่งต่อ|mesej asal
    原始邮件|原始郵件|原邮件|原始信件|原信件|原邮件信息|转发的邮件|转发邮件|转发邮件信息|轉寄的郵件|轉寄郵件
    轉寄信件|回复的原邮件|回复的邮件
    原始消息|原始訊息|原文|转发信息|轉寄訊息|已转发邮件|已轉寄郵件|原始内容|發件人信息|回覆郵件
    元のメッセージ|元のメール|転送メッセージ|転送されたメッセージ|転送されたメール|オリジナルメッセージ|元メッセージ
    転送メール
    ここから転送されたメッセージ|以下転送メッセージ|引用開始
    원본 메시지|원본 메일|원본 이메일|받은 메일 내용|원본메시지|원본메일|전달된 메시지|전달된 메일|원래 메시지|원본 내용
    """.replace("\n", "|").split("|")
) - {""}
PHRASES = frozenset(phrase.strip().casefold() for phrase in PHRASES) - {""}
# «----- Forwarded by Ann/ACME on 02/04/2012 -----»: phrases that a name follows.
PHRASE_STARTS = (
    "forwarded by",
    "forwarded message",
    "message from",
    "original message from",
    "original message",
    "message forwarded by",
    "weitergeleitet von",
    "nachricht von",
    "weitergeleitete nachricht von",
    "ursprüngliche nachricht von",
    "transmis par",
    "message de",
    "message transféré",
    "réacheminé par",
    "reenviado por",
    "mensaje de",
    "mensaje reenviado",
    "mensaje original",
    "inoltrato da",
    "messaggio da",
    "messaggio inoltrato",
    "encaminhado por",
    "mensagem de",
    "doorgestuurd door",
    "bericht van",
    "przekazane przez",
    "wiadomość od",
    "přeposláno",
    "vidarebefordrat av",
    "videresendt av",
    "videresendt af",
    "välittänyt",
    "переслано",
    "сообщение от",
    "пересылаемое сообщение",
)

# ---- «reply above this line» ----

REPLY_ABOVE = re.compile(
    r"(?:reply|respond|response|write|answer|type)\b.{0,40}\babove (?:this|the) (?:line|message|text)"
    r"|above this line (?:to|and) (?:reply|respond|add|post)|add your (?:reply|comment) above"
    r"|(?:oberhalb|über) dieser (?:zeile|linie)|über diese(?:r)? (?:zeile|linie)"
    r"|(?:por encima|encima|arriba) de esta l[íi]nea|au[- ]dessus de cette ligne|sopra (?:a )?questa (?:riga|linea)"
    r"|acima d(?:esta|essa) linha|boven deze (?:lijn|regel)|ovanför (?:denna|den här) (?:linje|rad)|over denne linje"
    r"|powyżej (?:tej linii|tego wiersza)|nad tento řádek|nad tímto řádkem|nad túto čiaru"
    r"|выше этой (?:строки|линии|черты)"
    r"|вище цієї лінії|tämän (?:rivin|viivan) yläpuolelle|bu satırın (?:üstüne|üzerine)|この(?:行|線)(?:より"
    r"|の)上|此行(?:以上|上方)",
    re.I,
)
