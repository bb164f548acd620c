/** The resuming client: one cursor, one outbox, one socket at a time; it never gives up. */

import type {
  Ack,
  Feed,
  FeedEvent,
  FeedOptions,
  FeedSocket,
  FeedState,
  Nack,
  ServerFrame,
  Welcome,
} from "./types.ts";

const WELCOME_MS = 10_000;
const SILENCE_MS = 45_000; // the server pings every 20 s
const STALE_MS = 25_000; // after sleep: one missed ping is reason enough for a new socket
const STEADY_MS = 5_000; // a welcome counts as success only when the socket lasted this long
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const AGAIN_MS = 5_000;

export function createFeed<E extends FeedEvent, W extends Welcome>(
  options: FeedOptions<E, W>,
): Feed {
  const { timers, now, outbox } = options;
  let socket: FeedSocket | undefined;
  let round = 0; // what an earlier socket began finds another number and ends
  let failures = 0;
  let heardAt = 0;
  let welcomedAt = 0;
  let timer: number | undefined; // one at a time: welcome due, silence, or the next try
  let againTimer: number | undefined;

  const setState = (state: FeedState): void => {
    feed.state = state;
    options.onState?.(state);
  };

  const wait = (ms: number, run: () => void): void => {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(run, ms);
  };

  const write = (frame: object): void => socket?.send(JSON.stringify(frame));

  const leave = (state: FeedState): void => {
    round++;
    heardAt = 0;
    timers.clearTimeout(timer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000); // browsers throw on any other code below 3000
      socket = undefined;
    }
    setState(state);
  };

  const retry = (withinMs: number): void => {
    leave("waiting");
    wait(options.random() * withinMs, connect);
  };

  const lose = (code = 0): void => {
    if ([4401, 4403, 4426].includes(code)) {
      leave("stopped");
      options.onStop?.(code);
      return;
    }
    if (welcomedAt && now() - welcomedAt > STEADY_MS) failures = 0;
    retry(Math.min(LONGEST_MS, FIRST_MS * 2 ** failures++));
  };

  /** Goes on with what `work` answers, unless the feed has moved on meanwhile. */
  const attempt = async <T>(work: () => T | Promise<T>, goOn: (made: T) => void): Promise<void> => {
    const mine = round;
    try {
      const made = await work();
      if (mine === round) goOn(made);
    } catch {
      if (mine === round) lose();
    }
  };

  const connect = (): void => {
    leave("connecting");
    welcomedAt = 0;
    heardAt = now();
    wait(WELCOME_MS, lose);
    void attempt(
      () => options.connect(failures),
      (fresh) => {
        socket = fresh;
        fresh.onopen = sayHello;
        fresh.onmessage = hear;
        fresh.onclose = ({ code }) => lose(code);
      },
    );
  };

  const sayHello = (): void => {
    const { epoch = "", seq = null } = feed.cursor ?? {};
    wait(WELCOME_MS, lose);
    write({ ...options.hello(), t: "hello", v: 1, epoch, cursor: seq });
  };

  const flush = (): void => {
    for (const op of outbox.all()) write({ ...op, t: "op" });
  };

  const welcome = (frame: W): void => {
    welcomedAt = now();
    wait(SILENCE_MS, lose);
    // A cursor of another epoch stays as it is until the server resets it.
    if (!feed.cursor || frame.cursor != null)
      feed.cursor = { epoch: frame.epoch, seq: frame.cursor ?? frame.head };
    setState("live");
    options.onWelcome(frame);
    flush();
  };

  const apply = (after: number, upto: number, events: E[], isLive: boolean): void => {
    if (!feed.cursor) return;
    const { epoch, seq } = feed.cursor;
    if (after > seq) throw new Error("gap");
    if (upto < seq) return;
    feed.cursor = { epoch, seq: upto };
    const fresh = events.filter((event) => event.seq > seq);
    options.onEvents(fresh, isLive, upto - seq);
  };

  const reset = (reason: string): void => {
    if (reason !== "pass") feed.cursor = null; // who only needs a new pass has missed nothing yet
    setState("connecting");
    wait(SILENCE_MS, lose);
    void attempt(() => options.onReset?.(reason), sayHello);
  };

  const settle = (answer: Ack | Nack): void => {
    const ops = outbox.all();
    const op = ops.find(({ client_id }) => client_id === answer.client_id);
    const isSettled = answer.t === "ack" || answer.final;
    if (isSettled) outbox.replace(ops.filter((each) => each !== op));
    options.onAnswer?.(answer, op);
    if (isSettled) return;
    timers.clearTimeout(againTimer);
    againTimer = timers.setTimeout(() => feed.state === "live" && flush(), AGAIN_MS);
  };

  const read = (frame: ServerFrame<E, W>): void => {
    const { t } = frame;
    if (t === "welcome") welcome(frame);
    else if (t === "events") apply(frame.after, frame.upto, frame.events, frame.live);
    else if (t === "ping") write({ t: "pong", n: frame.n });
    else if (t === "ack" || t === "nack") settle(frame);
    else if (t === "hint") options.onHint?.(frame);
    else if (t === "reset") reset(frame.reason);
    else if (t === "bye") retry(frame.retry_after_ms);
  };

  const hear = ({ data }: { data: unknown }): void => {
    heardAt = now();
    if (feed.state === "live") wait(SILENCE_MS, lose);
    try {
      read(JSON.parse(String(data)));
    } catch (fault) {
      options.onBroken?.(fault);
      lose();
    }
  };

  const feed: Feed = {
    cursor: null,
    state: "paused",
    start: () => {
      failures = 0;
      connect();
    },
    wake: () => {
      if (feed.state !== "stopped" && now() - heardAt > STALE_MS) feed.start();
    },
    pause: () => {
      if (feed.state !== "stopped") leave("paused");
    },
    stop: () => leave("stopped"),
    tell: (frame) => {
      const isLive = feed.state === "live";
      if (isLive) write(frame);
      return isLive;
    },
  };
  return feed;
}
