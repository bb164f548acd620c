/** The panel's words: one small file per language. */

import type en from "../../locales/en.json";

declare const __LOCALES__: Record<string, string>;

export type StringKey = keyof typeof en;
export type Strings = Readonly<Record<string, string>>;
export type Translate = (key: StringKey, values?: Record<string, string | number>) => string;

/** The first wish that there are words for, by its language without the region. */
export const chooseLanguage = (wishes: readonly (string | undefined)[]): string =>
  wishes
    .map((wish) => wish?.slice(0, 2).toLowerCase() ?? "")
    .find((language) => Object.hasOwn(__LOCALES__, language)) ?? "en";

export async function loadStrings(base: string, language: string): Promise<Strings> {
  return (await fetch(base + __LOCALES__[language], { credentials: "omit" })).json();
}

export const translator =
  (strings: Strings): Translate =>
  (key, values = {}) =>
    (strings[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => `${values[name] ?? ""}`);

/** The key of a count's plural form: en, es and it need two. */
export const plural = (language: string, count: number): "unread_one" | "unread_other" =>
  new Intl.PluralRules(language).select(count) === "one" ? "unread_one" : "unread_other";
