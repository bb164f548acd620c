"""The words of mail systems in many languages: who speaks, that a mail did not arrive, where its copy begins."""

from __future__ import annotations

import re

from omnibox_email.caseless import Caseless

DAEMON = re.compile(
    r"(?:mailer|mail|e?mail-?delivery|delivery|smtp)[-_. ]?daemon\d*|mdaemon|maildelivery|mail[-_.]delivery(?:[-_.].*)?"
    r"|mmdf|undeliverable|nondelivery|ndr|microsoftexchange[0-9a-f]{32}",
    re.I,
)
# Names that newsletters and shops give themselves as well.
MAYBE_DAEMON = re.compile(r"mail[-_.]?(?:system|subsystem|er|robot)|mta|bounces?", re.I)
POSTMASTER = re.compile(
    r"post[-_.]?master(?:[-_.+].*)?|mail[-_.]?(?:admin|administrator|master)|mailadmin|(?:system[-_.]?)?administrator"
    r"|sysadmin|hostmaster",
    re.I,
)
# Whatever these find: no local part of nearly any mail.
ROBOT = re.compile("|".join(each.pattern for each in (DAEMON, MAYBE_DAEMON, POSTMASTER)), re.I)
NAMES = Caseless(
    r"mail(?:er)?[ -](?:delivery|daemon|system|administrator|server|router|gateway|message)"
    r"|post ?master|system administrator|microsoft outlook|microsoft exchange|internet mail delivery|spam firewall"
    r"|mail ?security|interscan|message ?labs|electronic postmaster"
    r"|administrateur (?:du )?syst|systemadministrator|amministratore (?:di )?sistema|administrador (?:del? |do )"
    r"|sistema di posta|systeembeheer|administrator systemu|správce systému|systemadministratör|systemansvarlig"
    r"|järjestelmänvalvoja|системный администратор|администратор|système de messagerie|sistema de correo"
    r"|システム管理者|メール配信|系统管理员|系統管理員|邮件系统|시스템 관리자",
)
_PERSONAL = (
    r"(?:re|fwd?|fw|aw|wg|rv|rif|r|i|sv|vs|vb|antw|doorst|tr|ynt|ilt|odp|res|enc|ref|na|pd|inoltra"
    r"|回复|答复|转发|返信|転送)"
)
PERSONAL = re.compile(rf"\s*(?:\[[^\]]{{0,40}}\]\s*)?{_PERSONAL}\s*(?:\[\d+\]|\(\d+\)|\*\d+)?\s*[:：]", re.I)

