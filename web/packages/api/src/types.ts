/** The records on the wire, as the server sends them. Times are RFC 3339 in UTC; texts are already masked. */

export type Id = number;
export type Time = string;
export type Role = "owner" | "admin" | "agent";

export interface Agent {
  id: Id;
  name: string;
  email: string;
  role: Role;
  is_on: boolean;
  is_online: boolean;
  is_active: boolean;
}

export type Me = Agent & { signature: string; picture: string };

export interface Counts {
  mine: number;
  unassigned: number;
  all: number;
  resolved: number;
}

export type View = keyof Counts;

export interface Health {
  code: string | null;
  why: string | null;
  since: Time | null;
  /** Nothing can leave: replies wait. */
  is_down: boolean;
  /** Nothing arrives at the moment. */
  is_deaf: boolean;
}

export type ChannelState = "draft" | "active" | "paused" | "disabled";
export type Settings = Record<string, unknown>;

export interface Channel {
  id: Id;
  connection: Id;
  connector: string;
  name: string;
  address: string;
  state: ChannelState;
  health: Health;
  waiting: number;
  is_live: boolean;
  /** These only for whoever may change them. */
  settings?: Settings | null;
  secrets_set?: string[] | null;
  snippet?: string | null;
  problems?: Health[] | null;
}

/** How it stands with the consent of the account's owner. */
export interface Consent {
  is_given: boolean;
  /** Something is wrong that a new consent cures. */
  is_needed: boolean;
  /** It opens several addresses to choose from. */
  has_choices: boolean;
  has_device: boolean;
  redirect_url: string;
  missing: string | null;
}

/** One address that consent opened; `problem` says why it cannot be taken. */
export interface ConsentChoice {
  address: string;
  name: string;
  problem: string;
  is_taken: boolean;
}

/** Somebody asked, through a platform, to be erased. */
export interface ErasureAsked {
  id: Id;
  connection: Id;
  code: string;
  subject: string | null;
  contact: Id | null;
  asked_at: Time;
  done_at: Time | null;
}

export interface DeviceCode {
  user_code: string;
  url: string;
  expires_at: string;
  interval_s: number;
}

export interface Connection {
  id: Id;
  connector: string;
  name: string;
  state: ChannelState;
  health: Health;
  hook_url: string | null;
  settings: Settings;
  secrets_set: string[];
  consent: Consent | null;
  problems: Health[];
  channels: Channel[];
}

export interface FileLimits {
  count: number;
  bytes: number;
  types: string[];
}

/** How many choices of each kind one reply may bring, and how many characters their words may have. */
export interface Offers {
  quick_replies: number;
  buttons: number;
  cards: number;
  card_buttons: number;
  title: number;
  /** Of the text above buttons. */
  text: number;
  card_title: number;
  card_subtitle: number;
}

export interface Capabilities {
  max_text: number | null;
  formats: string[];
  files: FileLimits | null;
  offers: Offers | null;
  receipts: string[];
  windows: { until_s: number; mode: string; authors: string[]; needs: string }[];
  subject: boolean;
  recipients: boolean;
  /** One can write first, to an address that the contact's record holds. */
  by_address: boolean;
  threads_by: "contact" | "refs";
  live: boolean;
}

/** The part of JSON Schema that the server makes of declared settings. */
export interface SettingSchema {
  type?: "string" | "integer" | "number" | "boolean" | "array";
  title?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  format?: string;
  writeOnly?: boolean;
  readOnly?: boolean;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  items?: SettingSchema;
  examples?: unknown[];
  "x-ui"?: string;
  "x-ui-if"?: Record<string, unknown>;
  "x-ui-required-if"?: Record<string, unknown>;
  "x-ui-group"?: string;
  "x-ui-placeholder"?: string;
}

export interface SettingsSchema {
  type?: "object";
  properties?: Record<string, SettingSchema>;
  required?: string[];
}

export interface Connector {
  name: string;
  title: string;
  icon: string | null;
  in_list: boolean;
  colour: { light: string; dark: string };
  noun: string;
  summary: string;
  capabilities: Capabilities;
  connection_schema: SettingsSchema;
  channel_schema: SettingsSchema | null;
  steps: { title: string; text: string }[];
  has_check: boolean;
  has_webhook: boolean;
  error: string | null;
}

export interface ContactFields {
  name: string | null;
  email: string | null;
  phone: string | null;
}

export interface RowContact extends ContactFields {
  id: Id;
  label: string;
  /** Where it is found. */
  picture: string | null;
}

export interface Contact extends RowContact {
  rev: number;
  identities: { channel: Id | null; kind: string; address: string }[];
  conversations: Row[];
  created_at: Time;
}

export interface Policy {
  allowed: boolean;
  mode: string | null;
  until: Time | null;
  code: string | null;
  why: string | null;
  /** How it is sent, where that is not the ordinary way. */
  way: string | null;
  /** What is allowed after `until`. */
  afterwards: { until: Time | null; way: string | null } | null;
  /** The way that would be open if it were switched on. */
  lacks: string | null;
}

export type AuthorKind = "contact" | "agent" | "bot" | "system";
export type MessageKind = "inbound" | "outbound" | "note" | "line";

/** Somebody besides the contact: in copy of what was said, or let in by an agent. */
export interface Person {
  address: string;
  name: string | null;
  /** What they write may join. */
  is_confirmed: boolean;
  /** The last answer went to them in copy. */
  is_copied: boolean;
}

/** What an agent merged, split off or moved, and the two conversations now. */
export interface Rearranged {
  id: Id;
  source: Row;
  target: Row;
}

