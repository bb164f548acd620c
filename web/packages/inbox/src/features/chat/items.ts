/**
 * The log as a flat list: messages in groups, and what waits to leave. Day and «new» lines belong to the message
 * below them: an element of their own would be lost, or jump, as the anchor of a scroll position when older
 * messages come in above.
 */

import type { Id, Message } from "@omnibox/api";
import type { Pending } from "../../store/pending.ts";
import { isSameDay } from "../../ui/time.ts";

export interface MessageEntry {
  kind: "message";
  key: string;
  message: Message;
  startsDay: boolean;
  startsNew: boolean;
  isFirst: boolean;
  isLast: boolean;
}

export type Item = MessageEntry | { kind: "pending"; key: string; pending: Pending };

const GROUP_MS = 3 * 60_000;

const isTogether = (one: Message | undefined, other: Message | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  one.kind === other.kind &&
  one.kind !== "line" &&
  one.author.kind === other.author.kind &&
  one.author.id === other.author.id &&
  one.author.name === other.author.name &&
  one.channel === other.channel &&
  !one.subject &&
  !other.subject &&
  Math.abs(Date.parse(other.at) - Date.parse(one.at)) < GROUP_MS;

/** `firstUnread` is where the reader left off when the conversation was opened. */
export function itemsOf(
  messages: readonly Message[],
  pending: readonly Pending[],
  firstUnread: Id | null,
): Item[] {
  const items: Item[] = [];
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const after = messages[index + 1];
    const startsDay = !before || !isSameDay(before.at, message.at);
    const startsNew = message.id === firstUnread;
    items.push({
      kind: "message",
      // What was pending keeps its place and its element when the server's copy comes.
      key: message.client_id ?? `m-${message.id}`,
      message,
      startsDay,
      startsNew,
      isFirst: startsDay || startsNew || !isTogether(before, message),
      isLast:
        after?.id === firstUnread ||
        !isTogether(message, after) ||
        !isSameDay(message.at, after?.at ?? ""),
    });
  });
  const shown = new Set(messages.map(({ client_id }) => client_id));
  for (const one of pending)
    if (!shown.has(one.client_id))
      items.push({ kind: "pending", key: one.client_id, pending: one });
  return items;
}

/** The oldest of the last `unread` messages of the contact. */
export function firstUnreadOf(messages: readonly Message[], unread: number): Id | null {
  let left = unread;
  let first: Id | null = null;
  for (let index = messages.length - 1; index >= 0 && left > 0; index--) {
    const message = messages[index];
    if (message?.kind !== "inbound") continue;
    first = message.id;
    left--;
  }
  return first;
}
