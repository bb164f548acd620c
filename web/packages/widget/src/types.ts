/** What the loader and the panel share: the wire's shapes and the one state both show. */

import type {
  Ack,
  Feed,
  FeedEvent,
  FeedSocket,
  Hint,
  Nack,
  Op,
  Outbox,
  TextStorage,
  Welcome,
} from "@omnibox/realtime";

export interface Config {
  title: string;
  greeting: string;
  color: string;
  side: "right" | "left";
  lang: "en" | "es" | "it" | "auto";
  online: boolean;
  offline_text: string;
  ask_email: boolean;
  team: { name: string }[];
}

export interface Attachment {
  id: number;
  name: string | null;
  content_type: string;
  size: number | null;
  key: string | null;
  state: string;
}

export interface Message {
  id: number;
  rev: number;
  kind: "inbound" | "outbound" | "line";
  author: { name: string } | null;
  text: string;
  at: string;
  attachments: Attachment[];
  client_id: string | null;
  is_deleted: boolean;
}

export interface VisitorWelcome extends Welcome {
  token?: string;
  config: Config;
  messages?: Message[];
  more?: boolean;
}

export interface MessageEvent extends FeedEvent {
  message?: Message;
}

export interface UploadedFile {
  id: string;
  name: string;
  content_type: string;
  size: number;
}

/** The panel, once its chunk is there: it holds the messages, what is open and what is unread. */
export interface PanelUi {
  /** The chat's `welcome`, the storage or the feed's state may have changed. */
  draw(): void;
  toggle(): void;
  apply(events: MessageEvent[]): void;
  /** An op was taken or refused. */
  settle(answer: Ack | Nack, op: Op | undefined): void;
  hint(hint: Hint): void;
  /** A call of the host page that the loader leaves to the panel. */
  call(name: unknown, values: unknown[]): void;
}

/** The loader's side. */
export interface Chat {
  /** The attributes of the script element. */
  readonly data: DOMStringMap;
  /** Ends in `/w/`. */
  readonly base: string;
  readonly root: ShadowRoot;
  readonly wrapper: HTMLElement;
  readonly launcher: HTMLButtonElement;
  readonly storage: TextStorage;
  readonly outbox: Outbox;
  feed: Feed;
  /** All that the welcomes said; none before the first. */
  welcome?: VisitorWelcome;
  /** The welcome's, or that of the last page. */
  config?: Config | undefined;
  /** What the last hello or welcome said. */
  token: string | null;
  ui?: PanelUi;
  /** What the page listens to, by the name of the event. */
  readonly listeners: Set<[string, (detail?: unknown) => void]>;
  /** Takes the widget off the page. */
  leave(): void;
  /** Loads the panel's chunk unless it is there; without a net it does nothing. */
  withPanel(use: (ui: PanelUi) => void): void;
}

/** Keys of the storage: token, config, outbox (loader); open, read, failed (panel). */
export interface PanelModule {
  mount(chat: Chat): PanelUi;
}

export interface PollModule {
  openPoll(chat: Chat): FeedSocket;
}
