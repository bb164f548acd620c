/** What every part of the panel draws from. */

import type { Config } from "../types.ts";
import type { Translate } from "./strings.ts";
import type { Talk } from "./talk.ts";
import type { Tray } from "./tray.ts";

export interface View {
  talk: Talk;
  tray: Tray;
  t: Translate;
  language: string;
  config: Config | undefined;
  changed(): void;
}
