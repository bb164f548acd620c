import { contrastOf, dark, light } from "@omnibox/shared";
import { expect, test } from "vitest";
import { inkOn } from "./color.ts";
import css from "./panel/panel.css?raw";

test.each(["#2f5bea", "#000000", "#ffffff", "#ffe14d", "#e11d48", "#16a34a", "#f59e0b", "#0ea5e9"])(
  "the ink on %s reaches a contrast of 4.5",
  (color) => {
    const ink = inkOn(color) === "#fff" ? "#ffffff" : "#000000";
    expect(contrastOf(ink, color)).toBeGreaterThanOrEqual(4.5);
  },
);

test("the panel's colours are the tokens", () => {
  const [, bright = "", dim = ""] = css.split(/--fill:|@media \(prefers-color-scheme: dark\)/);
  for (const [sheet, tokens] of [
    [bright, light],
    [dim, dark],
  ] as const)
    for (const name of ["surface", "subtle", "line", "text", "muted", "success", "danger"] as const)
      expect(sheet).toContain(`--${name}: ${tokens[name].toLowerCase()};`);
});
