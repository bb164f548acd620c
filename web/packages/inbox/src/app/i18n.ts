/** Languages of the inbox: chosen here, else by the browser, else English. */

import { i18n, type Messages } from "@lingui/core";
import { storage } from "./services.ts";

export const languages = { en: "English", es: "Español", it: "Italiano" } as const;
export type Language = keyof typeof languages;

const catalogues = import.meta.glob<{ messages: Messages }>("../locales/*.po");
const isLanguage = (text: string): text is Language => text in languages;

export function preferredLanguage(): Language {
  const wanted = [storage.getItem("language") ?? "", ...navigator.languages];
  return wanted.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? "en";
}

export async function activateLanguage(language: Language): Promise<void> {
  const { messages } = (await catalogues[`../locales/${language}.po`]?.()) ?? { messages: {} };
  i18n.loadAndActivate({ locale: language, messages });
  document.documentElement.lang = language;
}

export async function setLanguage(language: Language): Promise<void> {
  storage.setItem("language", language);
  await activateLanguage(language);
}
