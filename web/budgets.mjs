// Prints the size of everything a browser fetches, gzip level 9, and fails above a limit. Run after the build.
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const built = new URL("../src/omnibox/_web/", import.meta.url);
const sizeOf = (path) => gzipSync(readFileSync(new URL(path, built)), { level: 9 }).length;
const readJson = (path) => JSON.parse(readFileSync(new URL(path, built), "utf8"));

const widget = readJson("widget/manifest.json");
const sizes = Object.fromEntries(
  Object.entries(widget).map(([name, file]) => [name, sizeOf(`widget/${file}`)]),
);
const locales = ["en", "es", "it"];
const locale = Math.max(...locales.map((name) => sizes[name]));

/** The inbox's page and all that it loads or preloads: scripts and styles. */
function firstRoute() {
  const page = readFileSync(new URL("inbox/index.html", built), "utf8");
  const files = [...page.matchAll(/(?:src|href)="\/inbox\/([^"]+\.(?:js|css))"/g)];
  return files.reduce((sum, [, file]) => sum + sizeOf(`inbox/${file}`), sizeOf("inbox/index.html"));
}

const rows = [
  ["widget loader", sizes.loader, 3_000],
  ["widget panel", sizes.panel, 14_000],
  ...locales.map((name) => [`widget words, ${name}`, sizes[name], 1_000]),
  ["widget whole: loader, panel, longest words", sizes.loader + sizes.panel + locale, 17_000],
  ["widget card mask, when the panel opens", sizes.mask, 4_200],
  ["widget files and calls, when used", sizes.extra, 2_000],
  ["widget long poll, where sockets are blocked", sizes.poll, 1_500],
];
if (existsSync(new URL("inbox/index.html", built)))
  rows.push(["inbox first route", firstRoute(), 260_000]);

const isOver = ([, size, limit]) => size > limit;
for (const row of rows) {
  const [name, size, limit] = row;
  const mark = isOver(row) ? "  OVER" : "";
  console.log(
    `${name.padEnd(46)}${String(size).padStart(8)} of ${String(limit).padStart(7)}${mark}`,
  );
}
if (rows.some(isOver)) process.exit(1);
