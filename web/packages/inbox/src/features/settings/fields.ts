/** Declared settings as the fields of a form. An unknown hint is a plain text field. */

import type { SettingSchema, Settings, SettingsSchema } from "@omnibox/api";

export type Control =
  | "text"
  | "email"
  | "url"
  | "secret"
  | "number"
  | "switch"
  | "choice"
  | "tags"
  | "long"
  | "color"
  | "copy"
  | "consent";

export interface FormField {
  name: string;
  title: string;
  help: string;
  control: Control;
  isRequired: boolean;
  isWhole: boolean;
  choices: readonly string[];
  placeholder: string;
  group: string;
  /** Shown only while these other settings have these values, or one of them. */
  when: Readonly<Record<string, unknown>>;
  /** Has to be filled in while they have these; null: that hangs on nothing. */
  neededWhen: Readonly<Record<string, unknown>> | null;
  initial: unknown;
}

const controlOf = (schema: SettingSchema): Control => {
  const { type, format, enum: choices, writeOnly, readOnly } = schema;
  const hint = schema["x-ui"];
  if (hint === "oauth") return "consent"; // what an owner gave, with a place of its own on the page
  if (hint === "copy" || readOnly) return "copy";
  if (writeOnly) return "secret";
  if (choices?.length) return "choice";
  if (type === "boolean") return "switch";
  if (type === "integer" || type === "number") return "number";
  if (type === "array") return "tags";
  if (hint === "text" || hint === "long") return "long";
  if (hint === "color" || format === "color") return "color";
  if (format === "email") return "email";
  if (format === "uri" || format === "url") return "url";
  return "text";
};

const EMPTY: Partial<Record<Control, unknown>> = { switch: false, tags: [], number: "" };

/** «page_token» → «Page token», for a setting without a title. */
const wordsOf = (name: string): string => {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export function fieldsOf(schema: SettingsSchema | null): FormField[] {
  const required = new Set(schema?.required);
  return Object.entries(schema?.properties ?? {}).map(([name, one]) => {
    const control = controlOf(one);
    return {
      name,
      title: one.title || wordsOf(name),
      help: one.description ?? "",
      control,
      isRequired: required.has(name),
      isWhole: one.type === "integer",
      choices: one.enum ?? [],
      placeholder: one["x-ui-placeholder"] ?? String(one.examples?.[0] ?? ""),
      group: one["x-ui-group"] ?? "",
      when: one["x-ui-if"] ?? {},
      neededWhen: one["x-ui-required-if"] ?? null,
      initial: one.default ?? EMPTY[control] ?? "",
    };
  });
}

const fits = (when: Readonly<Record<string, unknown>>, values: Settings): boolean =>
  Object.entries(when).every(([name, wanted]) =>
    Array.isArray(wanted) ? wanted.includes(values[name]) : values[name] === wanted,
  );

export const isShown = (field: FormField, values: Settings): boolean =>
  field.control !== "consent" && fits(field.when, values);

export const isNeeded = (field: FormField, values: Settings): boolean =>
  field.isRequired || (field.neededWhen !== null && fits(field.neededWhen, values));

/** What the form starts with: stored values, else defaults. Secrets are never known. */
export function startOf(fields: readonly FormField[], stored: Settings): Settings {
  return Object.fromEntries(
    fields.map(({ name, control, initial }) => [
      name,
      control === "secret" ? "" : (stored[name] ?? initial),
    ]),
  );
}

/** What is sent: no read-only values, no secret that was left alone, no empty figure. */
export function settingsOf(fields: readonly FormField[], values: Settings): Settings {
  const sent = fields.filter((field) => {
    const value = values[field.name];
    if (field.control === "copy" || !isShown(field, values)) return false;
    return !((field.control === "secret" || field.control === "number") && value === "");
  });
  return Object.fromEntries(sent.map(({ name }) => [name, values[name]]));
}

/** Required fields that are still empty. A secret that is set needs no new value. */
export const missingOf = (
  fields: readonly FormField[],
  values: Settings,
  secretsSet: readonly string[],
): FormField[] =>
  fields.filter((field) => {
    const value = values[field.name];
    const isEmpty = value === "" || value === undefined || (Array.isArray(value) && !value.length);
    const isSet = field.control === "secret" && secretsSet.includes(field.name);
    const isAsked = field.control !== "switch" && field.control !== "copy";
    return isNeeded(field, values) && isAsked && isEmpty && !isSet && isShown(field, values);
  });
