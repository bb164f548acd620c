/** Keeps the chat's state by the realtime feed. */

import { createFeed, type Feed, type FeedSocket, followPage } from "@omnibox/realtime";
import type { Chat, MessageEvent, PollModule, VisitorWelcome } from "./types.ts";

declare const __POLL__: string;

export function openFeed(chat: Chat, onWelcome: () => void): Feed {
  const { storage, outbox, data, base } = chat;
  let atTimer: number | undefined;

  /** Tells the server how far this page is. */
  const report = (): void => {
    clearTimeout(atTimer);
    atTimer = window.setTimeout(() => feed.tell({ t: "at", cursor: feed.cursor?.seq }), 200);
  };

  const feed = createFeed<MessageEvent, VisitorWelcome>({
    // Two tries by WebSocket, one by long poll, and so on.
    connect: (failures) =>
      failures % 3 < 2
        ? (new WebSocket(`${base.replace("http", "ws")}ws?site=${data.site}`) as FeedSocket)
        : import(/* @vite-ignore */ base + __POLL__).then((module: PollModule) =>
            module.openPoll(chat),
          ),
    hello: () => {
      chat.token = storage.getItem("token");
      const { title, referrer } = document;
      const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
      return {
        token: chat.token ?? "",
        page: { url: location.href, title, referrer, lang: navigator.language, tz },
      };
    },
    outbox,
    timers: window,
    now: Date.now,
    random: Math.random,
    onWelcome: (welcome) => {
      const { token, config } = welcome;
      chat.welcome = { ...chat.welcome, ...welcome };
      chat.config = config;
      storage.setItem("config", JSON.stringify(config));
      if (token) {
        chat.token = token;
        storage.setItem("token", token);
      }
      report();
      onWelcome();
    },
    onEvents: (events) => {
      if (events[0]) chat.withPanel((ui) => ui.apply(events));
      report();
    },
    onAnswer: (answer, op) => chat.withPanel((ui) => ui.settle(answer, op)),
    onHint: (hint) => chat.ui?.hint(hint),
    onState: () => chat.ui?.draw(),
    onStop: (code) => {
      if (code === 4401 && storage.getItem("token")) {
        storage.setItem("token", "");
        feed.cursor = null;
        feed.start();
      } else chat.leave();
    },
  });

  followPage(feed, window);
  return feed;
}
