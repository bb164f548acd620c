export { createFeed } from "./feed.ts";
export {
  createOutbox,
  newClientId,
  openStorage,
  readJson,
  removeOp,
  sendOp,
  type TextStorage,
} from "./outbox.ts";
export { followPage } from "./page.ts";
export type * from "./types.ts";
