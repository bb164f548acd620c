/** The host page's calls that need the panel. */

import type { Appearance, Talk } from "../panel/talk.ts";

type Call = (value: never) => void;

const later = new Set(["identify", "track"]);

export function createCalls(talk: Talk, appear: (values: Appearance) => void) {
  const { chat } = talk;
  const warned = new Set<unknown>();
  /** Everything that this browser knows of the visitor; the server is not asked. */
  const forget = (): void => {
    chat.feed.stop();
    for (const key of ["token", "open", "read", "config", "failed", "outbox"])
      chat.storage.setItem(key, "");
    chat.feed.cursor = null;
    if (chat.welcome) chat.welcome = { ...chat.welcome, messages: [], more: false };
    Object.assign(talk, { failed: [], draft: "" });
    talk.sync();
  };

  const calls = new Map<unknown, Call>(
    Object.entries({
      open: (options?: { text?: string }) => {
        if (typeof options?.text === "string") talk.draft = options.text;
        talk.setOpen(true, true);
      },
      close: () => talk.setOpen(false),
      toggle: () => talk.setOpen(!talk.isOpen, true),
      show: () => {
        chat.launcher.hidden = false;
      },
      hide: () => {
        chat.launcher.hidden = true;
      },
      set: (values: Appearance) => {
        const { style } = chat.wrapper;
        if (values.zIndex !== undefined) style.zIndex = `${values.zIndex}`;
        if (values.offset !== undefined) style.setProperty("--x", `${values.offset}px`);
        appear(values);
      },
      forget: () => {
        forget();
        chat.feed.start();
      },
      consent: (given?: { chat?: boolean }) => {
        if (given?.chat !== false) return;
        forget();
        chat.leave();
      },
      page: talk.tellPage,
    }),
  );

  return (name: unknown, [value]: unknown[]): void => {
    const call = calls.get(name);
    if (call) call(value as never);
    else if (!warned.has(name)) {
      const state = later.has(`${name}`) ? "available yet" : "known";
      console.warn(`omnibox: "${name}" is not ${state}`);
    }
    warned.add(name);
  };
}
