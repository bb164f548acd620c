/** The conversation as the panel shows it: what came, what waits, what failed, what is open. */

import {
  type Ack,
  type Hint,
  type Nack,
  newClientId,
  type Op,
  readJson,
  sendOp,
} from "@omnibox/realtime";
import type { Chat, Message, MessageEvent, UploadedFile } from "../types.ts";
import { loadMask } from "./chunks.ts";
import { answerTo } from "./requests.ts";

const TYPING_MS = 5_000;
const HINT_MS = 2_000;
const LOST_MS = 1_500;

/** An op that the server refused for good. */
export interface Failed {
  op: Op;
  /** The server's own sentence. */
  why?: string | undefined;
}

/** An own message that has not come back by the feed yet. */
export interface Waiting {
  client_id: string;
  text: string;
  /** Names; empty ones after a reload. */
  files: string[];
}

/** Set by the host page at run time. */
export interface Appearance {
  lang?: string;
  strings?: Record<string, string>;
  zIndex?: number;
  offset?: number;
}

export interface Talk {
  readonly chat: Chat;
  messages: Message[];
  hasMore: boolean;
  failed: Failed[];
  typist: string | undefined;
  isOpen: boolean;
  unread: number;
  /** The newest message that had been seen when the panel was opened. */
  seenId: number;
  /** The newest answer that came while the panel was closed. */
  teaser: Message | undefined;
  /** What came last, for the announcement. */
  news: Message[];
  isLost: boolean;
  wantsFocus: boolean;
  draft: string;
  earlier: "" | "loading" | "failed";
  waiting(): Waiting[];
  shapeOf(op: Op): Waiting;
  setOpen(isOpen: boolean, wantsFocus?: boolean): void;
  /** "full": the outbox takes no more; "card": sent with a card number hidden. Rejects without a net. */
  send(text: string, files: UploadedFile[]): Promise<"full" | "card" | "">;
  retry(failed: Failed): void;
  hintTyping(): void;
  tellPage(page?: { url?: string; title?: string }): void;
  loadEarlier(): Promise<void>;
  dismissTeaser(): void;
  emit(event: string, detail?: unknown): void;
  sync(): void;
  apply(events: MessageEvent[]): void;
  settle(answer: Ack | Nack, op: Op | undefined): void;
  hint(hint: Hint): void;
}

const idsOf = (op: Op): string[] => (Array.isArray(op.files) ? op.files : []);
const isAnswer = ({ kind, is_deleted }: Message): boolean => kind === "outbound" && !is_deleted;

