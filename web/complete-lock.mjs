// Adds the optional platform packages that the registry in use did not serve, so that `npm ci` finds the lock complete.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const names = new Set(Object.keys(lock.packages).map((path) => path.split("node_modules/").at(-1)));
for (const { optionalDependencies = {}, dev } of Object.values(lock.packages))
  for (const [name, version] of Object.entries(optionalDependencies))
    if (!names.has(name) && /^\d/.test(version))
      lock.packages[`node_modules/${name}`] = { version, ...(dev && { dev }), optional: true };
for (const [path, entry] of Object.entries(lock.packages))
  if (entry.extraneous) delete lock.packages[path];
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
