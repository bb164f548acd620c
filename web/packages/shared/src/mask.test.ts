import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mask } from "./mask.ts";

interface Vector {
  text: string;
  masked: string;
  why: string;
}

const file = new URL("../../../../tests/masking/vectors.json", import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, "utf8"));

describe("the mask agrees with the server", () => {
  it.each(vectors)("$why: $text", ({ text, masked }) => {
    expect(mask(text)).toBe(masked);
  });

  it.each(vectors)("masking twice is masking once: $masked", ({ masked }) => {
    expect(mask(masked)).toBe(masked);
  });
});

describe("time is linear", () => {
  const shapes: Record<string, string> = {
    digits: "4",
    "single digits": "4 1 ",
    dashes: "-",
    "numbers with commas": "4111111111111111,",
    "a long path": "/4111111111111111",
    "key words": "cvv ",
    bullets: "•",
    letters: "a",
  };
  const costOf = (text: string): number => {
    const times = [1, 2, 3].map(() => {
      const start = process.cpuUsage(); // of a busy machine the clock tells nothing
      mask(text);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    });
    return Math.min(...times);
  };

  it.each(Object.entries(shapes))("%s", { timeout: 60_000 }, (_, unit) => {
    const [short, long] = [5_000, 80_000].map((length) =>
      costOf(unit.repeat(length / unit.length)),
    );
    const ratio = (long as number) / Math.max(short as number, 5);
    expect(ratio).toBeLessThan(16 * 6); // a quadratic one is 256 times as slow
  });
});
