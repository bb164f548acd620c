/** A chat without loader or server, for the panel's tests. */

import { createOutbox, type Feed, openStorage } from "@omnibox/realtime";
import type { Chat, Config, Message } from "../types.ts";

export const config: Config = {
  title: "Brightleaf",
  greeting: "Hello there",
  color: "#2f5bea",
  side: "right",
  lang: "en",
  online: true,
  offline_text: "Back tomorrow",
  ask_email: false,
  team: [{ name: "Ana Torres" }],
};

let nextId = 1;
export const said = (
  kind: Message["kind"],
  text: string,
  more: Partial<Message> = {},
): Message => ({
  id: nextId++,
  rev: 1,
  kind,
  author: kind === "outbound" ? { name: "Ana Torres" } : null,
  text,
  at: "2026-11-21T10:00:00.000Z",
  attachments: [],
  client_id: null,
  is_deleted: false,
  ...more,
});

export function fakeChat(messages: Message[] = []) {
  localStorage.clear();
  const storage = openStorage(() => localStorage, "omnibox:k:");
  const told: { t: string; [member: string]: unknown }[] = [];
  const feed: Feed = {
    cursor: null,
    state: "live",
    start: () => {},
    wake: () => {},
    pause: () => {},
    stop: () => {},
    tell: (frame) => told.push(frame) > 0,
  };
  storage.setItem("token", "secret");
  const launcher = document.createElement("button");
  const wrapper = document.createElement("aside");
  document.body.append(wrapper, launcher);
  const chat: Chat = {
    data: {} as DOMStringMap,
    base: "https://hub.example/w/",
    root: document.createElement("div").attachShadow({ mode: "open" }),
    wrapper,
    launcher,
    storage,
    outbox: createOutbox(storage, "outbox"),
    feed,
    config,
    token: "secret",
    listeners: new Set(),
    leave: () => {},
    withPanel: () => {},
    welcome: {
      t: "welcome",
      epoch: "e",
      head: 1,
      build: "b",
      limits: { text: 40, file_bytes: 1_000 },
      config,
      messages,
      more: false,
    },
  };
  return { chat, told };
}
