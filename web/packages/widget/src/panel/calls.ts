/** The host page's calls that need the panel. */

import type { Talk } from "./talk.ts";

export interface Appearance {
  lang?: string;
  strings?: Record<string, string>;
  zIndex?: number;
  offset?: number;
}

type Call = (value: never) => void;

const later = new Set(["identify", "track"]);

export function createCalls(talk: Talk, appear: (values: Appearance) => void) {
  const { chat } = talk;
  const warned = new Set<unknown>();
  let href = location.href;

  const tellPage = (page?: { url?: string; title?: string }): void => {
    href = location.href;
    chat.feed.tell({ t: "hint", kind: "page", url: href, title: document.title, ...page });
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
        talk.forget();
        chat.feed.start();
      },
      consent: (given?: { chat?: boolean }) => {
        if (given?.chat !== false) return;
        talk.forget();
        chat.leave();
      },
      page: tellPage,
    }),
  );

  // A look once a second costs the page less than wrapping its history functions.
  setInterval(() => href !== location.href && tellPage(), 1000);

  return (name: unknown, [value]: unknown[]): void => {
    const call = calls.get(name);
    if (call) return call(value as never);
    if (warned.has(name)) return undefined;
    warned.add(name);
    console.warn(`omnibox: "${name}" is ${later.has(`${name}`) ? "not available yet" : "unknown"}`);
    return undefined;
  };
}