NOTICE = re.compile(
    r"undeliver|delivery (?:status|fail|problem|error|notification|report|has failed|warning|incomplete)|delivery to"
    r"|returned mail|return(?:ed)? to sender|failure notice|mail (?:delivery|could not be (?:sent|deliver))"
    r"|non[- ]?delivery"
    r"|not delivered"
    r"|(?:message|mail|email) (?:you sent|could not be (?:sent|deliver)|not |delivery|status|undeliverable|delayed)"
    r"|mail system error"
    r"|could not (?:be delivered|send)|couldn't be delivered|delayed mail|mail delivery|warning: (?:message"
    r"|could not)"
    r"|postmaster notify|\[bounce\]|bounce(?:d)?\b.{0,20}(?:mail|message)|mail status report|nondeliverable"
    r"|unable to deliver"
    r"|unzustellbar|nicht zugestellt|zustellung.{0,30}(?:fehl|nicht|verz)|unbestellbar|zustellungs|rückläufer"
    r"|non remis|non distribu|échec|non délivr|pas pu être (?:remis|distribu|délivr)|retard de"
    r"|no se (?:ha |pudo |puede )?(?:podido )?entreg|no entregad|devuelto|error (?:de|en la) entrega|fallo (?:de"
    r"|en la) entrega"
    r"|mancat[ao] (?:consegna|recapito)|non (?:recapitabil|consegnat|recapitat)|impossibile recapitare"
    r"|errore di consegna"
    r"|não (?:entregue|é possível entregar|foi entregue|entregável)|falha na entrega|devolvid|erro na entrega"
    r"|niet te bezorgen|onbestelbaar|niet (?:bezorgd|afgeleverd)|nie można dostarczyć|niedostarcz|zwrot"
    r"|nedoručiteln|nedoruč|(?:kan|gick|går) inte (?:att )?leverera|olevererbar|ej levererat|kan ikke leveres"
    r"|uleverbar|ikke levert"
    r"|ei voi(?:da|tu)? toimittaa|toimittamat|недостав|не доставлен|не может быть доставлен|возвращен"
    r"|kézbesíthetetlen|teslim edilemedi|iletilemedi|αδυναμία παράδοσης|δεν παραδόθηκε|nelivrat"
    r"|配信(?:不能|できません|失敗|エラー)|送信(?:エラー|でき|失敗)|届きません|未配信|返送|不達"
    r"|退信|无法(?:投递|传递|送达|发送)|未送达|投递失败|發送失敗|無法(?:傳遞|寄達|遞送)|退回|배달(?:되지| 실패"
    r"|할 수)|반송|전송 실패",
    re.I,
)
FAILED = re.compile(
    r"could ?n(?:ot|'t) (?:be|deliver|send|find)|couldn.t be delivered|can ?n(?:ot|'t) be (?:delivered|reached)"
    r"|can't deliver"
    r"|(?:un|not |wasn't |weren't |isn't )able to deliver|undeliver|non[- ]?deliver|not (?:been )?delivered"
    r"|wasn.t delivered"
    r"|weren.t delivered|did(?: not|n.t) reach|fail(?:ed|ure)\b.{0,40}deliver|deliver\w*\b.{0,60}\b(?:fail|problem"
    r"|error|unsuccess)"
    r"|fail(?:ed)? permanently|permanent(?:ly)? (?:fatal )?(?:error|fail)|fatal (?:delivery )?errors?"
    r"|delivery errors?"
    r"|(?:user|recipient|mailbox|address|account|name)[^.\n]{0,30} (?:unknown|not found|does(?: not|n't) exist|full"
    r"|disabled|unavailable|not recognized|rejected|is not recognized)"
    r"|(?:unknown|no such|invalid|illegal|bad) (?:user|recipient|mailbox|local|address|host|domain)|over ?quota"
    r"|exceeds? (?:allowed|the)"
    r"|does(?: not|n't) have an account"
    r"|no (?:mailbox|account) (?:here|by|with)|no valid recipients|returned to (?:sender|you)"
    r"|was (?:blocked|rejected|refused|returned)|were rejected"
    r"|message (?:was )?rejected"
    r"|not accepting|has been (?:blocked|rejected|refused|returned|delayed)|not listed in|error has occurred"
    r"|an error occurred"
    r"|trouble delivering|undelivered|non-deliverable|not yet been delivered|will be retried|deferred|still trying"
    r"|nicht (?:\w+ ){0,3}(?:zugestellt|zustell|ausgeliefert|gefunden|erreicht)|unzustellbar|nachrichtenzustellung"
    r"|zustellung (?:\w+ ){0,4}fehl"
    r"|pas (?:pu )?(?:être |été )(?:remis|distribu|délivr|livr|envoy)|impossible de (?:joindre|remettre|distribuer)"
    r"|échec de la remise|échoué|n'existe (?:pas|plus)"
    r"|no (?:ha |se ha |se )?(?:pudo|puede|podido|pudieron)(?: ser)? (?:entreg|envia)|no ha podido ser"
    r"|no se (?:pudo|puede|ha podido)|no entregad|no ha sido entregad|no existe|fallo"
    r"|non (?:è stat[oa]|sono stati|è possibile|può essere)|impossibile (?:recapit|consegn)|inesistente"
    r"|mancat[ao] (?:consegna|recapito)"
    r"|não (?:pôde|pode|foi|foram|puderam|é possível)|falha|não existe|niet (?:worden |kunnen |te )?(?:bezorg"
    r"|aflever|afgelever|bereik)|kon niet|bestaat niet|mislukt"
    r"|nie (?:mogła|można|został|udało|zostal)|nie istnieje|nelze|nebyl[ao]? (?:možné )?doruč|se nepodařilo"
    r"|nezdařil|sa nepodarilo|nebolo možné|başarısız|nije (?:moguće|uspje|bilo)|ni (?:bilo )?mogoče|не вдалося"
    r"|تعذر|فشل|לא ניתן|נכשל|không thể|thất bại|gagal|tidak dapat|ไม่สามารถ|ล้มเหลว"
    r"|neexistuje"
    r"|kunde inte|inte (?:att )?(?:leverera|nå)\b|nådde inte"
    r"|ikke (?:nå|frem)\b|kunne ikke|ikke leveres|ikke levert|ei voi|ei voitu|epäonnistui"
    r"|не (?:может|мог|было|удалось|удается|доставлен|получил|существует)|недостав|невозможно|не може"
    r"|nem (?:sikerült|lehet|kézbesít)|edilemedi|ulaştırılamadı|δεν (?:ήταν|μπορ|παραδ)|nu a (?:putut|fost)"
    r"|でき(?:ません|なかった)|出来ません|届きません|届けられ|配信不能|存在しない|存在しません|送信でき|エラー"
    r"|見つかりません|ありません"
    r"|无法|無法|退回|退信|不存在|失败|失敗|拒绝|拒絕|被拒|없습니다|못했습니다|실패|반송",
    re.I,
)
DELAYED = re.compile(
    r"will (?:be|keep|continue|still be)(?: being)? (?:retr|try|attempt|to (?:re)?try)|still (?:being (?:re)?tr"
    r"|tr(?:y|ie))"
    r"|not yet (?:been )?delivered|has been delayed|(?:is|was) delayed|delayed mail|warning message only"
    r"|is a warning only"
    r"|attempts? will continue|\(delay(?:ed)?\)|temporary (?:delivery )?problem|message delayed|delayed \d+ (?:hour"
    r"|minute|day)"
    r"|could not send (?:message )?for past|still undelivered|delivery (?:is )?delayed|keep trying|we'll keep"
    r"|verzögert|weiterhin versucht|wird (?:erneut|weiter) versucht|noch nicht (?:\w+ ){0,3}zugestellt"
    r"|retardé|en retard|sera (?:de nouveau|réessay)|pas encore (?:été )?(?:remis|distribu|délivr)"
    r"|retrasad|demorad|se (?:seguirá|volverá a) intentar|todavía no|aún no (?:se )?ha"
    r"|in ritardo|ritardat|non è ancora stat|verrà ritentat|sarà ritentat|atrasad|ainda não (?:foi|pôde)|será tentad"
    r"|vertraagd|nog niet (?:bezorgd|afgeleverd)|opóźnion|jeszcze nie|zpožděn|försenad|forsinket|viivästy"
    r"|задерж|ещё не|еще не|будут продолжены|gecik|遅延|遅れて|再送を|再試行|延迟|延遲|重试|지연",
    re.I,
)
ARRIVED = re.compile(
    r"(?:was|were|been) (?:successfully )?(?:delivered|relayed) to|successful (?:mail )?delivery"
    r"|successfully (?:delivered|relayed)"
    r"|erfolgreich zugestellt|a été remis (?:avec succès|à)|se ha entregado|è stato (?:recapitato|consegnato)"
    r"|foi entregue com"
    r"|had successful delivery|доставлено успешно|配信されました|已送达",
    re.I,
)
# Handed to a system that sends no receipts.
RELAYED = re.compile(
    r"no delivery notification was sent|relayed to (?:an? )?non-dsn"
    r"|keine (?:zustellungs|übermittlungs)\w*benachrichtigung"
    r"|(?:no envió|no ha enviado) (?:una |ninguna )?notificación|aucune notification de (?:remise|distribution)"
    r"|non ha inviato (?:una |alcuna )?notifica|nenhuma notificação|não enviou (?:uma |nenhuma )?notificação"
    r"|geen (?:bezorgings|ontvangst)\w*",
    re.I,
)
# A filter that asks whether the sender is a person, a moderator's queue, a receipt: the mail is not undeliverable.
NO_REPORT = re.compile(
    r"confirm (?:that|your|you|this|the|delivery|by)|confirmation (?:request|required|email|message)|(?:please|must"
    r"|need to) confirm"
    r"|verify (?:that )?(?:you|yourself|your (?:email|message|identity))|(?:being|is|are|was|been) held"
    r"|awaits? (?:moderator|approval)|moderator"
    r"|received your (?:request|ticket|enquiry|inquiry|question|support)"
    r"|your (?:request|ticket|enquiry|inquiry|question)\b.{0,120}\b(?:was|has been) (?:received|created|registered)"
    r"|prove (?:that )?you|authori[sz]ed senders|challenge|(?:click|reply|follow).{0,60}(?:to|and) (?:deliver"
    r"|release|confirm|approve)"
    r"|(?:was|were) (?:read|displayed|opened|deleted without)|bestätigen sie|bestätigung erforderlich"
    r"|confirme[zr]? (?:que|votre|su|sua|seu|el|o)|confermare|conferma richiesta|confirma(?:ción|ção) (?:requerida"
    r"|necess|solicit)"
    r"|подтверди|認証|確認して(?:ください|下さい)|请确认",
    re.I,
)
ABSENT = re.compile(
    r"out[ -]of[ -](?:the[ -])?office|auto(?:matic|mated|mático|matica|matique|matisch\w*|maattinen)?[ -]?(?:reply"
    r"|response|answer)|autoreply|vacation|on holiday|on leave|away (?:from|until)"
    r"|abwesen|automatische (?:antwort|rückmeldung)|nicht im (?:haus|büro)|urlaub|réponse automatique|absent|en congé"
    r"|respuesta autom|fuera de (?:la )?oficina|vacaciones|risposta automatica|fuori (?:ufficio|sede)|in ferie"
    r"|assenza"
    r"|resposta autom|ausência|fora do escrit|férias|automatisch antwoord|afwezig|autosvar|automatiskt? svar"
    r"|frånvar|fravær|på semester"
    r"|automaattinen vastaus|poissa|odpowied[zź] automatyczna|automatyczna odpowied|nieobecno|automatická odpověď"
    r"|nepřítomn"
    r"|автоматический ответ|автоответ|отпуск|otomatik yanıt|αυτόματη απάντηση|automatikus válasz|răspuns automat"
    r"|自動(?:返信|応答)|不在|自动(?:回复|答复)|自動回覆|休假|자동 (?:회신|응답)|부재",
    re.I,
)

