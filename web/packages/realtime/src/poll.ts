/** A socket made of two requests, for networks that block WebSockets; loaded only when needed. */

import type { FeedSocket, Timers } from "./types.ts";

interface Answer {
  ok: boolean;
  status: number;
  json(): Promise<unknown>;
}

export interface PollOptions {
  /** Answers one `events` or `reset` frame, after up to 25 s. */
  eventsUrl(after: number, epoch: string): string;
  /** Takes `{frames}`, answers `{frames}`. */
  framesUrl: string;
  headers(): Record<string, string>;
  fetch(
    url: string,
    init: { method: string; headers: Record<string, string>; body?: string; signal: unknown },
  ): Promise<Answer>;
  newAbort(): { signal: unknown; abort(): void };
  timers: Timers;
  /** The socket ends itself after this long, so that a WebSocket is tried again. */
  lifeMs: number;
}

type Frame = {
  t?: string;
  epoch?: string;
  cursor?: number | null;
  head?: number;
  upto?: number;
};

const refusals = new Map([
  [401, 4401],
  [403, 4403],
]);

export function createPollSocket(options: PollOptions): FeedSocket {
  const { timers } = options;
  const abort = options.newAbort();
  const queue: Frame[] = [];
  let isOpen = true;
  let isPosting = false;
  let isPolling = false;
  let epoch = "";
  let after: number | null = null;

  const end = (code: number): void => {
    if (!isOpen) return;
    isOpen = false;
    timers.clearTimeout(life);
    abort.abort();
    socket.onclose?.({ code });
  };

  const deliver = (frame: Frame): void => {
    if (frame.t === "welcome") {
      epoch = frame.epoch ?? epoch;
      after = frame.cursor ?? after ?? frame.head ?? 0;
    }
    if (frame.t === "events") after = frame.upto ?? after;
    if (frame.t === "reset") after = null;
    socket.onmessage?.({ data: JSON.stringify(frame) });
  };

  const request = async (url: string, body?: string): Promise<unknown> => {
    const answer = await options.fetch(url, {
      method: body ? "POST" : "GET",
      headers: { ...options.headers(), ...(body ? { "Content-Type": "application/json" } : {}) },
      ...(body ? { body } : {}),
      signal: abort.signal,
    });
    if (!answer.ok) throw refusals.get(answer.status) ?? 1006;
    return answer.json();
  };

  const fail = (reason: unknown): void => end(typeof reason === "number" ? reason : 1006);

  const post = async (): Promise<void> => {
    if (isPosting) return;
    isPosting = true;
    try {
      while (isOpen && queue.length) {
        const frames = queue.splice(0);
        const answer = await request(options.framesUrl, JSON.stringify({ frames }));
        for (const frame of (answer as { frames: Frame[] }).frames) if (isOpen) deliver(frame);
        void poll();
      }
    } catch (reason) {
      fail(reason);
    }
    isPosting = false;
  };

  const poll = async (): Promise<void> => {
    if (isPolling) return;
    isPolling = true;
    try {
      while (isOpen && after !== null)
        deliver((await request(options.eventsUrl(after, epoch))) as Frame);
    } catch (reason) {
      fail(reason);
    }
    isPolling = false;
  };

  const socket: FeedSocket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => {
      const frame: Frame = JSON.parse(text);
      if (frame.t === "hello") {
        epoch = frame.epoch ?? "";
        after = frame.cursor ?? null;
      }
      queue.push(frame);
      // A turn later, so that an outbox sent at once travels in one request.
      void Promise.resolve().then(post);
    },
    close: () => {
      socket.onclose = null;
      end(1000);
    },
  };
  const life = timers.setTimeout(() => end(1000), options.lifeMs);
  timers.setTimeout(() => isOpen && socket.onopen?.(), 0);
  return socket;
}
