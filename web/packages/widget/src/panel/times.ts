/** Times as the visitor reads them. */

const DAY_MS = 86_400_000;

const startOfDay = (at: Date): number => new Date(at).setHours(0, 0, 0, 0);

/** «Today», «Yesterday», else weekday and date. */
export function dayName(at: string, language: string, now = new Date()): string {
  const date = new Date(at);
  const days = Math.round((startOfDay(date) - startOfDay(now)) / DAY_MS);
  if (days === 0 || days === -1) {
    const name = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
    return name.charAt(0).toUpperCase() + name.slice(1);
  }
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year,
  });
}

export const timeOfDay = (at: string, language: string): string =>
  new Date(at).toLocaleTimeString(language, { timeStyle: "short" });

export const isSameDay = (one: string, other: string): boolean =>
  startOfDay(new Date(one)) === startOfDay(new Date(other));

export function sizeText(bytes: number, language: string): string {
  const unit = bytes < 1e6 ? "kilobyte" : "megabyte";
  const format = new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / (bytes < 1e6 ? 1e3 : 1e6));
}
