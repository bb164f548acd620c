/** What this browser wrote and the server has not shown yet. */

import type { Id, Offer, Upload } from "@omnibox/api";
import type { Topics } from "./topics.ts";

export interface Pending {
  client_id: string;
  conversation: Id;
  kind: "reply" | "note";
  text: string;
  files: readonly Upload[];
  /** Who gets a copy, as the agent saw it at the click. */
  cc: readonly string[];
  offer: Offer | null;
  at: string;
  /** question: a colleague answered meanwhile · refused: final, the text waits here. */
  status: "sending" | "question" | "refused";
  code: string | null;
  why: string | null;
}

const NONE: readonly Pending[] = [];

export function createPending(topics: Topics) {
  const byConversation = new Map<Id, readonly Pending[]>();
  const find = (client_id: string): Pending | undefined => {
    for (const list of byConversation.values())
      for (const pending of list) if (pending.client_id === client_id) return pending;
    return undefined;
  };

  const setOf = (conversation: Id, list: readonly Pending[]): void => {
    byConversation.set(conversation, list.length ? list : NONE);
    topics.touch(`pending:${conversation}`, "waiting");
  };

  const of = (conversation: Id): readonly Pending[] => byConversation.get(conversation) ?? NONE;

  return {
    of,
    find,
    add: (pending: Pending): void =>
      setOf(pending.conversation, [
        ...of(pending.conversation).filter(({ client_id }) => client_id !== pending.client_id),
        pending,
      ]),
    change: (client_id: string, change: Partial<Pending>): void => {
      const old = find(client_id);
      if (!old) return;
      setOf(
        old.conversation,
        of(old.conversation).map((pending) => (pending === old ? { ...old, ...change } : pending)),
      );
    },
    remove: (client_id: string): void => {
      const old = find(client_id);
      if (old)
        setOf(
          old.conversation,
          of(old.conversation).filter((pending) => pending !== old),
        );
    },
    waiting: (): number =>
      [...byConversation.values()].flat().filter(({ status }) => status === "sending").length,
  };
}

export type PendingStore = ReturnType<typeof createPending>;
