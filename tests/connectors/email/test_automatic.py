"""Which mails machines wrote; the fixtures hold whole mails, the hub's tests what follows from it."""

from __future__ import annotations

import pytest

from omnibox_email import reading

ANA = "Ana Gomez <ana@customer.example>"


def reason(subject: str = "My order", text: str = "Where is it?", sender: str = ANA, **more: str) -> str | None:
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in more.items())
    head += "Content-Type: text/plain; charset=utf-8\n"
    return reading.read(
        f"From: {sender}\nTo: help@shop.example\nSubject: {subject}\n{head}\n{text}\n".encode()
    ).automatic


PREFIXES = [
    ("Automatic reply: My order", "I am out of the office until Monday."),
    ("Out of Office: My order", "I am on annual leave."),
    ("Automatische Antwort: Bestellung", "Ich bin im Urlaub."),
    ("Abwesenheitsnotiz: Bestellung", "Ich bin bis Montag nicht im Büro."),
    ("Réponse automatique : Commande", "Je suis en congé."),
    ("Respuesta automática: Pedido", "Estoy de vacaciones."),
    ("Risposta automatica: Ordine", "Sono in ferie."),
    ("Resposta automática: Pedido", "Estou de férias."),
    ("Automatisch antwoord: Bestelling", "Ik ben met vakantie."),
    ("Automatiskt svar: Order", "Jag har semester."),
    ("Autosvar: Ordre", "Jeg holder ferie."),
    ("Automaattinen vastaus: Tilaus", "Olen lomalla."),
    ("Odpowiedź automatyczna: Zamówienie", "Jestem na urlopie."),
    ("Automatická odpověď: Objednávka", "Mám dovolenou."),
    ("Автоматический ответ: Заказ", "Я в отпуске."),
    ("自動返信：ご注文", "ただいま不在です。"),
    ("自动回复: 订单", "我正在休假。"),
    ("Otomatik yanıt: Sipariş", "Yıllık izindeyim."),
    ("Αυτόματη απάντηση: Παραγγελία", "Λείπω."),
    ("Sjálfvirkt svar: Pöntun", "I am away."),
    ("Abwesenheit: Bestellung", "Ich bin diese Woche nicht da."),
    ("Away from my desk: My order", "I am currently away."),
    ("Away from my e-mail: My order", "I am currently away."),
    ("OOO: My order", "I am currently away."),
    ("Balasan otomatis: Pesanan", "Saya sedang tidak di kantor."),
    ("Resposta automàtica: Comanda", "Sóc fora fins dilluns."),
]


@pytest.mark.parametrize(("subject", "text"), PREFIXES)
def test_a_subject_alone_is_a_weak_sign(subject: str, text: str) -> None:
    """Machines write it, and people who ask about it do too: it takes a second sign."""
    assert reason(subject, text) == "auto-replied"
    assert reason(subject, "Where?", In_Reply_To="<1@shop.example>") == "auto-replied"
    assert reason(subject, "1 2 3") is None
    assert reason(f"Re: {subject}", text) is None


@pytest.mark.parametrize(
    ("sender", "reply_to", "expected"),
    [
        ("no-reply@bank.example", "", "robot-sender"),
        ("NoReply@bank.example", "", "robot-sender"),
        ("do.not.reply@bank.example", "", "robot-sender"),
        ("noreply+77@bank.example", "", "robot-sender"),
        ("nao-responda@banco.example", "", "robot-sender"),
        ("calendar-noreply@corp.example", "", "robot-sender"),
        ("alerts.no-reply@corp.example", "", "robot-sender"),
        ("ikke-svar@butik.example", "", "robot-sender"),
        ("casino.reply@corp.example", "", None),
        ("postmaster@corp.example", "", "robot-sender"),
        ("no-reply@bank.example", "service@bank.example", "robot-sender"),
        ("no-reply@bank.example", "noreply@other.example", "robot-sender"),
        ("noreply@forms.example", "Ana <ana@customer.example>", None),
        ("norbert.reply@corp.example", "", None),
        ("notify@corp.example", "", None),
        ("ana.bounce@corp.example", "", None),
    ],
)
def test_a_robot_s_address_counts_unless_it_speaks_for_somebody(
    sender: str, reply_to: str, expected: str | None
) -> None:
    more = {"Reply_To": reply_to} if reply_to else {}
    assert reason(sender=sender, **more) == expected


@pytest.mark.parametrize(
    "header",
    [
        ("Auto_Submitted", "no"),
        ("Auto_Submitted", "No (a person)"),
        ("Precedence", "normal"),
        ("Precedence", "first-class"),
        ("Preference", "morning"),
        ("X_Auto_Response_Suppress", "DR, RN, NRN"),
        ("X_Auto_Response_Suppress", "None"),
        ("X_Autoreply", "no"),
        ("X_Priority", "1"),
        ("Feedback_ID", "a:b:c"),
        ("X_MS_Exchange_Inbox_Rules_Loop", "ana@corp.example"),
        ("Return_Path", "<ana@customer.example>"),
        ("Listing_Id", "<x>"),
        ("X_Mailer", "Apple Mail"),
        ("Delivered_To", "help@shop.example"),
    ],
)
def test_a_person_s_mail_stays_a_person_s(header: tuple[str, str]) -> None:
    assert reason(**{header[0]: header[1]}) is None


@pytest.mark.parametrize("header", ["Precedence", "X_Precedence", "Preference"])
def test_a_responder_tells_its_precedence_under_any_of_its_names(header: str) -> None:
    assert reason(**{header: "auto_reply"}) == "bulk"


def test_a_postmaster_who_answers_is_a_person() -> None:
    assert reason("Re: My order", sender="postmaster@corp.example", In_Reply_To="<1@shop.example>") is None