_COPIED = (
    r"original|cop(?:y|ie|ia|ía|ii) (?:of|de|del|della|do)?|returned message|unsent message|below this line|header"
    r"|kopie|kopia|kopi\b|cópia"
    r"|message follow|ursprünglich|folgt|suit\b|följer|segue|sigue|исходн|копия|原|元の|オリジナル|원본|nagłówk"
    r"|en-tête|encabezad"
)
COPY_BEGINS = re.compile(
    rf"^[ \t>]*+[-=_*]{{2,}}+[^\n]{{0,60}}?(?:{_COPIED})[^\n]{{0,100}}$"
    r"|^[ \t>]*(?:possibly truncated )?original (?:message|mail|e-mail)(?: text| headers?)?(?: (?:follows?"
    r"|is attached))?[ \t]*[.:]?[ \t]*$"
    r"|^[ \t>]*(?:the )?message (?:headers?|contents?|text) follows?[ \t]*[.:]?[ \t]*$"
    r"|^[ \t>]*below is a copy of[^\n]{0,80}$|^[ \t>]*(?:original message headers|message header)[ \t]*:?[ \t]*$"
    r"|^[^\n:]{0,60}(?:kopfzeilen|en-têtes|encabezados|intestazioni|cabeçalhos|berichtkoppen|berichtkop|nagłówki"
    r"|záhlaví"
    r"|заголовки|meddelandehuvud|meldingshode|ヘッダー|邮件头|標頭|头信息)[^\n:]{0,40}[:：][ \t]*$"
    r"|^[ \t>]*(?:received|return-path):[ \t]",
    re.I | re.M,
)
SUBJECT_LINE = re.compile(
    r"^[ \t>*]*(?:the )?(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|předmět|emne|ämne|aihe|тема"
    r"|konu|tárgy"
    r"|subiect|θέμα|件名|主\s?题|主旨|제목)(?: of the message is)?[ \t]*[:：][^\n]*",
    re.I | re.M,
)
SECOND_COPY_BEGINS = re.compile(r"^[ \t>]*(?:message-id|mime-version|dkim-signature|x-[a-z-]{2,40}):[ \t]", re.I | re.M)

