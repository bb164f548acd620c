/** A clock and a server for the tests: deterministic, with every fault a network has. */

import type { Ack, FeedSocket, Op, Timers } from "./types.ts";

export class FakeClock implements Timers {
  private time = 1e12;
  private next = 1;
  private readonly timers = new Map<number, { at: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  setTimeout(run: () => void, ms: number): number {
    this.timers.set(this.next, { at: this.time + ms, run });
    return this.next++;
  }

  clearTimeout(timer: number | undefined): void {
    if (timer) this.timers.delete(timer);
  }

  /** Runs what falls due, in order, letting promises settle between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.timers].sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due || due[1].at > end) break;
      this.timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].run();
      await settle();
    }
    this.time = end;
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
};

export type Note = { seq: number; type: string; text: string; client_id: string };
type Frame = { t: string; [member: string]: unknown };
/** What may befall the next frame in either direction. */
export type Fault = "drop" | "twice" | "late" | "swap";

const LATENCY_MS = 5;

/** A log with dense seqs, acks by client id, resume by cursor, and faults on order. */
export class FakeServer {
  epoch = "e1";
  log: Note[] = [];
  isUp = true;
  isHalfOpen = false;
  /** What the next frames meet, first come first served. */
  faults: Fault[] = [];
  connects: number[] = [];
  private readonly acks = new Map<string, Ack>();
  private readonly sockets = new Set<FakeSocket>();
  private saved: { log: Note[]; acks: [string, Ack][] } = { log: [], acks: [] };

  constructor(readonly clock: FakeClock) {}

  connect(): FeedSocket {
    this.connects.push(this.clock.now());
    const socket = new FakeSocket(this);
    this.clock.setTimeout(() => {
      if (!this.isUp) return socket.fail(1006);
      this.sockets.add(socket);
      socket.onopen?.();
    }, LATENCY_MS);
    return socket;
  }

  /** Appends as another client would, and tells everyone. */
  post(text: string, client_id = ""): Note {
    const note = { seq: this.log.length + 1, type: "message.added", text, client_id };
    this.log.push(note);
    for (const socket of this.sockets) socket.follow();
    return note;
  }

  dropAll(code = 1006): void {
    for (const socket of [...this.sockets]) socket.fail(code);
  }

  /** What a backup would hold. */
  save(): void {
    this.saved = { log: [...this.log], acks: [...this.acks] };
  }

  /** A restored backup is another epoch; the clients' acked ops after it are gone, by nature. */
  restore(): void {
    this.dropAll();
    this.epoch = `${this.epoch}+`;
    this.log = [...this.saved.log];
    this.acks.clear();
    for (const [id, ack] of this.saved.acks) this.acks.set(id, ack);
  }

  take(op: Op): Ack {
    const known = this.acks.get(op.client_id);
    if (known) return known;
    const note = this.post(String(op.text), op.client_id);
    const ack: Ack = { t: "ack", client_id: op.client_id, id: note.seq, seq: note.seq, at: "" };
    this.acks.set(op.client_id, ack);
    return ack;
  }

  forgetSocket(socket: FakeSocket): void {
    this.sockets.delete(socket);
  }
}

class FakeSocket implements FeedSocket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  private isClosed = false;
  private isWelcomed = false;
  private cursor = 0;
  private held: (() => void) | undefined;

  constructor(private readonly server: FakeServer) {}

  fail(code: number): void {
    if (this.isClosed) return;
    this.close();
    this.onclose?.({ code });
  }

  close(): void {
    this.isClosed = true;
    this.server.forgetSocket(this);
  }

  send(text: string): void {
    const frame: Frame = JSON.parse(text);
    this.carry(() => this.receive(frame));
  }

  follow(): void {
    if (!this.isWelcomed) return;
    const { log } = this.server;
    do {
      const upto = Math.min(log.length, this.cursor + 3);
      const events = log.slice(this.cursor, upto);
      const live = upto === log.length;
      this.reply({ t: "events", after: this.cursor, upto, live, events });
      this.cursor = upto;
    } while (this.cursor < log.length);
  }

  private receive(frame: Frame): void {
    if (frame.t === "hello") this.hello(frame as Frame & { epoch: string; cursor: number | null });
    if (frame.t === "op" && this.isWelcomed) this.reply(this.server.take(frame as unknown as Op));
    if (frame.t === "ping") this.reply({ t: "pong" });
  }

  private hello({ epoch, cursor }: { epoch: string; cursor: number | null }): void {
    const head = this.server.log.length;
    this.isWelcomed = false;
    const isKnown = cursor === null || (epoch === this.server.epoch && cursor <= head);
    if (isKnown) this.welcome(head, cursor);
    else this.reply({ t: "reset", reason: "unknown_epoch" });
  }

  private welcome(head: number, cursor: number | null): void {
    this.cursor = cursor ?? head;
    const messages = cursor === null ? { messages: [...this.server.log], cursor: head } : {};
    this.reply({ t: "welcome", epoch: this.server.epoch, head, build: "b", ...messages });
    this.isWelcomed = true;
    this.follow();
  }

  private reply(frame: object): void {
    const data = JSON.stringify(frame);
    this.carry(() => this.onmessage?.({ data }));
  }

  /** Moves one frame, in order unless a fault is due. */
  private carry(arrive: () => void): void {
    if (this.isClosed || this.server.isHalfOpen) return;
    const fault = this.server.faults.shift();
    const land = (afterMs: number) =>
      this.server.clock.setTimeout(() => this.isClosed || arrive(), afterMs);
    if (fault === "drop") return;
    if (fault === "swap" && !this.held) {
      this.held = () => land(LATENCY_MS);
      return;
    }
    land(fault === "late" ? LATENCY_MS * 4 : LATENCY_MS);
    if (fault === "twice") land(LATENCY_MS);
    this.held?.();
    this.held = undefined;
  }
}
