/** Ties the store to the server: snapshot, feed, pages, and the ops of the outbox. */

import {
  type Api,
  ApiError,
  type FeedEvent,
  type Id,
  type Offer,
  type Row,
  type View,
} from "@omnibox/api";
import {
  type Ack,
  createFeed,
  type Feed,
  type FeedSocket,
  type Nack,
  type Op,
  type Outbox,
  removeOp,
  sendOp,
  type Timers,
  type Welcome,
} from "@omnibox/realtime";
import type { Pending } from "./pending.ts";
import { listKey } from "./rows.ts";
import type { Store } from "./store.ts";

const COUNTS_MS = 400; // at least: one request for a burst of events, and not every screen's at once
/** Only these move a conversation from one view to another. */
const MOVES = new Set(["conversation.opened", "conversation.changed", "conversation.rearranged"]);
const PASS_AGAIN_MS = 10_000; // a fresh pass refused this soon means that the session is refused

export interface SyncOptions {
  api: Api;
  store: Store;
  timers: Timers;
  now: () => number;
  random: () => number;
  outbox: Outbox;
  connect: (failures: number) => FeedSocket | Promise<FeedSocket>;
  /** Areas of settings, or `contact:ID`: cached answers that are no longer true. */
  onStale?: (area: string) => void;
  /** The line is there, at first or again: what could not be fetched without it can be now. */
  onLive?: () => void;
  onArrived?: (events: readonly FeedEvent[]) => void;
}

const isWritten = (op: Op): boolean => op.kind === "reply" || op.kind === "note";

const pendingOf = (op: Op, at: string): Pending => ({
  client_id: op.client_id,
  conversation: Number(op.conversation),
  kind: op.kind === "note" ? "note" : "reply",
  text: String(op.text ?? ""),
  files: [],
  cc: Array.isArray(op.cc) ? op.cc.map(String) : [],
  offer: (op.offer as Offer | undefined) ?? null,
  at,
  status: "sending",
  code: null,
  why: null,
});

