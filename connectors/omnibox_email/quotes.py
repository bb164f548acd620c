"""The writer's own words of a mail: without quoted history, signature and device line. Linear, line by line."""

from __future__ import annotations

import re

MOST_BYTES = 256 * 1024
MOST_LINES = 5000
LONGEST_LINE = 1000
WRAPPED_LINES = 4
LONGEST_SIGNATURE = 15
LONGEST_CLOSING = 6


def _lines_of(patterns: str, before: str = r"\s*", after: str = r"\s*[,.!]?\s*\Z") -> re.Pattern[str]:
    """One pattern for lines that are nothing but one of `patterns`; NAME stands for the name of a device."""
    listed = [line.strip().replace("NAME", r"[\w .+&'/()-]{2,50}") for line in patterns.strip().splitlines()]
    return re.compile(f"{before}(?:{'|'.join(listed)}){after}", re.I)


_QUOTED = re.compile(r"[ \t]{0,3}>")
_WROTE = re.compile(
    r"\b(?:wrote|writes|escribi[óo]|scritto|scrive|schrieb|schreef|écrit|escreveu|napisał\(?a?\)?|napsala?|napísala?"
    r"|skrev|kirjoitti|написала?|пишет|писала?|пише|написав|yazdı|scris|írta|έγραψε)\b|写道|のメール|작성:",
    re.I,
)
_MAIL = re.compile(r"[^\s<>@()]{1,80}@[^\s<>@()]{1,120}")
_YEAR = re.compile(r"(?:19|20)\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_HOUR = re.compile(r"\d{1,2}[:.h]\d{2}")
_RULES = _lines_of(
    """
    original message
    original-nachricht
    (?:ursprüngliche|weitergeleitete) nachricht
    mensaje (?:original|reenviado)
    messaggio (?:originale|inoltrato)
    message (?:d'origine|original|transféré)
    mensagem (?:original|encaminhada)
    (?:oorspronkelijk|doorgestuurd) bericht
    wiadomość oryginalna
    původní zpráva
    (?:oprindelig|opprinnelig) melding
    oprindelig meddelelse
    ursprungligt meddelande
    alkuperäinen viesti
    (?:исходное|пересылаемое) сообщение
    forwarded message
    """,
    before=r"\s*\**[-_=–—]{2,}\s*",
    after=r"\s*[-_=–—]{2,}\**\s*\Z",
)
_RULE_STARTS = ("*", "-", "_", "=", "–", "—")
_FORWARDED = _lines_of(
    """
    begin forwarded message
    anfang der weitergeleiteten nachricht
    inizio messaggio inoltrato
    inicio del mensaje reenviado
    début du message réexpédié
    início da mensagem reencaminhada
    """,
    after=r"\s*:\s*\Z",
)
_RULE = re.compile(r"\s*[_-]{10,}\s*\Z")
_CLOSES = (":", "：", ": *")  # how the last line of an introduction ends
_FIELDS = {
    "from": "from de da von van od fra från lähettäjä от від kimden expéditeur 发件人 差出人 보낸사람 feladó",
    "sent": "sent date enviado fecha enviada inviato data gesendet datum envoyé verzonden wysłano odesláno sendt dato"
    " skickat lähetetty päivämäärä отправлено дата надіслано gönderilme 发送时间 日期 送信日時",
    "to": "to para a an à aan do komu til till vastaanottaja кому kime 收件人 宛先 받는사람",
    "subject": "subject asunto oggetto betreff objet onderwerp temat předmět emne ämne aihe тема assunto konu 主题"
    " 件名",
}
_KINDS = {word: kind for kind, words in _FIELDS.items() for word in words.split()}
_FIELD = re.compile(r"\s*[*_]{0,2}([^\W\d_]+)(?:\s(?:el|le|am|il|den|кого))?\s*[*_]{0,2}\s*[:：][*_]{0,2}\s*(.*)")
_DELIMITER = re.compile(r"--[ \u00a0]?\Z")
_DEVICE = _lines_of(
    """
    sent (?:from|via|by|using) (?:my |the |an? )?NAME
    enviado (?:desde|do|con|a través de|via|pelo) (?:mi |meu |el |o )?NAME
    inviato (?:da|dal|con|tramite) (?:il )?(?:mio )?NAME
    von (?:meinem|meiner|unterwegs)(?: NAME)? gesendet
    gesendet (?:von|mit|aus|über) NAME
    envoyé (?:de|depuis|à partir de|avec) (?:mon |ma |l')?NAME
    (?:verzonden|verstuurd) (?:vanaf|met|via|vanuit) (?:mijn )?NAME
    wysłan[eo] z NAME
    odesláno ze? NAME
    sendt fra (?:min |mit )?NAME
    skickat från (?:min )?NAME
    lähetetty NAME
    отправлено (?:с|из) NAME
    (?:get|obtener|obtenga|scarica|ottieni|holen sie sich|laden sie|obtenez|téléchargez|download) outlook .{3,60}
    """
)
_CLOSING = _lines_of(
    """
    (?:best|kind|warm|many|with best|with kind|kindest|warmest) regards
    (?:regards|sincerely|cheers|all the best|best wishes|best)
    yours (?:sincerely|faithfully|truly)
    (?:un )?(?:cordial )?saludos?(?: cordiales?)?
    (?:atentamente|un abrazo|cordialmente|saluti|mfg|mvh|pozdrawiam|pozdrowienia|s pozdravem|atenciosamente)
    (?:cordiali|distinti|un cordiale|tanti) salut[io]
    (?:mit )?(?:freundlichen|besten|herzlichen|vielen|schönen) grüßen
    (?:freundliche|beste|viele|liebe|herzliche|schöne) grüße
    (?:bien )?cordialement
    (?:sincères |meilleures )?salutations
    (?:com os melhores )?cumprimentos
    (?:met )?vriendelijke groet(?:en)?
    (?:med )?venlige? hilsen
    (?:med )?vänliga? hälsning(?:ar)?
    (?:ystävällisin )?terveisin
    с уважением
    """
)


def reply_text(text: str) -> str:
    """`text` without history and signature, or all of it where nothing would be left."""
    head, tail = text[:MOST_BYTES], text[MOST_BYTES:]
    lines = head.split("\n")
    if len(lines) > MOST_LINES:
        tail = "\n".join(lines[MOST_LINES:]) + tail
        lines = lines[:MOST_LINES]
    own = _without_history(lines)
    if own is None:
        cut = _trim(_without_signature(lines))
        return text if tail else (cut or text.strip("\n"))
    return re.sub(r"\n{3,}", "\n\n", _trim(_without_signature(own))) or text.strip("\n")


def _trim(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()


def _without_history(lines: list[str]) -> list[str] | None:
    """The lines that are not history; None where there is no history at all."""
    marked = [bool(_QUOTED.match(line)) for line in lines]
    closes = [line.rstrip().endswith(_CLOSES) for line in lines]
    out: list[str] = []
    i, has_cut, is_sure = 0, False, False
    while i < len(lines):
        if marked[i]:
            end = _end_of_marked(marked, lines, i)
            if is_sure or _is_history(lines, i, end):
                has_cut = is_sure = True
            else:
                out.extend(lines[i:end])
            i = end
            continue
        if _opens_history(lines, i):
            return _drop_rule(out)
        length = _introduction(lines, marked, i) if any(closes[i : i + WRAPPED_LINES]) else 0
        if length:
            has_cut = is_sure = True
            after = _next_filled(lines, i + length)
            if after < len(lines) and not marked[after]:
                return _drop_rule(out)  # history without marks: everything below
            i += length
            continue
        out.append(lines[i])
        i += 1
    return _drop_rule(out) if has_cut else None


def _drop_rule(lines: list[str]) -> list[str]:
    """A rule drawn above the history goes with it."""
    while lines and (not lines[-1].strip() or _RULE.match(lines[-1])):
        lines.pop()
    return lines


def _end_of_marked(marked: list[bool], lines: list[str], start: int) -> int:
    """Where a block of marked lines ends; blank lines between two such blocks belong to it."""
    end = start
    while end < len(lines) and marked[end]:
        end += 1
    return end


def _is_history(lines: list[str], start: int, end: int) -> bool:
    """A marked block without introduction is history at the top or at the end of a mail, not amid own words."""
    has_before = any(line.strip() for line in lines[:start])
    has_after = any(line.strip() and not _QUOTED.match(line) for line in lines[end : end + 200])
    if not has_before:
        return has_after
    if not has_after:
        return True
    # Answers between quoted lines: another marked block follows.
    return any(_QUOTED.match(line) for line in lines[end : end + 200])


def _opens_history(lines: list[str], i: int) -> bool:
    """Whether a rule («Original Message») or a block of mail headers begins at line `i`."""
    line = lines[i]
    if len(line) > LONGEST_LINE:
        return False
    bare = line.strip()  # most lines are told by their first and last letter; the patterns are long
    if bare.startswith(_RULE_STARTS) and _RULES.match(line):
        return True
    if bare.endswith(":") and _FORWARDED.match(line):
        return True
    return _kind(line) is not None and _is_header_block(lines, i)


def _kind(line: str) -> str | None:
    found = _FIELD.match(line) if len(line) <= LONGEST_LINE and (":" in line or "：" in line) else None
    return _KINDS.get(found.group(1).lower()) if found else None


def _is_header_block(lines: list[str], start: int) -> bool:
    """Sender, time and one more field on neighbouring lines, the sender or the time first."""
    if _kind(lines[start]) not in ("from", "sent"):
        return False
    kinds = {kind for line in lines[start : start + 8] if (kind := _kind(line))}
    return {"from", "sent"} <= kinds and len(kinds) >= 3


def _introduction(lines: list[str], marked: list[bool], start: int) -> int:
    """How many lines an introduction («On … wrote:») takes that begins at `start`; 0 where there is none."""
    if not lines[start].strip() or len(lines[start]) > LONGEST_LINE:
        return 0
    joined = ""
    for length in range(1, WRAPPED_LINES + 1):
        at = start + length - 1
        if at >= len(lines) or marked[at] or len(lines[at]) > LONGEST_LINE:
            return 0
        line = lines[at].strip()
        if not line:
            return 0
        joined = f"{joined} {line}".strip()
        if line.endswith(_CLOSES):
            after = _next_filled(lines, at + 1)
            return length if _introduces(joined, has_marks=after < len(lines) and marked[after]) else 0
    return 0


def _introduces(text: str, *, has_marks: bool) -> bool:
    has_mail, has_year, has_hour = _MAIL.search(text), _YEAR.search(text), _HOUR.search(text)
    wrote = _WROTE.search(text)
    if has_marks:
        return bool(wrote or (has_mail and (has_year or has_hour)))
    if wrote:
        return bool((has_mail and (has_year or has_hour)) or (has_year and has_hour))
    return bool(has_mail and has_year and has_hour)


def _next_filled(lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


# ---- signatures ----


def _without_signature(lines: list[str]) -> list[str]:
    out = _drop_device(_strip_end(lines))
    for i in range(max(0, len(out) - LONGEST_SIGNATURE - 1), len(out)):
        if _DELIMITER.match(out[i]) and any(line.strip() for line in out[:i]):
            return _drop_closing(_drop_device(_strip_end(out[:i])))
    return _drop_closing(out)


def _strip_end(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _drop_device(lines: list[str]) -> list[str]:
    if len(lines) > 1 and len(lines[-1]) <= 100 and _DEVICE.match(lines[-1]):
        return _strip_end(lines[:-1])
    return lines


def _drop_closing(lines: list[str]) -> list[str]:
    """Without a closing formula that is followed by a name; the formula alone stays."""
    for i in range(max(1, len(lines) - LONGEST_CLOSING), len(lines)):
        if len(lines[i]) > 80 or not _CLOSING.match(lines[i]):
            continue
        rest = [line.strip() for line in lines[i + 1 :] if line.strip()]
        if rest and all(_could_be_signed(line) for line in rest) and any(line.strip() for line in lines[:i]):
            return _strip_end(lines[:i])
    return lines


def _could_be_signed(line: str) -> bool:
    return len(line) <= 60 and not line.endswith((".", "?", "!", ":")) and not re.match(r"p\.? ?[sd]\b", line, re.I)
