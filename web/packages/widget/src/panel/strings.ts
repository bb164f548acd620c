/** The panel's words: English is built in, another language is one small file. */

import en from "../../locales/en.json";

declare const __LOCALES__: Record<string, string>;

export type StringKey = keyof typeof en;
export type Strings = Readonly<Record<string, string>>;
export type Translate = (key: StringKey, values?: Record<string, string | number>) => string;

export const english: Strings = en;

/** The first wish that there are words for, by its language without the region. */
export function chooseLanguage(wishes: readonly (string | undefined)[]): string {
  for (const wish of wishes) {
    const language = wish?.slice(0, 2).toLowerCase() ?? "";
    if (language === "en" || Object.hasOwn(__LOCALES__, language)) return language;
  }
  return "en";
}

/** Answers English where the file cannot be loaded. */
export async function loadStrings(base: string, language: string): Promise<Strings> {
  if (language === "en") return english;
  try {
    const answer = await fetch(base + __LOCALES__[language], { credentials: "omit" });
    return { ...english, ...(await answer.json()) };
  } catch {
    return english;
  }
}

export const translator =
  (strings: Strings, own: Strings): Translate =>
  (key, values = {}) =>
    (own[key] ?? strings[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => `${values[name] ?? ""}`);

/** The key of a count's plural form: en, es and it need two. */
export const plural = (language: string, count: number): "unread_one" | "unread_other" =>
  new Intl.PluralRules(language).select(count) === "one" ? "unread_one" : "unread_other";
