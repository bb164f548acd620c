import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What a package may import of ours. */
const allowed: Record<string, string[]> = {
  shared: [],
  api: ["shared"],
  realtime: ["shared"],
  widget: ["shared", "realtime"],
  inbox: ["shared", "api", "realtime"],
};
const packages = new URL("../../", import.meta.url);

test.each(Object.keys(allowed))("%s imports downwards only", (name) => {
  const source = new URL(`${name}/src/`, packages);
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  for (const file of files.filter((each) => /\.tsx?$/.test(each))) {
    const text = readFileSync(new URL(file, source), "utf8");
    for (const [, target] of text.matchAll(/from "@omnibox\/(\w+)/g))
      expect([file, allowed[name]]).toEqual([file, expect.arrayContaining([target])]);
    expect([file, /from "(?:\.\.\/)+packages\//.test(text)]).toEqual([file, false]);
  }
});
