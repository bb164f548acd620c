/** A client as a panel would be one, and a socket driven frame by frame: for the tests. */

import { FakeClock, FakeServer, type Note } from "./fakes.ts";
import { createFeed, createOutbox, sendOp, type Welcome } from "./index.ts";
import type { FeedOptions, FeedSocket, FeedState } from "./types.ts";

export type Hello = Welcome & { messages?: Note[] };

export function memoryStorage() {
  const map = new Map<string, string>();
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, text: string) => void map.set(key, text),
  };
}

/** A client that holds what it was told, as a panel would. */
export function join(
  server: FakeServer,
  storage = memoryStorage(),
  changes: Partial<FeedOptions<Note, Hello>> = {},
) {
  let notes: Note[] = [];
  const acked: string[] = [];
  const states: FeedState[] = [];
  let seed = 7;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const outbox = createOutbox(storage, "outbox");
  const feed = createFeed<Note, Hello>({
    connect: () => server.connect(),
    hello: () => ({ token: "" }),
    outbox,
    timers: server.clock,
    now: () => server.clock.now(),
    random,
    onWelcome: (welcome) => {
      if (welcome.messages) notes = [...welcome.messages];
    },
    onEvents: (events) => notes.push(...events),
    onAnswer: (answer) => acked.push(answer.client_id),
    onState: (state) => states.push(state),
    ...changes,
  });
  feed.start();
  const send = (text: string) => sendOp(feed, outbox, op(text));
  return { feed, outbox, acked, states, send, notes: () => notes };
}

export const op = (text: string, client_id = text) => ({ client_id, kind: "message", text });

export async function joined(changes: Partial<FeedOptions<Note, Hello>> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.post("first");
  const client = join(server, undefined, changes);
  await clock.advance(100);
  return { clock, server, ...client };
}

/** A socket driven by the test, frame by frame. */
export function scripted() {
  const frames: { t: string }[] = [];
  const socket: FeedSocket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => void frames.push(JSON.parse(text)),
    close: () => {},
  };
  return Object.assign(socket, {
    open: async () => {
      await Promise.resolve();
      await Promise.resolve();
      socket.onopen?.();
    },
    say: (frame: object) => socket.onmessage?.({ data: JSON.stringify(frame) }),
    sent: (kind: string) => frames.filter((frame) => frame.t === kind),
  });
}

export function plain(socket: FeedSocket) {
  const storage = memoryStorage();
  const clock = new FakeClock();
  return {
    connect: () => socket,
    hello: () => ({ token: "" }),
    outbox: createOutbox(storage, "k"),
    clock,
    timers: clock,
    now: () => clock.now(),
    random: () => 0.5,
    onWelcome: () => {},
    onEvents: () => {},
  };
}
