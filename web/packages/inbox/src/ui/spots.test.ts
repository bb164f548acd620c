import { expect, it } from "vitest";
import { spotsOf } from "./spots.ts";

it.each([
  ["Take •••• •••• •••• 1111 please", ["•••• •••• •••• 1111"]],
  ["••••••••••••1111, ••/••, •••", ["••••••••••••1111", "••/••, •••"]],
  ["•••• •••• •••• 1111 and •••• •••••• •0005", ["•••• •••• •••• 1111", "•••• •••••• •0005"]],
  ["• one\n• two", []],
  ["•••••••11111 9", ["•••••••1111"]],
  ["Order 4821", []],
])("the hidden spots of «%s»", (text, spots) => {
  expect(spotsOf(text)).toEqual(spots);
});
