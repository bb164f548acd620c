"""Website chat. The store is the channel: what is committed is sent, and the widget fetches it by the visitor door."""

from typing import ClassVar

from omnibox.connector import (
    AddressKind,
    Capabilities,
    Context,
    Field,
    FileLimits,
    Look,
    Outbound,
    Part,
    Sent,
    Step,
)


class WebChat:
    name: ClassVar[str] = "webchat"
    look = Look(
        title="Website chat",
        light="#2F5BEA",
        dark="#7C9CFF",
        in_list=False,
        noun="chat message",
        summary="A chat box on your website.",
    )
    capabilities = Capabilities(
        address=AddressKind("visitor"),
        max_text=None,
        files=FileLimits(count=10, bytes=25_000_000),
        receipts=frozenset({"delivered", "read"}),
        idempotent=True,
        live=True,
    )
    settings: ClassVar[tuple[Field, ...]] = ()
    channel_settings: ClassVar[tuple[Field, ...]] = (
        Field(
            "origins",
            kind="origins",
            title="Your website's addresses",
            help="Scheme and host of each site that may show the chat, such as https://shop.example.com; no path.",
            required=True,
            placeholder="https://shop.example.com",
        ),
        Field("title", title="Title", default="Chat with us"),
        Field("greeting", kind="long", title="Greeting", default="Hello! How can we help?"),
        Field(
            "offline_text",
            kind="long",
            title="When nobody is online",
            default="Nobody is here right now. Leave a message and we answer as soon as we are back.",
        ),
        Field("color", kind="color", title="Colour", default="#2f5bea", group="Look"),
        Field("side", kind="choice", title="Side", choices=("right", "left"), default="right", group="Look"),
        Field(
            "lang",
            kind="choice",
            title="Language",
            help="auto follows the page, then the browser.",
            choices=("auto", "en", "es", "it"),
            default="auto",
            group="Look",
        ),
    )
    steps: ClassVar[tuple[Step, ...]] = (
        Step("Name your website", "Add a channel, and write the address of every site that may show the chat."),
        Step("Paste the snippet", "Copy the snippet of the channel into your pages, just before </body>."),
        Step("Say hello", "Open your site and write a message: it appears in the inbox."),
    )

    def __init__(self, context: Context) -> None:
        self._log = context.log

    def parts(self, reply: Part) -> list[Part]:
        """Text and files reach the visitor together."""
        return [reply]

    async def send(self, part: Outbound) -> Sent:
        return Sent(part.id)
