/** The long poll of this visitor, its own chunk: loaded where WebSockets are blocked. */

import type { FeedSocket } from "@omnibox/realtime";
import { createPollSocket } from "@omnibox/realtime/poll";
import type { Chat } from "./types.ts";

const POLL_MS = 300_000;
let lifeMs = 20_000; // a server that only restarted gets its WebSocket back soon

export function openPoll({ base, data, storage }: Chat): FeedSocket {
  const socket = createPollSocket({
    eventsUrl: (after, epoch) =>
      `${base}events?site=${data.site}&after=${after}&epoch=${encodeURIComponent(epoch)}&wait=25`,
    framesUrl: `${base}frames?site=${data.site}`,
    headers: (): Record<string, string> => {
      const token = storage.getItem("token");
      return token ? { Authorization: `Bearer ${token}` } : {};
    },
    fetch: (url, { signal, ...init }) =>
      fetch(url, { ...init, credentials: "omit", signal: signal as AbortSignal }),
    newAbort: () => new AbortController(),
    timers: window,
    lifeMs,
  });
  lifeMs = POLL_MS;
  return socket;
}
