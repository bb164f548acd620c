// Fails when the lock names a host, or an entry that every machine installs has no hash.
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(
  readFileSync(new URL("package-lock.json", import.meta.url), "utf8"),
);
const faults = Object.entries(packages).flatMap(([path, entry]) => {
  if (entry.resolved?.includes(":")) return [`${path}: names ${entry.resolved}`];
  const isFetched = path.includes("node_modules/") && !entry.link && !entry.inBundle;
  return isFetched && !entry.integrity && !entry.optional ? [`${path}: no hash`] : [];
});
if (faults.length) throw new Error(faults.join("\n"));
