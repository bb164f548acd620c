import type { Channel, Health } from "@omnibox/api";
import { expect, it } from "vitest";
import { troubled } from "./Troubles.tsx";

const well = { code: null, why: null, since: null, is_down: false, is_deaf: false };
const channel = (id: number, health: Partial<Health>, state: Channel["state"] = "active") =>
  ({ id, state, health: { ...well, ...health } }) as Channel;

const all = [
  channel(1, {}),
  channel(2, { code: "version_ends" }),
  channel(3, { code: "deaf", is_deaf: true }),
  channel(4, { code: "down", is_down: true }, "paused"),
  channel(5, { code: "down", is_down: true }, "disabled"),
];

it("shows admins everything, the worst first", () => {
  expect(troubled(all, true).map(({ id }) => id)).toEqual([4, 3, 2]);
});

it("spares agents what they can do nothing about", () => {
  expect(troubled(all, false).map(({ id }) => id)).toEqual([4, 3]);
});
