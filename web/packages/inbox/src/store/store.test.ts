import type { FeedEvent, Message, Row, View } from "@omnibox/api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { message, row, snapshot } from "../testing/samples.ts";
import { createStore, type Store } from "./store.ts";

type Action =
  | { do: "inbound" | "reply" | "resolve" | "read"; at: number }
  | { do: "assign"; at: number; agent: number | null }
  | { do: "edit"; at: number; nth: number };

const PAGE = 3;
const MOST = 5;
const views: View[] = ["mine", "unassigned", "all", "resolved"];
const timers = { setTimeout: () => 0, clearTimeout: () => undefined };
const timeOf = (seq: number) => new Date(Date.UTC(2026, 10, 21) + seq * 1_000).toISOString();

/** The server in small: numbered changes; its events join records as they are when they are read. */
class World {
  rows = new Map<number, Row>();
  messages = new Map<number, Message[]>();
  log: {
    seq: number;
    type: "message.added" | "conversation.changed";
    id: number;
    message?: number;
  }[] = [];

  copy(): World {
    const world = new World();
    world.rows = structuredClone(this.rows);
    world.messages = structuredClone(this.messages);
    world.log = [...this.log];
    return world;
  }

  announce(id: number, message?: number) {
    const seq = this.log.length + 1;
    const type = message === undefined ? "conversation.changed" : "message.added";
    this.log.push({ seq, type, id, ...(message === undefined ? {} : { message }) });
  }

  amend(id: number, change: Partial<Row>) {
    const old = this.rows.get(id) ?? row({ id, rev: 0, last_at: timeOf(0) });
    this.rows.set(id, { ...old, ...change, rev: old.rev + 1 });
  }

  act(action: Action) {
    const id = action.at;
    const now = timeOf(this.log.length + 1);
    const list = this.messages.get(id) ?? [];
    if (action.do === "inbound" || action.do === "reply") {
      const next = 1 + [...this.messages.values()].flat().length;
      const kind = action.do === "inbound" ? "inbound" : "outbound";
      this.messages.set(id, [...list, message({ id: next, conversation: id, kind, at: now })]);
      this.amend(id, { last_at: now, ...(kind === "inbound" ? { state: "open" } : {}) });
      this.announce(id, next);
    } else if (action.do === "edit") {
      const one = list[action.nth % Math.max(1, list.length)];
      if (!one) return;
      const edited = { ...one, rev: one.rev + 1, text: `edited ${one.rev}` };
      this.messages.set(
        id,
        list.map((each) => (each === one ? edited : each)),
      );
      this.amend(id, {});
      this.announce(id, one.id);
    } else if (this.rows.has(id)) {
      if (action.do === "resolve") this.amend(id, { state: "resolved" });
      if (action.do === "assign") this.amend(id, { assignee: action.agent });
      if (action.do === "read") this.amend(id, { unread: 0 });
      this.announce(id);
    }
  }

  list(view: View, before: number) {
    const all = [...this.rows.values()]
      .filter((one) =>
        view === "resolved"
          ? one.state === "resolved"
          : one.state === "open" &&
            (view === "all" || one.assignee === (view === "mine" ? 1 : null)),
      )
      .sort((a, b) => (a.last_at === b.last_at ? b.id - a.id : a.last_at < b.last_at ? 1 : -1));
    const conversations = all.slice(before, before + PAGE);
    const end = before + PAGE;
    return { conversations, next: end < all.length ? String(end) : null, seq: this.log.length };
  }

  thread(id: number, before = Number.POSITIVE_INFINITY) {
    const all = (this.messages.get(id) ?? []).filter((one) => one.id < before);
    const messages = all.slice(-PAGE);
    const next = all.length > PAGE ? (messages[0]?.id ?? null) : null;
    return { messages, next, seq: this.log.length };
  }

