/** The one status of a row: the first that applies. */

import type { Row } from "@omnibox/api";

export type Status = "left" | "typing" | "new" | "unread" | "active" | "idle";

type Facts = Pick<Row, "state" | "answered" | "unread" | "presence">;

/** Channels that report no presence leave `presence` null: then left and typing never apply. */
export function statusOf(row: Facts, isTyping: boolean): Status {
  if (row.presence === "left") return "left";
  if (isTyping) return "typing";
  if (row.state === "resolved") return "idle";
  if (!row.answered) return "new";
  return row.unread > 0 ? "unread" : "active";
}
