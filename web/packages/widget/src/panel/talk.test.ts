import { beforeEach, expect, test, vi } from "vitest";
import { fakeChat, said } from "./fakechat.ts";
import { createTalk } from "./talk.ts";

vi.mock("./chunks.ts", () => ({
  loadMask: async () => ({ mask: (text: string) => text.replace(/\d{16}/, "[card]") }),
  loadExtra: vi.fn(),
}));

beforeEach(() => {
  document.body.replaceChildren();
});

function join(messages = [said("outbound", "one")]) {
  const { chat, told } = fakeChat(messages);
  const changed = vi.fn();
  const talk = createTalk(chat, changed);
  talk.sync();
  return { chat, told, talk, changed };
}

const added = (message: ReturnType<typeof said>) => [
  { seq: message.id, type: "message.added", message },
];

test("a card number is masked before the outbox and before the socket", async () => {
  const { chat, told, talk } = join();
  expect(await talk.send(" pay with 4111111111111111 ", [])).toBe("card");
  expect(JSON.stringify(localStorage)).not.toContain("4111111111111111");
  expect(JSON.stringify(told)).not.toContain("4111111111111111");
  expect(chat.outbox.all()).toMatchObject([
    { kind: "message", text: "pay with [card]", files: [] },
  ]);
});

test("an op has the members of the contract and no other", async () => {
  const { told, talk } = join();
  await talk.send("hello", [{ id: "u1", name: "a.pdf", content_type: "x", size: 1 }]);
  const op = told.find(({ kind }) => kind === "message");
  expect(Object.keys(op ?? {}).sort()).toEqual(["client_id", "files", "kind", "t", "text"]);
  expect(op?.files).toEqual(["u1"]);
  expect(talk.waiting()).toMatchObject([{ text: "hello", files: ["a.pdf"] }]);
});

test("a message is shown once from outbox to history", async () => {
  const { chat, talk } = join([]);
  await talk.send("hello", []);
  const [op] = chat.outbox.all();
  if (!op) throw new Error("nothing waits");
  expect(talk.waiting()).toHaveLength(1);
  chat.outbox.replace([]);
  talk.settle({ t: "ack", client_id: op.client_id, id: 9, seq: 2, at: "" }, op);
  expect(talk.waiting()).toHaveLength(1);
  talk.apply(added(said("inbound", "hello", { client_id: op.client_id })));
  expect(talk.waiting()).toHaveLength(0);
  expect(talk.messages).toHaveLength(1);
});

test("a refused message stays with its text, also for the next page, until Retry", async () => {
  const { chat, talk } = join([]);
  const errors: unknown[] = [];
  chat.listeners.add(["error", (code) => errors.push(code)]);
  const op = { client_id: "c-12345678", kind: "message", text: "hello", files: [] };
  talk.settle({ t: "nack", client_id: op.client_id, code: "too_long", final: true }, op);
  expect(errors).toEqual(["too_long"]);
  const next = createTalk(chat, () => {});
  expect(next.failed.map((failed) => failed.op.text)).toEqual(["hello"]);
  const [failed] = next.failed;
  if (failed) next.retry(failed);
  expect(next.failed).toEqual([]);
  expect(chat.outbox.all()[0]).toMatchObject({ text: "hello" });
  expect(chat.outbox.all()[0]?.client_id).not.toBe(op.client_id);
});

test("an answer to a closed panel is counted, previewed and told to the page", () => {
  const { chat, talk } = join([]);
  const heard: unknown[] = [];
  for (const name of ["message", "unread"])
    chat.listeners.add([name, (detail) => heard.push(detail)]);
  const answer = said("outbound", "hi");
  talk.apply(added(answer));
  expect(talk.unread).toBe(1);
  expect(talk.teaser).toEqual(answer);
  expect(heard).toEqual([answer, 1]);
  talk.setOpen(true);
  expect(talk.unread).toBe(0);
  expect(talk.teaser).toBeUndefined();
});

test("opening reads: the server is told once", () => {
  const { told, talk } = join();
  talk.setOpen(true);
  talk.sync();
  const id = talk.messages[0]?.id;
  expect(told.filter(({ kind }) => kind === "read")).toMatchObject([{ message: id }]);
});

test("an older version of a message never replaces a newer one", () => {
  const { talk } = join([]);
  const message = said("outbound", "second", { rev: 2 });
  talk.apply(added(message));
  talk.apply([
    { seq: 9, type: "message.changed", message: { ...message, rev: 1, text: "first" } as never },
  ]);
  expect(talk.messages[0]?.text).toBe("second");
  talk.apply([
    {
      seq: 10,
      type: "message.changed",
      message: { ...message, rev: 3, is_deleted: true } as never,
    },
  ]);
  expect(talk.messages[0]?.is_deleted).toBe(true);
  expect(talk.unread).toBe(0);
});

test("another tab opens, reads and closes for this one too", () => {
  const { chat, talk } = join();
  expect(talk.unread).toBe(1);
  chat.storage.setItem("open", "1");
  chat.storage.setItem("read", `${talk.messages[0]?.id}`);
  talk.sync();
  expect([talk.isOpen, talk.unread]).toEqual([true, 0]);
  chat.storage.setItem("open", "");
  talk.sync();
  expect(talk.isOpen).toBe(false);
});

test("a token that another tab got first is taken over", () => {
  const { chat, talk } = join();
  const start = vi.spyOn(chat.feed, "start");
  talk.sync();
  expect(start).not.toHaveBeenCalled();
  chat.storage.setItem("token", "another");
  chat.feed.cursor = { epoch: "e", seq: 3 };
  talk.sync();
  expect(start).toHaveBeenCalledOnce();
  expect(chat.feed.cursor).toBeNull();
});

test("a throwing listener harms nobody", () => {
  const { chat, talk } = join();
  const complaint = vi.spyOn(console, "error").mockImplementation(() => {});
  const heard = vi.fn();
  chat.listeners.add([
    "open",
    () => {
      throw new Error("page");
    },
  ]);
  chat.listeners.add(["open", heard]);
  talk.setOpen(true);
  expect(heard).toHaveBeenCalledOnce();
  expect(complaint).toHaveBeenCalledOnce();
});