  /** The texts are joined as they stand now, whenever the event happened. */
  events(after: number, upto: number): FeedEvent[] {
    return this.log.slice(after, upto).map(({ seq, type, id, message: number }) => {
      const conversation = this.rows.get(id) as Row;
      const at = timeOf(seq);
      if (type === "conversation.changed") return { seq, at, type, conversation };
      const found = this.messages.get(id)?.find((one) => one.id === number) as Message;
      return { seq, at, type, message: found, conversation };
    });
  }
}

const loadLists = (store: Store, world: World, pages: number) => {
  for (const view of views)
    for (let page = 0; page < pages; page++) {
      const { next } = store.rows.list(view, null);
      if (page > 0 && next === null) break;
      store.rows.putPage(view, null, world.list(view, page === 0 ? 0 : Number(next)), page === 0);
    }
};

const loadThreads = (store: Store, world: World) => {
  for (let id = 1; id <= MOST; id++) {
    store.threads.set(id, { status: "loading" });
    store.threads.putPage(id, world.thread(id), true);
  }
};

const open = (world: World): Store => {
  const store = createStore(timers);
  store.load(snapshot({ seq: world.log.length }));
  loadLists(store, world, 9);
  loadThreads(store, world);
  return store;
};

/** What a reader sees of the rows; threads from the oldest message that both loaded. */
const seen = (store: Store) =>
  views.map((view) => store.rows.order(view, null).map((id) => store.rows.get(id)));

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      "inbound" as const,
      "inbound" as const,
      "reply" as const,
      "resolve" as const,
      "read" as const,
    ),
    at: fc.integer({ min: 1, max: MOST }),
  }),
  fc.record({
    do: fc.constant("assign" as const),
    at: fc.integer({ min: 1, max: MOST }),
    agent: fc.constantFrom(null, 1, 2),
  }),
  fc.record({
    do: fc.constant("edit" as const),
    at: fc.integer({ min: 1, max: MOST }),
    nth: fc.nat(9),
  }),
);

const history = (actions: readonly Action[]): World[] => {
  const world = new World();
  const worlds = [world.copy()];
  for (const one of actions) {
    world.act(one);
    if (world.log.length >= worlds.length) worlds.push(world.copy());
  }
  return worlds;
};

