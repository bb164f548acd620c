/** The script of the embed line: owns the socket, the launcher and the page's calls. */

import { createOutbox, openStorage, readJson } from "@omnibox/realtime";
import { openFeed } from "./feed.ts";
import { createLauncher } from "./launcher.ts";
import type { Chat, Message, PanelModule, PanelUi } from "./types.ts";

declare const __PANEL__: string;

interface Api {
  (...call: unknown[]): unknown;
  q?: Iterable<unknown>[];
  v?: number;
}

declare global {
  interface Window {
    omnibox?: Api;
  }
}

/** Starts the widget; the answer takes the page's calls. */
function start(data: DOMStringMap, base: string): Api {
  const storage = openStorage(() => localStorage, `omnibox:${data.site}:`);
  const { draw, remove, ...parts } = createLauncher();
  const listeners: Chat["listeners"] = new Set();
  let panel: Promise<PanelUi> | undefined;

  const withPanel: Chat["withPanel"] = (use) => {
    panel ??= import(/* @vite-ignore */ base + __PANEL__).then((module: PanelModule) => {
      chat.ui = module.mount(chat);
      return chat.ui;
    });
    panel.then(use).catch((fault) => {
      if (!chat.ui) panel = undefined; // the next use tries again
      console.warn(fault);
    });
  };

  const chat = {
    ...parts,
    data,
    base,
    storage,
    outbox: createOutbox(storage, "outbox"),
    config: readJson(storage, "config"),
    token: null,
    listeners,
    withPanel,
    leave: () => {
      chat.feed.stop();
      remove();
    },
  } as Omit<Chat, "feed"> as Chat;

  const drawPanel = (): void => withPanel((ui) => ui.draw());

  /** Draws the launcher; loads the panel where something is open or unread. */
  const changed = (): void => {
    const read = Number(storage.getItem("read"));
    const isNew = ({ kind, id }: Message) => kind === "outbound" && id > read;
    if (chat.feed.state !== "stopped") draw(data, chat.config);
    if (chat.ui || storage.getItem("open") || chat.welcome?.messages?.some(isNew)) drawPanel();
  };

  const begin = (): void => {
    chat.feed = openFeed(chat, changed);
    if (chat.config) changed();
    else setTimeout(changed, 2000);
    parts.launcher.hidden = data.launcher === "off";
    parts.launcher.onclick = () => withPanel((ui) => ui.toggle());
    parts.launcher.onpointerenter = drawPanel;
    addEventListener("storage", changed);
  };

  if (data.consent !== "required") begin();
  return (name, ...values) => {
    if (name === "on") {
      const pair = values as [string, (detail?: unknown) => void];
      listeners.add(pair);
      if (pair[0] === "ready") pair[1]();
      return () => listeners.delete(pair);
    }
    if (chat.feed) withPanel((ui) => ui.call(name, values));
    else if (name === "consent" && (values[0] as { chat?: boolean })?.chat) begin();
    return undefined;
  };
}

const { src, dataset } = document.currentScript as HTMLScriptElement;
const before = window.omnibox;
if (before?.v) console.warn("omnibox: snippet found twice");
else {
  const queue = before?.q ?? [];
  let run: Api | undefined;
  const api: Api = (...call) => (run ? run(...call) : queue.push(call));
  api.v = 1;
  window.omnibox = api;
  const go = (): void => {
    run = start(dataset, new URL("/w/", dataset.base ?? src).href);
    for (const call of queue) run(...call);
  };
  const whenIdle = () => (window.requestIdleCallback ?? setTimeout)(go);
  if (document.readyState === "complete") whenIdle();
  else addEventListener("load", whenIdle);
}
