import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contrastOf, readableOn } from "./contrast.ts";
import { dark, light, type TokenName } from "./tokens.ts";

const grounds = ["canvas", "surface", "subtle", "selected", "note"] as const;
const wanted: [TokenName, number][] = [
  ["control-border", 3],
  ["text", 7],
  ["muted", 4.5],
  ["accent-text", 4.5],
  ["success", 4.5],
  ["warning", 4.5],
  ["danger", 4.5],
];
const pairs: [TokenName, TokenName][] = [
  ["on-accent", "accent-fill"],
  ["on-success", "success"],
  ["on-danger", "danger"],
];

for (const [theme, tokens] of Object.entries({ light, dark })) {
  test.each(wanted)(`${theme}: %s reaches %d on every ground`, (name, least) => {
    const lowest = Math.min(...grounds.map((ground) => contrastOf(tokens[name], tokens[ground])));
    expect(lowest).toBeGreaterThanOrEqual(least);
  });

  test.each(pairs)(`${theme}: %s reads on %s`, (ink, ground) => {
    expect(contrastOf(tokens[ink], tokens[ground])).toBeGreaterThanOrEqual(4.5);
  });
}

test("the style sheet carries the same values", () => {
  const css = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
  for (const [name, color] of [...Object.entries(light), ...Object.entries(dark)])
    expect(css).toContain(`--${name}: ${color.toLowerCase()};`);
});

test("text on a colour is the one that reads better", () => {
  expect(readableOn("#ffe14d")).toBe("#000000");
  expect(readableOn("#2F5BEA")).toBe("#ffffff");
  expect(readableOn("#000000")).toBe("#ffffff");
});

test("black on white is 21", () => {
  expect(contrastOf("#000000", "#ffffff")).toBeCloseTo(21, 5);
});
