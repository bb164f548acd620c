import { type Api, ApiError, createApi } from "@omnibox/api";
import type { FeedSocket, Op } from "@omnibox/realtime";
import { expect, it, vi } from "vitest";
import { message, row, snapshot } from "../testing/samples.ts";
import type { Pending } from "./pending.ts";
import { createStore } from "./store.ts";
import { createSync } from "./sync.ts";

const settle = () => vi.advanceTimersByTimeAsync(0);

function open(change: Partial<Api> = {}) {
  vi.useFakeTimers();
  const sockets: (FeedSocket & { sent: { t: string; [member: string]: unknown }[] })[] = [];
  let ops: Op[] = [];
  let lives = 0;
  const store = createStore(window);
  const never = createApi(() => Promise.reject(new ApiError(0, "offline", "")));
  const api: Api = {
    ...never,
    snapshot: async () => snapshot({ seq: 5, pass: `pass ${sockets.length}` }),
    counts: async () => ({ mine: 1, unassigned: 2, all: 3, resolved: 4 }),
    ...change,
  };
  const sync = createSync({
    api,
    store,
    timers: window,
    now: () => Date.now(),
    random: () => 0.5,
    outbox: {
      all: () => ops,
      replace: (next) => {
        ops = next;
      },
    },
    connect: () => {
      const sent: (typeof sockets)[number]["sent"] = [];
      const socket = {
        sent,
        onopen: null,
        onmessage: null,
        onclose: null,
        send: (text: string) => void sent.push(JSON.parse(text)),
        close: () => undefined,
      };
      sockets.push(socket);
      return socket;
    },
    onLive: () => void lives++,
  });
  const say = (frame: object) => sockets.at(-1)?.onmessage?.({ data: JSON.stringify(frame) });
  const welcome = async () => {
    await settle();
    sockets.at(-1)?.onopen?.();
    say({ t: "welcome", epoch: "k1", head: 5, build: "b1", limits: { text: 99, file_bytes: 9 } });
  };
  return { store, sync, api, sockets, say, welcome, ops: () => ops, heard: () => lives };
}

const pending = (change: Partial<Pending> = {}): Pending => ({
  client_id: "c-1",
  conversation: 12,
  kind: "reply",
  text: "Good morning",
  files: [],
  cc: [],
  offer: null,
  at: "2026-11-21T10:00:00.000Z",
  status: "sending",
  code: null,
  why: null,
  ...change,
});

it("says hello with the snapshot's pass and place", async () => {
  const { sync, sockets, welcome } = open();
  await sync.start();
  await welcome();
  expect(sockets[0]?.sent[0]).toMatchObject({
    t: "hello",
    token: "pass 0",
    epoch: "k1",
    cursor: 5,
  });
});

it("a reply stays pending until its message arrives by the feed", async () => {
  const { sync, store, sockets, say, welcome, ops } = open();
  await sync.start();
  await welcome();
  sync.write(pending(), { seen: 4 });
  expect(sockets[0]?.sent.at(-1)).toMatchObject({ t: "op", kind: "reply", seen: 4, files: [] });
  say({ t: "ack", client_id: "c-1", id: 6, seq: 6, at: "" });
  expect(ops()).toEqual([]);
  expect(store.pending.of(12)).toHaveLength(1);
  const event = {
    seq: 6,
    at: "",
    type: "message.added",
    message: message({ id: 6, client_id: "c-1", kind: "outbound" }),
    conversation: row(),
  };
  say({ t: "events", after: 5, upto: 6, live: true, events: [event] });
  expect(store.pending.of(12)).toEqual([]);
});

it("a newer answer asks instead of being sent again by itself", async () => {
  const { sync, store, say, welcome, ops } = open();
  await sync.start();
  await welcome();
  sync.write(pending(), { seen: 4 });
  say({ t: "nack", client_id: "c-1", code: "newer_reply", final: false });
  expect(store.pending.of(12)[0]).toMatchObject({ status: "question", text: "Good morning" });
  expect(ops()).toEqual([]);
  sync.write(pending(), { anyway: true });
  expect(store.pending.of(12)).toHaveLength(1);
  expect(ops()[0]).toMatchObject({ client_id: "c-1", anyway: true });
});

