"""How a channel writes: its settings for signature, quotes, pace and confirmations."""

from __future__ import annotations

from omnibox.connector import Field, Pace

QUOTES, PER_MINUTE, PER_HOUR, CONFIRMATION = "quote_history", "mails_per_minute", "mails_per_hour", "confirmation"
PACES = (Pace(PER_MINUTE, 60), Pace(PER_HOUR, 3600))
DEFAULT_INTRODUCTION = "On {date}, {name} wrote:"
DEFAULT_SUBJECT = "We have received your message"

SENDING_FIELDS = (
    Field(
        QUOTES,
        kind="boolean",
        title="Quote the mail that is answered",
        default=True,
        help="Below the answer, as mail programs do. Notes and blind copies are never quoted.",
    ),
    Field(
        "quote_introduction",
        title="Line above the quote",
        default=DEFAULT_INTRODUCTION,
        help="{date}, {name} and {address} are filled in.",
    ),
    Field(
        PER_MINUTE,
        kind="number",
        title="Mails per minute",
        help="At most so many leave; more wait. Empty: no limit.",
    ),
    Field(PER_HOUR, kind="number", title="Mails per hour", help="As above. Ask your provider what it allows."),
    Field(
        "bounce_token",
        kind="boolean",
        title="Returned mail comes to the signed address",
        default=False,
        help="The sender on the envelope is then the reply address: every returned mail finds its conversation. For "
        "servers that let you send from plus addresses; where one refuses, the plain address is used.",
    ),
    Field(
        CONFIRMATION,
        kind="long",
        title="Confirmation",
        help="Sent by itself when somebody writes for the first time, at most once a day per person. Empty: none. "
        "Machines, lists and contact forms get none.",
    ),
    Field("confirmation_subject", title="Subject of the confirmation", default=DEFAULT_SUBJECT),
)
