/** Times in the reader's language and zone, and a clock that ticks for all of them at once. */

import { useSyncExternalStore } from "react";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TICK_MS = 15_000;

const listeners = new Set<() => void>();
let current = Date.now();
let timer: number | undefined;

const tick = () => {
  current = Date.now();
  for (const run of listeners) run();
};

const subscribe = (run: () => void) => {
  if (listeners.size === 0) {
    current = Date.now();
    timer = window.setInterval(tick, TICK_MS);
  }
  listeners.add(run);
  return () => {
    listeners.delete(run);
    if (listeners.size === 0) window.clearInterval(timer);
  };
};

/** Now, advancing every 15 s. A component repaints only when `read` gives something else. */
export const useNow = <T extends string | number | boolean>(read: (now: number) => T): T =>
  useSyncExternalStore(subscribe, () => read(current));

/** The reader's own region of the chosen language: en-GB, not en, decides how a date is written. */
const regionOf = (language: string): string =>
  navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

const formats = new Map<string, Intl.DateTimeFormat>();
const format = (locale: string, options: Intl.DateTimeFormatOptions, at: number): string => {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(regionOf(locale), options);
  formats.set(key, known);
  return known.format(at);
};

const startOfDay = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** Short: now, 5 min, 3 h, then the weekday, then the date. */
export function ago(time: string, now: number, locale: string): string {
  const at = Date.parse(time);
  const past = Math.max(0, now - at);
  const unit = (value: number, name: "minute" | "hour") =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "narrow" }).format(
      value,
    );
  if (past < MINUTE)
    return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(0, "second");
  if (past < HOUR) return unit(Math.floor(past / MINUTE), "minute");
  if (past < DAY) return unit(Math.floor(past / HOUR), "hour");
  if (past < 6 * DAY) return format(locale, { weekday: "short" }, at);
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(
    locale,
    { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "2-digit" }) },
    at,
  );
}

export const clockTime = (time: string, locale: string): string =>
  format(locale, { hour: "2-digit", minute: "2-digit" }, Date.parse(time));

export const fullTime = (time: string, locale: string): string =>
  format(locale, { dateStyle: "full", timeStyle: "short" }, Date.parse(time));

export const dateAndTime = (time: string, locale: string): string =>
  format(locale, { dateStyle: "medium", timeStyle: "short" }, Date.parse(time));

export const shortDate = (time: string, locale: string): string =>
  format(locale, { dateStyle: "medium" }, Date.parse(time));

/** Today, yesterday, a weekday, or a date. */
export function dayOf(time: string, now: number, locale: string): string {
  const at = Date.parse(time);
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY);
  if (days >= 0 && days < 2) {
    const word = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-days, "day");
    return word.charAt(0).toLocaleUpperCase(locale) + word.slice(1);
  }
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(
    locale,
    { weekday: "short", day: "numeric", month: "long", ...(isThisYear ? {} : { year: "numeric" }) },
    at,
  );
}

export const isSameDay = (one: string, other: string): boolean =>
  startOfDay(Date.parse(one)) === startOfDay(Date.parse(other));

/** «1 h 20 min», «45 min»; never less than one minute. */
export function span(ms: number, locale: string): string {
  const minutes = Math.max(1, Math.ceil(ms / MINUTE));
  const unit = (value: number, name: "minute" | "hour" | "day") =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "short" }).format(
      value,
    );
  if (minutes < 60) return unit(minutes, "minute");
  if (minutes >= 48 * 60) return unit(Math.floor(minutes / 1440), "day");
  const rest = minutes % 60;
  return unit(Math.floor(minutes / 60), "hour") + (rest ? ` ${unit(rest, "minute")}` : "");
}

export function bytes(size: number, locale: string): string {
  const [value, unit] =
    size >= 1e6
      ? [size / 1e6, "megabyte"]
      : size >= 1e3
        ? [size / 1e3, "kilobyte"]
        : [size, "byte"];
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit,
    // "byte" has no plural in its short form.
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: value < 10 && unit === "megabyte" ? 1 : 0,
  }).format(value);
}
