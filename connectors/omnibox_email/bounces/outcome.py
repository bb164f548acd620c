"""What a delivery report says: of which mail, and what became of it for each recipient."""

from __future__ import annotations

from dataclasses import dataclass

ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
MOST_RECIPIENTS = 200
MOST_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of the mail to one recipient; `status` as in RFC 3463, never invented.

    `asked` is the address the mail was sent to, where a forwarding made `address` of it. `detail` is the most specific
    code that was given for the recipient: many systems write the general 5.0.0 where the other server said 5.1.1.
    """

    address: str
    status: str | None
    action: str | None
    asked: str = ""
    detail: str | None = None

    @property
    def has_failed(self) -> bool:
        return self.action == "failed" or (self.action is None and not (self.status or "5").startswith(("4", "2")))

    @property
    def is_delayed(self) -> bool:
        return self.action == "delayed" or (self.action is None and (self.status or "").startswith("4"))

    @property
    def has_arrived(self) -> bool:
        return self.action in ("delivered", "relayed") or (self.action is None and (self.status or "").startswith("2"))


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report and the ids of the mail it is about; `mark` is the X-Omnibox-Id of the mail's copy."""

    recipients: tuple[Reported, ...]
    original_ids: tuple[str, ...]
    mark: str = ""