export interface Row {
  id: Id;
  rev: number;
  state: "open" | "resolved" | "merged";
  channel: Id;
  contact: RowContact;
  assignee: Id | null;
  unread: number;
  answered: boolean;
  subject: string | null;
  last: { id: Id; kind: MessageKind; author_kind: AuthorKind; text: string; at: Time } | null;
  last_at: Time;
  last_inbound_at: Time | null;
  opened_at: Time;
  automatic: boolean;
  /** Another conversation that its keys name; whoever wrote it does not belong there. */
  related: Id | null;
  /** Where an agent has put all of it. */
  merged_into: Id | null;
  people: Person[];
  policy: Policy;
  failed: number;
  presence: "here" | "left" | null;
  typing: boolean;
}

export interface Attachment {
  id: Id;
  name: string | null;
  content_type: string;
  size: number | null;
  is_inline: boolean;
  state: "ready" | "pending" | "failed";
  url: string | null;
}

export type DeliveryState =
  | "queued"
  | "sending"
  | "sent"
  | "delivered"
  | "read"
  | "failed"
  | "uncertain";

/** What became of one recipient's mail. */
export interface Outcome {
  address: string;
  state: "queued" | "sent" | "failed";
  code: string | null;
  why: string | null;
}

export interface Delivery {
  id: Id;
  position: number;
  state: DeliveryState;
  code: string | null;
  why: string | null;
  next_try_at: Time | null;
  at: Time | null;
  is_delayed: boolean;
  recipients: Outcome[];
}

/** It opens `url`; without one it comes back as a message that was chosen. */
export interface OfferedButton {
  title: string;
  url: string;
}

export interface OfferedCard {
  title: string;
  subtitle: string;
  image_url: string;
  buttons: OfferedButton[];
}

/** What a customer may choose from. */
export interface Offer {
  quick_replies: string[];
  buttons: OfferedButton[];
  cards: OfferedCard[];
}

export interface Message {
  id: Id;
  rev: number;
  conversation: Id;
  channel: Id;
  kind: MessageKind;
  author: { kind: AuthorKind; id: Id | null; name: string | null };
  text: string;
  reply_text: string | null;
  has_html: boolean;
  remote_images: number;
  subject: string | null;
  at: Time;
  created_at: Time;
  attachments: Attachment[];
  state: DeliveryState | null;
  deliveries: Delivery[];
  client_id: string | null;
  automatic: boolean;
  is_deleted: boolean;
  edited_at: Time | null;
  is_elsewhere: boolean;
  recipients: { to: string[]; cc: string[] } | null;
  offer: Offer | null;
  /** What `message` offered, by its number: quick replies, buttons, then the cards' buttons. */
  chosen: { message: Id; choice: number } | null;
  /** The key that placed it, or what a line of history says. */
  why: string | null;
  /** Another conversation that its keys name, or that the line is about. */
  related: Id | null;
  moved_from: Id | null;
  doubt: string | null;
  reactions: string[];
}

/** What a message said, and since when. */
export interface Edition {
  text: string;
  at: Time;
}

export interface May {
  settings: boolean;
  agents: boolean;
  resolve_any: boolean;
}

export interface Snapshot {
  epoch: string;
  seq: number;
  pass: string;
  build: string;
  version: string;
  me: Me;
  agents: Agent[];
  channels: Channel[];
  connectors: Connector[];
  counts: Counts;
  may: May;
}

export interface ConversationPage {
  conversations: Row[];
  next: string | null;
  seq: number;
}

export interface MessagePage {
  messages: Message[];
  next: Id | null;
  seq: number;
}

export interface Upload {
  id: string;
  name: string;
  content_type: string;
  size: number;
}

export interface Finding {
  name: string;
  ok: boolean | null;
  why: string;
  cure: string;
}

export interface Invitation {
  id: Id;
  email: string;
  name: string;
  role: Role;
  expires_at: Time;
}

export interface Link {
  link: string;
  expires_at: Time;
}

export interface LinkInfo {
  kind: "invite" | "reset";
  email: string;
  name: string;
}

/** A hidden spot that an agent says was no card number: its shape, never its digits. */
export interface MaskReport {
  id: Id;
  message: Id;
  conversation: Id;
  channel: string;
  at: Time;
  rule: string;
  scheme: string | null;
  shape: string;
  separators: string;
  last: string;
  around: string;
}

export interface Quarantined {
  id: Id;
  connection: Id;
  kind: string;
  at: Time;
  size: number;
  reason: string;
  excerpt: string;
}

type Joined =
  | {
      type: "message.added" | "message.changed" | "delivery.changed";
      message: Message;
      conversation: Row;
    }
  | {
      type:
        | "conversation.opened"
        | "conversation.changed"
        | "conversation.read"
        | "conversation.rearranged";
      conversation: Row;
    }
  | { type: "contact.changed"; contact: RowContact & { rev: number } }
  | { type: "agent.changed"; agent: Agent }
  | { type: "channel.changed"; id: Id; channel: Channel | null }
  | { type: "settings.changed"; area: string };

/** An entry of the log with its texts joined. Types not listed here arrive too and are skipped. */
export type FeedEvent = { seq: number; at: Time } & Joined;

export interface Piece {
  text: string;
  is_match: boolean;
}

/** A conversation, with the newest message of it that was found. */
export interface FoundHit {
  message: Id;
  kind: Message["kind"];
  author: Message["author"];
  at: Time;
  where: "text" | "subject" | "file" | "contact";
  match: "word" | "beginning" | "part";
  excerpt: Piece[];
  conversation: Row;
}

export interface Found {
  hits: FoundHit[];
  next: string | null;
  /** False while the index is still being filled with older messages. */
  is_complete: boolean;
}
