import type { SettingsSchema } from "@omnibox/api";
import { expect, it } from "vitest";
import { fieldsOf, isShown, missingOf, settingsOf, startOf } from "./fields.ts";

const schema: SettingsSchema = {
  type: "object",
  required: ["app", "token", "sites"],
  properties: {
    app: { type: "string", title: "App" },
    token: { type: "string", writeOnly: true },
    verify_token: { type: "string", "x-ui": "copy" },
    port: { type: "integer", default: 993 },
    share: { type: "number" },
    on: { type: "boolean", default: true },
    side: { type: "string", enum: ["left", "right"], default: "right" },
    sites: { type: "array", items: { type: "string" } },
    greeting: { type: "string", "x-ui": "text" },
    look: { type: "string", "x-ui": "color" },
    mail: { type: "string", format: "email" },
    hook: { type: "string", format: "uri", "x-ui-if": { on: true }, "x-ui-group": "advanced" },
    odd: { type: "string", "x-ui": "hologram" },
  },
};
const fields = fieldsOf(schema);
const named = (name: string) => fields.find((field) => field.name === name);

it("every declared kind has its control, an unknown hint the plain one", () => {
  expect(Object.fromEntries(fields.map(({ name, control }) => [name, control]))).toEqual({
    app: "text",
    token: "secret",
    verify_token: "copy",
    port: "number",
    share: "number",
    on: "switch",
    side: "choice",
    sites: "tags",
    greeting: "long",
    look: "color",
    mail: "email",
    hook: "url",
    odd: "text",
  });
});

it("a setting without a title is named by its name", () => {
  expect(named("verify_token")?.title).toBe("Verify token");
});

it("starts with stored values, then defaults; secrets are never known", () => {
  const start = startOf(fields, { app: "a1", token: "leaked", on: false });
  expect(start).toMatchObject({
    app: "a1",
    token: "",
    on: false,
    port: 993,
    side: "right",
    sites: [],
  });
});

it("sends no secret that was left alone, no read-only value and no empty figure", () => {
  const sent = settingsOf(fields, startOf(fields, { app: "a1" }));
  expect(Object.keys(sent).sort()).toEqual(
    ["app", "greeting", "hook", "look", "mail", "odd", "on", "port", "side", "sites"].sort(),
  );
  expect(settingsOf(fields, { ...startOf(fields, {}), token: "new" })).toMatchObject({
    token: "new",
  });
});

it("a setting that depends on another one is shown, asked for and sent with it only", () => {
  const off = { ...startOf(fields, {}), on: false };
  const hook = named("hook");
  expect(hook && isShown(hook, off)).toBe(false);
  expect(settingsOf(fields, off)).not.toHaveProperty("hook");
});

it("names the required fields that are empty; a secret that is set needs no new value", () => {
  const start = startOf(fields, {});
  expect(missingOf(fields, start, []).map(({ name }) => name)).toEqual(["app", "token", "sites"]);
  const filled = { ...start, app: "a1", sites: ["https://shop.example"] };
  expect(missingOf(fields, filled, ["token"])).toEqual([]);
});

it("a connector without settings makes an empty form", () => {
  expect(fieldsOf(null)).toEqual([]);
  expect(fieldsOf({})).toEqual([]);
});

it("a setting may hang on another one's value, in showing and in being needed", () => {
  const chosen = fieldsOf({
    properties: {
      login: { type: "string", enum: ["password", "google", "other"], default: "password" },
      password: {
        type: "string",
        writeOnly: true,
        "x-ui-if": { login: ["password"] },
        "x-ui-required-if": { login: ["password"] },
      },
      host: { type: "string", "x-ui-required-if": { login: ["password", "other"] } },
      grant: { type: "string", writeOnly: true, readOnly: true, "x-ui": "oauth" },
    },
  });
  const missing = (values: Record<string, unknown>) =>
    missingOf(chosen, { ...startOf(chosen, {}), ...values }, []).map(({ name }) => name);
  expect(missing({})).toEqual(["password", "host"]);
  expect(missing({ login: "google" })).toEqual([]);
  expect(missing({ login: "other" })).toEqual(["host"]);
  const sent = settingsOf(chosen, {
    ...startOf(chosen, {}),
    login: "google",
    password: "left over",
  });
  expect(Object.keys(sent)).toEqual(["login", "host"]);
});
