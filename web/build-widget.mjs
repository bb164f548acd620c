// Builds the widget: loader.js (classic script, stable name) and assets/* (hashed): panel, mask, extra, poll, one JSON per locale.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = at("packages/widget/");
const out = process.argv[2] ?? at("../src/omnibox/_web/widget/");

/** One bundle without splitting; answers the name of its file below `out`. */
async function bundle(entry, format, fileName, names) {
  const define = Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const result = await build({
    root: source,
    configFile: `${source}vite.config.ts`,
    logLevel: "warn",
    define,
    build: {
      outDir: out,
      emptyOutDir: false,
      target: "es2022",
      minify: "terser", // 160 bytes under the bundler's own minifier, after gzip
      terserOptions: {
        module: true,
        ecma: 2020,
        compress: { passes: 4, ecma: 2020, unsafe: true, unsafe_arrows: true, pure_getters: true },
        format: { comments: false },
      },
      cssTarget: ["chrome123", "firefox128", "safari18"], // else every colour and font is written twice
      modulePreload: false,
      rolldownOptions: {
        input: `${source}src/${entry}`,
        preserveEntrySignatures: "strict",
        output: { format, entryFileNames: fileName, codeSplitting: false },
      },
    },
  });
  return result.output[0].fileName;
}

rmSync(out, { recursive: true, force: true });
mkdirSync(`${out}/assets`, { recursive: true });
const locales = {};
for (const name of readdirSync(`${source}locales`)) {
  const text = JSON.stringify(JSON.parse(readFileSync(`${source}locales/${name}`, "utf8")));
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 8);
  const locale = name.replace(".json", "");
  locales[locale] = `assets/${locale}-${hash}.json`;
  writeFileSync(`${out}/${locales[locale]}`, text);
}
const extra = await bundle("extra.ts", "es", "assets/extra-[hash].js", {});
const mask = await bundle("mask.ts", "es", "assets/mask-[hash].js", {});
const panel = await bundle("panel/index.tsx", "es", "assets/panel-[hash].js", {
  __LOCALES__: locales,
  __EXTRA__: extra,
  __MASK__: mask,
});
const poll = await bundle("poll.ts", "es", "assets/poll-[hash].js", {});
const names = { __PANEL__: panel, __POLL__: poll };
const loader = await bundle("loader.ts", "iife", "loader.js", names);
writeFileSync(
  `${out}/manifest.json`,
  `${JSON.stringify({ loader, panel, mask, extra, poll, ...locales }, null, 2)}\n`,
);
