"""What the codes mean that people meet: what happened, and what to do about it, in words for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

Words = tuple[str, str]
"""What happened; what to do. The second is empty where nothing is left to do."""

LOOK = "Look on the channel itself whether it is there; then choose Retry or Dismiss."

ERRORS: Mapping[str, Words] = {
    # A message on its way out
    "no_connection": (
        "The other side could not be reached.",
        "omnibox tries again by itself. If it lasts, check the address in the settings and the server's network.",
    ),
    "no_answer": ("The message left, and no answer came: it may have arrived.", LOOK),
    "unexpected_answer": ("The other side's answer is not what it promises: the message may have arrived.", LOOK),
    "timeout": ("Sending took too long and was given up.", LOOK),
    "interrupted": ("omnibox was stopped while the message was leaving.", LOOK),
    "internal": ("The program part that sends on this channel failed.", "Choose Retry. The log names the place."),
    "dismissed": ("An agent gave this message up.", "Write it again if it is still wanted."),
    "bounced": (
        "The receiving server returned the message.",
        "Check the address with the person; a wrong or full mailbox is the usual reason.",
    ),
    "unreachable": (
        "Nothing reaches this person here until they write again.",
        "Use another address of theirs, or wait for their next message.",
    ),
    "address_forbidden": (
        "The address is in a private network, which this installation may not connect to.",
        "The operator can allow it by outbound_allow in omnibox.toml.",
    ),
    "too_many_redirects": (
        "The address leads from one redirect to the next.",
        "Enter the final address in the settings.",
    ),
    "bad_redirect": (
        "The address leads to a place that is no web address.",
        "Enter the final address in the settings.",
    ),
    "file_unavailable": (
        "The place of the files did not answer.",
        "omnibox tries again by itself. If it lasts, the operator should run `omnibox check`.",
    ),
    "file_gone": ("A file of this message is no longer stored.", "Attach it again in a new reply."),
    "restored": (
        "This message was waiting to leave when the backup was made that omnibox runs on now: it may have left since.",
        LOOK,
    ),
    "file_too_large": ("The file is larger than this channel takes.", "Send a smaller one, or a link to it."),
    # A channel
    "bad_settings": (
        "A setting of this channel is missing or wrong.",
        "Open its settings, run the check, and correct what it names.",
    ),
    "consent_needed": (
        "The owner of the account has not let omnibox in, or does so no longer.",
        "Ask for consent again on the connection's page in Settings › Channels.",
    ),
    "consent_withdrawn": (
        "Who let omnibox in has taken the consent back at the platform.",
        "Ask for consent again on the connection's page in Settings › Channels, as somebody who may give it.",
    ),
    "consent_client_refused": (
        "The provider does not take omnibox as it is registered there.",
        "Compare client ID, client secret, scopes and redirect address with the registration at the provider.",
    ),
    "consent_unavailable": (
        "The provider's token server does not answer as it should.",
        "omnibox tries again by itself.",
    ),
    "connector_missing": (
        "The package that serves this channel is not installed, or cannot be loaded.",
        "Install it again; Settings › Channels and `omnibox check` show the reason.",
    ),
    # A reply that may not leave
    "nothing_to_answer": (
        "On this platform a person must write first.",
        "Wait for their message, or reach them on another channel.",
    ),
    "window_closed": (
        "The time in which this platform lets us answer is over.",
        "Wait until the person writes again, or reach them on another channel.",
    ),
    "channel_disabled": ("This channel is switched off.", "Enable it in Settings › Channels."),
    "empty_reply": ("There is nothing to send.", "Write a text or attach a file."),
    "too_long": ("The text is longer than a reply may be.", "Shorten it, or attach it as a file."),
    "merged": ("This conversation was merged into another one.", "Open that one and look whom it is with."),
    "upload_gone": ("A file of this reply is no longer there.", "Attach it again."),
    "no_files": ("This channel takes no files.", "Send a link instead."),
    "too_many_files": ("These are more files than one reply may have here.", "Send them in several replies."),
    "bad_recipient": ("An address in copy is no address that mail can go to.", "Correct it, or take it out."),
    "own_recipient": ("An address in copy is one of your own channels.", "Take it out."),
    "too_many_recipients": ("These are more people in copy than one reply may have.", "Take some out."),
    "no_recipients": ("This channel has no copies: a reply goes to the customer alone.", "Take the others out."),
    "no_choices": (
        "This channel does not take choices of this kind.",
        "Write them into the text; what it takes is its capability `offers`.",
    ),
    "too_many_choices": ("These are more choices than this channel takes.", "Take some out."),
    "choice_without_words": ("A choice has no title.", "Write one, or take the choice out."),
    "choice_too_long": ("The words of a choice are longer than this channel shows them.", "Shorten them."),
    "choice_twice": ("Two choices have the same title.", "Give each another one."),
    "bad_choice_url": (
        "The address of a choice or a picture is no full https address, or holds what looks like a card number.",
        "Enter it as a browser shows it, beginning with https://.",
    ),
    "choices_need_text": ("Choices stand below a text, and there is none.", "Write one."),
    "text_above_buttons": (
        "The text is longer than this channel takes above buttons.",
        "Shorten it, or send its beginning as a reply of its own.",
    ),
    "buttons_beside_cards": ("A reply has buttons or cards, not both.", "Put the buttons on a card."),
    "bare_card": ("A card has nothing but its title.", "Give it a subtitle, a picture or a button."),
    "file_type_refused": ("This channel does not take files of this type.", "Send another type, or a link."),
}

HTTP: Mapping[int, Words] = {
    401: (
        "The other side does not accept our credentials.",
        "Enter a new token or password in the channel's settings.",
    ),
    403: (
        "The other side refuses us.",
        "Check in the channel's settings that the credentials are right and have all permissions of the set-up steps.",
    ),
    404: ("The address does not exist there.", "Check the address in the channel's settings."),
    413: ("The message or a file is too large for the other side.", "Send less, or a link."),
    429: ("The other side asks us to slow down.", "omnibox waits and tries again by itself."),
    503: ("The other side is not available now.", "omnibox tries again by itself."),
}

STATUS = re.compile(r"http_(\d{3})")
STEM = re.compile(r"[a-z0-9_]+\.(?P<rest>[a-z0-9_]+)")


_brought: dict[str, Words] = {}


def learn(words: Mapping[str, Words]) -> None:
    """Know what the codes of a connector mean, from now on and wherever one is shown."""
    _brought.update(words)


def explain(code: str, own: Mapping[str, Words] | None = None) -> Words:
    """The words for `code`. `own` are those its connector brings; they go first."""
    if own and code in own:
        return own[code]
    if code in _brought:
        return _brought[code]
    if code in ERRORS:
        return ERRORS[code]
    if found := STATUS.fullmatch(code):
        return _explain_status(int(found[1]))
    found = STEM.fullmatch(code)
    if found and found["rest"] in ERRORS:
        return ERRORS[found["rest"]]
    return (
        f"The platform answered with an error ({code}).",
        "Choose Retry. If it fails again, run the check in Settings › Channels.",
    )


def _explain_status(status: int) -> Words:
    if status in HTTP:
        return HTTP[status]
    if status >= 500:
        return (
            f"The other side failed (status {status}): the message may have arrived.",
            LOOK,
        )
    return (
        f"The other side does not accept the message (status {status}).",
        "Check the channel's settings; then choose Retry.",
    )


def as_page() -> str:
    """The text of docs/errors.md."""
    rows = [f"| `{code}` | {what} | {cure} |" for code, (what, cure) in ERRORS.items()]
    statuses = [f"| `http_{status}` | {what} | {cure} |" for status, (what, cure) in HTTP.items()]
    return PAGE.format(rows="\n".join(rows), statuses="\n".join(statuses))


PAGE = """# Errors

A message that did not arrive, a channel that is paused, a reply that may not leave: each shows a code. This page says
what the codes of omnibox itself mean. A connector brings codes of its own, written with its name (`name.code`); their
words stand in its README. `python -m omnibox.errors` prints this page.

| code | what happened | what to do |
|---|---|---|
{rows}

## Answers of other servers

`http_` and a status: the server's answer, where the connector does not know more. Any other status below 500 means that
the message was not accepted, any other from 500 on that it may have arrived.

| code | what happened | what to do |
|---|---|---|
{statuses}
"""

if __name__ == "__main__":
    import sys

    sys.stdout.write(as_page())
