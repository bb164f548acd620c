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

/** Everything that the inbox's first page loads: the entry, what it imports statically, their styles. */
function firstRoute() {
  const manifest = readJson("inbox/.vite/manifest.json");
  const files = new Set(["index.html"]);
  const visit = (key) => {
    const chunk = manifest[key];
    if (files.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
    chunk.imports?.forEach(visit);
  };
  visit(Object.keys(manifest).find((key) => manifest[key].isEntry));
  return [...files].reduce((sum, file) => sum + sizeOf(`inbox/${file}`), 0);
}

const rows = [
  ["widget loader", sizes.loader, 3_000],
  ["widget panel", sizes.panel, 14_000],
  ...locales.map((name) => [`widget words, ${name}`, sizes[name], 1_000]),
  ["widget whole: loader, panel, longest words", sizes.loader + sizes.panel + locale, 17_000],
  ["widget card mask, when the panel opens", sizes.mask, 6_000],
  ["widget files and calls, when used", sizes.extra, 2_000],
  ["widget long poll, where sockets are blocked", sizes.poll, 1_500],
];
if (existsSync(new URL("inbox/.vite/manifest.json", built)))
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
