import { describe, expect, test } from "vitest";
import { type Hello, join, joined, memoryStorage, op, plain, scripted } from "./fakeclient.ts";
import { FakeClock, FakeServer, type Note } from "./fakes.ts";
import { createFeed, sendOp } from "./index.ts";

describe("the chain of cursors", () => {
  test("starts with the welcome and follows live events", async () => {
    const { clock, server, feed, notes } = await joined();
    server.post("second");
    await clock.advance(50);
    expect(notes().map((note) => note.text)).toEqual(["first", "second"]);
    expect(feed.cursor).toEqual({ epoch: "e1", seq: 2 });
  });

  test("a lost batch closes the socket and resumes from the cursor", async () => {
    let broken = 0;
    const { clock, server, notes } = await joined({ onBroken: () => broken++ });
    server.faults = ["drop"];
    server.post("lost");
    server.post("seen");
    await clock.advance(1_000);
    expect(broken).toBe(1);
    expect(notes().map((note) => note.text)).toEqual(["first", "lost", "seen"]);
  });

  test("a batch delivered twice is applied once", async () => {
    const { clock, server, notes } = await joined();
    server.faults = ["twice"];
    server.post("second");
    await clock.advance(1_000);
    expect(notes()).toHaveLength(2);
  });

  test("a client that sees everything can tell a batch with holes", async () => {
    const spans: number[][] = [];
    const socket = scripted();
    const onEvents = (events: Note[], _: boolean, span: number) =>
      spans.push([events.length, span]);
    createFeed<Note, Hello>({ ...plain(socket), onEvents }).start();
    await socket.open();
    socket.say({ t: "welcome", epoch: "e", head: 0, cursor: 0 });
    socket.say({ t: "events", after: 0, upto: 2, live: true, events: [{ seq: 2 }] });
    expect(spans).toEqual([[1, 2]]);
  });

  test("a listener that throws costs a reconnection, no more", async () => {
    let broken = 0;
    const { clock, server, feed } = await joined({
      onEvents: (events) => {
        if (events.length) throw new Error("bug");
      },
      onBroken: () => broken++,
    });
    server.post("poison");
    await clock.advance(1_000);
    expect(broken).toBe(1);
    expect(feed.cursor?.seq).toBe(2);
    expect(feed.state).toBe("live");
  });

  test("a frame that is no JSON is a broken chain", async () => {
    let broken = 0;
    const socket = scripted();
    createFeed<Note, Hello>({ ...plain(socket), onBroken: () => broken++ }).start();
    await socket.open();
    socket.onmessage?.({ data: "<html>" });
    expect(broken).toBe(1);
  });
});

describe("the outbox", () => {
  test("an op written while offline leaves after the welcome, in order", async () => {
    const { clock, server, send, outbox, acked } = await joined();
    server.isUp = false;
    server.dropAll();
    send("a");
    send("b");
    await clock.advance(3_000);
    expect(outbox.all()).toHaveLength(2);
    server.isUp = true;
    await clock.advance(31_000);
    expect(server.log.map((note) => note.text)).toEqual(["first", "a", "b"]);
    expect(acked).toEqual(["a", "b"]);
    expect(outbox.all()).toEqual([]);
  });

  test("survives a reload: a new client with the same storage sends it", async () => {
    const clock = new FakeClock();
    const server = new FakeServer(clock);
    const storage = memoryStorage();
    server.isUp = false;
    const before = join(server, storage);
    before.send("kept");
    before.feed.stop();
    server.isUp = true;
    join(server, storage);
    await clock.advance(1_000);
    expect(server.log.map((note) => note.text)).toEqual(["kept"]);
  });

  test("a final nack takes the op out, any other sends it again", async () => {
    const socket = scripted();
    const seen: (string | undefined)[] = [];
    const options = plain(socket);
    const feed = createFeed<Note, Hello>({
      ...options,
      onAnswer: (answer, refused) =>
        seen.push(`${answer.t === "nack" && answer.code} ${refused?.client_id}`),
    });
    feed.start();
    await socket.open();
    socket.say({ t: "welcome", epoch: "e", head: 0, cursor: 0 });
    sendOp(feed, options.outbox, op("x"));
    socket.say({ t: "nack", client_id: "x", code: "slow_down", final: false });
    expect(socket.sent("op")).toHaveLength(1);
    await options.clock.advance(5_000);
    expect(socket.sent("op")).toHaveLength(2);
    socket.say({ t: "nack", client_id: "x", code: "too_long", final: true });
    expect(options.outbox.all()).toEqual([]);
    expect(seen).toEqual(["slow_down x", "too_long x"]);
  });
});

