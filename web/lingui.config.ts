import { defineConfig } from "@lingui/conf";
import { formatter } from "@lingui/format-po";

export default defineConfig({
  sourceLocale: "en",
  locales: ["en", "es", "it"],
  catalogs: [
    {
      path: "<rootDir>/packages/inbox/src/locales/{locale}",
      include: ["<rootDir>/packages/inbox/src"],
    },
  ],
  format: formatter({ lineNumbers: false }),
});