describe("snapshot and events", () => {
  it("snapshot(k) + events(k..n) = snapshot(n), for every k < n", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 25 }), (actions) => {
        const worlds = history(actions);
        const last = worlds.at(-1) as World;
        const whole = seen(open(last));
        worlds.forEach((world, k) => {
          const store = open(world);
          store.apply(last.events(k, last.log.length));
          expect(seen(store)).toEqual(whole);
          for (let id = 1; id <= MOST; id++) {
            const oldest = store.threads.get(id).messages[0]?.id ?? 0;
            const all = (last.messages.get(id) ?? []).filter((one) => one.id >= oldest);
            expect(store.threads.get(id).messages).toEqual(all);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it("pages that arrive before, between or after the events they overlap give the same", () => {
    fc.assert(
      fc.property(
        fc.array(action, { minLength: 2, maxLength: 25 }),
        fc.nat(24),
        fc.nat(24),
        (actions, one, other) => {
          const worlds = history(actions);
          const n = worlds.length - 1;
          const [k, m] = [one % (n + 1), other % (n + 1)].sort((a, b) => a - b) as [number, number];
          const last = worlds.at(-1) as World;
          const middle = worlds[m] as World;
          const store = open(worlds[k] as World);
          store.apply(middle.events(k, m));
          loadThreads(store, middle);
          loadLists(store, worlds[k] as World, 1);
          store.apply(last.events(k, n));
          loadLists(store, last, 9);
          expect(seen(store)).toEqual(seen(open(last)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("after a reset, pages of an older log's rows are forgotten and lower revisions are believed", () => {
    const store = createStore(timers);
    store.load(snapshot());
    const page = (rows: Row[]) => ({ conversations: rows, next: null, seq: 9 });
    store.rows.putPage("all", null, page([row({ id: 1, rev: 9 }), row({ id: 2, rev: 9 })]), true);
    store.threads.set(1, { status: "loading" });
    store.threads.putPage(1, { messages: [message({ id: 4, rev: 9 })], next: null, seq: 9 }, true);

    store.restart(snapshot({ epoch: "k2" }));
    expect(store.rows.order("all", null)).toEqual([2, 1]);
    expect(store.threads.get(1).messages).toHaveLength(1);

    store.rows.putPage("all", null, page([row({ id: 1, rev: 2, unread: 3 })]), true);
    store.threads.set(1, { status: "loading" });
    store.threads.putPage(1, { messages: [message({ id: 3, rev: 1 })], next: null, seq: 2 }, true);
    expect(store.rows.order("all", null)).toEqual([1]);
    expect(store.rows.get(1)?.unread).toBe(3);
    expect(store.threads.get(1).messages.map(({ id }) => id)).toEqual([3]);
  });
});

describe("late answers", () => {
  it("a page that left the server before the events takes nothing back", () => {
    const store = createStore(timers);
    store.load(snapshot());
    const page = (one: Row) => ({ conversations: [one], next: null, seq: 0 });
    store.rows.putPage("all", null, page(row({ rev: 1 })), true);
    store.rows.put(row({ rev: 3, unread: 2 }));
    store.rows.putPage("all", null, page(row({ rev: 2, unread: 1 })), true);
    expect(store.rows.get(12)).toMatchObject({ rev: 3, unread: 2 });

    store.threads.set(12, { status: "loading" });
    store.threads.put(message({ rev: 4, text: "newer" }));
    store.threads.putPage(12, { messages: [message({ rev: 2 })], next: null, seq: 0 }, true);
    expect(store.threads.get(12).messages).toMatchObject([{ rev: 4, text: "newer" }]);
  });

  it("a change of a message that is not loaded yet makes no hole above the first page", () => {
    const store = createStore(timers);
    const ids = () => store.threads.get(12).messages.map(({ id }) => id);
    store.threads.set(12, { status: "loading" });
    store.threads.put(message({ id: 20, rev: 2 }));
    store.threads.putPage(12, { messages: [message({ id: 100 })], next: 100, seq: 0 }, true);
    expect(ids()).toEqual([100]);
    store.threads.put(message({ id: 20, rev: 3 }));
    expect(ids()).toEqual([100]);
    store.threads.putPage(
      12,
      { messages: [message({ id: 20, rev: 3 })], next: null, seq: 0 },
      false,
    );
    expect(ids()).toEqual([20, 100]);
  });
});

describe("who is told", () => {
  it("an event repaints its own row, not its neighbours", () => {
    const store = createStore(timers);
    store.load(snapshot());
    const conversations = [row({ id: 1 }), row({ id: 2 })];
    store.rows.putPage("all", null, { conversations, next: null, seq: 0 }, true);
    const told: string[] = [];
    for (const topic of ["row:1", "row:2", "desk"]) store.topics.on(topic, () => told.push(topic));
    const conversation = row({ id: 1, rev: 2, unread: 1 });
    store.apply([{ seq: 1, at: timeOf(1), type: "conversation.changed", conversation }]);
    expect(told).toEqual(["row:1"]);
  });

  it("a list whose order stays the same keeps its identity", () => {
    const store = createStore(timers);
    store.load(snapshot());
    store.rows.putPage("all", null, { conversations: [row()], next: null, seq: 0 }, true);
    const before = store.rows.order("all", null);
    store.rows.put(row({ rev: 2, unread: 4 }));
    expect(store.rows.order("all", null)).toBe(before);
  });

  it("a row older than the fetched pages stays out of the list until its page comes", () => {
    const store = createStore(timers);
    store.load(snapshot());
    const conversations = [row({ id: 1, last_at: timeOf(50) })];
    store.rows.putPage("all", null, { conversations, next: "1", seq: 0 }, true);
    store.rows.put(row({ id: 2, last_at: timeOf(10) }));
    expect(store.rows.order("all", null)).toEqual([1]);
    store.rows.put(row({ id: 2, rev: 2, last_at: timeOf(60) }));
    expect(store.rows.order("all", null)).toEqual([2, 1]);
  });
});
