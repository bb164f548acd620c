// @vitest-environment node
/** Rules of the house that no linter knows. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL(".", import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(ts|tsx|css)$/.test(path) && !path.includes(".test."))
  .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") }));
const offenders = (pattern: RegExp, among = files) =>
  among.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

it("looks at the whole inbox", () => {
  expect(files.length).toBeGreaterThan(80);
});

it("no channel is known by name", () => {
  expect(offenders(/messenger|facebook|\bimap|\bsmtp|webchat|whatsapp|telegram/i)).toEqual([]);
});

it("colours come from the tokens only", () => {
  const raw = /#[0-9a-f]{3,8}\b(?!\w)|\brgba?\(|\bhsla?\(|\boklch\(/i;
  expect(
    offenders(
      raw,
      files.filter(({ path }) => path.endsWith(".css")),
    ),
  ).toEqual([]);
  expect(offenders(/["'`]#[0-9a-f]{3,8}["'`]|\brgba?\(/i)).toEqual([]);
});

it("a feature does not reach into another one", () => {
  const reaching = files.flatMap(({ path, text }) => {
    const own = /^features\/(\w+)\//.exec(path)?.[1];
    if (!own) return [];
    const others = [...text.matchAll(/from "\.\.\/(\w+)\//g)].map(([, name]) => name);
    return others.length ? [`${path} → ${others}`] : [];
  });
  expect(reaching).toEqual([]);
});

it("markup is never made of text", () => {
  expect(offenders(/dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML/)).toEqual([]);
});

it("files stay within 400 lines", () => {
  expect(files.filter(({ text }) => text.split("\n").length > 400)).toEqual([]);
});
