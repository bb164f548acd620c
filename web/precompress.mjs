// Writes .br and .gz beside every built text file, so that the server never compresses while it serves.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = new URL("../src/omnibox/_web/", import.meta.url);
const isText = (name) => /\.(js|css|html|json|svg|map)$/.test(name);
const SMALLEST = 512; // below this the headers of a compressed answer cost more than it saves

for (const name of readdirSync(root, { recursive: true })) {
  const file = new URL(name, root);
  if (!isText(name) || !statSync(file).isFile()) continue;
  const bytes = readFileSync(file);
  if (bytes.length < SMALLEST) continue;
  writeFileSync(`${file.pathname}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(
    `${file.pathname}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
}