it("the people in copy at the click are those of every further try", async () => {
  const { sync, welcome, ops } = open();
  await sync.start();
  await welcome();
  sync.write(pending({ cc: ["ben@x.example"] }), {});
  expect(ops()[0]).toMatchObject({ cc: ["ben@x.example"] });
});

it("a page asked for before messages were moved does not bring them back", async () => {
  const answers: ((page: { messages: ReturnType<typeof message>[] }) => void)[] = [];
  const messages = () =>
    new Promise<{ messages: ReturnType<typeof message>[]; next: null; seq: number }>((resolve) => {
      answers.push(({ messages }) => resolve({ messages, next: null, seq: 5 }));
    });
  const { sync, store, say, welcome } = open({ messages });
  await sync.start();
  await welcome();
  const [stays, goes] = [message({ id: 1 }), message({ id: 2 })];
  void sync.loadThread(12);
  const type = "conversation.rearranged";
  const event = { seq: 6, at: "", type, conversation: row({ rev: 2 }) };
  say({ t: "events", after: 5, upto: 6, live: true, events: [event] });
  expect(store.threads.get(12).status).toBe("idle");
  void sync.loadThread(12);
  answers[0]?.({ messages: [stays, goes] });
  answers[1]?.({ messages: [stays] });
  await settle();
  expect(store.threads.get(12).messages).toEqual([stays]);
  say({ t: "events", after: 6, upto: 7, live: true, events: [{ ...event, seq: 7 }] });
  expect(store.threads.get(12).messages).toHaveLength(1); // shown until the fresh page is there
  void sync.loadThread(12);
  answers[2]?.({ messages: [goes] });
  await settle();
  expect(store.threads.get(12)).toMatchObject({ status: "ready", messages: [goes] });
});

it("a refusal for good keeps the words and says why", async () => {
  const { sync, store, say, welcome } = open();
  await sync.start();
  await welcome();
  sync.write(pending(), {});
  say({ t: "nack", client_id: "c-1", code: "reply_refused", final: true, message: "Closed." });
  expect(store.pending.of(12)[0]).toMatchObject({ status: "refused", why: "Closed." });
});

it("knows while nothing is stored, from the welcome and from each hint after it", async () => {
  const { sync, store, say, welcome } = open();
  await sync.start();
  await welcome();
  expect(store.connectivity().trouble).toBeNull();
  say({ t: "hint", kind: "trouble", code: "full" });
  expect(store.connectivity().trouble).toBe("full");
  say({ t: "hint", kind: "trouble", code: null });
  expect(store.connectivity().trouble).toBeNull();
  const limits = { text: 99, file_bytes: 9 };
  say({ t: "welcome", epoch: "k1", head: 5, build: "b1", limits, trouble: "read_only" });
  expect(store.connectivity().trouble).toBe("read_only");
});

it("what could not be fetched without the line is fetched when it is back", async () => {
  let isDown = true;
  const fetched = <T>(page: T) => (isDown ? Promise.reject(new ApiError(0, "offline", "")) : page);
  const { sync, store, sockets, welcome, heard } = open({
    messages: async () => fetched({ messages: [message({ id: 7 })], next: null, seq: 5 }),
    conversations: async () => fetched({ conversations: [row({ id: 12 })], next: null, seq: 5 }),
  });
  await sync.start();
  await welcome();
  sockets.at(-1)?.onclose?.({ code: 1006 });
  await sync.loadThread(12);
  await sync.loadList("all", null);
  expect(store.threads.get(12).status).toBe("failed");
  expect(store.rows.list("all", null).status).toBe("failed");
  expect(heard()).toBe(1);
  isDown = false;
  await vi.advanceTimersByTimeAsync(2_000);
  await welcome();
  await settle();
  expect(store.threads.get(12)).toMatchObject({ status: "ready", messages: [{ id: 7 }] });
  expect(store.rows.list("all", null).status).toBe("ready");
  expect(heard()).toBe(2); // who fetches by other ways is told
});

