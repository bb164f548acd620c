import { createOutbox, openStorage } from "@omnibox/realtime";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFeed } from "./feed.ts";
import type { Chat, Config } from "./types.ts";

class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  sent: { t: string; [member: string]: unknown }[] = [];
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const config = { title: "Shop", color: "#2f5bea" } as Config;
const welcome = {
  t: "welcome",
  v: 1,
  epoch: "e",
  head: 4,
  cursor: 4,
  messages: [],
  config,
  limits: { text: 100, file_bytes: 100 },
};

function makeChat() {
  localStorage.clear();
  const storage = openStorage(() => localStorage, "omnibox:k:");
  const applied: unknown[] = [];
  const ui = {
    apply: (events: unknown[]) => applied.push(...events),
    hint: vi.fn(),
    draw: vi.fn(),
  };
  const chat = {
    data: { site: "k" },
    base: "https://hub.example/w/",
    storage,
    outbox: createOutbox(storage, "outbox"),
    token: null,
    leave: vi.fn(() => chat.feed.stop()),
    withPanel: (use: (panel: unknown) => void) => use(ui),
  } as unknown as Chat;
  return { chat, applied };
}

const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};
const socketAt = (index: number): FakeSocket => {
  const socket = FakeSocket.all.at(index);
  if (!socket) throw new Error("no socket");
  return socket;
};

async function connect(chat: Chat, drawn = vi.fn()) {
  chat.feed = openFeed(chat, drawn);
  await settle();
  socketAt(-1).onopen?.();
  return drawn;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("says hello without a token first, keeps the one it is given", async () => {
  const { chat } = makeChat();
  const drawn = await connect(chat);
  expect(socketAt(0).url).toBe("wss://hub.example/w/ws?site=k");
  expect(socketAt(0).sent[0]).toMatchObject({
    t: "hello",
    v: 1,
    token: "",
    epoch: "",
    cursor: null,
  });
  socketAt(0).say({ ...welcome, token: "secret" });
  expect(chat.storage.getItem("token")).toBe("secret");
  expect(chat.token).toBe("secret");
  expect(chat.config).toEqual(config);
  expect(drawn).toHaveBeenCalledOnce();
});

test("tells how far it is, once per burst", async () => {
  const { chat, applied } = makeChat();
  await connect(chat);
  socketAt(0).say(welcome);
  socketAt(0).say({ t: "events", after: 4, upto: 5, live: false, events: [{ seq: 5, type: "x" }] });
  socketAt(0).say({ t: "events", after: 5, upto: 9, live: true, events: [] });
  vi.advanceTimersByTime(250);
  expect(socketAt(0).sent.filter(({ t }) => t === "at")).toEqual([{ t: "at", cursor: 9 }]);
  expect(applied).toEqual([{ seq: 5, type: "x" }]);
});

test("a refused token is dropped once, a second refusal takes the widget away", async () => {
  const { chat } = makeChat();
  chat.storage.setItem("token", "old");
  await connect(chat);
  expect(socketAt(0).sent[0]).toMatchObject({ token: "old" });
  socketAt(0).onclose?.({ code: 4401 });
  await settle();
  socketAt(1).onopen?.();
  expect(socketAt(1).sent[0]).toMatchObject({ token: "", cursor: null });
  socketAt(1).onclose?.({ code: 4401 });
  expect(chat.leave).toHaveBeenCalledOnce();
});

test("a site that is refused stays quiet", async () => {
  const { chat } = makeChat();
  await connect(chat);
  socketAt(0).onclose?.({ code: 4403 });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(FakeSocket.all).toHaveLength(1);
  expect(chat.leave).toHaveBeenCalledOnce();
});

test("a welcome without messages keeps those of the one before", async () => {
  const { chat } = makeChat();
  await connect(chat);
  const messages = [{ id: 1 }];
  socketAt(0).say({ ...welcome, messages });
  socketAt(0).onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(1_000);
  socketAt(1).onopen?.();
  expect(socketAt(1).sent[0]).toMatchObject({ epoch: "e", cursor: 4 });
  const { messages: _, cursor: __, ...bare } = welcome;
  socketAt(1).say(bare);
  expect(chat.welcome?.messages).toEqual(messages);
});

test("a second welcome brings what has changed and begins nothing anew", async () => {
  const { chat } = makeChat();
  const drawn = await connect(chat);
  const messages = [{ id: 1 }];
  const away = { ...config, online: false };
  socketAt(0).say({ ...welcome, config: away, token: "secret", messages });
  socketAt(0).say({ t: "events", after: 4, upto: 9, live: true, events: [] });
  const { messages: _, cursor: __, ...bare } = welcome;
  socketAt(0).say({ ...bare, head: 12, config: { ...away, online: true } });
  expect(chat.config?.online).toBe(true);
  expect(chat.welcome?.messages).toEqual(messages);
  expect(chat.token).toBe("secret");
  expect(drawn).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(250);
  expect(socketAt(0).sent.at(-1)).toEqual({ t: "at", cursor: 9 });
});
