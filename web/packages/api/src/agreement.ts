// Compiled, never run: the types that the inbox uses are those of the server's own document.

import type { components } from "./schema.d.ts";
import type {
  Agent,
  Channel,
  Connection,
  Connector,
  Contact,
  Counts,
  Found,
  Me,
  Message,
  Row,
  Snapshot,
} from "./types.ts";

type Served = components["schemas"];
type Fits<Server extends Ours, Ours> = Server;

export type Agreement = [
  Fits<Served["Agent"], Agent>,
  Fits<Served["Me"], Me>,
  Fits<Served["Counts"], Counts>,
  Fits<Served["Found"], Found>,
  Fits<Served["Row"], Row>,
  Fits<Served["Message"], Message>,
  Fits<Served["Contact"], Contact>,
  Fits<Served["Channel"], Channel>,
  Fits<Served["Connection"], Connection>,
  Fits<Served["Connector"], Connector>,
  Fits<Served["Snapshot"], Snapshot>,
];
