/** The ops that wait for an ack, kept in a browser's storage. */

import type { Feed, Op, Outbox } from "./types.ts";

export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
}

const MOST_OPS = 100;
const MOST_CHARS = 256_000;

/**
 * A part of a storage that never throws: what is blocked or full stays in memory for the page's life.
 * `open` may throw: a blocked `localStorage` does when it is only touched.
 */
export function openStorage(open: () => TextStorage, prefix: string): TextStorage {
  const memory: Record<string, string> = Object.create(null);
  return {
    getItem: (key) => {
      try {
        return memory[key] ?? open().getItem(prefix + key);
      } catch {
        return null;
      }
    },
    setItem: (key, text) => {
      try {
        open().setItem(prefix + key, text);
        delete memory[key];
      } catch {
        memory[key] = text;
      }
    },
  };
}

/** The value stored as JSON under `key`; undefined when there is none or it is damaged. */
export function readJson<T>(storage: TextStorage, key: string): T | undefined {
  try {
    return JSON.parse(storage.getItem(key) ?? "");
  } catch {
    return undefined;
  }
}

/** Reads the storage at every call, so that tabs sharing it never overwrite each other's ops. */
export const createOutbox = (storage: TextStorage, key: string): Outbox => ({
  all: () => readJson<Op[]>(storage, key) ?? [],
  replace: (ops) => storage.setItem(key, JSON.stringify(ops)),
});

/** Takes an op out, whether it was sent or not. */
export const removeOp = (outbox: Outbox, client_id: string): void =>
  outbox.replace(outbox.all().filter((op) => op.client_id !== client_id));

/** Stores the op, then sends it, now or after the next welcome. False when the outbox is full. */
export function sendOp(feed: Pick<Feed, "tell">, outbox: Outbox, op: Op): boolean {
  const ops = [...outbox.all(), op];
  if (ops.length > MOST_OPS || JSON.stringify(ops).length > MOST_CHARS) return false;
  outbox.replace(ops);
  feed.tell({ ...op, t: "op" });
  return true;
}

/** Unique per sender for all practical time; needs no secure context. */
export const newClientId = (now = Date.now(), random = Math.random): string =>
  `c-${now.toString(36)}${random().toString(36).slice(2)}${random().toString(36).slice(2)}`;
