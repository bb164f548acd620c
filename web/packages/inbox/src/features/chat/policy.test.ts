import { describe, expect, it } from "vitest";
import { channel, connector, message, row } from "../../testing/samples.ts";
import { firstUnreadOf, itemsOf } from "./items.ts";
import { fileFault, gateOf, isHalted, partsOf, waysOn } from "./policy.ts";

const { policy } = row();
const NOW = Date.parse("2026-11-21T10:00:00Z");
const inMinutes = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

describe("the reply window", () => {
  it("is open without an end", () => {
    expect(gateOf(policy, NOW)).toMatchObject({ kind: "open", endsInMs: null, isEnding: false });
  });

  it("counts down, and warns in its last two hours", () => {
    expect(gateOf({ ...policy, until: inMinutes(300) }, NOW)).toMatchObject({
      endsInMs: 18_000_000,
      isEnding: false,
    });
    expect(gateOf({ ...policy, until: inMinutes(80) }, NOW)).toMatchObject({
      endsInMs: 4_800_000,
      isEnding: true,
    });
  });

  it("goes over into the next one by the clock", () => {
    const afterwards = { until: inMinutes(600), way: "Human Agent" };
    const first = { ...policy, until: inMinutes(5), afterwards };
    expect(gateOf(first, NOW)).toMatchObject({ way: null, afterwards: { way: "Human Agent" } });
    expect(gateOf(first, NOW + 300_000)).toMatchObject({
      kind: "open",
      way: "Human Agent",
      afterwards: null,
      endsInMs: 595 * 60_000,
    });
    expect(gateOf(first, NOW + 600 * 60_000)).toMatchObject({ kind: "closed" });
  });

  it("closes by the clock, before the server says so", () => {
    expect(gateOf({ ...policy, until: inMinutes(0) }, NOW)).toMatchObject({
      kind: "closed",
      code: "window_closed",
    });
  });

  it("is closed with the server's reason", () => {
    const refused = { ...policy, allowed: false, code: "no_address", why: "No address." };
    expect(gateOf(refused, NOW)).toEqual({
      kind: "closed",
      code: "no_address",
      why: "No address.",
      lacks: null,
    });
  });

  it("leaves the ways by which an address is enough", () => {
    const closed = row({ channel: 1 });
    const mail = channel({ id: 2 });
    const can = { ...connector().capabilities, by_address: true };
    const known = { ...closed, contact: { ...closed.contact, email: "leo@example.org" } };
    expect(waysOn(known, [channel({ id: 1 }), mail], () => can)).toEqual([mail]);
    expect(waysOn(known, [mail], () => connector().capabilities)).toEqual([]);
    expect(waysOn(known, [channel({ id: 2, state: "paused" })], () => can)).toEqual([]);
    const unknown = { ...closed, contact: { ...closed.contact, email: null } };
    expect(waysOn(unknown, [mail], () => can)).toEqual([]);
  });

  it("a channel that is not active halts the way out", () => {
    expect(isHalted(channel())).toBe(false);
    expect(isHalted(channel({ state: "paused" }))).toBe(true);
  });
});

describe("files", () => {
  const limits = { count: 2, bytes: 1_000, types: ["image/*", "application/pdf"] };
  const file = (size: number, type: string) => ({ size, type });

  it.each([
    ["fits", file(10, "image/png"), 0, null],
    ["one type by name", file(10, "application/pdf"), 1, null],
    ["too many", file(10, "image/png"), 2, "too_many"],
    ["larger than the channel takes", file(1_001, "image/png"), 0, "too_large"],
    ["another type", file(10, "video/mp4"), 0, "wrong_type"],
    ["empty", file(0, "image/png"), 0, "empty"],
  ] as const)("%s", (_name, chosen, already, fault) => {
    expect(fileFault(chosen, already, limits, 5_000)).toBe(fault);
  });

  it("the server's own limit counts too", () => {
    expect(fileFault(file(900, "image/png"), 0, limits, 500)).toBe("too_large");
  });

  it("a channel without files takes none, one without types takes all", () => {
    expect(fileFault(file(1, "image/png"), 0, null, 500)).toBe("none_taken");
    expect(fileFault(file(1, "video/mp4"), 0, { ...limits, types: [] }, 500)).toBeNull();
  });
});

it("a long text leaves in parts, counted in characters as people see them", () => {
  expect(partsOf("", 10)).toBe(1);
  expect(partsOf("a".repeat(20), 10)).toBe(2);
  expect(partsOf("👍".repeat(10), 10)).toBe(1);
  expect(partsOf("a".repeat(20), null)).toBe(1);
});

describe("the log", () => {
  const at = (minutes: number) => inMinutes(minutes);

  it("groups one sender within three minutes and starts each day with its name", () => {
    const messages = [
      message({ id: 1, at: at(0) }),
      message({ id: 2, at: at(2) }),
      message({ id: 3, at: at(9) }),
      message({ id: 4, at: at(60 * 24) }),
    ];
    const items = itemsOf(messages, [], null);
    const facts = items.flatMap((item) =>
      item.kind === "message" ? [[item.startsDay, item.isFirst, item.isLast]] : [],
    );
    expect(facts).toEqual([
      [true, true, false],
      [false, false, true],
      [false, true, true],
      [true, true, true],
    ]);
  });

  it("the line stands before the first unread and begins a group", () => {
    const messages = [1, 2, 3].map((id) => message({ id, at: at(id) }));
    expect(firstUnreadOf(messages, 2)).toBe(2);
    const items = itemsOf(messages, [], 2);
    expect(items.map((item) => item.kind === "message" && item.startsNew)).toEqual([
      false,
      true,
      false,
    ]);
    expect(items.map((item) => item.kind === "message" && item.isFirst)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("what was pending is shown once, and keeps its key when its message comes", () => {
    const waiting = {
      client_id: "c-1",
      conversation: 12,
      kind: "reply",
      text: "Hi",
      files: [],
      cc: [],
      offer: null,
      at: at(0),
      status: "sending",
      code: null,
      why: null,
    } as const;
    expect(itemsOf([], [waiting], null).map(({ key }) => key)).toEqual(["c-1"]);
    const sent = message({ id: 9, kind: "outbound", client_id: "c-1" });
    expect(itemsOf([sent], [waiting], null).map(({ key }) => key)).toEqual(["c-1"]);
  });
});
