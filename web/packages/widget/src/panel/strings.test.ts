import { expect, test } from "vitest";
import en from "../../locales/en.json";
import es from "../../locales/es.json";
import it from "../../locales/it.json";
import { chooseLanguage, plural, translator } from "./strings.ts";
import { dayName, isSameDay, sizeText, timeOfDay } from "./times.ts";

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test.each([
  ["es", es],
  ["it", it],
])("%s has every string of English, with the same places", (_, strings) => {
  expect(Object.keys(strings).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries(en))
    expect([key, places(strings[key as keyof typeof en])]).toEqual([key, places(text)]);
});

test("the first language that there are words for is chosen", () => {
  expect(chooseLanguage([undefined, "fr-FR", "es-MX", "it"])).toBe("es");
  expect(chooseLanguage(["IT"])).toBe("it");
  expect(chooseLanguage(["__proto__", "toString", undefined])).toBe("en");
});

test("places are filled, unknown ones left out, missing strings named by their key", () => {
  const t = translator({ typing: "{name} is typing… {what}" });
  expect(t("typing", { name: "Ana" })).toBe("Ana is typing… ");
  expect(t("send")).toBe("send");
});

test("plural forms", () => {
  expect(plural("en", 1)).toBe("unread_one");
  expect(plural("it", 2)).toBe("unread_other");
});

test("days have names", () => {
  const now = new Date("2026-11-21T12:00:00");
  expect(dayName("2026-11-21T01:00:00", "en", now)).toBe("Today");
  expect(dayName("2026-11-20T23:00:00", "es", now)).toBe("Ayer");
  expect(dayName("2026-11-02T10:00:00", "it", now)).toBe("lunedì 2 novembre");
  expect(dayName("2025-11-02T10:00:00", "en", now)).toContain("2025");
  expect(isSameDay("2026-11-21T00:00:00", "2026-11-21T23:59:59")).toBe(true);
});

test("times are as the language writes them", () => {
  const time = (language: string) =>
    timeOfDay("2026-11-21T18:05:00", language).replace("\u202f", " ");
  expect(time("en")).toBe("6:05 PM");
  expect(time("es")).toBe("18:05");
  expect(time("it")).toBe("18:05");
});

test("sizes have units", () => {
  expect(sizeText(40_000, "en")).toBe("40 kB");
  expect(sizeText(2_500_000, "es")).toBe("2,5 MB");
});
