import fc from "fast-check";
import { expect, test } from "vitest";
import { join, memoryStorage } from "./fakeclient.ts";
import { FakeClock, FakeServer, type Fault } from "./fakes.ts";

type Step =
  | { do: "post" | "send" | "cut" | "stop" | "run" | "half" | "restart" | "reload" }
  | { do: "fault"; fault: Fault };

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>({ do: "post" }) },
    { weight: 6, arbitrary: fc.constant<Step>({ do: "send" }) },
    {
      weight: 6,
      arbitrary: fc
        .constantFrom<Fault>("drop", "twice", "late", "swap")
        .map((fault): Step => ({ do: "fault", fault })),
    },
    fc
      .constantFrom<Step["do"]>("cut", "stop", "run", "half", "restart", "reload")
      .map((name) => ({ do: name }) as Step),
  ),
  { minLength: 1, maxLength: 40 },
);

test("whatever the network does: within 2 s of its return nothing is lost or doubled", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat(2_000), { minLength: 40, maxLength: 40 }), walk),
    { numRuns: 250 },
  );
}, 30_000);

async function walk(script: Step[], pauses: number[]): Promise<void> {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  const storage = memoryStorage();
  let client = join(server, storage);
  const sent: string[] = [];
  let count = 0;
  for (const [index, step] of script.entries()) {
    if (step.do === "post") server.post(`p${count++}`);
    if (step.do === "send") {
      const text = `s${count++}`;
      sent.push(text);
      client.send(text);
    }
    if (step.do === "fault") server.faults.push(step.fault);
    if (step.do === "cut") server.dropAll();
    if (step.do === "half") server.isHalfOpen = !server.isHalfOpen;
    if (step.do === "stop" || step.do === "restart") server.dropAll(1012);
    if (step.do === "stop") server.isUp = false;
    if (step.do === "run") server.isUp = true;
    if (step.do === "reload") {
      client.feed.stop();
      client = join(server, storage);
    }
    await clock.advance(pauses[index] ?? 0);
  }
  server.isUp = true;
  server.faults = [];
  server.dropAll();
  server.isHalfOpen = false;
  client.feed.wake();
  await clock.advance(2_000);
  expect(client.notes()).toEqual(server.log);
  expect(client.outbox.all()).toEqual([]);
  const arrived = server.log.filter((note) => note.client_id).map((note) => note.text);
  expect([...arrived].sort()).toEqual([...sent].sort());
}

test("for every k: the state at k and the events after it are the state at the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.nat(12), async (first, more) => {
      const clock = new FakeClock();
      const server = new FakeServer(clock);
      for (let n = 0; n < first; n++) server.post(`${n}`);
      const early = join(server);
      await clock.advance(100);
      early.feed.pause();
      for (let n = 0; n < more; n++) server.post(`m${n}`);
      early.feed.wake();
      await clock.advance(100);
      expect(early.notes()).toEqual(server.log);
    }),
    { numRuns: 60 },
  );
});

test("a restored backup is another epoch: the state follows, waiting ops are kept", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(6), fc.nat(6), async (kept, lost) => {
      const clock = new FakeClock();
      const server = new FakeServer(clock);
      const client = join(server);
      for (let n = 0; n < kept; n++) server.post(`k${n}`);
      await clock.advance(100);
      server.save();
      for (let n = 0; n < lost; n++) server.post(`l${n}`);
      await clock.advance(100);
      server.isUp = false;
      server.restore();
      client.send("waiting");
      server.isUp = true;
      await clock.advance(1_500);
      expect(client.notes()).toEqual(server.log);
      expect(server.log.at(-1)?.text).toBe("waiting");
    }),
    { numRuns: 60 },
  );
});