describe("connection", () => {
  test("four hours of refused connections: still trying, within the jitter's bounds", async () => {
    const clock = new FakeClock();
    const server = new FakeServer(clock);
    server.isUp = false;
    const client = join(server);
    await clock.advance(4 * 3_600_000);
    expect(server.connects.length).toBeGreaterThan(4 * 120);
    expect(server.connects.length).toBeLessThan(4 * 300);
    server.isUp = true;
    await clock.advance(31_000);
    expect(client.feed.state).toBe("live");
  });

  test("silence for 45 s ends a half-open socket", async () => {
    const { clock, server, feed } = await joined();
    server.isHalfOpen = true;
    await clock.advance(44_000);
    expect(feed.state).toBe("live");
    await clock.advance(2_000);
    expect(feed.state).not.toBe("live");
    server.isHalfOpen = false;
    await clock.advance(32_000);
    expect(feed.state).toBe("live");
  });

  test("wake connects at once, after sleep also over a socket that looks open", async () => {
    const { clock, server, feed } = await joined();
    feed.pause();
    expect(feed.state).toBe("paused");
    await clock.advance(60_000);
    feed.wake();
    await clock.advance(50);
    expect(feed.state).toBe("live");
    const before = server.connects.length;
    feed.wake();
    expect(server.connects.length).toBe(before);
    await clock.advance(30_000);
    feed.wake();
    await clock.advance(50);
    expect(server.connects.length).toBe(before + 1);
  });

  test.each([4401, 4403, 4426])("close %d stops until start", async (code) => {
    const stops: number[] = [];
    const { clock, server, feed } = await joined({ onStop: (each) => stops.push(each) });
    server.dropAll(code);
    feed.wake();
    await clock.advance(120_000);
    expect(stops).toEqual([code]);
    expect(feed.state).toBe("stopped");
    feed.start();
    await clock.advance(50);
    expect(feed.state).toBe("live");
  });

  test.each([1000, 1006, 1012, 4400, 4408])("close %d reconnects", async (code) => {
    const { clock, server, feed } = await joined();
    server.dropAll(code);
    await clock.advance(1_000);
    expect(feed.state).toBe("live");
  });

  test("bye spreads the return over its time", async () => {
    const socket = scripted();
    const options = plain(socket);
    const feed = createFeed<Note, Hello>({ ...options, random: () => 0.5 });
    feed.start();
    await socket.open();
    socket.say({ t: "bye", retry_after_ms: 3_000 });
    await options.clock.advance(1_499);
    expect(feed.state).toBe("waiting");
    await options.clock.advance(2);
    expect(feed.state).toBe("connecting");
  });

  test("reset drops the cursor, keeps the outbox, says hello again on the same socket", async () => {
    const socket = scripted();
    const options = plain(socket);
    const reasons: string[] = [];
    const feed = createFeed<Note, Hello>({
      ...options,
      onReset: async (reason) => {
        reasons.push(reason);
        feed.cursor = { epoch: "e2", seq: 40 };
      },
    });
    feed.start();
    await socket.open();
    socket.say({ t: "welcome", epoch: "e1", head: 9, cursor: 9 });
    sendOp(feed, options.outbox, op("kept"));
    socket.say({ t: "reset", reason: "scope" });
    await options.clock.advance(1);
    expect(reasons).toEqual(["scope"]);
    expect(socket.sent("hello").at(-1)).toMatchObject({ epoch: "e2", cursor: 40 });
    socket.say({ t: "welcome", epoch: "e2", head: 40 });
    expect(socket.sent("op")).toHaveLength(2);
    expect(feed.cursor).toEqual({ epoch: "e2", seq: 40 });
  });

  test("a socket that cannot be made counts as a failed try", async () => {
    const clock = new FakeClock();
    const server = new FakeServer(clock);
    const failures: number[] = [];
    join(server, undefined, {
      connect: (count) => {
        failures.push(count);
        throw new Error("blocked by policy");
      },
    });
    await clock.advance(5_000);
    expect(failures.slice(0, 3)).toEqual([0, 1, 2]);
  });

  test("answers pings and tells hints only when live", async () => {
    const socket = scripted();
    const feed = createFeed<Note, Hello>(plain(socket));
    feed.start();
    await socket.open();
    expect(feed.tell({ t: "hint", kind: "typing" })).toBe(false);
    socket.say({ t: "welcome", epoch: "e", head: 0 });
    socket.say({ t: "ping", n: 4 });
    expect(socket.sent("pong")).toEqual([{ t: "pong", n: 4 }]);
    expect(feed.tell({ t: "hint", kind: "typing" })).toBe(true);
  });
});
