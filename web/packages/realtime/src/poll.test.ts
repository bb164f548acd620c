import { afterEach, expect, test } from "vitest";
import { plain } from "./fakeclient.ts";
import { FakeClock, type Note } from "./fakes.ts";
import { createFeed, sendOp, type Welcome } from "./index.ts";
import { createPollSocket, type PollOptions } from "./poll.ts";
import type { Feed } from "./types.ts";

type Frame = { t: string; cursor?: number | null; client_id?: string; text?: string };

/** A server that answers the two requests; `answer` decides, `seen` keeps what was asked. */
function fakeHttp() {
  const log: Note[] = [];
  const seen: string[] = [];
  let status = 200;
  let ring = () => {};
  const json = (body: unknown) => ({ ok: status < 400, status, json: async () => body });
  const frames = (text: string) => (JSON.parse(text) as { frames: Frame[] }).frames;
  const fetch: PollOptions["fetch"] = async (url, { body }) => {
    seen.push(url.split("?")[0] ?? "");
    if (status >= 400) return json({});
    if (!body) {
      const after = Number(/after=(\d+)/.exec(url)?.[1]);
      if (after === log.length) await new Promise<void>((resolve) => (ring = resolve));
      const events = log.slice(after);
      return json({ t: "events", after, upto: log.length, live: true, events });
    }
    const answers = frames(body).map((frame) => {
      if (frame.t === "hello") {
        const fresh = frame.cursor == null ? { cursor: log.length } : {};
        return { t: "welcome", epoch: "e", head: log.length, ...fresh };
      }
      if (frame.t === "op") post(frame.text ?? "", frame.client_id ?? "");
      return { t: "ack", client_id: frame.client_id, id: 1, seq: log.length, at: "" };
    });
    return json({ frames: answers });
  };
  const post = (text: string, client_id = "") => {
    log.push({ seq: log.length + 1, type: "message.added", text, client_id });
    ring();
  };
  return { fetch, post, log, seen, refuse: (code: number) => (status = code) };
}

let feed: Feed | undefined;
afterEach(() => feed?.stop());

function joinByPoll() {
  const http = fakeHttp();
  const clock = new FakeClock();
  const notes: string[] = [];
  const stops: number[] = [];
  let connects = 0;
  const options = plain({} as never);
  feed = createFeed<Note, Welcome>({
    ...options,
    timers: clock,
    now: () => clock.now(),
    connect: () => {
      connects++;
      return createPollSocket({
        eventsUrl: (after, epoch) => `/events?after=${after}&epoch=${epoch}`,
        framesUrl: "/frames",
        headers: () => ({}),
        fetch: http.fetch,
        newAbort: () => ({ signal: null, abort: () => {} }),
        timers: clock,
        lifeMs: 60_000,
      });
    },
    onEvents: (events) => notes.push(...events.map((event) => event.text)),
    onStop: (code) => stops.push(code),
  });
  feed.start();
  return { http, clock, notes, stops, feed, outbox: options.outbox, connects: () => connects };
}

/** Lets the promises of a request and its answer settle. */
const settle = async (clock: FakeClock) => {
  for (let turn = 0; turn < 10; turn++) await clock.advance(1);
};

test("the long poll carries welcome, events, ops and acks", async () => {
  const { http, clock, notes, outbox, feed: joined } = joinByPoll();
  await settle(clock);
  expect(joined.state).toBe("live");
  http.post("one");
  await settle(clock);
  sendOp(joined, outbox, { client_id: "c", kind: "message", text: "two" });
  await settle(clock);
  expect(notes).toEqual(["one", "two"]);
  expect(outbox.all()).toEqual([]);
});

test("the long poll ends itself so that a WebSocket is tried again", async () => {
  const { clock, connects } = joinByPoll();
  await settle(clock);
  expect(connects()).toBe(1);
  await clock.advance(61_000);
  expect(connects()).toBe(2);
});

test.each([
  [401, 4401],
  [403, 4403],
])("status %d of the long poll is close code %d", async (status, code) => {
  const { http, clock, stops } = joinByPoll();
  http.refuse(status);
  await settle(clock);
  expect(stops).toEqual([code]);
});

test("a server error of the long poll is tried again", async () => {
  const { http, clock, feed: joined, connects } = joinByPoll();
  http.refuse(503);
  await clock.advance(5_000);
  expect(connects()).toBeGreaterThan(1);
  http.refuse(200);
  await clock.advance(32_000);
  expect(joined.state).toBe("live");
});

test("a poll that comes back goes on from its cursor and misses nothing", async () => {
  const { http, clock, notes, connects } = joinByPoll();
  await settle(clock);
  http.post("before");
  await settle(clock);
  http.refuse(503);
  http.post("meanwhile");
  await settle(clock);
  http.post("later");
  http.refuse(200);
  for (let second = 0; second < 60; second++) await clock.advance(1_000);
  expect(connects()).toBeGreaterThan(1);
  expect(notes).toEqual(["before", "meanwhile", "later"]);
});
