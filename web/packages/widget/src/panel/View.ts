/** What every part of the panel draws from. */

import type { Config } from "../types.ts";
import type { Translate } from "./strings.ts";
import type { Talk } from "./talk.ts";

export interface View {
  talk: Talk;
  t: Translate;
  language: string;
  config: Config | undefined;
}
