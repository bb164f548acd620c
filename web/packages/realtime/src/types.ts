/** The frames on the wire and what the feed needs from its surroundings. */

export type Op = { client_id: string; kind: string; [member: string]: unknown };
export type Hello = { token: string; [member: string]: unknown };
export type Ack = { t: "ack"; client_id: string; id: number | null; seq: number; at: string };
export type Nack = {
  t: "nack";
  client_id: string;
  code: string;
  final: boolean;
  message?: string;
  detail?: unknown;
};
export type Hint = { t: "hint"; kind: string; [member: string]: unknown };
export type Welcome = {
  t: "welcome";
  epoch: string;
  head: number;
  build: string;
  limits: { text: number; file_bytes: number };
  /** Why the server stores nothing now; a hint of this kind says when that changes. */
  trouble?: string | null;
  /** Set when the welcome carries the messages: the feed goes on from here. */
  cursor?: number | null;
};
export type FeedEvent = { seq: number; type: string };

export type ServerFrame<E extends FeedEvent, W extends Welcome> =
  | W
  | { t: "events"; after: number; upto: number; live: boolean; events: E[] }
  | { t: "reset"; reason: string }
  | { t: "ping"; n: number }
  | { t: "bye"; retry_after_ms: number }
  | Ack
  | Nack
  | Hint;

/** What the feed uses of a WebSocket; a browser's fits, so does the long poll of `poll.ts`. */
export interface FeedSocket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/** A browser's `window` fits. */
export interface Timers {
  setTimeout(run: () => void, ms: number): number;
  clearTimeout(timer: number | undefined): void;
}

/** Ops that wait for their ack, oldest first. The only copy: the feed keeps none of its own. */
export interface Outbox {
  all(): Op[];
  replace(ops: Op[]): void;
}

/** Where the client stands in the log; null before the first welcome and after a reset. */
export type Cursor = { epoch: string; seq: number } | null;

/**
 * connecting: a socket is opening · live: welcomed · waiting: the next try is timed ·
 * paused: by the page, until `wake` · stopped: refused, until `start`.
 */
export type FeedState = "connecting" | "live" | "waiting" | "paused" | "stopped";

export interface FeedOptions<E extends FeedEvent, W extends Welcome> {
  /** Opens a socket; `failures` counts the tries in a row that did not last. */
  connect(failures: number): FeedSocket | Promise<FeedSocket>;
  /** The members of the hello frame besides t, v, epoch and cursor. */
  hello(): Hello;
  outbox: Outbox;
  timers: Timers;
  /** Milliseconds. */
  now(): number;
  /** Uniform in [0, 1): for the jitter. */
  random(): number;
  onWelcome(welcome: W): void;
  /**
   * New events, in order; `isLive` marks the batch that reached the head. A client that may see
   * everything must find `span` events, and throws if not: the chain is broken.
   */
  onEvents(events: E[], isLive: boolean, span: number): void;
  /**
   * The cursor is gone, but for the reason `pass`: then only the hello's token is too old. Hello is
   * said again once this has settled; a rejection reconnects.
   */
  onReset?(reason: string): void | Promise<void>;
  /**
   * An op was taken (ack) or refused (nack). Acks and final nacks have left the outbox; after any
   * other the outbox is sent again in 5 s, without the op if it is removed meanwhile.
   */
  onAnswer?(answer: Ack | Nack, op: Op | undefined): void;
  onHint?(hint: Hint): void;
  onState?(state: FeedState): void;
  /** The server refused this client for good: 4401, 4403 or 4426. Only `start` tries again. */
  onStop?(code: number): void;
  /** The chain of cursors broke, or a frame could not be applied: a bug worth counting. */
  onBroken?(fault: unknown): void;
}

export interface Feed {
  cursor: Cursor;
  /** Set by the feed only. */
  state: FeedState;
  start(): void;
  /** At once and with the back-off reset: online again, visible again, back from the cache. */
  wake(): void;
  /** Closes until `wake`: the page is hidden for good or frozen. */
  pause(): void;
  stop(): void;
  /** Sends a frame that may be lost; false when not live. */
  tell(frame: { t: string; [member: string]: unknown }): boolean;
}
