"""What tells a person who writes of a notice, a number or a scanner from the program that adds one.

A house's text speaks of «this message» and «the recipient» in general terms. People speak of what happened: of us and
of you, of another customer, of an invoice; they ask, and they ask for something else than to delete a mail.
Whatever is taken for a person's words stays, so this errs on that side.
"""

from __future__ import annotations

import re

from omnibox_email.quotes.notice_words import FIRST_PERSON

# Said by houses too, though with «we» and «us»; looked for in small letters, as all here is.
_STOCK = re.compile(
    r"\b(?:notify|inform|contact|advise|telling|notifying|contacting) us\b|\blet us know\b"
    r"|\bwe (?:do not|cannot|can not|accept no|will not)\b[^.?!]{0,60}(?:liab|responsib)"
    r"|for (?:more|further) information,? please (?:visit|see|click|go to)"
    r"|(?:benachrichtigen|informieren|verständigen|unterrichten|kontaktieren) sie (?:bitte )?uns\b"
    r"|\bbitten wir\b|\bwir bitten\b|(?:avertir|prévenir|informer|contacter|aviser)[ -]nous\b|prévenez-nous\b"
    r"|\bnous vous (?:prions|remercions|demandons|informons)\b|\bnous (?:en |le |l['’])(?:avertir|inform|signal"
    r"|retourn)"
    r"|\bnos lo (?:comuni|notifi|hag|indi)\w+|en contacto con nosotros|(?:comunicar|avise|informe)-nos\b"
    r"|verzoeken (?:wij|we)\b|(?:wij|we) verzoeken\b|\bber vi\b|\bbeder vi\b|(?:powiadomi|poinformow)\w+ nas\b"
    r"|(?:уведомить|уведомите) нас\b|(?:сообщить|сообщите) нам\b"
)
_MAIL = r"(?:e-?mail(?: message)?|message|mail)"
# we, our and what we did
_WE = re.compile(
    r"\b(?:we|us(?! preguem)|our|ours|wir|uns|unser\w{0,2}|nous|notre|nos|nosotr[oa]s|nuestr[oa]s?|hemos|recibimos"
    r"|queremos|podemos"
    r"|debemos|tenemos|noi|nostr[oaie]|abbiamo|siamo|possiamo|dobbiamo|vogliamo|wij|ons|onze|nas|nam|nasz\w{0,3}"
    r"|\w+liśmy"
    r"|\w+łyśmy|nós|noss[oa]s?|recebemos|temos|devemos|мы|нас|нам|наш\w{0,3}|jsme|sme|náš|naše|nám|vi|oss|vår\w?"
    r"|vores)\b"
)
_HAPPENED = re.compile(
    r"[?？](?![\w=&%])"
    # you, and what you did
    r"|\byou (?:sent|asked|wrote|said|told|shipped|promised|forwarded|seem|did|have sent|must|should have"
    r"|will find us)\b"
    r"|\b(?:from|by) you\b|\byour (?!own|system|computer|cop(?:y|ies)|records|co-?operation|mailbox|inbox|device|files"
    r"|attention|employer)"
    r"|\bsie (?:haben|hatten) (?:mir|uns|nach)|\bihr(?:e[mnrs]?)? (?:firma|mitarbeiter|kolleg|unternehmen|kunde|shop"
    r"|haus)"
    r"|\bvous (?:m['’]|avez (?:demandé|envoyé|écrit))|\b(?:votre|vos) (?!syst|ordinateur|boîte|attention|compréhension)"
    r"|\bustedes\b|\bsus? (?:empresa|compañía|tienda|colega|cliente)|\bvostr[oaie] (?!sistem|collaboraz|computer)"
    r"|\bavete (?!ric)"
    r"|\buw (?!systeem|computer|medewerking|mailbox)|\bpaństwa (?:firm|sklep|faktur|pracown)|\bwasz\w{0,3}\b|\bvocês\b"
    r"|\bsua (?:empresa|loja)|\bseus? (?:colega|funcion|client)|\bваш\w{0,3} (?:фирм|компани|магазин|сотрудник)"
    # somebody else, something particular
    r"|\b(?:another|different|wrong|other) (?:person|recipient|customer|company|address|firm)\b(?! is| are|s)"
    r"|\b\w+one else\b"
    r"|\bsomebody else\b|\bcolleague|\b(?:ein\w* ander\w*|falsch\w*) (?:empfänger|kunde|adress|person|firma)"
    r"|\bjemand ander"
    r"|\b(?:autre|mauvais) (?:client|destinataire|adresse)|\bquelqu['’]un d|\botro (?:cliente|destinatario)"
    r"|\baltr[oa] (?:client"
    r"|destinat)|\bandere (?:klant|ontvanger)|\biemand anders|\binneg?o? (?:klient|adresat|odbiorc)|\boutro (?:client"
    r"|destinat)"
    r"|\binvoice|\brefund|\bparcel|\byesterday\b|\bthis morning\b|\brechnung|\bgestern\b|\bfactur|\bhier\b|\bfattur"
    r"|\bieri\b|\bfaktur|\bfatura|\bnota fiscal|\bayer\b|\bgisteren\b|\bwczoraj\b|\bontem\b|\bсч[её]т"
    r"|请问|でしょうか|いただけますか"
    # what became of the mail
    rf"|(?<!if )\b(?:this|the|your) {_MAIL} (?:was|reached|came|arrived|landed|went|got|ended)\b(?! (?:scanned"
    rf"|checked|swept))"
    r"|\bdiese (?:e-?mail|nachricht|mail) (?:ging|kam|landete|erreichte|war|ist (?:bei|an|irrt|verseh|fälsch))"
    r"|\bce (?:message|courriel|mail) (?:est arrivé|arrive|était|a été|concern)|\beste (?:mensaje|correo) (?:lleg"
    r"|ha lleg|era|fue)"
    r"|\bquest[oa] (?:messaggio|e-?mail|mail) (?:è arriv|è st|era|arriv)|\b(?:dit bericht|deze e-?mail"
    r"|deze mail) (?:kwam|was|werd"
    r"|is (?:bij|ten))|\bta wiadomość (?:trafi|przysz|była|dotar)|\besta mensagem (?:cheg|era|veio|foi (?!recebida))"
    # what seems so, and what stands or comes where
    r"|\b(?:seems?|seemed|appears|apparently|obviously|offenbar|anscheinend|offensichtlich|scheint|semble|apparemment"
    r"|parece|sembra|lijkt|blijkbaar|chyba|wygląda)\b|\bwird wohl\b"
    r"|\b(?:come|came|landed|arrived) (?:here|to)\b|\bthis thread\b"
    r"|\bif they\b|\b(?:mon|tues|wednes|thurs|fri)day\b|\bun (?:certain|tal|certo) |\bpana |\bpani "
    # requests that no notice makes
    r"|\b(?:can|could|would|will|should|shall) (?:you|we|somebody)\b(?! have received| be | not be )|\blet me\b"
    r"|\btell (?:me|us)\b"
    r"|\bplease (?:send|re-?send|confirm|correct|explain|check|help|cancel|make|change|use|issue|write|give"
    r"|forward"
    r"|update|tell|let|ask|add|put|take|remove my|stop|look|pay|try)\b"
    r"|\bbitte (?:send|schick|bestätig|korrig|änder|ruf|erklär|prüfen|stell|schreib|gib|geben|trag|nehm|mach|sag|teil"
    r"|verwend)"
    r"|\b(?:merci de|veuillez) (?:refaire|corrig|renvoy|envoy|confirm|modif|rappel|me |nous |rectif|annul|vérif"
    r"|indiqu|mettre)"
    r"|\b(?:por favor,? |rogamos |favor de )(?:env|mand|corr|confirm|cambi|llam|reenv|rectif|revis|respond|dig|altere"
    r"|mude|ligu)"
    r"|\b(?:per favore|prego|vi prego),? (?:di )?(?:invi|corre|conferm|cambi|chiam|mand|rimand|verific|dite|rispond)"
    r"|\b(?:graag|alstublieft|aub)\b|\b(?:kunt|wilt) u\b|\bproszę (?:o |wysł|popraw|potwierdz|zmien|zadzwo|przesł"
    r"|usunąć mó)"
    r"|\bczy (?:mamy|mogą|możemy|powinn|należy)\b"
)


def is_of_a_person(text: str) -> bool:
    """Whether a paragraph was written by somebody, of somebody, to somebody."""
    said = _STOCK.sub(" ", text.casefold())
    return bool(FIRST_PERSON.search(text) or _WE.search(said) or _HAPPENED.search(said))


def says_what_happened(text: str) -> bool:
    """As `is_of_a_person`, of a text that lawyers might have begun: they say «we» and «our» too."""
    return bool(FIRST_PERSON.search(text) or _HAPPENED.search(_STOCK.sub(" ", text.casefold())))
