import { transformAsync } from "@babel/core";
import type { Plugin } from "vite";

/** Expands Lingui macros before the React plugin sees a file; Babel only touches files that import a macro. */
export const linguiMacros = (): Plugin => ({
  name: "lingui-macros",
  enforce: "pre",
  transform: {
    filter: { id: /\.tsx?$/, code: /@lingui\/(core|react)\/macro/ },
    async handler(code, id) {
      const result = await transformAsync(code, {
        filename: id,
        configFile: false,
        babelrc: false,
        sourceMaps: true,
        parserOpts: { plugins: ["typescript", "jsx"] },
        plugins: ["@lingui/babel-plugin-lingui-macro"],
      });
      return result?.code ? { code: result.code, map: result.map ?? null } : null;
    },
  },
});
