/** The chunk for what few visits need: files, and the host page's calls. */

export { createCalls } from "./extra/calls.ts";
export { paint, saveFile, upload } from "./extra/files.ts";
