import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { linguiMacros } from "../../lingui-macros.ts";

interface Graph {
  getModuleInfo(id: string): { isEntry: boolean; importers: readonly string[] } | null;
}

// The kit's index imports every component, also those that only later pages use.
const LATER =
  /react-number-format|components\/(Checkbox|Color\w+|Combobox|Highlight|Mark|NumberInput|PasswordInput|Pill\w*|Radio\w*|ScrollArea|Select|TagsInput|Textarea|TextInput)\//;

const known = new Map<string, boolean>();

/** Whether the entry needs the module at once. Left alone, each set of pages that shares it gets a file of its own. */
const isNeededAtOnce = (id: string, graph: Graph): boolean => {
  const answer = known.get(id);
  if (answer !== undefined) return answer;
  known.set(id, false); // also stands while a circle of imports is followed
  const info = graph.getModuleInfo(id);
  const isNeeded =
    info !== null &&
    !LATER.test(id) &&
    (info.isEntry || info.importers.some((importer) => isNeededAtOnce(importer, graph)));
  known.set(id, isNeeded);
  return isNeeded;
};

export default defineConfig({
  base: "/inbox/",
  plugins: [linguiMacros(), react(), lingui({ failOnMissing: process.env.CI === "true" })],
  build: {
    outDir: "../../../src/omnibox/_web/inbox",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    chunkSizeWarningLimit: 800, // raw kB; the budget is counted in gzip bytes
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { debugName: "app", name: (id, graph) => (isNeededAtOnce(id, graph) ? "app" : null) },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      "/api": { target: "http://127.0.0.1:8080" },
      "/ws": { target: "http://127.0.0.1:8080", ws: true },
      "/w": { target: "http://127.0.0.1:8080", ws: true },
    },
  },
});
