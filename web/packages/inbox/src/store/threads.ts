/** The messages of the conversations that were opened. */

import type { Id, Message, MessagePage } from "@omnibox/api";
import type { Topics } from "./topics.ts";

export interface Thread {
  status: "idle" | "loading" | "ready" | "failed";
  /** Oldest first. */
  messages: readonly Message[];
  /** Where the next older page starts; null when the first message is here. */
  next: Id | null;
  older: "idle" | "loading" | "failed";
}

const IDLE: Thread = { status: "idle", messages: [], next: null, older: "idle" };

const merge = (old: readonly Message[], fresh: readonly Message[]): Message[] => {
  const byId = new Map(old.map((message) => [message.id, message]));
  for (const message of fresh) {
    const known = byId.get(message.id);
    if (!known || known.rev <= message.rev) byId.set(message.id, message);
  }
  return [...byId.values()].sort((one, other) => one.id - other.id);
};

export function createThreads(topics: Topics) {
  const threads = new Map<Id, Thread>();
  const turns = new Map<Id, number>();
  const turnOf = (id: Id): number => turns.get(id) ?? 0;
  const get = (id: Id): Thread => threads.get(id) ?? IDLE;

  const set = (id: Id, change: Partial<Thread>): void => {
    threads.set(id, { ...get(id), ...change });
    topics.touch(`thread:${id}`);
  };

  return {
    get,
    set,
    /** An event's message. A conversation that was never opened fetches it when it is. */
    put: (message: Message): void => {
      const thread = get(message.conversation);
      if (thread.status === "idle") return;
      // Older than the oldest page here: it comes with its own page.
      if (thread.next !== null && message.id < (thread.messages[0]?.id ?? 0)) return;
      set(message.conversation, { messages: merge(thread.messages, [message]) });
    },
    putPage: (id: Id, page: MessagePage, isFirst: boolean): void => {
      const { messages: known } = get(id);
      const oldest = page.next === null ? 0 : (page.messages[0]?.id ?? 0);
      // Beside the first page only what events brought meanwhile is kept: no hole, nothing of an older log.
      const kept = isFirst ? known.filter(({ rev, id }) => rev >= 0 && id >= oldest) : known;
      set(id, {
        status: "ready",
        messages: merge(kept, page.messages),
        next: page.next,
        older: "idle",
      });
    },
    /** Messages came or went: what is shown stays until the page that is asked for now. */
    doubt: (id: Id): void => {
      turns.set(id, turnOf(id) + 1);
      const { messages, status } = get(id);
      if (status !== "idle")
        set(id, { messages: messages.map((message) => ({ ...message, rev: -1 })), status: "idle" });
    },
    /** Changes when messages came or went: a page asked for before is no longer true. */
    turnOf,
    /** The log was replaced: the next page fetched replaces what is shown. */
    distrust: (): void =>
      topics.batch(() => {
        for (const [id, thread] of threads) {
          const messages = thread.messages.map((message) => ({ ...message, rev: -1 }));
          threads.set(id, { ...thread, messages, status: "idle" });
          topics.touch(`thread:${id}`);
        }
      }),
  };
}

export type Threads = ReturnType<typeof createThreads>;
