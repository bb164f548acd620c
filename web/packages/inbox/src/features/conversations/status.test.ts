import type { Row } from "@omnibox/api";
import { expect, it } from "vitest";
import { row } from "../../testing/samples.ts";
import { type Status, statusOf } from "./status.ts";
import { steady } from "./steady.ts";

it.each<[Status, Partial<Row>, boolean]>([
  ["left", { presence: "left", unread: 3, answered: false }, true],
  ["typing", { presence: "here", unread: 3, answered: false }, true],
  ["new", { unread: 3, answered: false }, false],
  ["unread", { unread: 3 }, false],
  ["active", {}, false],
  ["idle", { state: "resolved" }, false],
  ["idle", { state: "resolved", answered: false }, false],
  ["left", { state: "resolved", presence: "left" }, false],
])("the first status that applies is %s", (status, change, isTyping) => {
  expect(statusOf(row(change), isTyping)).toBe(status);
});

it("an untouched list shows the live order", () => {
  expect(steady(null, [3, 1, 2])).toEqual({ ids: [3, 1, 2], waiting: 0 });
});

it("a list that is pointed at keeps its order and counts what waits", () => {
  expect(steady([1, 2, 3], [9, 3, 1, 2])).toEqual({ ids: [1, 2, 3], waiting: 2 });
});

it("rows that left go at once, older pages still join at the end", () => {
  expect(steady([1, 2, 3], [1, 3, 4, 5])).toEqual({ ids: [1, 3, 4, 5], waiting: 0 });
});

it("a list that was empty shows nothing new under the pointer", () => {
  expect(steady([], [1])).toEqual({ ids: [], waiting: 1 });
});