export function createSync(options: SyncOptions) {
  const { api, store, timers, now, outbox } = options;
  let pass = "";
  let passAt = Number.NEGATIVE_INFINITY;
  let pageBuild: string | null = null;
  let countsTimer: number | null = null;
  /** What could not be fetched is asked for again as soon as the line is back. */
  const missed = new Map<string, () => Promise<void>>();

  const refreshCounts = (): void => {
    if (countsTimer !== null) return;
    countsTimer = timers.setTimeout(
      async () => {
        countsTimer = null;
        try {
          store.setCounts(await api.counts());
        } catch {
          // The next event asks again.
        }
      },
      COUNTS_MS * (1 + options.random()),
    );
  };

  const tellStale = (event: FeedEvent): void => {
    if (event.type === "contact.changed") options.onStale?.(`contact:${event.contact.id}`);
    else if (event.type === "settings.changed") options.onStale?.(event.area);
    else if (event.type === "channel.changed") options.onStale?.("channels");
    else if (event.type === "agent.changed") options.onStale?.("agents");
    else if (MOVES.has(event.type)) refreshCounts();
  };

  const onEvents = (events: FeedEvent[], isLive: boolean): void => {
    store.apply(events);
    for (const event of events) tellStale(event);
    if (isLive && events.length) options.onArrived?.(events);
  };

  const takePass = async () => {
    const snapshot = await api.snapshot();
    pass = snapshot.pass;
    passAt = now();
    return snapshot;
  };

  /** A pass lasts a minute: most that come back need a new one, and nothing of what they have is wrong. */
  const onReset = async (reason: string): Promise<void> => {
    const snapshot = await takePass();
    if (reason === "pass") {
      store.load(snapshot);
      return;
    }
    store.restart(snapshot);
    feed.cursor = { epoch: snapshot.epoch, seq: snapshot.seq };
    options.onStale?.("everything");
  };

  /** The pass is short-lived: a fresh one tells an old pass from an ended session. */
  const renew = async (): Promise<void> => {
    if (now() - passAt < PASS_AGAIN_MS) {
      store.setConnectivity({ isSignedOut: true });
      return;
    }
    try {
      store.load(await takePass());
      feed.start();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        store.setConnectivity({ isSignedOut: true });
      else timers.setTimeout(renew, 2_000);
    }
  };

  /** An ack needs nothing: what was written stays until its message arrives by the feed. */
  const onAnswer = (nack: Ack | Nack, op: Op | undefined): void => {
    if (nack.t === "ack" || !op || !isWritten(op)) return;
    const isQuestion = nack.code === "newer_reply";
    if (!isQuestion && !nack.final) return;
    removeOp(outbox, nack.client_id);
    store.pending.change(nack.client_id, {
      status: isQuestion ? "question" : "refused",
      code: nack.code,
      why: nack.message ?? null,
    });
  };

  const onHint = (hint: { kind: string; [member: string]: unknown }): void => {
    const conversation = Number(hint.conversation);
    if (hint.kind === "typing" && hint.by !== store.desk()?.me.id)
      store.startTyping(conversation, hint.by === "contact" ? "contact" : Number(hint.by));
    if (hint.kind === "presence") store.setAgentOnline(Number(hint.agent), Boolean(hint.is_online));
    if (hint.kind === "visitor" && (hint.presence === "here" || hint.presence === "left"))
      store.rows.amend(conversation, { presence: hint.presence });
    if (hint.kind === "trouble")
      store.setConnectivity({ trouble: typeof hint.code === "string" ? hint.code : null });
  };

  const onWelcome = (welcome: Welcome): void => {
    pageBuild ??= welcome.build;
    store.setLimits(welcome.limits);
    store.setConnectivity({
      isOutdated: welcome.build !== pageBuild,
      trouble: welcome.trouble ?? null,
    });
  };

  const feed: Feed = createFeed<FeedEvent, Welcome>({
    connect: options.connect,
    hello: () => ({ token: pass }),
    outbox,
    timers,
    now,
    random: options.random,
    onWelcome,
    onEvents,
    onReset,
    onAnswer,
    onHint,
    onState: (state) => {
      const isLive = state === "live";
      const link = isLive ? "live" : state === "connecting" ? "connecting" : "lost";
      // From the first loss until the next welcome it stays lost: no flicker at each try.
      const before = store.connectivity();
      const next = link === "connecting" && before.asOf !== null ? "lost" : link;
      store.setConnectivity({
        link: next,
        asOf: isLive || before.link === "live" ? now() : before.asOf,
      });
      if (!isLive) return;
      options.onLive?.();
      for (const again of missed.values()) void again();
      missed.clear();
    },
    onStop: (code) => {
      if (code === 4401) void renew();
      else store.setConnectivity({ isOutdated: code === 4426 });
    },
  });

  /** `prepare` runs when it is known who signed in, before anything is shown. */
  const start = async (prepare?: () => void): Promise<void> => {
    const snapshot = await takePass();
    pageBuild ??= snapshot.build;
    const at = new Date(now()).toISOString();
    store.topics.batch(() => {
      store.load(snapshot);
      prepare?.();
      store.setConnectivity({ isSignedOut: false });
      for (const op of outbox.all()) if (isWritten(op)) store.pending.add(pendingOf(op, at));
    });
    if (feed.cursor?.epoch !== snapshot.epoch)
      feed.cursor = { epoch: snapshot.epoch, seq: snapshot.seq };
    feed.start();
  };

  const loadList = async (view: View, channel: Id | null, more = false): Promise<void> => {
    const { status, next } = store.rows.list(view, channel);
    if (status === "loading" || (more && next === null)) return;
    store.rows.setList(view, channel, { status: "loading" });
    try {
      const page = await api.conversations({ view, channel, before: more ? next : null });
      store.rows.putPage(view, channel, page, !more);
    } catch {
      store.rows.setList(view, channel, { status: "failed" });
      missed.set(`list ${listKey(view, channel)}`, () => loadList(view, channel, more));
    }
  };

  const loadThread = async (id: Id): Promise<void> => {
    if (store.threads.get(id).status === "loading") return;
    store.threads.set(id, { status: "loading" });
    const turn = store.threads.turnOf(id);
    try {
      const page = await api.messages(id);
      if (turn === store.threads.turnOf(id)) store.threads.putPage(id, page, true);
    } catch {
      if (turn === store.threads.turnOf(id)) store.threads.set(id, { status: "failed" });
      missed.set(`thread ${id}`, () => loadThread(id));
    }
  };

  const loadOlder = async (id: Id): Promise<void> => {
    const { next, older } = store.threads.get(id);
    if (next === null || older === "loading") return;
    store.threads.set(id, { older: "loading" });
    const turn = store.threads.turnOf(id);
    try {
      const page = await api.messages(id, next);
      if (turn === store.threads.turnOf(id)) store.threads.putPage(id, page, false);
    } catch {
      store.threads.set(id, { older: "failed" });
    }
  };

  /** Shows `change` at once; the server's row replaces it, a refusal takes it back. */
  const changeRow = async (
    id: Id,
    change: Partial<Row>,
    request: () => Promise<Row>,
  ): Promise<void> => {
    const old = store.rows.get(id);
    store.rows.amend(id, change);
    try {
      store.rows.put(await request());
      refreshCounts();
    } catch (error) {
      if (old && store.rows.get(id)?.rev === old.rev) store.rows.put(old);
      throw error;
    }
  };

  return {
    feed,
    start,
    refreshCounts,
    loadList,
    loadThread,
    loadOlder,
    loadRow: async (id: Id): Promise<void> => store.rows.put(await api.conversation(id)),
    changeRow,
    /** False when the outbox is full: the composer keeps the text. */
    write: (pending: Pending, extra: { seen?: Id; anyway?: boolean }): boolean => {
      const { client_id, kind, conversation, text, files, cc, offer } = pending;
      const sent = { files: files.map(({ id }) => id), cc, ...(offer && { offer }), ...extra };
      const reply = kind === "reply" ? sent : {};
      const op = { client_id, kind, conversation, text, ...reply };
      if (!sendOp(feed, outbox, op)) return false;
      store.pending.add(pending);
      return true;
    },
    tellTyping: (conversation: Id): void => {
      feed.tell({ t: "hint", kind: "typing", conversation });
    },
  };
}

export type Sync = ReturnType<typeof createSync>;
