/** Small true-to-type records for tests. */

import type { Agent, Channel, Connector, Me, Message, Row, Snapshot } from "@omnibox/api";

const AT = "2026-11-21T10:00:00.000Z";
const healthy = { code: null, why: null, since: null, is_down: false, is_deaf: false };

export const agent = (change: Partial<Agent> = {}): Agent => ({
  id: 1,
  name: "Giulia Bianchi",
  email: "giulia@shop.example",
  role: "owner",
  is_on: true,
  is_online: true,
  is_active: true,
  ...change,
});

export const me = (change: Partial<Me> = {}): Me => ({
  ...agent(),
  signature: "",
  picture: "",
  ...change,
});

export const connector = (change: Partial<Connector> = {}): Connector => ({
  name: "pigeon",
  title: "Pigeon post",
  icon: "M0 0h24v24H0z",
  in_list: true,
  colour: { light: "black", dark: "white" },
  noun: "letter",
  summary: "By air",
  capabilities: {
    max_text: null,
    formats: ["text"],
    files: { count: 2, bytes: 1_000, types: ["image/*", "application/pdf"] },
    offers: null,
    receipts: [],
    windows: [],
    subject: false,
    recipients: false,
    by_address: false,
    threads_by: "contact",
    live: false,
  },
  connection_schema: { properties: {} },
  channel_schema: null,
  steps: [],
  has_check: false,
  has_webhook: false,
  error: null,
  ...change,
});

export const channel = (change: Partial<Channel> = {}): Channel => ({
  id: 7,
  connection: 3,
  connector: "pigeon",
  name: "The loft",
  address: "loft",
  state: "active",
  health: healthy,
  waiting: 0,
  is_live: false,
  ...change,
});

export const row = (change: Partial<Row> = {}): Row => ({
  id: 12,
  rev: 1,
  state: "open",
  channel: 7,
  contact: { id: 5, label: "Ana García", name: "Ana García", email: null, phone: null },
  assignee: null,
  unread: 0,
  answered: true,
  subject: null,
  last: null,
  last_at: AT,
  last_inbound_at: null,
  opened_at: AT,
  automatic: false,
  related: null,
  merged_into: null,
  people: [],
  policy: {
    allowed: true,
    mode: null,
    until: null,
    code: null,
    why: null,
    way: null,
    afterwards: null,
    lacks: null,
  },
  failed: 0,
  presence: null,
  typing: false,
  ...change,
});

export const message = (change: Partial<Message> = {}): Message => ({
  id: 100,
  rev: 1,
  conversation: 12,
  channel: 7,
  kind: "inbound",
  author: { kind: "contact", id: 5, name: "Ana García" },
  text: "Hello",
  reply_text: null,
  has_html: false,
  remote_images: 0,
  subject: null,
  at: AT,
  created_at: AT,
  attachments: [],
  state: null,
  deliveries: [],
  client_id: null,
  automatic: false,
  is_deleted: false,
  edited_at: null,
  is_elsewhere: false,
  recipients: null,
  offer: null,
  chosen: null,
  why: null,
  related: null,
  moved_from: null,
  doubt: null,
  reactions: [],
  ...change,
});

export const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  epoch: "k1",
  seq: 0,
  pass: "pass",
  build: "b1",
  version: "0.1.0",
  me: me(),
  agents: [agent()],
  channels: [channel()],
  connectors: [connector()],
  counts: { mine: 0, unassigned: 0, all: 0, resolved: 0 },
  may: { settings: true, agents: true, resolve_any: true },
  ...change,
});
