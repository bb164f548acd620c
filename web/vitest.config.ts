import { defineConfig } from "vitest/config";

const plain = (name: string) => ({
  test: { name, root: `packages/${name}`, include: ["src/**/*.test.ts"], environment: "node" },
});

const inBrowser = (name: string) => ({
  extends: `./packages/${name}/vite.config.ts`,
  test: {
    name,
    root: `packages/${name}`,
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "happy-dom",
    restoreMocks: true,
    css: true,
  },
});

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      plain("shared"),
      plain("api"),
      plain("realtime"),
      {
        ...inBrowser("widget"),
        define: {
          __LOCALES__: { en: "en.json", es: "es.json", it: "it.json" },
          __POLL__: '"poll.js"',
        },
      },
      inBrowser("inbox"),
    ],
  },
});
