import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/preact";
import { h } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import en from "../../locales/en.json";
import { fakeChat, said } from "./fakechat.ts";
import { Panel } from "./Panel.tsx";
import { translator } from "./strings.ts";
import { createTalk } from "./talk.ts";
import { createTray } from "./tray.ts";
import type { View } from "./View.ts";

vi.mock("./chunks.ts", () => ({
  loadMask: async () => ({ mask: (text: string) => text }),
  loadExtra: async () => ({
    upload: () => ({ cancel: () => {}, done: Promise.resolve({ id: "u1", name: "a.pdf" }) }),
  }),
}));

afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});

function open(
  messages = [said("outbound", "How can I help?")],
  change: Partial<View["config"]> = {},
) {
  const { chat, told } = fakeChat(messages);
  let draw = () => {};
  const talk = createTalk(chat, () => draw());
  const tray = createTray(talk, () => draw());
  const config = Object.assign({}, chat.config, change) as NonNullable<View["config"]>;
  const viewOf = (): View => ({
    talk,
    tray,
    t: translator(en),
    language: "en",
    config,
    changed: () => draw(),
  });
  const shown = render(<Panel {...viewOf()} />);
  draw = () => shown.rerender(<Panel {...viewOf()} />);
  talk.setOpen(true, true);
  return { chat, told, talk, tray };
}

const field = () => screen.getByRole<HTMLTextAreaElement>("textbox");
const type = (text: string) => fireEvent.input(field(), { target: { value: text } });

test("a dialog with a name, a log, a field that has the focus", () => {
  open();
  expect(screen.getByRole("dialog", { name: "Brightleaf" })).toBeTruthy();
  expect(screen.getByRole("log").textContent).toContain("How can I help?");
  expect(screen.getByText("Hello there")).toBeTruthy();
  expect(document.activeElement).toBe(field());
});

test("every control has a name", () => {
  open([
    said("outbound", "", {
      attachments: [
        {
          id: 1,
          name: "a.pdf",
          content_type: "application/pdf",
          size: 9,
          key: "k",
          state: "ready",
        },
      ],
    }),
  ]);
  for (const button of within(screen.getByRole("dialog")).getAllByRole("button"))
    expect(button.getAttribute("aria-label") || button.textContent).toBeTruthy();
});

test("Enter sends, Shift+Enter and an unfinished composition do not", async () => {
  const { chat } = open();
  type("hello");
  fireEvent.keyDown(field(), { key: "Enter", shiftKey: true });
  fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
  expect(chat.outbox.all().filter(({ kind }) => kind === "message")).toEqual([]);
  fireEvent.keyDown(field(), { key: "Enter" });
  await waitFor(() => expect(screen.getByText("Sending…")).toBeTruthy());
  expect(field().value).toBe("");
});

test("what was typed while the message left stays in the field", async () => {
  open();
  type("hello");
  fireEvent.keyDown(field(), { key: "Enter" });
  type("hello and more");
  await waitFor(() => expect(field().value).toBe(" and more"));
});

test("Escape closes and gives the focus back; the page hears no key", () => {
  const { chat, talk } = open();
  const heard = vi.fn();
  document.addEventListener("keydown", heard);
  fireEvent.keyDown(field(), { key: "Escape" });
  document.removeEventListener("keydown", heard);
  expect(talk.isOpen).toBe(false);
  expect(document.activeElement).toBe(chat.launcher);
  expect(heard).not.toHaveBeenCalled();
});

test("too long a text cannot be sent and says by how much", () => {
  open();
  type("x".repeat(43));
  expect(screen.getByText("3 characters too many")).toBeTruthy();
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send" }).disabled).toBe(true);
});

test("a file that is too large is refused with the limit, another is sent with the message", async () => {
  const { told, tray } = open();
  tray.add([new File(["x".repeat(2_000)], "big.bin")]);
  expect(screen.getByText("big.bin is larger than 1 kB.")).toBeTruthy();
  tray.add([new File(["x"], "a.pdf")]);
  const send = screen.getByRole<HTMLButtonElement>("button", { name: "Send" });
  await waitFor(() => expect(send.disabled).toBe(false));
  fireEvent.click(send);
  await waitFor(() =>
    expect(told.find(({ kind }) => kind === "message")).toMatchObject({ files: ["u1"] }),
  );
});

test("a refused message shows Retry", () => {
  const { talk } = open();
  const op = { client_id: "c-12345678", kind: "message", text: "lost?", files: [] };
  talk.settle({ t: "nack", client_id: op.client_id, code: "x", final: true, message: "No." }, op);
  expect(screen.getByText("lost?")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(screen.getByText("Sending…")).toBeTruthy();
});

test("nobody online: what happens then is said", () => {
  open([], { online: false, ask_email: true });
  expect(screen.getByText(/^Away/)).toBeTruthy();
  expect(screen.getByText("Back tomorrow")).toBeTruthy();
  expect(screen.getByText(en.ask_email)).toBeTruthy();
});

test("a burst is announced as one sentence, history not at all", () => {
  const { talk } = open();
  const status = () => screen.getAllByRole("status").at(-1)?.textContent;
  expect(status()).toBe("");
  const news = [said("outbound", "a"), said("outbound", "b")];
  talk.apply(news.map((message) => ({ seq: message.id, type: "message.added", message })));
  expect(status()).toBe("Ana Torres: 2 new messages");
});

test("a closed panel previews the answer; the preview opens or goes away", () => {
  const { talk } = open([]);
  talk.setOpen(false);
  const message = said("outbound", "Still there?");
  talk.apply([{ seq: message.id, type: "message.added", message }]);
  expect(screen.queryByRole("dialog")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByText("Still there?")).toBeNull();
  expect(talk.unread).toBe(1);
});

test("typing shows and ends by itself", async () => {
  vi.useFakeTimers();
  const { talk } = open();
  talk.hint({ t: "hint", kind: "typing", name: "Ana Torres" });
  expect(screen.getByText("Ana Torres is typing…")).toBeTruthy();
  vi.advanceTimersByTime(5_100);
  expect(screen.queryByText("Ana Torres is typing…")).toBeNull();
  vi.useRealTimers();
});