export function createTalk(chat: Chat, changed: () => void): Talk {
  const { storage, outbox, feed } = chat;
  const known = new Map<number, Message>();
  const names = new Map<string, string>(); // of uploaded files, by their ids
  let acked: Op[] = []; // taken by the server, not yet back as a message
  let lastWelcome: Message[] | undefined;
  let typingTimer: number | undefined;
  let hintedAt = 0;
  let href = location.href;
  let lostTimer: number | undefined;

  const readId = (): number => Number(storage.getItem("read"));

  const emit: Talk["emit"] = (event, detail) => {
    for (const [name, listener] of [...chat.listeners])
      try {
        if (name === event) listener(detail);
      } catch (fault) {
        console.error(fault);
      }
  };

  const keepFailed = (failed: Failed[]): void => {
    talk.failed = failed;
    storage.setItem("failed", JSON.stringify(failed));
  };

  const list = (): void => {
    talk.messages = [...known.values()].sort((a, b) => a.id - b.id);
    const ids = new Set(talk.messages.map(({ client_id }) => client_id));
    acked = acked.filter((op) => !ids.has(op.client_id));
  };

  const add = (message: Message): void => {
    if ((known.get(message.id)?.rev ?? 0) <= message.rev) known.set(message.id, message);
  };

  const takeWelcome = (): void => {
    const { messages, more } = chat.welcome ?? {};
    if (!messages || messages === lastWelcome) return;
    lastWelcome = messages;
    known.clear();
    for (const message of messages) known.set(message.id, message);
    talk.hasMore = !!more;
    acked = [];
    list();
  };

  /** What an open, visible panel shows is read. */
  const markRead = (): void => {
    const newest = talk.messages.filter(isAnswer).at(-1)?.id ?? 0;
    if (!talk.isOpen || document.hidden || newest <= readId()) return;
    storage.setItem("read", `${newest}`);
    sendOp(feed, outbox, { client_id: newClientId(), kind: "read", message: newest });
  };

  const countUnread = (): void => {
    const read = readId();
    const count = talk.messages.filter((message) => isAnswer(message) && message.id > read).length;
    if (!count) talk.teaser = undefined;
    if (count === talk.unread) return;
    talk.unread = count;
    emit("unread", count);
  };

  const watchLink = (): void => {
    if (feed.state === "live") {
      clearTimeout(lostTimer);
      lostTimer = undefined;
      talk.isLost = false;
    } else
      lostTimer ??= window.setTimeout(() => {
        talk.isLost = true;
        changed();
      }, LOST_MS);
  };

  /** Another tab may have got its token first, or forgotten it. */
  const followToken = (): void => {
    if (feed.state !== "live" || chat.token === storage.getItem("token")) return;
    feed.cursor = null;
    feed.start();
  };

  const sendMessage = (text: string, files: string[]): boolean =>
    sendOp(feed, outbox, { client_id: newClientId(), kind: "message", text, files });

  const shapeOf = (op: Op): Waiting => ({
    client_id: op.client_id,
    text: String(op.text),
    files: idsOf(op).map((id) => names.get(id) ?? ""),
  });

  const talk: Talk = {
    chat,
    messages: [],
    hasMore: false,
    failed: readJson<Failed[]>(storage, "failed") ?? [],
    typist: undefined,
    isOpen: false,
    unread: 0,
    seenId: readId(),
    teaser: undefined,
    news: [],
    isLost: false,
    wantsFocus: false,
    draft: "",
    earlier: "",
    emit,
    shapeOf,
    waiting: () => {
      const shown = new Set(talk.messages.map(({ client_id }) => client_id));
      return [...acked, ...outbox.all()]
        .filter((op) => op.kind === "message" && !shown.has(op.client_id))
        .map(shapeOf);
    },
    setOpen: (isOpen, wantsFocus = false) => {
      storage.setItem("open", isOpen ? "1" : "");
      talk.wantsFocus = isOpen && wantsFocus;
      talk.sync();
      if (!isOpen && wantsFocus) chat.launcher.focus();
    },
    send: async (typed, files) => {
      const { mask } = await loadMask(chat.base);
      const text = mask(typed.trim());
      for (const { id, name } of files) names.set(id, name);
      const ids = files.map(({ id }) => id);
      if (!sendMessage(text, ids)) return "full";
      return text === typed.trim() ? "" : "card";
    },
    retry: (failed) => {
      if (sendMessage(String(failed.op.text), idsOf(failed.op)))
        keepFailed(talk.failed.filter((each) => each !== failed));
      changed();
    },
    hintTyping: () => {
      if (Date.now() - hintedAt < HINT_MS) return;
      hintedAt = Date.now();
      feed.tell({ t: "hint", kind: "typing" });
    },
    tellPage: (page) => {
      href = location.href;
      feed.tell({ t: "hint", kind: "page", url: href, title: document.title, ...page });
    },
    loadEarlier: async () => {
      talk.earlier = "loading";
      changed();
      try {
        const query = `&before=${talk.messages[0]?.id ?? ""}`;
        const answer = await answerTo(chat, "history", query);
        const page: { messages: Message[]; more: boolean } = await answer.json();
        page.messages.forEach(add);
        talk.hasMore = page.more;
        talk.earlier = "";
        list();
      } catch {
        talk.earlier = "failed";
      }
      changed();
    },
    dismissTeaser: () => {
      talk.teaser = undefined;
      changed();
    },
    sync: () => {
      const isOpen = !!storage.getItem("open");
      takeWelcome();
      if (isOpen !== talk.isOpen) {
        talk.isOpen = isOpen;
        talk.seenId = readId();
        talk.teaser = undefined;
        if (isOpen) loadMask(chat.base).catch(() => {});
        emit(isOpen ? "open" : "close");
      }
      followToken();
      watchLink();
      markRead();
      countUnread();
      changed();
    },
    apply: (events) => {
      takeWelcome();
      talk.news = [];
      for (const { type, message } of events) {
        if (!message) continue;
        const isNews = type === "message.added" && isAnswer(message) && !known.has(message.id);
        add(message);
        if (!isNews) continue;
        talk.typist = undefined;
        talk.news.push(message);
        if (!talk.isOpen) talk.teaser = message;
        emit("message", message);
      }
      list();
      talk.sync();
    },
    settle: (answer, op) => {
      if (op?.kind !== "message") return;
      if (answer.t === "ack") acked.push(op);
      else if (answer.final) {
        keepFailed([...talk.failed, { op, why: answer.message }]);
        emit("error", answer.code);
      }
      list();
      changed();
    },
    hint: ({ kind, name }) => {
      if (kind !== "typing") return;
      talk.typist = String(name ?? "");
      clearTimeout(typingTimer);
      typingTimer = window.setTimeout(() => {
        talk.typist = undefined;
        changed();
      }, TYPING_MS);
      changed();
    },
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) talk.seenId = readId();
    talk.sync();
  });
  // A look once a second costs the page less than wrapping its history functions.
  setInterval(() => href !== location.href && talk.tellPage(), 1000);
  return talk;
}