it("a refused pass is renewed once; only an ended session asks to sign in", async () => {
  let isIn = true;
  const { sync, store, sockets, welcome } = open({
    snapshot: async () => {
      if (isIn) return snapshot({ seq: 5 });
      throw new ApiError(401, "signed_out", "");
    },
  });
  await sync.start();
  await welcome();
  await vi.advanceTimersByTimeAsync(60_000);
  sockets.at(-1)?.onclose?.({ code: 4401 });
  await settle();
  expect(store.connectivity().isSignedOut).toBe(false);
  await welcome();
  isIn = false;
  await vi.advanceTimersByTimeAsync(60_000);
  sockets.at(-1)?.onclose?.({ code: 4401 });
  await settle();
  expect(store.connectivity().isSignedOut).toBe(true);
});

it("a pass that has grown old is renewed, and what was missed comes by events", async () => {
  let seq = 5;
  const pages = async () => ({ messages: [message()], next: null, seq });
  const { sync, store, sockets, say, welcome } = open({
    snapshot: async () => snapshot({ seq, pass: `pass at ${seq}` }),
    messages: pages,
  });
  await sync.start();
  await welcome();
  await sync.loadThread(12);
  const before = store.generation();
  seq = 9;
  say({ t: "reset", reason: "pass" });
  await settle();
  expect(sockets.at(-1)?.sent.at(-1)).toMatchObject({ t: "hello", token: "pass at 9", cursor: 5 });
  expect(store.generation()).toBe(before);
  expect(store.threads.get(12).status).toBe("ready");
});

it("a log that is another is begun anew", async () => {
  let seq = 5;
  const { sync, store, sockets, say, welcome } = open({
    snapshot: async () => snapshot({ seq, epoch: seq === 5 ? "k1" : "k2" }),
  });
  await sync.start();
  await welcome();
  const before = store.generation();
  seq = 3;
  say({ t: "reset", reason: "unknown_epoch" });
  await settle();
  expect(sockets.at(-1)?.sent.at(-1)).toMatchObject({ t: "hello", epoch: "k2", cursor: 3 });
  expect(store.generation()).toBe(before + 1);
});

it("a fresh pass that is refused at once means that the session is: no endless tries", async () => {
  const { sync, store, sockets, welcome } = open();
  await sync.start();
  await welcome();
  await vi.advanceTimersByTimeAsync(60_000);
  sockets.at(-1)?.onclose?.({ code: 4401 });
  await settle();
  sockets.at(-1)?.onclose?.({ code: 4401 });
  await settle();
  const tries = sockets.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(store.connectivity().isSignedOut).toBe(true);
  expect(sockets).toHaveLength(tries);
});

it("what the server refuses is taken back on screen", async () => {
  const { sync, store } = open();
  store.load(snapshot());
  store.rows.put(row());
  const refusal = new ApiError(403, "may_not_resolve", "");
  let shown: string | undefined;
  const attempt = sync.changeRow(12, { state: "resolved" }, () => {
    shown = store.rows.get(12)?.state;
    return Promise.reject(refusal);
  });
  await expect(attempt).rejects.toBe(refusal);
  expect(shown).toBe("resolved");
  expect(store.rows.get(12)?.state).toBe("open");
});

it("a burst of events asks for the counts once", async () => {
  const counts = vi.fn(async () => ({ mine: 1, unassigned: 2, all: 3, resolved: 4 }));
  const { sync, store, say, welcome } = open({ counts });
  await sync.start();
  await welcome();
  const events = [6, 7, 8].map((seq) => ({
    seq,
    at: "",
    type: "conversation.changed",
    conversation: row({ rev: seq }),
  }));
  say({ t: "events", after: 5, upto: 8, live: true, events });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(counts).toHaveBeenCalledOnce();
  expect(store.counts().all).toBe(3);
  const said = { seq: 9, at: "", type: "message.added", message: message(), conversation: row() };
  say({ t: "events", after: 8, upto: 9, live: true, events: [said] });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(counts).toHaveBeenCalledOnce(); // a word moves no conversation to another view
});

it("typing is forgotten after five seconds, and at once when the message comes", async () => {
  const { sync, store, say, welcome } = open();
  await sync.start();
  await welcome();
  const hint = { t: "hint", kind: "typing", conversation: 12, by: "contact" };
  say(hint);
  expect(store.typing(12)).toBe("contact");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(store.typing(12)).toBeNull();
  say(hint);
  const event = { seq: 6, at: "", type: "message.added", message: message(), conversation: row() };
  say({ t: "events", after: 5, upto: 6, live: true, events: [event] });
  expect(store.typing(12)).toBeNull();
});