_RECIPIENT = (
    r"(?:failed |intended |original |final |invalid |unknown )?recipients?(?: address)?|failed address"
    r"|failed recipients?|addressed to|delivery to"
    r"|undeliverable (?:to|address)|bad address|your (?:message|mail|email) to|could not be delivered to"
    r"|unable to deliver (?:message )?to"
    r"|empfänger(?:adresse)?|destinataires?|destinatari[oai](?:s|\(s\)|\(i\))?|destinatário(?:s|\(s\))?|ontvangers?"
    r"|geadresseerden?|odbiorc[ay]|adresat"
    r"|příjemc[ei]|mottagare|mottaker|modtager|vastaanottaja|получател[ьи]|адресат|címzett|alıcı|παραλήπτης"
    r"|宛先|受信者|送信先|收\s?件\s?人|收信人|受取人|수신자|받는 ?사람"
)
RECIPIENT_LINE = re.compile(rf"[^\w\n]*(?:{_RECIPIENT})[^\w\n<+]{{0,12}}(?:smtp:|rfc822;|mailto:)?", re.I)
TO_LINE = re.compile(r"[^\w\n]*(?:to|an|à|para|a|aan|do|till|til|кому)\s*[:：]", re.I)
OTHER_LINE = re.compile(
    r"[^\w\n]*(?:from|mail from|sender|reply(?:-to| to)?|original sender|contact|help|support|questions?|by|cc"
    r"|return-path|message-id|x-[\w-]+"
    r"|von|absender|fragen|kontakt|de|expéditeur|contacto|remitente|da|mittente|contatti|remetente|van|od|от"
    r"|отправитель"
    r"|差出人|送信者|发件人|寄件人|发信人|original address|generating server|generierender server|reported by"
    r"|(?:please )?(?:write|send|reply)\b.*)\s*[:：]",
    re.I,
)
ASKS_FOR_HELP = re.compile(
    r"contact|assist|help|support|questions?|reply to|send mail to|write to|report (?:it|this|the)|forward|"
    r"fragen|hilfe|wenden|kontakt|aide|contacte|ayuda|assistenza|scriva|scriv|ajuda|hulp|pomoc|обрат|問い合わせ"
    r"|联系|咨询|联络",
    re.I,
)
EXPANDED = re.compile(
    r"expanded from|generated from|originally|forwarded (?:from|by)|for <|weitergeleitet von"
    r"|original(?:ly)? (?:address|recipient)",
    re.I,
)
