import { expect, test } from "vitest";
import { memoryStorage, op } from "./fakeclient.ts";
import { createOutbox, newClientId, openStorage, removeOp, sendOp } from "./index.ts";

const offline = { tell: () => false };
const ids = (outbox: { all(): { client_id: string }[] }) =>
  outbox.all().map((each) => each.client_id);

test("is full at 100 ops or 256 kB and says so", () => {
  const full = createOutbox(memoryStorage(), "k");
  for (let n = 0; n < 100; n++) expect(sendOp(offline, full, op(`${n}`))).toBe(true);
  expect(sendOp(offline, full, op("101"))).toBe(false);
  expect(sendOp(offline, createOutbox(memoryStorage(), "k"), op("long".repeat(70_000)))).toBe(
    false,
  );
});

test("blocked storage falls back to memory", () => {
  const blocked = () => {
    throw new Error("blocked");
  };
  const outbox = createOutbox(openStorage(blocked, "p:"), "k");
  sendOp(offline, outbox, op("a"));
  sendOp(offline, outbox, op("b"));
  removeOp(outbox, "a");
  expect(ids(outbox)).toEqual(["b"]);
});

test("storage that fills up keeps what was there and the new op", () => {
  const storage = memoryStorage();
  const outbox = createOutbox(
    openStorage(() => storage, "p:"),
    "k",
  );
  sendOp(offline, outbox, op("a"));
  storage.setItem = () => {
    throw new Error("full");
  };
  sendOp(offline, outbox, op("b"));
  expect(ids(outbox)).toEqual(["a", "b"]);
});

test("two tabs on one storage never overwrite each other", () => {
  const storage = memoryStorage();
  const one = createOutbox(storage, "k");
  const two = createOutbox(storage, "k");
  sendOp(offline, one, op("a"));
  sendOp(offline, two, op("b"));
  removeOp(one, "a");
  expect(ids(two)).toEqual(["b"]);
});

test("two sites on one origin do not share", () => {
  const storage = memoryStorage();
  const open = () => storage;
  const one = createOutbox(openStorage(open, "one:"), "k");
  const two = createOutbox(openStorage(open, "two:"), "k");
  sendOp(offline, one, op("a"));
  expect(two.all()).toEqual([]);
});

test("damaged storage is an empty outbox", () => {
  const storage = memoryStorage();
  storage.setItem("k", "{broken");
  const outbox = createOutbox(storage, "k");
  expect(outbox.all()).toEqual([]);
  sendOp(offline, outbox, op("a"));
  expect(ids(outbox)).toEqual(["a"]);
});

test("client ids do not repeat", () => {
  expect(new Set(Array.from({ length: 1000 }, () => newClientId())).size).toBe(1000);
});
