import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { linguiMacros } from "../../lingui-macros.ts";

export default defineConfig({
  base: "/inbox/",
  plugins: [linguiMacros(), react(), lingui({ failOnMissing: process.env.CI === "true" })],
  build: {
    outDir: "../../../src/omnibox/_web/inbox",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
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
