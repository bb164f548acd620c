import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialsOf } from "./Avatar.tsx";
import { piecesOf } from "./RichText.tsx";
import { ago, bytes, span } from "./time.ts";

describe("a message's text", () => {
  it("joined again its pieces are the text, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(
          piecesOf(text)
            .map((piece) => piece.text)
            .join(""),
        ).toBe(text);
      }),
    );
  });

  it.each([
    ["see https://a.example/x?y=1.", "url", "https://a.example/x?y=1"],
    ["write to ana@mail.example now", "email", "ana@mail.example"],
    ["paid with •••• •••• •••• 1234 ok", "card", "•••• •••• •••• 1234"],
    ["or •••• •••• •••• •••7 123.", "card", "•••• •••• •••• •••7 123"],
    ["or •••••••••••• 1234 5", "card", "•••••••••••• 1234"],
  ])("%s", (text, kind, found) => {
    expect(piecesOf(text)).toContainEqual({ kind, text: found });
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT://x", "•• 12"])(
    "%s is no link",
    (text) => {
      expect(piecesOf(text)).toEqual([{ kind: "text", text }]);
    },
  );
});

it.each([
  ["Ana García", "AG"],
  ["María del Mar Jiménez", "MJ"],
  ["Cher", "C"],
  ["ana@mail.example", "A"],
  ["Visitor #12", "V1"],
  ["", ""],
])("the initials of «%s» are «%s»", (label, initials) => {
  expect(initialsOf(label)).toBe(initials);
});

describe("times", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const before = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

  it.each([
    [0, "now"],
    [5, "5m"],
    [180, "3h"],
    [60 * 24 * 2, "Thu"],
    [60 * 24 * 30, "Oct 22"],
  ])("%d minutes ago", (minutes, text) => {
    expect(ago(before(minutes), now, "en")).toBe(text);
  });

  it("a clock that runs ahead shows no time before now", () => {
    expect(ago(before(-5), now, "en")).toBe("now");
  });

  it("spans and sizes are said in the reader's language", () => {
    expect(span(4_800_000, "en")).toBe("1 hr 20 min");
    expect(span(4_800_000, "es")).toBe("1 h 20 min");
    expect(bytes(1_530_000, "es")).toBe("1,5 MB");
    expect(bytes(999, "en")).toBe("999 bytes");
    expect(bytes(1, "en")).toBe("1 byte");
    expect(bytes(40_000, "it")).toBe("40 kB");
  });
});
